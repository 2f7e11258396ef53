# Lorenz curves, the line of even shares, the envelope of chance. The space above the diagonal is free: it takes the names.
hover_x = '%'
hover_y = '%'
data = name . '.dat'
set xrange [0:100]
set yrange [0:100]
set xlabel 'part of the workers, the idlest first, %'
set ylabel 'their part of the ' . dealt . ', %'
set grid xtics ytics lc rgb '#dddddd' lw 1
set key at graph 0.02, graph 0.97 left top reverse Left samplen 3 font small title 'Jain index of' left
behind = envelope ? "data index curves using 1:2:3 with filledcurves fs solid 1.0 noborder lc rgb '#dedede', " : ''
plot @behind x with lines lc rgb '#222222' lw 1 dt (4,4), \
     for [i=1:curves] data index (i-1) using 1:2 with linespoints ls style_of(curve_style[i]) ps 0.8 title curve_name[i]
