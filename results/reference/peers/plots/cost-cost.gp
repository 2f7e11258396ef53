# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot cost-cost.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'cost-cost.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'cost-cost'
set ytics ('single' 0)
set ytics add ('reuseport' 1)
set ytics add ('master-accept' 2)
set ytics add ('reuseport (again)' 3)
set ytics add ('nginx-accept-mutex' 4)
set ytics add ('nginx-reuseport' 5)
set ytics add ('nginx-shared' 6)
set ytics add ('proxied' 7)
set ytics add ('node-cluster-none' 8)
set ytics add ('haproxy-proxy' 9)
set ytics add ('nginx-proxy' 10)
set ytics add ('node-cluster-rr' 11)
set ytics add ('pm2' 12)
set ytics add ('haproxy-2-threads' 13)
rows = 14
name_length = 18
top = 33.7613
height = 654
heading = 'CPU time of all server processes per request'
subheading = '/hello, keep-alive, 64 connections, closed loop'
reading = 'dark: user, light: system; thin, coloured: of it the proxy''s; thin grey: the generator''s own'
footer = 'peers, seed 54375698, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'cost.gp'
eval note_axes
unset output
