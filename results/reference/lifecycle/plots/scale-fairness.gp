# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot scale-fairness.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'scale-fairness.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'scale-fairness'
least = 0.5
panels = 5
columns = 3
rows = 2
height = 150
duration = 8
array panel_name[5] = ['shared', 'master-accept', 'reuseport', 'threaded', 'proxied']
name_length = 13
array panel_style[5] = [2, 3, 4, 5, 6]
array panel_loss[5] = ['1.00', '1.00', '1.00', '1.00', '1.00']
array panel_works[5] = [1, 1, 1, 1, 1]
height = 460
heading = 'How even are the shares of the workers, looked at for how long?'
subheading = '/wait/20ms, one request a connection, Poisson arrivals at 1500/s'
reading = 'bars: interval of the median'
footer = 'lifecycle, seed 65653445, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'fairness.gp'
eval note_axes
unset output
