# Speed-up against workers, both in powers of two, so that the ideal is a straight line; below it what the laws leave over.
hover_logs = 'xy'
hover_x = 'workers'
hover_y = 'times'
data = name . '.dat'
law(n, scale, sigma, kappa) = scale * n / (1 + sigma * (n - 1) + kappa * n * (n - 1))
key_line = 17.0 # pixels, as the writer counts them
foot = (78.0 + key_lines * key_line) / height
head = 82.0 / height
if (fitted) { set multiplot }
set lmargin 9
set rmargin name_length * 0.95 + 4
set tmargin at screen 1 - head
set bmargin at screen (fitted ? foot + (1 - head - foot) * 0.36 : foot)
set logscale xy 2
set xrange [fewest / 1.15:most * 1.15]
set ylabel 'speed-up'
set samples 300
if (fitted) { set format x '' } else { set xlabel 'workers' }
do for [i=1:curves] {
    set label (100 + i) curve_name[i] at graph 1.025, first name_y[i] left font small textcolor rgb colour(curve_style[i])
    set arrow (100 + i) from first end_x[i], first end_y[i] to graph 1.02, first name_y[i] nohead lc rgb '#bbbbbb' lw 0.8
}
do for [i=1:(fitted ? curves : 0)] {
    set label (200 + i) law_text[i] at screen (i <= key_lines ? 0.02 : 0.515), screen (26.0 + key_line * (key_lines - (i - 1) % key_lines - 0.5)) / height \
        left font small textcolor rgb '#222222' point ls style_of(curve_style[i]) ps 1 offset 1,0
}
plot x / fewest with lines lc rgb '#aaaaaa' lw 1.5, \
     for [i=1:(fitted ? curves : 0)] law(x, amdahl_scale[i], amdahl_sigma[i], amdahl_kappa[i]) with lines lc rgb colour(curve_style[i]) lw 1 dt (4,4), \
     for [i=1:(fitted ? curves : 0)] law(x, usl_scale[i], usl_sigma[i], usl_kappa[i]) with lines lc rgb colour(curve_style[i]) lw 1.8, \
     for [i=1:(fitted ? 0 : curves)] data index (i-1) using 1:2 with lines ls style_of(curve_style[i]) lw 1, \
     for [i=1:curves] data index (i-1) using 1:2:3:4 with yerrorbars ls style_of(curve_style[i]) dt 1 ps 1.1
if (fitted) {
    eval note_axes
    unset title
    unset label
    unset arrow
    set tmargin at screen foot + (1 - head - foot) * 0.3
    set bmargin at screen foot
    unset logscale y
    hover_logs = 'x'
    hover_y = '%'
    set yrange [*:*]
    set offsets 0, 0, graph 0.1, graph 0.1
    set format x '%g'
    set xlabel 'workers'
    set ylabel "measured over\nlaw, %"
    plot 0 with lines lc rgb '#aaaaaa' lw 1.5, \
         for [i=1:curves] data index (i-1) using 1:6 with lines lc rgb colour(curve_style[i]) lw 1 dt (4,4), \
         for [i=1:curves] data index (i-1) using 1:5 with linespoints ls style_of(curve_style[i]) dt 1 ps 0.9
    unset multiplot
}
