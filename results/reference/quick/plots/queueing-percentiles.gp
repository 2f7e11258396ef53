# Made by clusterbench. To draw it again, in this folder: gnuplot queueing-percentiles.gp
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
curves = 5
array curve_name[5] = ['shared', 'master-accept', 'reuseport', 'threaded', 'proxied']
array curve_style[5] = [2, 3, 4, 5, 6]
name_length = 13
array end_x[5] = [200, 166.667, 166.667, 200, 200]
array end_y[5] = [34.351, 68.351, 120.575, 141.887, 67.007]
set yrange [3.87375:191.547]
array name_y[5] = [34.351, 80.8052, 120.575, 145.404, 67.007]
heading = 'Response time by percentile'
subheading = '/block/\{exp:5ms\}, one request a connection, Poisson arrivals at 80 %'
reading = 'thick: from the plan, thin: from the send; as far as 100 samples remain'
footer = 'quick, seed 77836710, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = 'blocked-worker emulation'
caution = ''
load 'style.gp'
load 'percentiles.gp'
eval note_axes
unset output
