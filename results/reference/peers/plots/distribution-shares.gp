# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot distribution-shares.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'distribution-shares.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'distribution-shares'
array group_at[49]
array group_name[49]
array group_jain[49]
array group_interval[49]
dealt = 'connections'
group_at[1] = 3.5
group_name[1] = 'reuseport'
group_jain[1] = '0.91'
group_interval[1] = '0.87-0.95'
group_at[2] = 13.5
group_name[2] = 'master-accept'
group_jain[2] = '1.00'
group_interval[2] = '1.00-1.00'
group_at[3] = 23.5
group_name[3] = 'proxied'
group_jain[3] = '1.00'
group_interval[3] = '0.91-1.00'
group_at[4] = 33.5
group_name[4] = 'nginx-shared'
group_jain[4] = '0.37'
group_interval[4] = '0.36-0.55'
group_at[5] = 43.5
group_name[5] = 'nginx-reuseport'
group_jain[5] = '0.89'
group_interval[5] = '0.84-0.92'
group_at[6] = 53.5
group_name[6] = 'nginx-accept-mutex'
group_jain[6] = '0.12'
group_interval[6] = '0.12-0.18'
group_at[7] = 63.5
group_name[7] = 'nginx-proxy'
group_jain[7] = '1.00'
group_interval[7] = '1.00-1.00'
group_at[8] = 73.5
group_name[8] = 'haproxy-proxy'
group_jain[8] = '1.00'
group_interval[8] = '1.00-1.00'
group_at[9] = 83.5
group_name[9] = 'node-cluster-rr'
group_jain[9] = '0.98'
group_interval[9] = '0.97-0.98'
group_at[10] = 93.5
group_name[10] = 'node-cluster-none'
group_jain[10] = '0.72'
group_interval[10] = '0.68-0.86'
group_at[11] = 103.5
group_name[11] = 'pm2'
group_jain[11] = '0.99'
group_interval[11] = '0.98-0.99'
groups = 11
top = 94.2708
last = 108
busy = 0
slanted = 1
name_length = 18
height = 460
heading = 'Share of the connections of each worker, most first'
subheading = '/hello, keep-alive, 64 connections, closed loop'
reading = 'numbers: Jain index; dealing 64 connections at random gives 0.90; grey: 95 % of such deals'
footer = 'peers, seed 54375698, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'shares.gp'
eval note_axes
unset output
