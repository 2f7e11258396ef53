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
array end_x[9] = [66.6667, 66.6667, 66.6667, 66.6667, 66.6667, 66.6667, 66.6667, 66.6667, 66.6667]
array end_y[9] = [106.207, 203.903, 342.911, 203.839, 203.583, 204.031, 128.511, 109.695, 124.127]
set yrange [15.1672:462.93]
array name_y[9] = [106.207, 284.263, 394.678, 241.245, 204.738, 334.951, 173.755, 125.145, 147.46]
heading = 'Response time by percentile'
subheading = '/block/\{exp:20ms\}, one request a connection, Poisson arrivals at 80 %'
reading = 'thick: from the plan, thin: from the send; as far as 100 samples remain'
footer = 'peers, seed 21981480, 8 blocks; servers on CPU 0, generator on CPU 1'
badge = 'blocked-worker emulation'
caution = 'no verdicts'
load 'style.gp'
load 'percentiles.gp'
eval note_axes
unset output
