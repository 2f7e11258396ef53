# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot forest.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'forest.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'forest'
set label 'Workers that stop, slow down and hang  p99 response time, times that of reuseport; less is better' at screen 0.012, first 0 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics ('' 0)
set label 'different  0.02 [0.02, 0.02]' at graph 1.02, first 1 left font ',10' textcolor rgb '#000000'
set ytics add ('shared' 1)
set label 'same  1.00 [0.98, 1.04]' at graph 1.02, first 2 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept' 2)
set label 'A/A  0.99 [0.97, 1.06]' at graph 1.02, first 3 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport (again)' 3)
set label 'different  1.15 [1.11, 1.18]' at graph 1.02, first 4 left font ',10' textcolor rgb '#000000'
set ytics add ('threaded' 4)
set label 'same  1.00 [0.98, 1.04]' at graph 1.02, first 5 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied' 5)
rows = 6
name_length = 17
least = 0.0187241
most = 1.43345
height = 360
heading = 'Every comparison of this run'
subheading = 'What do clients lose when workers fail?'
reading = 'grey: counts as the same'
footer = 'faults, seed 73132392, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'ratios.gp'
eval note_axes
unset output
