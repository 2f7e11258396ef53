# Worker shares: a group of sorted bars a strategy, the chance band of each rank behind, a line at the even share.
hover_y = '%'
data = name . '.dat'
stats data using 3 nooutput
top = STATS_max
stats data using 5 nooutput
if (STATS_max > top) { top = STATS_max }
set xrange [-1.2:last + 1.2]
set yrange [0:top * 1.2]
set ylabel 'share of the requests, %'
unset xtics
plot data using 1:4:($1 - 0.48):($1 + 0.48):4:5 with boxxyerror fs solid 1.0 noborder lc rgb '#d4d4d4', \
     data using 1:3:(0.56):(colour($2)) with boxes fs solid 1.0 noborder lc rgb variable, \
     even with lines lc rgb '#222222' lw 1 dt (4,4)
