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
set label 'What does a request cost?  CPU per request, times that of reuseport; less is better' at screen 0.012, first 0 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics ('' 0)
set label 'undecided: -6.2..+2.8 %' at graph 1.02, first 1 left font ',10' textcolor rgb '#a04000'
set ytics add ('single' 1)
set label 'A/A  1.01 [0.97, 1.04]' at graph 1.02, first 2 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport (again)' 2)
set label 'undecided: -4.9..+5.8 %' at graph 1.02, first 3 left font ',10' textcolor rgb '#a04000'
set ytics add ('master-accept' 3)
set label 'different  3.75 [3.59, 3.92]' at graph 1.02, first 4 left font ',10' textcolor rgb '#000000'
set ytics add ('proxied' 4)
set label 'different  1.23 [1.15, 1.27]' at graph 1.02, first 5 left font ',10' textcolor rgb '#000000'
set ytics add ('nginx-shared' 5)
set label 'different  1.22 [1.19, 1.25]' at graph 1.02, first 6 left font ',10' textcolor rgb '#000000'
set ytics add ('nginx-reuseport' 6)
set label 'different  1.21 [1.15, 1.28]' at graph 1.02, first 7 left font ',10' textcolor rgb '#000000'
set ytics add ('nginx-accept-mutex' 7)
set label 'different  4.48 [4.36, 4.65]' at graph 1.02, first 8 left font ',10' textcolor rgb '#000000'
set ytics add ('nginx-proxy' 8)
set label 'different  4.44 [4.29, 4.59]' at graph 1.02, first 9 left font ',10' textcolor rgb '#000000'
set ytics add ('haproxy-proxy' 9)
set label 'different  4.62 [4.48, 4.88]' at graph 1.02, first 10 left font ',10' textcolor rgb '#000000'
set ytics add ('haproxy-2-threads' 10)
set label 'different  4.45 [4.21, 4.78]' at graph 1.02, first 11 left font ',10' textcolor rgb '#000000'
set ytics add ('node-cluster-rr' 11)
set label 'different  4.40 [4.16, 4.68]' at graph 1.02, first 12 left font ',10' textcolor rgb '#000000'
set ytics add ('node-cluster-none' 12)
set label 'different  4.55 [4.34, 4.68]' at graph 1.02, first 13 left font ',10' textcolor rgb '#000000'
set ytics add ('pm2' 13)
set label 'What does a connection cost?  CPU per request, times that of reuseport; less is better' at screen 0.012, first 14 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 14)
set label 'undecided: -9.3..+0.5 %' at graph 1.02, first 15 left font ',10' textcolor rgb '#a04000'
set ytics add ('single' 15)
set label 'A/A  1.00 [0.96, 1.04]' at graph 1.02, first 16 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport (again)' 16)
set label 'different  1.30 [1.23, 1.32]' at graph 1.02, first 17 left font ',10' textcolor rgb '#000000'
set ytics add ('master-accept' 17)
set label 'different  1.30 [1.28, 1.32]' at graph 1.02, first 18 left font ',10' textcolor rgb '#000000'
set ytics add ('proxied' 18)
set label 'different  0.89 [0.87, 0.90]' at graph 1.02, first 19 left font ',10' textcolor rgb '#000000'
set ytics add ('nginx-shared' 19)
set label 'different  0.90 [0.83, 0.92]' at graph 1.02, first 20 left font ',10' textcolor rgb '#000000'
set ytics add ('nginx-reuseport' 20)
set label 'different  0.90 [0.88, 0.93]' at graph 1.02, first 21 left font ',10' textcolor rgb '#000000'
set ytics add ('nginx-accept-mutex' 21)
set label 'different  1.45 [1.42, 1.46]' at graph 1.02, first 22 left font ',10' textcolor rgb '#000000'
set ytics add ('nginx-proxy' 22)
set label 'different  3.41 [3.19, 3.48]' at graph 1.02, first 23 left font ',10' textcolor rgb '#000000'
set ytics add ('haproxy-proxy' 23)
set label 'different  13.67 [13.15, 14.07]' at graph 1.02, first 24 left font ',10' textcolor rgb '#000000'
set ytics add ('node-cluster-rr' 24)
set label 'different  6.72 [6.01, 7.25]' at graph 1.02, first 25 left font ',10' textcolor rgb '#000000'
set ytics add ('node-cluster-none' 25)
set label 'different  13.71 [12.40, 14.11]' at graph 1.02, first 26 left font ',10' textcolor rgb '#000000'
set ytics add ('pm2' 26)
set label 'Who gets the connections?  Jain index of connections, times that of reuseport; more is better' at screen 0.012, first 27 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 27)
set label 'A/A  0.98 [0.92, 1.09]' at graph 1.02, first 28 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport (again)' 28)
set label 'undecided: +3.9..+16 %' at graph 1.02, first 29 left font ',10' textcolor rgb '#a04000'
set ytics add ('master-accept' 29)
set label 'undecided: -6.5..+16 %' at graph 1.02, first 30 left font ',10' textcolor rgb '#a04000'
set ytics add ('proxied' 30)
set label 'different  0.41 [0.38, 0.61]' at graph 1.02, first 31 left font ',10' textcolor rgb '#000000'
set ytics add ('nginx-shared' 31)
set label 'undecided: -13..+8.8 %' at graph 1.02, first 32 left font ',10' textcolor rgb '#a04000'
set ytics add ('nginx-reuseport' 32)
set label 'different  0.14 [0.13, 0.25]' at graph 1.02, first 33 left font ',10' textcolor rgb '#000000'
set ytics add ('nginx-accept-mutex' 33)
set label 'undecided: +3.9..+16 %' at graph 1.02, first 34 left font ',10' textcolor rgb '#a04000'
set ytics add ('nginx-proxy' 34)
set label 'undecided: +3.5..+16 %' at graph 1.02, first 35 left font ',10' textcolor rgb '#a04000'
set ytics add ('haproxy-proxy' 35)
set label 'undecided: +1.5..+13 %' at graph 1.02, first 36 left font ',10' textcolor rgb '#a04000'
set ytics add ('node-cluster-rr' 36)
set label 'undecided: -31..+9.1 %' at graph 1.02, first 37 left font ',10' textcolor rgb '#a04000'
set ytics add ('node-cluster-none' 37)
set label 'undecided: +0.8..+15 %' at graph 1.02, first 38 left font ',10' textcolor rgb '#a04000'
set ytics add ('pm2' 38)
set label 'Who waits behind whom?  p99 response time, times that of shared; less is better' at screen 0.012, first 39 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 39)
set label 'A/A  1.02 [1.00, 1.12]' at graph 1.02, first 40 left font ',10' textcolor rgb '#666666'
set ytics add ('shared (again)' 40)
set label 'different  2.13 [1.68, 2.86]' at graph 1.02, first 41 left font ',10' textcolor rgb '#000000'
set ytics add ('master-accept' 41)
set label 'different  3.20 [2.80, 6.73]' at graph 1.02, first 42 left font ',10' textcolor rgb '#000000'
set ytics add ('reuseport' 42)
set label 'different  2.12 [1.67, 2.92]' at graph 1.02, first 43 left font ',10' textcolor rgb '#000000'
set ytics add ('proxied' 43)
set label 'different  2.12 [1.67, 2.92]' at graph 1.02, first 44 left font ',10' textcolor rgb '#000000'
set ytics add ('nginx-proxy' 44)
set label 'different  2.13 [1.69, 2.87]' at graph 1.02, first 45 left font ',10' textcolor rgb '#000000'
set ytics add ('haproxy-proxy' 45)
set label 'different  1.19 [1.11, 1.31]' at graph 1.02, first 46 left font ',10' textcolor rgb '#000000'
set ytics add ('node-cluster-rr' 46)
set label 'undecided: -7.7..+16 %' at graph 1.02, first 47 left font ',10' textcolor rgb '#a04000'
set ytics add ('node-cluster-none' 47)
set label 'different  1.20 [1.08, 1.36]' at graph 1.02, first 48 left font ',10' textcolor rgb '#000000'
set ytics add ('pm2' 48)
rows = 49
name_length = 18
least = 0.102743
most = 17.8383
height = 1220
heading = 'Every comparison of this run'
subheading = 'Ours and others'
reading = 'grey: counts as the same'
footer = 'peers, seed 54375698, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'ratios.gp'
eval note_axes
unset output
