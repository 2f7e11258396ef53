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
set label '1.00 [0.92, 1.08]' at graph 1.02, first 1 left font ',10' textcolor rgb '#666666'
set ytics add ('single' 1)
set label 'A/A  1.00 [0.86, 1.61]' at graph 1.02, first 2 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport (again)' 2)
set label '1.03 [0.98, 1.36]' at graph 1.02, first 3 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept' 3)
set label '3.65 [3.39, 4.34]' at graph 1.02, first 4 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied' 4)
set label '1.23 [1.17, 1.99]' at graph 1.02, first 5 left font ',10' textcolor rgb '#666666'
set ytics add ('nginx-shared' 5)
set label '1.22 [1.15, 1.52]' at graph 1.02, first 6 left font ',10' textcolor rgb '#666666'
set ytics add ('nginx-reuseport' 6)
set label '1.19 [1.06, 2.06]' at graph 1.02, first 7 left font ',10' textcolor rgb '#666666'
set ytics add ('nginx-accept-mutex' 7)
set label '4.54 [4.43, 4.83]' at graph 1.02, first 8 left font ',10' textcolor rgb '#666666'
set ytics add ('nginx-proxy' 8)
set label '4.59 [4.39, 5.12]' at graph 1.02, first 9 left font ',10' textcolor rgb '#666666'
set ytics add ('haproxy-proxy' 9)
set label '4.60 [4.48, 5.81]' at graph 1.02, first 10 left font ',10' textcolor rgb '#666666'
set ytics add ('haproxy-2-threads' 10)
set label '4.64 [4.03, 9.19]' at graph 1.02, first 11 left font ',10' textcolor rgb '#666666'
set ytics add ('node-cluster-rr' 11)
set label '4.58 [4.34, 6.75]' at graph 1.02, first 12 left font ',10' textcolor rgb '#666666'
set ytics add ('node-cluster-none' 12)
set label '4.66 [3.90, 10.36]' at graph 1.02, first 13 left font ',10' textcolor rgb '#666666'
set ytics add ('pm2' 13)
set label 'What does a connection cost?  CPU per request, times that of reuseport; less is better' at screen 0.012, first 14 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 14)
set label '0.98 [0.84, 1.09]' at graph 1.02, first 15 left font ',10' textcolor rgb '#666666'
set ytics add ('single' 15)
set label 'A/A  1.00 [0.88, 1.09]' at graph 1.02, first 16 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport (again)' 16)
set label '1.34 [1.22, 1.50]' at graph 1.02, first 17 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept' 17)
set label '1.36 [1.24, 1.58]' at graph 1.02, first 18 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied' 18)
set label '0.90 [0.83, 1.29]' at graph 1.02, first 19 left font ',10' textcolor rgb '#666666'
set ytics add ('nginx-shared' 19)
set label '0.89 [0.84, 0.93]' at graph 1.02, first 20 left font ',10' textcolor rgb '#666666'
set ytics add ('nginx-reuseport' 20)
set label '0.89 [0.84, 1.04]' at graph 1.02, first 21 left font ',10' textcolor rgb '#666666'
set ytics add ('nginx-accept-mutex' 21)
set label '1.49 [1.35, 1.75]' at graph 1.02, first 22 left font ',10' textcolor rgb '#666666'
set ytics add ('nginx-proxy' 22)
set label '3.37 [3.19, 4.31]' at graph 1.02, first 23 left font ',10' textcolor rgb '#666666'
set ytics add ('haproxy-proxy' 23)
set label '13.77 [13.34, 16.90]' at graph 1.02, first 24 left font ',10' textcolor rgb '#666666'
set ytics add ('node-cluster-rr' 24)
set label '7.85 [6.37, 10.44]' at graph 1.02, first 25 left font ',10' textcolor rgb '#666666'
set ytics add ('node-cluster-none' 25)
set label '14.30 [12.84, 17.21]' at graph 1.02, first 26 left font ',10' textcolor rgb '#666666'
set ytics add ('pm2' 26)
set label 'Who gets the connections?  Jain index of connections, times that of reuseport; more is better' at screen 0.012, first 27 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 27)
set label 'A/A  1.00 [0.83, 1.11]' at graph 1.02, first 28 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport (again)' 28)
set label '1.08 [1.05, 1.18]' at graph 1.02, first 29 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept' 29)
set label '1.06 [1.04, 1.16]' at graph 1.02, first 30 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied' 30)
set label '0.43 [0.25, 0.65]' at graph 1.02, first 31 left font ',10' textcolor rgb '#666666'
set ytics add ('nginx-shared' 31)
set label '1.00 [0.93, 1.06]' at graph 1.02, first 32 left font ',10' textcolor rgb '#666666'
set ytics add ('nginx-reuseport' 32)
set label '0.14 [0.13, 0.36]' at graph 1.02, first 33 left font ',10' textcolor rgb '#666666'
set ytics add ('nginx-accept-mutex' 33)
set label '1.08 [0.88, 1.18]' at graph 1.02, first 34 left font ',10' textcolor rgb '#666666'
set ytics add ('nginx-proxy' 34)
set label '1.08 [1.05, 1.18]' at graph 1.02, first 35 left font ',10' textcolor rgb '#666666'
set ytics add ('haproxy-proxy' 35)
set label '1.05 [1.02, 1.17]' at graph 1.02, first 36 left font ',10' textcolor rgb '#666666'
set ytics add ('node-cluster-rr' 36)
set label '0.80 [0.71, 0.97]' at graph 1.02, first 37 left font ',10' textcolor rgb '#666666'
set ytics add ('node-cluster-none' 37)
set label '1.07 [1.03, 1.17]' at graph 1.02, first 38 left font ',10' textcolor rgb '#666666'
set ytics add ('pm2' 38)
set label 'Who waits behind whom?  p99 response time, times that of shared; less is better' at screen 0.012, first 39 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 39)
set label 'A/A  1.00 [0.91, 1.04]' at graph 1.02, first 40 left font ',10' textcolor rgb '#666666'
set ytics add ('shared (again)' 40)
set label '2.13 [1.41, 2.53]' at graph 1.02, first 41 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept' 41)
set label '3.22 [2.68, 4.59]' at graph 1.02, first 42 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport' 42)
set label '2.15 [1.44, 2.60]' at graph 1.02, first 43 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied' 43)
set label '2.14 [1.44, 2.59]' at graph 1.02, first 44 left font ',10' textcolor rgb '#666666'
set ytics add ('nginx-proxy' 44)
set label '2.13 [1.41, 2.54]' at graph 1.02, first 45 left font ',10' textcolor rgb '#666666'
set ytics add ('haproxy-proxy' 45)
set label '1.23 [1.10, 1.33]' at graph 1.02, first 46 left font ',10' textcolor rgb '#666666'
set ytics add ('node-cluster-rr' 46)
set label '1.05 [0.97, 1.10]' at graph 1.02, first 47 left font ',10' textcolor rgb '#666666'
set ytics add ('node-cluster-none' 47)
set label '1.21 [1.13, 1.29]' at graph 1.02, first 48 left font ',10' textcolor rgb '#666666'
set ytics add ('pm2' 48)
rows = 49
name_length = 18
least = 0.10253
most = 21.9693
height = 1220
heading = 'Every comparison of this run'
subheading = 'Ours and others'
reading = 'no verdicts'
footer = 'peers, seed 21981480, 8 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = 'no verdicts'
load 'style.gp'
load 'ratios.gp'
eval note_axes
unset output
