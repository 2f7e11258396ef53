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
set label 'How does throughput grow with workers?  requests per second, times that of reuseport; more is better' at screen 0.012, first 0 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics ('' 0)
set label '1.00 [0.99, 1.01]' at graph 1.02, first 1 left font ',10' textcolor rgb '#666666'
set ytics add ('shared, 1 worker' 1)
set label '1.00 [1.00, 1.01]' at graph 1.02, first 2 left font ',10' textcolor rgb '#666666'
set ytics add ('shared, 2 workers' 2)
set label '1.00 [0.99, 1.01]' at graph 1.02, first 3 left font ',10' textcolor rgb '#666666'
set ytics add ('shared, 4 workers' 3)
set label '1.00 [0.99, 1.01]' at graph 1.02, first 4 left font ',10' textcolor rgb '#666666'
set ytics add ('shared, 8 workers' 4)
set label '1.00 [0.93, 1.01]' at graph 1.02, first 5 left font ',10' textcolor rgb '#666666'
set ytics add ('shared, 16 workers' 5)
set label '0.99 [0.94, 1.01]' at graph 1.02, first 6 left font ',10' textcolor rgb '#666666'
set ytics add ('shared, 32 workers' 6)
set label '0.94 [0.88, 0.99]' at graph 1.02, first 7 left font ',10' textcolor rgb '#666666'
set ytics add ('shared, 64 workers' 7)
set label '1.00 [1.00, 1.01]' at graph 1.02, first 8 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept, 1 worker' 8)
set label '1.00 [0.99, 1.01]' at graph 1.02, first 9 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept, 2 workers' 9)
set label '1.00 [0.99, 1.01]' at graph 1.02, first 10 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept, 4 workers' 10)
set label '1.00 [0.99, 1.01]' at graph 1.02, first 11 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept, 8 workers' 11)
set label '1.00 [0.99, 1.01]' at graph 1.02, first 12 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept, 16 workers' 12)
set label '1.00 [1.00, 1.01]' at graph 1.02, first 13 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept, 32 workers' 13)
set label '1.02 [1.00, 1.10]' at graph 1.02, first 14 left font ',10' textcolor rgb '#666666'
set ytics add ('master-accept, 64 workers' 14)
set label 'A/A  1.01 [0.99, 1.01]' at graph 1.02, first 15 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport, 1 worker (again)' 15)
set label 'A/A  1.00 [1.00, 1.01]' at graph 1.02, first 16 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport, 2 workers (again)' 16)
set label 'A/A  1.00 [0.99, 1.01]' at graph 1.02, first 17 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport, 4 workers (again)' 17)
set label 'A/A  1.00 [0.99, 1.01]' at graph 1.02, first 18 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport, 8 workers (again)' 18)
set label 'A/A  1.00 [0.99, 1.01]' at graph 1.02, first 19 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport, 16 workers (again)' 19)
set label 'A/A  1.00 [1.00, 1.01]' at graph 1.02, first 20 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport, 32 workers (again)' 20)
set label 'A/A  0.99 [0.93, 1.10]' at graph 1.02, first 21 left font ',10' textcolor rgb '#666666'
set ytics add ('reuseport, 64 workers (again)' 21)
set label '1.00 [1.00, 1.01]' at graph 1.02, first 22 left font ',10' textcolor rgb '#666666'
set ytics add ('threaded, 1 worker' 22)
set label '1.00 [0.99, 1.01]' at graph 1.02, first 23 left font ',10' textcolor rgb '#666666'
set ytics add ('threaded, 2 workers' 23)
set label '0.99 [0.99, 1.01]' at graph 1.02, first 24 left font ',10' textcolor rgb '#666666'
set ytics add ('threaded, 4 workers' 24)
set label '1.00 [0.99, 1.00]' at graph 1.02, first 25 left font ',10' textcolor rgb '#666666'
set ytics add ('threaded, 8 workers' 25)
set label '1.00 [0.99, 1.01]' at graph 1.02, first 26 left font ',10' textcolor rgb '#666666'
set ytics add ('threaded, 16 workers' 26)
set label '1.00 [0.99, 1.00]' at graph 1.02, first 27 left font ',10' textcolor rgb '#666666'
set ytics add ('threaded, 32 workers' 27)
set label '1.00 [0.95, 1.08]' at graph 1.02, first 28 left font ',10' textcolor rgb '#666666'
set ytics add ('threaded, 64 workers' 28)
set label '1.00 [1.00, 1.01]' at graph 1.02, first 29 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied, 1 worker' 29)
set label '1.00 [0.99, 1.01]' at graph 1.02, first 30 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied, 2 workers' 30)
set label '1.00 [0.99, 1.01]' at graph 1.02, first 31 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied, 4 workers' 31)
set label '1.00 [1.00, 1.01]' at graph 1.02, first 32 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied, 8 workers' 32)
set label '1.00 [0.99, 1.01]' at graph 1.02, first 33 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied, 16 workers' 33)
set label '1.00 [1.00, 1.01]' at graph 1.02, first 34 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied, 32 workers' 34)
set label '1.02 [1.00, 1.10]' at graph 1.02, first 35 left font ',10' textcolor rgb '#666666'
set ytics add ('proxied, 64 workers' 35)
rows = 36
name_length = 29
least = 0.867815
most = 1.11695
height = 960
heading = 'Every comparison of this run'
subheading = 'What do more workers bring?'
reading = 'no verdicts'
footer = 'scaling, seed 17391354, 7 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = 'no verdicts'
load 'style.gp'
load 'ratios.gp'
eval note_axes
unset output
