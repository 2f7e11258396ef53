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
set label 'What does a request cost?  CPU per request, times that of single; less is better' at screen 0.012, first 0 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics ('' 0)
set label 'A/A  0.98 [0.92, 1.01]' at graph 1.02, first 1 left font ',10' textcolor rgb '#666666'
set ytics add ('single (again)' 1)
set label 'undecided: -8.2..+0.9 %' at graph 1.02, first 2 left font ',10' textcolor rgb '#a04000'
set ytics add ('shared' 2)
set label 'undecided: -5.5..+13 %' at graph 1.02, first 3 left font ',10' textcolor rgb '#a04000'
set ytics add ('master-accept' 3)
set label 'undecided: -8.9..+18 %' at graph 1.02, first 4 left font ',10' textcolor rgb '#a04000'
set ytics add ('reuseport' 4)
set label 'undecided: -0.7..+5.7 %' at graph 1.02, first 5 left font ',10' textcolor rgb '#a04000'
set ytics add ('threaded' 5)
set label 'different  3.72 [3.41, 3.76]' at graph 1.02, first 6 left font ',10' textcolor rgb '#000000'
set ytics add ('proxied' 6)
set label 'What does a connection cost?  CPU per request, times that of single; less is better' at screen 0.012, first 7 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 7)
set label 'A/A  1.02 [0.94, 1.06]' at graph 1.02, first 8 left font ',10' textcolor rgb '#666666'
set ytics add ('single (again)' 8)
set label 'undecided: -0.8..+8.8 %' at graph 1.02, first 9 left font ',10' textcolor rgb '#a04000'
set ytics add ('shared' 9)
set label 'different  1.40 [1.31, 1.48]' at graph 1.02, first 10 left font ',10' textcolor rgb '#000000'
set ytics add ('master-accept' 10)
set label 'undecided: -2.1..+17 %' at graph 1.02, first 11 left font ',10' textcolor rgb '#a04000'
set ytics add ('reuseport' 11)
set label 'undecided: -1.4..+34 %' at graph 1.02, first 12 left font ',10' textcolor rgb '#a04000'
set ytics add ('threaded' 12)
set label 'different  1.38 [1.36, 1.41]' at graph 1.02, first 13 left font ',10' textcolor rgb '#000000'
set ytics add ('proxied' 13)
set label 'Who waits behind whom?  p99 response time, times that of shared; less is better' at screen 0.012, first 14 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 14)
set label 'A/A  1.01 [1.00, 1.03]' at graph 1.02, first 15 left font ',10' textcolor rgb '#666666'
set ytics add ('shared (again)' 15)
set label 'different  2.56 [1.98, 3.35]' at graph 1.02, first 16 left font ',10' textcolor rgb '#000000'
set ytics add ('master-accept' 16)
set label 'different  3.66 [2.93, 5.09]' at graph 1.02, first 17 left font ',10' textcolor rgb '#000000'
set ytics add ('reuseport' 17)
set label 'different  4.07 [2.95, 6.15]' at graph 1.02, first 18 left font ',10' textcolor rgb '#000000'
set ytics add ('threaded' 18)
set label 'different  2.50 [1.96, 3.17]' at graph 1.02, first 19 left font ',10' textcolor rgb '#000000'
set ytics add ('proxied' 19)
set label 'Who gets the connections?  Jain index of connections, times that of reuseport; more is better' at screen 0.012, first 20 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 20)
set label 'undecided: -22..+9.3 %' at graph 1.02, first 21 left font ',10' textcolor rgb '#a04000'
set ytics add ('shared' 21)
set label 'different  1.13 [1.07, 1.21]' at graph 1.02, first 22 left font ',10' textcolor rgb '#000000'
set ytics add ('master-accept' 22)
set label 'A/A  1.05 [0.94, 1.07]' at graph 1.02, first 23 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport (again)' 23)
set label 'undecided: -1.4..+8.5 %' at graph 1.02, first 24 left font ',10' textcolor rgb '#a04000'
set ytics add ('threaded' 24)
set label 'different  1.12 [1.07, 1.21]' at graph 1.02, first 25 left font ',10' textcolor rgb '#000000'
set ytics add ('proxied' 25)
rows = 26
name_length = 17
least = 0.700481
most = 6.82226
height = 760
heading = 'Every comparison of this run'
subheading = 'Six ways to bring connections to workers'
reading = 'grey: counts as the same'
footer = 'quick, seed 67406305, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'ratios.gp'
eval note_axes
unset output
