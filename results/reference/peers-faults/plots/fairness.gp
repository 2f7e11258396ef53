# Jain's index by length of window: taking turns hides in totals.
hover_logs = 'x'
hover_x = 's'
hover_y = ''
data = name . '.dat'
set logscale x
set xlabel 'window, s' offset 0,0.5
set ylabel "Jain's index of the workers' requests"
set xtics ('0.1' 0.1, '0.2' 0.2, '0.5' 0.5, '1' 1, '2' 2, '5' 5, '10' 10, '20' 20, '60' 60)
set xtics add ('whole run' duration)
set xrange [0.09:duration * 1.15]
set yrange [0:1.03]
set key outside right center reverse Left samplen 3
set rmargin name_length * 0.95 + 7
set grid xtics ytics lc rgb '#dddddd' lw 1
set label 1 sprintf('%.2f: one worker gets all', least) at graph 0.99, first least offset 0,-0.7 right font small textcolor rgb '#666666'
set arrow 1 from graph 0, first least to graph 1, first least nohead lc rgb '#999999' lw 1 dt (2,3)
plot for [i=1:panels] data index (i-1) using 1:2:3:4 with yerrorbars lc rgb colour(panel_style[i]) lw 1 pt -1, \
     for [i=1:panels] data index (i-1) using 1:2 with linespoints ls style_of(panel_style[i]) title panel_name[i]
