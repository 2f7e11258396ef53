# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot queueing-latency.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'queueing-latency.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'queueing-latency'
set ytics ('shared' 0)
set ytics add ('master-accept' 1)
set ytics add ('reuseport' 2)
set ytics add ('threaded' 3)
set ytics add ('proxied' 4)
rows = 5
name_length = 13
theory_name = 'M/M/8'
theory_p50 = 4.93167
theory_p99 = 25.7609
least = 4.551
most = 210.431
against_load = 0
theories = 1
height = 340
heading = 'Response time: median and p99'
subheading = '/block/\{exp:5ms\}, one request a connection, Poisson arrivals at 80 %'
reading = 'open: median, full: p99; dashed: theory'
footer = 'quick, seed 67406305, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = 'blocked-worker emulation'
caution = ''
load 'style.gp'
load 'latency.gp'
eval note_axes
unset output
