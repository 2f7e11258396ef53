# Made by clusterbench. To draw it again, in this folder: gnuplot queueing-latency.gp
name = 'queueing-latency'
heading = 'Response time: median and p99'
subheading = '/block/\{exp:5ms\}, one request a connection, Poisson arrivals at 80 %'
footer = 'quick, seed 89422327, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = 'blocked-worker emulation'
caution = ''
loads = 1
load_axis = 'offered load, % of capacity'
curves = 5
array curve_name[5] = ['shared', 'master-accept', 'reuseport', 'threaded', 'proxied']
array curve_style[5] = [2, 3, 4, 5, 6]
do for [form in "svg png"] {
    load 'style.gp'
    load 'latency.gp'
    unset output
}
