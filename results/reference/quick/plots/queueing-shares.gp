# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot queueing-shares.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'queueing-shares.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'queueing-shares'
array group_at[26]
array group_name[26]
array group_jain[26]
array group_interval[26]
dealt = 'requests'
group_at[1] = 3.5
group_name[1] = 'shared'
group_jain[1] = '1.00'
group_interval[1] = '1.00-1.00'
group_at[2] = 13.5
group_name[2] = 'master-accept'
group_jain[2] = '1.00'
group_interval[2] = '1.00-1.00'
group_at[3] = 23.5
group_name[3] = 'reuseport'
group_jain[3] = '1.00'
group_interval[3] = '1.00-1.00'
group_at[4] = 33.5
group_name[4] = 'threaded'
group_jain[4] = '1.00'
group_interval[4] = '1.00-1.00'
group_at[5] = 43.5
group_name[5] = 'proxied'
group_jain[5] = '1.00'
group_interval[5] = '1.00-1.00'
groups = 5
top = 13.9505
last = 48
busy = 1
slanted = 0
name_length = 13
height = 620
heading = 'Share of the requests of each worker, busiest first'
subheading = '/block/\{exp:5ms\}, one request a connection, Poisson arrivals at 80 %'
reading = 'numbers: Jain index; dealing 3835 connections at random gives 1.00; grey: 95 % of such deals'
footer = 'quick, seed 67406305, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = 'blocked-worker emulation'
caution = ''
load 'style.gp'
load 'shares.gp'
eval note_axes
unset output
