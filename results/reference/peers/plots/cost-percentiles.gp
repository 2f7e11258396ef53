# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot cost-percentiles.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'cost-percentiles.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'cost-percentiles'
height = 500
curves = 13
array curve_name[13] = ['single', 'reuseport', 'master-accept', 'proxied', 'nginx-shared', 'nginx-reuseport', 'nginx-accept-mutex', 'nginx-proxy', 'haproxy-proxy', 'haproxy-2-threads', 'node-cluster-rr', 'node-cluster-none', 'pm2']
array curve_style[13] = [1, 4, 3, 6, 11, 12, 13, 14, 15, 8, 16, 17, 18]
name_length = 18
array end_x[13] = [20000, 20000, 10000, 2000, 10000, 10000, 10000, 2000, 2000, 2000, 2000, 2000, 2000]
array end_y[13] = [5.283, 10.451, 11.827, 5.071, 9.639, 9.087, 4.877, 5.679, 5.903, 6.117, 9.923, 9.567, 9.795]
set yrange [0.16725:15.9664]
array name_y[13] = [1.63413, 11.7106, 14.5751, 1.31297, 6.0741, 3.92118, 1.05493, 2.03385, 2.53135, 3.15054, 9.40907, 4.88033, 7.55987]
heading = 'Response time by percentile'
subheading = '/hello, keep-alive, 64 connections, closed loop'
reading = 'as far as 100 samples remain'
footer = 'peers, seed 21981480, 8 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = 'no verdicts'
load 'style.gp'
load 'percentiles.gp'
eval note_axes
unset output
