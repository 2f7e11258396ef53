# Response time by percentile: the distance from 100 % on a log axis, so that the tail has room.
hover_logs = 'xy'
hover_y = 'ms'
hover_x = '1/(1-p)'
unset key
data = name . '.dat'
set logscale xy
set xlabel 'percentile'
set ylabel 'response time, ms'
set xtics ('50 %%' 2, '75 %%' 4, '90 %%' 10, '95 %%' 20, '98 %%' 50, '99 %%' 100, '99.5 %%' 200, '99.9 %%' 1000, '99.99 %%' 10000)
@ytics_of_times
set autoscale xfix
set rmargin name_length * 0.95 + 4
set grid xtics ytics lc rgb '#dddddd' lw 1
do for [i=1:curves] {
    set label (100 + i) curve_name[i] at graph 1.025, first name_y[i] left font small textcolor rgb colour(curve_style[i])
    set arrow (100 + i) from first end_x[i], first end_y[i] to graph 1.02, first name_y[i] nohead lc rgb '#bbbbbb' lw 0.8
}
plot for [i=1:curves] data index (i-1) using 1:4 with lines ls style_of(curve_style[i]) lw 1, \
     for [i=1:curves] data index (i-1) using 1:3 with lines ls style_of(curve_style[i]) lw 2.5
