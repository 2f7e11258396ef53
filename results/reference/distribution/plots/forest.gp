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
set label 'Who gets 64 kept connections?  Jain index of connections, times that of reuseport; more is better' at screen 0.012, first 0 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics ('' 0)
set label 'undecided: -8.2..+6.9 %' at graph 1.02, first 1 left font ',10' textcolor rgb '#a04000'
set ytics add ('shared' 1)
set label 'undecided: +7.0..+14 %' at graph 1.02, first 2 left font ',10' textcolor rgb '#a04000'
set ytics add ('master-accept' 2)
set label 'A/A  0.97 [0.87, 1.01]' at graph 1.02, first 3 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport (again)' 3)
set label 'same  0.99 [0.94, 1.07]' at graph 1.02, first 4 left font ',10' textcolor rgb '#666666'
set ytics add ('threaded' 4)
set label 'undecided: -6.3..+14 %' at graph 1.02, first 5 left font ',10' textcolor rgb '#a04000'
set ytics add ('proxied' 5)
set label 'Who works when there is little to do?  Jain index of requests, times that of reuseport; more is better' at screen 0.012, first 6 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 6)
set label 'different  0.57 [0.57, 0.58]' at graph 1.02, first 7 left font ',10' textcolor rgb '#000000'
set ytics add ('shared' 7)
set label 'same  1.02 [1.01, 1.02]' at graph 1.02, first 8 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept' 8)
set label 'A/A  1.00 [0.99, 1.01]' at graph 1.02, first 9 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport (again)' 9)
set label 'same  1.00 [0.98, 1.00]' at graph 1.02, first 10 left font ',10' textcolor rgb '#666666'
set ytics add ('threaded' 10)
set label 'same  1.02 [1.01, 1.02]' at graph 1.02, first 11 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied' 11)
rows = 12
name_length = 17
least = 0.549771
most = 1.1852
height = 480
heading = 'Every comparison of this run'
subheading = 'Who gets the connections?'
reading = 'grey: counts as the same'
footer = 'distribution, seed 19375430, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'ratios.gp'
eval note_axes
unset output
