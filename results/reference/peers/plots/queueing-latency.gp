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
set ytics add ('proxied' 3)
set ytics add ('nginx-proxy' 4)
set ytics add ('haproxy-proxy' 5)
set ytics add ('node-cluster-rr' 6)
set ytics add ('node-cluster-none' 7)
set ytics add ('pm2' 8)
rows = 9
name_length = 17
theory_name = 'M/M/8'
theory_p50 = 19.7267
theory_p99 = 103.044
least = 19.055
most = 803.327
against_load = 0
theories = 1
height = 460
heading = 'Response time: median and p99'
subheading = '/block/\{exp:20ms\}, one request a connection, Poisson arrivals at 80 %'
reading = 'open: median, full: p99; dashed: theory'
footer = 'peers, seed 54375698, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = 'blocked-worker emulation'
caution = ''
load 'style.gp'
load 'latency.gp'
eval note_axes
unset output
