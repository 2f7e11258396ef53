# Worker shares: a group of sorted bars a strategy, the chance band of each rank behind, a line at the even share; above it the Jain
# index with its interval. A twin panel has the time they were busy, where there is any.
hover_y = '%'
unset key
data = name . '.dat'
set xrange [-1.2:last + 1.2]
set yrange [0:top * 1.25]
set xtics scale 0
room = slanted ? 1.2 + name_length * 0.28 : 2.2
foot = (2.2 + room) * 18.0 / height
head = 82.0 / height
set lmargin (slanted && name_length * 0.7 > 9 ? name_length * 0.7 : 9) # the first name begins left of the bars
set tmargin at screen 1 - head
set bmargin at screen (busy ? foot + (1 - head - foot) * 0.46 : foot)
set ylabel 'share of ' . dealt . ', %'
do for [i=1:groups] {
    set label (100 + i) group_jain[i] at group_at[i], graph 1.0 center offset 0,-0.6 textcolor rgb '#222222'
    if (groups <= 10) { set label (500 + i) group_interval[i] at group_at[i], graph 1.0 center offset 0,-1.6 font ',9' textcolor rgb '#666666' } # more would lie on each other
}
if (busy) { set multiplot; unset xtics } else { set xtics (group_name[1] group_at[1]) }
do for [i=2:(busy ? 1 : groups)] { set xtics add (group_name[i] group_at[i]) }
if (slanted && !busy) { set xtics rotate by 30 right }
plot data using 1:4:($1 - 0.48):($1 + 0.48):4:5 with boxxyerror fs solid 1.0 noborder lc rgb '#d4d4d4', \
     data using 1:3:(0.56):(colour($2)) with boxes fs solid 1.0 noborder lc rgb variable, \
     data using ($1 - 0.5):7:(1):(0) with vectors nohead lw 1.5 lc rgb '#222222'
if (busy) {
    eval note_axes
    unset title
    unset label
    set xtics nomirror scale 0 (group_name[1] group_at[1])
    do for [i=2:groups] { set xtics add (group_name[i] group_at[i]) }
    if (slanted) { set xtics rotate by 30 right }
    set tmargin at screen foot + (1 - head - foot) * 0.42
    set bmargin at screen foot
    set ylabel 'share of busy time, %'
    plot data using 1:6:(0.56):(colour($2)) with boxes fs solid 0.75 noborder lc rgb variable, \
         data using ($1 - 0.5):7:(1):(0) with vectors nohead lw 1.5 lc rgb '#222222'
    unset multiplot
}
