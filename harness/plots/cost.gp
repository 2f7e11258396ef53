# CPU per request: user below, system above, the interval of the sum as a whisker. The script gives the bars' names as xtics.
hover_y = 'us'
data = name . '.dat'
stats data using 6 nooutput
top = STATS_max
set xrange [-0.6:bars - 0.4]
set yrange [0:top * 1.18]
set ylabel 'CPU microseconds per request'
set xtics scale 0
if (bars > 7) { set xtics rotate by 20 right }
set style fill solid noborder
plot data using 1:4:(0.62):(colour($3)) with boxes fs solid 0.45 lc rgb variable, \
     data using 1:7:(0.62):(colour($3)) with boxes fs solid 1.0 lc rgb variable, \
     data using 1:5:(0):($6 - $5) with vectors heads size screen 0.006,90 lc rgb '#222222' lw 1.5, \
     data using 1:6:(sprintf('%.1f', $4)) with labels offset 0,0.8 font ',12'
