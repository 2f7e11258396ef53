# Made by clusterbench. To draw it again, in this folder: gnuplot queueing-shares.gp
name = 'queueing-shares'
heading = 'Share of the requests of each worker, busiest first'
subheading = '/block/\{exp:5ms\}, one request a connection, Poisson arrivals at 80 %; grey: 95 % of random deals; line: even'
footer = 'quick, seed 89422327, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = 'blocked-worker emulation'
caution = ''
set label 'shared' at 3.5, graph -0.05 center
set label 'Jain 1.00' at 3.5, graph 0.97 center font ',11' textcolor rgb '#444444'
set label 'master-accept' at 13.5, graph -0.05 center
set label 'Jain 1.00' at 13.5, graph 0.97 center font ',11' textcolor rgb '#444444'
set label 'reuseport' at 23.5, graph -0.05 center
set label 'Jain 1.00' at 23.5, graph 0.97 center font ',11' textcolor rgb '#444444'
set label 'threaded' at 33.5, graph -0.05 center
set label 'Jain 1.00' at 33.5, graph 0.97 center font ',11' textcolor rgb '#444444'
set label 'proxied' at 43.5, graph -0.05 center
set label 'Jain 1.00' at 43.5, graph 0.97 center font ',11' textcolor rgb '#444444'
even = 12.5
last = 48
do for [form in "svg png"] {
    load 'style.gp'
    load 'shares.gp'
    unset output
}
