set label 'C  CPU per request, times that of single; less is better' at screen 0.012, first 0 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics ('' 0)
set label 'A/A  1.00 [1.00, 1.01]' at graph 1.02, first 1 left font ',10' textcolor rgb '#666666'
set ytics add ('single (again)' 1)
set label 'different  3.00 [3.00, 3.00]' at graph 1.02, first 2 left font ',10' textcolor rgb '#000000'
set ytics add ('proxied' 2)
set label 'not ranked: the table says why' at graph 1.02, first 3 left font ',10' textcolor rgb '#a04000'
set ytics add ('broken *' 3)
set label 'L  p99 response time, times that of shared; less is better' at screen 0.012, first 4 left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'
set ytics add ('' 4)
set label 'A/A  1.00 [1.00, 1.00]' at graph 1.02, first 5 left font ',10' textcolor rgb '#666666'
set ytics add ('shared (again), 50 %%' 5)
set label 'different  2.00 [2.00, 2.00]' at graph 1.02, first 6 left font ',10' textcolor rgb '#000000'
set ytics add ('reuseport, 50 %%' 6)
set label 'A/A  1.00 [1.00, 1.00]' at graph 1.02, first 7 left font ',10' textcolor rgb '#666666'
set ytics add ('shared (again), 80 %%' 7)
set label 'different  2.00 [2.00, 2.00]' at graph 1.02, first 8 left font ',10' textcolor rgb '#000000'
set ytics add ('reuseport, 80 %%' 8)
set label 'A/A  1.00 [1.00, 1.00]' at graph 1.02, first 9 left font ',10' textcolor rgb '#666666'
set ytics add ('shared (again), 90 %%' 9)
set label 'not ranked: the table says why' at graph 1.02, first 10 left font ',10' textcolor rgb '#a04000'
set ytics add ('reuseport *, 90 %%' 10)
rows = 11
name_length = 20
least = 0.84742
most = 3.18614
height = 460
reading = 'grey: counts as the same'
