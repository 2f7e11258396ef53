# p50 and p99: against load where there are several loads, side by side where there is one.
hover_logs = 'y'
hover_y = 'ms'
hover_x = (loads > 1) ? '1/s' : '-'
data = name . '.dat'
set logscale y
set ylabel 'response time, ms'
set ytics (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000)
set boxwidth 0.3
set bars 0.6
stats data using 9 nooutput
top = STATS_max
stats data using 5 nooutput
set yrange [STATS_min * 0.6:top * 1.6]
if (loads > 1) {
    set xlabel load_axis offset 0,0.5
    set key outside right center reverse Left samplen 3
    set rmargin 22
    set offsets graph 0.05, graph 0.05, 0, 0
    plot for [i=1:curves] data index (i-1) using 1:8:9 with filledcurves fs transparent solid 0.15 lc rgb colour(curve_style[i]), \
         for [i=1:curves] data index (i-1) using 1:7 with linespoints ls style_of(curve_style[i]) title curve_name[i] . ' p99', \
         for [i=1:curves] data index (i-1) using 1:4 with lines lc rgb colour(curve_style[i]) lw 1.8 dt (2,4) title (i == 1 ? 'dotted: median' : '')
} else {
    set xrange [-0.6:curves - 0.4]
    set xtics scale 0
    plot for [i=1:curves] data index (i-1) using (i-1):4:4:7:7:xtic(curve_name[i]) with candlesticks fs transparent solid 0.25 noborder lc rgb colour(curve_style[i]) lw 1, \
         for [i=1:curves] data index (i-1) using (i-1):7:8:9 with yerrorbars lc rgb colour(curve_style[i]) lw 2 pt 7 ps 1.1, \
         for [i=1:curves] data index (i-1) using (i-1):4:5:6 with yerrorbars lc rgb colour(curve_style[i]) lw 2 pt 6 ps 1.1, \
         for [i=1:curves] data index (i-1) using (i-1):9:(sprintf('p99 %.1f', $7)) with labels offset 0,0.9 font ',12', \
         for [i=1:curves] data index (i-1) using (i-1):5:(sprintf('p50 %.1f', $4)) with labels offset 0,-0.9 font ',12'
}
