# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot throughput-cost.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'throughput-cost.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'throughput-cost'
set ytics ('shared' 0)
set ytics add ('single (again)' 1)
set ytics add ('reuseport' 2)
set ytics add ('master-accept' 3)
set ytics add ('single' 4)
set ytics add ('threaded' 5)
set ytics add ('proxied' 6)
rows = 7
name_length = 14
top = 29.5558
height = 402
heading = 'CPU time of all server processes per request'
subheading = '/hello, keep-alive, 64 connections, closed loop'
reading = 'dark: user, light: system; thin, coloured: of it the proxy''s; thin grey: the generator''s own'
footer = 'quick, seed 67406305, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'cost.gp'
eval note_axes
unset output
