# p50 and p99: against load where there are several loads (the hockey stick), a row a strategy where there is one.
hover_logs = against_load ? 'y' : 'x'
hover_x = against_load ? '1/s' : 'ms'
hover_y = against_load ? 'ms' : '-'
unset key
milliseconds(x) = x >= 100 ? sprintf('%.0f', x) : sprintf('%.3g', x) # three figures, however small
data = name . '.dat'
if (against_load) {
    set logscale y
    @ytics_of_times
    set ylabel 'response time, ms'
    set xlabel 'offered load, requests/s'
    set rmargin name_length * 0.95 + 4
    set offsets graph 0.03, graph 0.01, 0, 0
    set xtics nomirror
    if (capacity == capacity) {
        set tmargin 8.6
        set link x2 via x / capacity inverse x * capacity
        set x2tics 0.1 nomirror format '%.1f'
        set x2label 'part of capacity (rho)' offset 0,-0.3
        set border 7
    }
    if (ceiling == ceiling) {
        set object 900 rectangle from ceiling, graph 0 to graph 1, graph 1 fs solid 0.5 noborder fc rgb '#e4e4e4' behind
        set label 900 'generator in doubt' at graph 0.99, graph 0.03 right font small textcolor rgb '#666666'
    }
    do for [i=1:curves] {
        set label (100 + i) curve_name[i] at graph 1.025, first name_y[i] left font small textcolor rgb colour(curve_style[i])
        set arrow (100 + i) from first end_x[i], first end_y[i] to graph 1.02, first name_y[i] nohead lc rgb '#bbbbbb' lw 0.8
    }
    plot for [i=1:curves] data index (i-1) using 1:8:9 with filledcurves fs transparent solid 0.16 lc rgb colour(curve_style[i]), \
         for [i=1:theories * 2] data index curves using 1:(column(1 + i)) with lines lc rgb '#222222' lw 1.2 dt (8,5), \
         for [i=1:curves] data index (i-1) using 1:4 with linespoints ls style_of(curve_style[i]) lw 1 ps 0.4, \
         for [i=1:curves] data index (i-1) using 1:7 with linespoints ls style_of(curve_style[i]) ps 1, \
         for [i=1:curves] data index (i-1) using 1:($10 > 0 ? NaN : $7) with points pt 2 ps 1.8 lw 2 lc rgb '#a04000'
} else {
    set logscale x
    @xtics_of_times
    set xlabel 'response time, ms'
    set grid noytics xtics lc rgb '#dddddd' lw 1 dt 1
    set ytics scale 0
    set lmargin name_length * 0.95 + 2
    set yrange [rows - 0.2:-0.6]
    set xrange [least / 1.7:most * 1.4] # room for the figures
    set bars 0.5
    if (theories) {
        set arrow 101 from theory_p50, graph 0 to theory_p50, graph 1 nohead lc rgb '#222222' lw 1.2 dt (8,5)
        set arrow 102 from theory_p99, graph 0 to theory_p99, graph 1 nohead lc rgb '#222222' lw 1.2 dt (8,5)
        set label 101 theory_name . ' p50' at theory_p50, graph 1.0 center offset 0,0.5 font small textcolor rgb '#222222'
        set label 102 theory_name . ' p99' at theory_p99, graph 1.0 center offset 0,0.5 font small textcolor rgb '#222222'
    }
    plot data index 0 using 4:1:($7 - $4):(0):(colour($3)) with vectors nohead lw 1 lc rgb variable, \
         data index 0 using 4:1:5:6:(colour($3)) with xerrorbars pt 7 ps 1.0 lw 2 lc rgb variable, \
         data index 0 using 4:1 with points pt 7 ps 0.6 lc rgb '#ffffff', \
         data index 0 using 7:1:8:9:(colour($3)) with xerrorbars pt 7 ps 1.1 lw 2 lc rgb variable, \
         data index 0 using 9:1:('  ' . milliseconds($7)) with labels left font small, \
         data index 0 using 5:1:(milliseconds($4) . '  ') with labels right font small
}
