# Ratios to the baseline on a log axis; a row's grey band is what counts as the same; the verdict in words at the right.
hover_logs = 'x'
hover_x = 'times'
unset key
data = name . '.dat'
set logscale x
set xrange [least:most]
if (most / least < 2) {
    set xtics (0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5)
} else {
    if (most / least < 12) {
        set xtics (0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10)
    } else {
        set xtics (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
    }
}
set xlabel 'times the baseline'
set yrange [rows - 0.3:-0.8]
set ytics scale 0 font small
set grid noytics noxtics
set border 1 lc rgb '#666666'
set lmargin name_length * 0.85 + 1
set rmargin 36
set bars 0.4
forest_colour(style) = style == 0 ? 0x888888 : colour(style)
plot data using 4:1:7:8:($1 - 0.5):($1 + 0.5) with boxxyerror fs solid 1.0 noborder lc rgb '#e4e4e4', \
     data using (1):($1 - 0.5):(0):(1) with vectors nohead lw 1 lc rgb '#666666', \
     data using 4:1:5:6:(forest_colour($3)) with xerrorbars pt 7 ps 1.0 lw 2 lc rgb variable
