# Heat maps side by side: time against log response time, colour for log count (viridis), lines and bands for what was done to the server.
data = name . '.dat'
hover_x = 's'
hover_y = 'log10 ms'
set palette defined (0 '#440154', 0.125 '#482878', 0.25 '#3e4a89', 0.375 '#31688e', 0.5 '#26838f', 0.625 '#1f9d8a', 0.75 '#6cce5a', \
                     0.875 '#b6de2b', 1 '#fee825')
top_edge = 1 - 108.0 / height
bottom_edge = 114.0 / height
left_edge = 0.095
right_edge = 0.89
gap_x = 0.02
gap_y = 54.0 / height
panel_width = (right_edge - left_edge - gap_x * (columns - 1)) / columns
panel_height = (top_edge - bottom_edge - gap_y * (rows - 1)) / rows

set multiplot title "{/:Bold*1.15 " . heading . "}\n{/*0.85 " . subheading . "}\n{/*0.85 " . reading . "}"
unset title
unset key
unset grid
set xrange [0:duration]
set yrange [low:high]
set cbrange [count_low:count_high]
set cblabel 'responses in 100 ms' offset 0.5,0
set cbtics ('0.01' -2, '0.1' -1, '1' 0, '10' 1, '100' 2, '1k' 3, '10k' 4, '100k' 5)
do for [i=1:panels] {
    column = (i - 1) % columns
    line = (i - 1) / columns
    x = left_edge + column * (panel_width + gap_x)
    y = top_edge - (line + 1) * panel_height - line * gap_y
    set lmargin at screen x
    set rmargin at screen x + panel_width
    set bmargin at screen y
    set tmargin at screen y + panel_height
    unset object
    unset arrow
    unset label
    if (i == 1) {
        set label 901 footer at screen 0.012, screen 12.0 / height left font small textcolor rgb '#666666'
        if (strlen(tag)) { set label 902 '{/:Bold ' . tag . '}' at screen 0.988, screen 12.0 / height right font small textcolor rgb '#a04000' }
        set label 904 fault_key2 at screen left_edge, screen 33.0 / height left font small textcolor rgb '#222222'
        set label 903 fault_key1 at screen left_edge, screen 50.0 / height left font small textcolor rgb '#222222'
    }
    set label 1 '{/:Bold ' . panel_name[i] . '}' at graph 0, graph 1 offset 0,1.6 left textcolor rgb colour(panel_style[i])
    set label 2 panel_loss[i] at graph 1, graph 1 offset 0,1.6 right font small textcolor rgb (panel_works[i] ? '#222222' : '#b00020')
    set object 1 rectangle from graph 0,0 to graph 1,1 behind fs solid noborder fc rgb '#f4f4f4'
    do for [f=1:faults] {
        k = (i - 1) * faults + f
        if (done_badly[k]) {
            set arrow f from done_at[k], graph 0 to done_at[k], graph 1 nohead front lc rgb '#888888' lw 1.2 dt (1,5)
        } else {
            set arrow f from done_at[k], graph 0 to done_at[k], graph 1 nohead front lc rgb '#b00020' lw 1.2 dt (4,3)
        }
        if (done_badly[k] < 2 && done_until[k] > done_at[k]) {
            set object 100 + f rectangle from done_at[k], graph 0.97 to done_until[k], graph 1 front fs solid 0.9 noborder fc rgb '#b00020'
        }
        if (fault_number[f] > 0) { set label 100 + f sprintf(done_badly[k] == 2 ? '%dx' : done_badly[k] ? '%d(x)' : '%d', fault_number[f]) at done_at[k], graph 1 offset 0,0.45 center font small textcolor rgb '#b00020' }
    }
    set xtics format (line == rows - 1 || i + columns > panels ? '%g' : '')
    set xlabel (line == rows - 1 || i + columns > panels ? 'time, s' : '') offset 0,0.6
    set ylabel (column == 0 ? 'response time, ms' : '') offset 0.3,0
    set ytics ('0.01' -2, '0.1' -1, '1' 0, '10' 1, '100' 2, '1,000' 3, '10,000' 4, '100,000' 5)
    if (high - low < 2.5) { set ytics add ('0.02' -1.699, '0.05' -1.301, '0.2' -0.699, '0.5' -0.301, '2' 0.301, '5' 0.699, '20' 1.301, '50' 1.699, '200' 2.301, '500' 2.699, '2,000' 3.301, '5,000' 3.699) }
    set ytics format '%h'
    if (column > 0) { set ytics format ''; set ytics -3, 1 }
    if (i == 1) {
        set colorbox user origin right_edge + 0.015, bottom_edge size 0.018, top_edge - bottom_edge
    } else {
        unset colorbox
    }
    plot data index (2 * i - 2) using 1:2:3 with image pixels, \
         data index (2 * i - 1) using ($1 + 0.05):(low + 0.02 * (high - low)) with points pt 9 ps 0.7 lc rgb '#b00020'
    eval note_axes
}
unset multiplot
