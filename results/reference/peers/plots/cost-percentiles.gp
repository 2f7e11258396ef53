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
array end_x[13] = [10000, 10000, 10000, 2000, 10000, 10000, 10000, 2000, 2000, 2000, 2000, 2000, 2000]
array end_y[13] = [5.899, 11.291, 8.263, 4.711, 9.719, 8.343, 6.383, 5.085, 5.115, 5.027, 9.727, 9.539, 9.127]
set yrange [0.162375:15.2429]
array name_y[13] = [2.43308, 13.9192, 3.76289, 1.01725, 9.00017, 4.67955, 3.02579, 1.57323, 1.95648, 1.26506, 11.1927, 7.23716, 5.81951]
heading = 'Response time by percentile'
subheading = '/hello, keep-alive, 64 connections, closed loop'
reading = 'as far as 100 samples remain'
footer = 'peers, seed 54375698, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'percentiles.gp'
eval note_axes
unset output
