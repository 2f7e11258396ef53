# Response time by percentile: the distance from 100 % on a log axis, so that the tail has room.
hover_logs = 'xy'
hover_y = 'ms'
hover_x = '1/(1-p)'
data = name . '.dat'
set logscale xy
set xlabel 'percentile' offset 0,0.5
set ylabel 'response time, ms'
set xtics ('50 %%' 2, '75 %%' 4, '90 %%' 10, '95 %%' 20, '98 %%' 50, '99 %%' 100, '99.5 %%' 200, '99.9 %%' 1000, '99.99 %%' 10000)
set ytics (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000)
set autoscale xfix
set key outside right center reverse Left samplen 3
set rmargin 20
set grid xtics ytics lc rgb '#dddddd' lw 1
plot for [i=1:curves] data index (i-1) using 1:3 with lines ls style_of(curve_style[i]) lw 2.5 title curve_name[i]
