# Made by clusterbench. To draw it again, in this folder: gnuplot throughput-cost.gp
name = 'throughput-cost'
heading = 'CPU time of all server processes per request'
subheading = '/hello, keep-alive, 64 connections, closed loop; dark: user, light: system (all light: too short a time to tell)'
footer = 'quick, seed 89422327, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
set xtics ('single' 0)
set xtics add ('single (again)' 1)
set xtics add ('shared' 2)
set xtics add ('master-accept' 3)
set xtics add ('reuseport' 4)
set xtics add ('threaded' 5)
set xtics add ('proxied' 6)
bars = 7
do for [form in "svg png"] {
    load 'style.gp'
    load 'cost.gp'
    unset output
}
