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
set label '0.99 [0.83, 1.04]' at graph 1.02, first 1 left font ',10' textcolor rgb '#666666'
set ytics add ('shared' 1)
set label '1.11 [1.02, 1.23]' at graph 1.02, first 2 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept' 2)
set label 'A/A  0.95 [0.82, 1.13]' at graph 1.02, first 3 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport (again)' 3)
set label '1.03 [0.94, 1.08]' at graph 1.02, first 4 left font ',10' textcolor rgb '#666666'
set ytics add ('threaded' 4)
set label '1.11 [0.88, 1.23]' at graph 1.02, first 5 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied' 5)
set label 'Who works when there is little to do?  Jain index of requests, times that of reuseport; more is better' at screen 0.012, first 6 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 6)
set label '0.56 [0.54, 0.58]' at graph 1.02, first 7 left font ',10' textcolor rgb '#666666'
set ytics add ('shared' 7)
set label '1.01 [1.00, 1.01]' at graph 1.02, first 8 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept' 8)
set label 'A/A  0.99 [0.99, 1.00]' at graph 1.02, first 9 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport (again)' 9)
set label '0.99 [0.98, 1.00]' at graph 1.02, first 10 left font ',10' textcolor rgb '#666666'
set ytics add ('threaded' 10)
set label '1.01 [1.00, 1.01]' at graph 1.02, first 11 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied' 11)
rows = 12
name_length = 17
least = 0.517583
most = 1.27801
height = 480
heading = 'Every comparison of this run'
subheading = 'Who gets the connections?'
reading = 'no verdicts'
footer = 'distribution, seed 45696031, 8 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = 'no verdicts'
load 'style.gp'
load 'ratios.gp'
eval note_axes
unset output
