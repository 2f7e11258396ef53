# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot queueing-percentiles.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'queueing-percentiles.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'queueing-percentiles'
height = 500
curves = 9
array curve_name[9] = ['shared', 'master-accept', 'reuseport', 'proxied', 'nginx-proxy', 'haproxy-proxy', 'node-cluster-rr', 'node-cluster-none', 'pm2']
array curve_style[9] = [2, 3, 4, 6, 14, 15, 16, 17, 18]
name_length = 17
array end_x[9] = [50, 50, 50, 50, 50, 50, 50, 50, 50]
array end_y[9] = [98.751, 227.647, 340.223, 226.495, 226.623, 227.903, 120.511, 102.623, 120.959]
set yrange [14.7773:459.301]
array name_y[9] = [98.751, 308.295, 428.793, 221.66, 261.413, 363.586, 137.348, 116.461, 161.98]
heading = 'Response time by percentile'
subheading = '/block/\{exp:20ms\}, one request a connection, Poisson arrivals at 80 %'
reading = 'thick: from the plan, thin: from the send; as far as 100 samples remain'
footer = 'peers, seed 54375698, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = 'blocked-worker emulation'
caution = ''
load 'style.gp'
load 'percentiles.gp'
eval note_axes
unset output
