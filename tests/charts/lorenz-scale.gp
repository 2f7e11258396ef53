dealt = 'connections'
envelope = 0
height = 560
curves = 5
array curve_name[5] = ['shared, 2 workers  0.80 [0.80, 0.80]', 'shared, 4 workers  0.76 [0.76, 0.76]', 'shared, 8 workers  0.75 [0.75, 0.75]', 'shared, 16 workers  0.75 [0.75, 0.75]', 'shared, 32 workers  0.75 [0.75, 0.75]']
array curve_style[5] = [2, 2, 2, 2, 2]
name_length = 37
array end_x[5] = [100, 100, 100, 100, 100]
array end_y[5] = [100, 100, 100, 100, 100]
set yrange [0:108]
array name_y[5] = [85.104, 90.288, 95.472, 100.656, 105.84]
reading = 'no envelope of chance: these curves are of different numbers of connections or workers'
