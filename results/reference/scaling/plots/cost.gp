# CPU per request, a bar a row: user, then system, the interval of the sum as a whisker; thin below it the proxy's part and the
# generator's own.
hover_x = 'us'
unset key
data = name . '.dat'
set xrange [0:top * 1.14]
set yrange [rows - 0.45:-0.55]
set lmargin name_length * 0.95 + 2
set xlabel 'CPU microseconds per request'
set grid noytics xtics lc rgb '#dddddd' lw 1 dt 1
set ytics scale 0
plot data using 4:1:(0):4:($1 - 0.36):($1 + 0.12):(colour($3)) with boxxyerror fs solid 0.45 noborder lc rgb variable, \
     data using 7:1:(0):7:($1 - 0.36):($1 + 0.12):(colour($3)) with boxxyerror fs solid 1.0 noborder lc rgb variable, \
     data using 9:1:(0):9:($1 + 0.14):($1 + 0.28):(colour($3)) with boxxyerror fs solid 0.75 noborder lc rgb variable, \
     data using 10:1:(0):10:($1 + 0.3):($1 + 0.4):(0xaaaaaa) with boxxyerror fs solid 1.0 noborder lc rgb variable, \
     data using 5:($1 - 0.12):($6 - $5):(0) with vectors heads size screen 0.005,90 lc rgb '#222222' lw 1.5, \
     data using 6:($1 - 0.12):(sprintf('%.1f', $4)) with labels left offset 0.8,0 font small
