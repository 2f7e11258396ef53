# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot scaling-cost.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'scaling-cost.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'scaling-cost'
set ytics ('threaded, 32 workers' 0)
set ytics add ('threaded, 64 workers' 1)
set ytics add ('reuseport, 64 workers' 2)
set ytics add ('threaded, 16 workers' 3)
set ytics add ('master-accept, 64 workers' 4)
set ytics add ('shared, 64 workers' 5)
set ytics add ('reuseport, 16 workers' 6)
set ytics add ('threaded, 8 workers' 7)
set ytics add ('reuseport, 64 workers (again)' 8)
set ytics add ('reuseport, 32 workers (again)' 9)
set ytics add ('master-accept, 32 workers' 10)
set ytics add ('reuseport, 32 workers' 11)
set ytics add ('reuseport, 16 workers (again)' 12)
set ytics add ('master-accept, 8 workers' 13)
set ytics add ('shared, 32 workers' 14)
set ytics add ('reuseport, 8 workers (again)' 15)
set ytics add ('master-accept, 16 workers' 16)
set ytics add ('threaded, 4 workers' 17)
set ytics add ('reuseport, 4 workers (again)' 18)
set ytics add ('shared, 16 workers' 19)
set ytics add ('threaded, 1 worker' 20)
set ytics add ('reuseport, 4 workers' 21)
set ytics add ('reuseport, 8 workers' 22)
set ytics add ('shared, 8 workers' 23)
set ytics add ('shared, 4 workers' 24)
set ytics add ('reuseport, 1 worker (again)' 25)
set ytics add ('reuseport, 2 workers (again)' 26)
set ytics add ('master-accept, 4 workers' 27)
set ytics add ('threaded, 2 workers' 28)
set ytics add ('reuseport, 1 worker' 29)
set ytics add ('reuseport, 2 workers' 30)
set ytics add ('shared, 1 worker' 31)
set ytics add ('shared, 2 workers' 32)
set ytics add ('master-accept, 2 workers' 33)
set ytics add ('master-accept, 1 worker' 34)
set ytics add ('proxied, 64 workers' 35)
set ytics add ('proxied, 32 workers' 36)
set ytics add ('proxied, 16 workers' 37)
set ytics add ('proxied, 8 workers' 38)
set ytics add ('proxied, 4 workers' 39)
set ytics add ('proxied, 2 workers' 40)
set ytics add ('proxied, 1 worker' 41)
rows = 42
name_length = 29
top = 245.592
height = 1662
heading = 'CPU time of all server processes per request'
subheading = '/block/10ms, keep-alive, 256 connections, closed loop'
reading = 'dark: user, light: system; light alone: too short to split; thin, coloured: of it the proxy''s; thin grey: the generator''s own'
footer = 'scaling, seed 17391354, 7 blocks; servers on CPU 0, generator on CPU 1'
badge = 'blocked-worker emulation'
caution = 'no verdicts'
load 'style.gp'
load 'cost.gp'
eval note_axes
unset output
