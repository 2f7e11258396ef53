# Lanes of the workers (up, starting, draining, down) above requests per second and errors, on one time axis; a panel a strategy.
data = name . '.dat'
top_edge = 1 - 108.0 / height
bottom_edge = 132.0 / height
left_edge = 0.1
right_edge = 0.985
gap_x = 0.025
gap_y = 56.0 / height
panel_width = (right_edge - left_edge - gap_x * (columns - 1)) / columns
panel_height = (top_edge - bottom_edge - gap_y * (rows - 1)) / rows
lane_share = 0.58
shortest = duration / 120.0 # so that what took milliseconds is seen at all
array state_colour[5] = [0xf0d54a, 0xb7c9d6, 0x5b3f9e, 0xc62828, 0xffffff] # the last one: another process
array state_name[4] = ['starting', 'up', 'draining', 'down']

hover_x = 's'
hover_y = '1/s'
set multiplot title "{/:Bold*1.15 " . heading . "}\n{/*0.85 " . subheading . "}\n{/*0.85 " . reading . "}"
unset title
unset key
unset grid
set xrange [0:duration]
do for [i=1:panels] {
    column = (i - 1) % columns
    line = (i - 1) / columns
    last_line = line == rows - 1 || i + columns > panels
    x = left_edge + column * (panel_width + gap_x)
    y = top_edge - (line + 1) * panel_height - line * gap_y
    set lmargin at screen x
    set rmargin at screen x + panel_width

    # lanes
    unset object
    unset arrow
    unset label
    set bmargin at screen y + panel_height * (1 - lane_share)
    set tmargin at screen y + panel_height
    if (i == 1) {
        set label 901 footer at screen 0.012, screen 12.0 / height left font small textcolor rgb '#666666'
        if (strlen(tag)) { set label 902 '{/:Bold ' . tag . '}' at screen 0.988, screen 12.0 / height right font small textcolor rgb '#a04000' }
        set label 904 fault_key2 at screen left_edge, screen 31.0 / height left font small textcolor rgb '#222222'
        set label 903 fault_key1 at screen left_edge, screen 48.0 / height left font small textcolor rgb '#222222'
        do for [s=1:4] {
            at = left_edge + 0.13 * (s - 1)
            set object 200 + s rectangle from screen at, screen 64.0 / height to screen at + 0.018, screen 74.0 / height fs solid noborder fc rgb state_colour[s]
            set label 200 + s state_name[s] at screen at + 0.024, screen 69.0 / height left font small textcolor rgb '#222222'
        }
        at = left_edge + 0.13 * 4
        set object 205 rectangle from screen at, screen 67.0 / height to screen at + 0.018, screen 71.0 / height fs solid noborder fc rgb '#222222'
        set label 206 'stopped, slowed' at screen at + 0.024, screen 69.0 / height left font small textcolor rgb '#222222'
        set label 205 'red lines: failed requests/s' at screen left_edge + 0.69, screen 69.0 / height left font small textcolor rgb '#b00020'
    }
    set label 1 '{/:Bold ' . panel_name[i] . '}' at graph 0, graph 1 offset 0,1.6 left textcolor rgb colour(panel_style[i])
    set label 2 panel_loss[i] at graph 1, graph 1 offset 0,1.6 right font small textcolor rgb (panel_works[i] ? '#222222' : '#b00020')
    do for [f=1:faults] {
        k = (i - 1) * faults + f
        if (done_badly[k]) {
            set arrow f from done_at[k], graph 0 to done_at[k], graph 1 nohead front lc rgb '#888888' lw 1 dt (1,5)
        } else {
            set arrow f from done_at[k], graph 0 to done_at[k], graph 1 nohead front lc rgb '#444444' lw 1 dt (4,3)
        }
        if (fault_number[f] > 0) { set label 100 + f sprintf(done_badly[k] == 2 ? '%dx' : done_badly[k] ? '%d(x)' : '%d', fault_number[f]) at done_at[k], graph 1 offset 0,0.45 center font small textcolor rgb '#444444' }
    }
    do for [f=1:faults] {
        k = (i - 1) * faults + f
        if (fault_lane[f] >= 0 && done_badly[k] < 2) {
            do for [lane=(panel_together[i] ? 0 : fault_lane[f]):(panel_together[i] ? panel_lanes[i] - 1 : fault_lane[f])] {
                set object 1000 * f + lane + 1 rectangle from done_at[k], lane - 0.12 to done_until[k], lane + 0.12 front fs solid noborder fc rgb '#222222'
            }
        }
    }
    do for [f=workers:panel_lanes[i] - 1] { set label 300 + f 'front' at graph 0.02, first f + 0.05 left font small textcolor rgb '#222222' front }
    set yrange [lanes - 0.5:-0.5]
    set xtics format ''
    set xlabel ''
    set ylabel (column == 0 ? 'worker' : '') offset 0,0
    set ytics 0, (workers > 8 ? 4 : workers > 4 ? 2 : 1), workers - 1
    set ytics format (column == 0 ? '%g' : '')
    plot data index (3 * i - 3) using 2:1:2:($3 > $2 + shortest ? $3 : $2 + shortest):($1 - ($4 == 2 ? 0.40 : 0.30)):($1 + ($4 == 2 ? 0.05 : 0.38)):($4 >= 0 ? state_colour[int($4) + 1] : 0) \
         with boxxyerror lc rgb variable fs solid 1.0 noborder

    # rates
    unset object
    unset label
    set bmargin at screen y
    set tmargin at screen y + panel_height * (1 - lane_share) - 6.0 / height
    set yrange [0:top * 1.12]
    set xtics format (last_line ? '%g' : '')
    set xlabel (last_line ? 'time, s' : '') offset 0,0.6
    set ylabel (column == 0 ? 'requests/s' : '') offset 0,0
    set ytics 0, 10 ** floor(log10(top)) * (top / 10 ** floor(log10(top)) > 5 ? 5 : top / 10 ** floor(log10(top)) > 2 ? 2 : 1)
    set ytics format (column == 0 ? '%g' : '')
    plot data index (3 * i - 2) using 1:2 with lines lw 2 lc rgb colour(panel_style[i]), \
         data index (3 * i - 1) using ($1 + 0.05):($2 * 10) with impulses lw 2 lc rgb '#b00020'
    eval note_axes
}
unset multiplot
