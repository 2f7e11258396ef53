dealt = 'connections'
envelope = 1
height = 560
curves = 1
array curve_name[1] = ['proxied  0.80 [0.80, 0.80]']
array curve_style[1] = [6]
name_length = 26
array end_x[1] = [100]
array end_y[1] = [100]
set yrange [0:108]
array name_y[1] = [100]
reading = 'grey: where 95 % of random deals of 64 connections to 2 workers lie'
