# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot kept-lorenz.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'kept-lorenz.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'kept-lorenz'
dealt = 'connections'
envelope = 1
height = 560
curves = 5
array curve_name[5] = ['shared  0.91 [0.85, 0.94]', 'master-accept  1.00 [1.00, 1.00]', 'reuseport  0.91 [0.89, 0.93]', 'threaded  0.91 [0.87, 0.94]', 'proxied  0.99 [0.91, 1.00]']
array curve_style[5] = [2, 3, 4, 5, 6]
name_length = 32
array end_x[5] = [100, 100, 100, 100, 100]
array end_y[5] = [100, 100, 100, 100, 100]
set yrange [0:108]
array name_y[5] = [85.104, 90.288, 95.472, 100.656, 105.84]
heading = 'How evenly the workers share the connections (Lorenz curve)'
subheading = '/hello, keep-alive, 64 connections, closed loop'
reading = 'grey: where 95 % of random deals of 64 connections to 8 workers lie'
footer = 'distribution, seed 19375430, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'lorenz.gp'
eval note_axes
unset output
