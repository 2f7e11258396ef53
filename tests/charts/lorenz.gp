dealt = 'requests'
envelope = 1
height = 560
curves = 2
array curve_name[2] = ['shared  0.90 [0.90, 0.90]', 'reuseport  0.90 [0.90, 0.90]']
array curve_style[2] = [2, 4]
name_length = 28
array end_x[2] = [100, 100]
array end_y[2] = [100, 100]
set yrange [0:108]
array name_y[2] = [100, 105.184]
reading = 'grey: where 95 % of random deals of 48 connections to 2 workers lie'
