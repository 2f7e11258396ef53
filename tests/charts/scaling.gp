array usl_scale[1]
array usl_sigma[1]
array usl_kappa[1]
array amdahl_scale[1]
array amdahl_sigma[1]
array amdahl_kappa[1]
array law_text[1]
usl_scale[1] = 0.999736026
usl_sigma[1] = 0.0201110365
usl_kappa[1] = 0.000497934432
amdahl_scale[1] = 1.02872285
amdahl_sigma[1] = 0.0351165703
amdahl_kappa[1] = 0
law_text[1] = 'shared: sigma 0.02, kappa 0.0005, no certain peak'
fewest = 1
most = 32
fitted = 1
key_lines = 1
height = 657
curves = 1
array curve_name[1] = ['shared']
array curve_style[1] = [2]
name_length = 6
array end_x[1] = [32]
array end_y[1] = [15.1082]
set yrange [0.75:20.6156]
array name_y[1] = [15.1082]
reading = 'line: USL (peak: in workers), dashed: Amdahl; grey: ideal'
