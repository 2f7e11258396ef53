height = 500
curves = 2
array curve_name[2] = ['shared', 'reuseport']
array curve_style[2] = [2, 4]
name_length = 9
array end_x[2] = [100, 100]
array end_y[2] = [33.3665, 66.7335]
set yrange [2.50237:90.0902]
array name_y[2] = [33.3665, 66.7335]
reading = 'thick: from the plan, thin: from the send; as far as 100 samples remain'
