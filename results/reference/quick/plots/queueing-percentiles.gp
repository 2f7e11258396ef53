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
curves = 5
array curve_name[5] = ['shared', 'master-accept', 'reuseport', 'threaded', 'proxied']
array curve_style[5] = [2, 3, 4, 5, 6]
name_length = 13
array end_x[5] = [200, 200, 200, 200, 200]
array end_y[5] = [34.463, 98.527, 117.439, 133.023, 97.663]
set yrange [4.08975:179.581]
array name_y[5] = [34.463, 115.804, 138.856, 166.498, 96.5784]
heading = 'Response time by percentile'
subheading = '/block/\{exp:5ms\}, one request a connection, Poisson arrivals at 80 %'
reading = 'thick: from the plan, thin: from the send; as far as 100 samples remain'
footer = 'quick, seed 67406305, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = 'blocked-worker emulation'
caution = ''
load 'style.gp'
load 'percentiles.gp'
eval note_axes
unset output
