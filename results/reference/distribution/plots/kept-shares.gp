# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot kept-shares.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'kept-shares.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'kept-shares'
array group_at[12]
array group_name[12]
array group_jain[12]
array group_interval[12]
dealt = 'connections'
group_at[1] = 3.5
group_name[1] = 'shared'
group_jain[1] = '0.91'
group_interval[1] = '0.85-0.94'
group_at[2] = 13.5
group_name[2] = 'master-accept'
group_jain[2] = '1.00'
group_interval[2] = '1.00-1.00'
group_at[3] = 23.5
group_name[3] = 'reuseport'
group_jain[3] = '0.91'
group_interval[3] = '0.89-0.93'
group_at[4] = 33.5
group_name[4] = 'threaded'
group_jain[4] = '0.91'
group_interval[4] = '0.87-0.94'
group_at[5] = 43.5
group_name[5] = 'proxied'
group_jain[5] = '0.99'
group_interval[5] = '0.91-1.00'
groups = 5
top = 25
last = 48
busy = 0
slanted = 0
name_length = 13
height = 460
heading = 'Share of the connections of each worker, most first'
subheading = '/hello, keep-alive, 64 connections, closed loop'
reading = 'numbers: Jain index; dealing 64 connections at random gives 0.90; grey: 95 % of such deals'
footer = 'distribution, seed 19375430, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'shares.gp'
eval note_axes
unset output
