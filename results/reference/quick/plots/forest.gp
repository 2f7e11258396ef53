# Made by clusterbench. To draw it again, in this folder: gnuplot forest.gp
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
set label 'A/A  0.86 [0.68, 1.12]' at graph 1.02, first 1 left font ',10' textcolor rgb '#666666'
set ytics add ('single (again)' 1)
set label 'same  0.96 [0.84, 1.11]' at graph 1.02, first 2 left font ',10' textcolor rgb '#666666'
set ytics add ('shared' 2)
set label 'undecided: -30..+9 %' at graph 1.02, first 3 left font ',10' textcolor rgb '#a04000'
set ytics add ('master-accept' 3)
set label 'undecided: -31..+15 %' at graph 1.02, first 4 left font ',10' textcolor rgb '#a04000'
set ytics add ('reuseport' 4)
set label 'undecided: -32..+9 %' at graph 1.02, first 5 left font ',10' textcolor rgb '#a04000'
set ytics add ('threaded' 5)
set label 'different  3.23 [2.35, 4.15]' at graph 1.02, first 6 left font ',10' textcolor rgb '#000000'
set ytics add ('proxied' 6)
set label 'What does a connection cost?  CPU per request, times that of single; less is better' at screen 0.012, first 7 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 7)
set label 'A/A  0.98 [0.76, 1.12]' at graph 1.02, first 8 left font ',10' textcolor rgb '#666666'
set ytics add ('single (again)' 8)
set label 'undecided: -22..+24 %' at graph 1.02, first 9 left font ',10' textcolor rgb '#a04000'
set ytics add ('shared' 9)
set label 'different  1.39 [1.18, 1.51]' at graph 1.02, first 10 left font ',10' textcolor rgb '#000000'
set ytics add ('master-accept' 10)
set label 'undecided: -3..+28 %' at graph 1.02, first 11 left font ',10' textcolor rgb '#a04000'
set ytics add ('reuseport' 11)
set label 'same  0.97 [0.83, 1.16]' at graph 1.02, first 12 left font ',10' textcolor rgb '#666666'
set ytics add ('threaded' 12)
set label 'undecided: +17..+88 %' at graph 1.02, first 13 left font ',10' textcolor rgb '#a04000'
set ytics add ('proxied' 13)
set label 'Who waits behind whom?  p99 response time, times that of shared; less is better' at screen 0.012, first 14 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 14)
set label 'A/A  0.99 [0.98, 1.06]' at graph 1.02, first 15 left font ',10' textcolor rgb '#666666'
set ytics add ('shared (again)' 15)
set label '2.21' at graph 1.02, first 16 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept' 16)
set label '3.98' at graph 1.02, first 17 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport' 17)
set label 'different  4.04 [2.81, 5.61]' at graph 1.02, first 18 left font ',10' textcolor rgb '#000000'
set ytics add ('threaded' 18)
set label 'different  2.19 [1.69, 2.65]' at graph 1.02, first 19 left font ',10' textcolor rgb '#000000'
set ytics add ('proxied' 19)
set label 'Who gets the connections?  Jain index of requests, times that of reuseport; more is better' at screen 0.012, first 20 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 20)
set label 'undecided: -3..+2 %' at graph 1.02, first 21 left font ',10' textcolor rgb '#a04000'
set ytics add ('shared' 21)
set label 'undecided: +0..+3 %' at graph 1.02, first 22 left font ',10' textcolor rgb '#a04000'
set ytics add ('master-accept' 22)
set label 'A/A  1.01 [0.99, 1.03]' at graph 1.02, first 23 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport (again)' 23)
set label 'same  1.01 [1.00, 1.02]' at graph 1.02, first 24 left font ',10' textcolor rgb '#666666'
set ytics add ('threaded' 24)
set label 'undecided: +0..+3 %' at graph 1.02, first 25 left font ',10' textcolor rgb '#a04000'
set ytics add ('proxied' 25)
rows = 26
name_length = 17
least = 0.608578
most = 6.23284
height = 660
heading = 'Every comparison of this run'
subheading = 'Six ways to bring connections to workers'
reading = 'grey: counts as the same'
footer = 'quick, seed 77836710, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'ratios.gp'
eval note_axes
unset output
