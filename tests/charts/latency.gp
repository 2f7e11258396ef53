capacity = 400
ceiling = 340
against_load = 1
theories = 1
height = 520
curves = 2
array curve_name[2] = ['shared', 'reuseport *']
array curve_style[2] = [2, 4]
name_length = 11
array end_x[2] = [360, 360]
array end_y[2] = [72.8, 145.6]
set yrange [3.65404:198.327]
array name_y[2] = [72.8, 145.6]
reading = 'thick: p99, thin: median, band: interval, black and dashed: M/M/2'
