# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot scaling-scaling.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'scaling-scaling.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'scaling-scaling'
array usl_scale[5]
array usl_sigma[5]
array usl_kappa[5]
array amdahl_scale[5]
array amdahl_sigma[5]
array amdahl_kappa[5]
array law_text[5]
usl_scale[1] = 0.998474753
usl_sigma[1] = -0.00117210216
usl_kappa[1] = 4.14887804e-05
amdahl_scale[1] = 1.01099954
amdahl_sigma[1] = 0.00140530831
amdahl_kappa[1] = 0
law_text[1] = 'shared: sigma -0.0012, kappa 4.1e-05, no certain peak'
usl_scale[2] = 1.00043684
usl_sigma[2] = -4.50731245e-06
usl_kappa[2] = 2.01758325e-07
amdahl_scale[2] = 1.00049934
amdahl_sigma[2] = 8.10486426e-06
amdahl_kappa[2] = 0
law_text[2] = 'master-accept: sigma -4.5e-06, kappa 2e-07, no certain peak'
usl_scale[3] = 0.999654698
usl_sigma[3] = -0.000393022662
usl_kappa[3] = 7.58676586e-06
amdahl_scale[3] = 1.00200566
amdahl_sigma[3] = 8.10477239e-05
amdahl_kappa[3] = 0
law_text[3] = 'reuseport: sigma -0.00039, kappa 7.6e-06, no certain peak'
usl_scale[4] = 0.999513213
usl_sigma[4] = -0.000200905725
usl_kappa[4] = 6.67218535e-06
amdahl_scale[4] = 1.00157122
amdahl_sigma[4] = 0.000215810133
amdahl_kappa[4] = 0
law_text[4] = 'threaded: sigma -0.0002, kappa 6.7e-06, no certain peak'
usl_scale[5] = 0.999682388
usl_sigma[5] = -8.92944375e-05
usl_kappa[5] = 2.50959749e-07
amdahl_scale[5] = 0.999760299
amdahl_sigma[5] = -7.35993789e-05
amdahl_kappa[5] = 0
law_text[5] = 'proxied: sigma -8.9e-05, kappa 2.5e-07, no certain peak'
fewest = 1
most = 64
fitted = 1
key_lines = 3
height = 691
curves = 5
array curve_name[5] = ['shared', 'master-accept', 'reuseport', 'threaded', 'proxied']
array curve_style[5] = [2, 3, 4, 5, 6]
name_length = 13
array end_x[5] = [64, 64, 64, 64, 64]
array end_y[5] = [58.3724, 64, 63.602, 63.0606, 64.2677]
set yrange [0.75:87.0099]
array name_y[5] = [31.7609, 62.977, 50.1286, 39.9015, 79.1186]
heading = 'Speed-up with more workers'
subheading = '/block/10ms, keep-alive, 256 connections, closed loop'
reading = 'line: USL (peak: in workers), dashed: Amdahl; grey: ideal'
footer = 'scaling, seed 17391354, 7 blocks; servers on CPU 0, generator on CPU 1'
badge = 'blocked-worker emulation'
caution = 'no verdicts'
load 'style.gp'
load 'scaling.gp'
eval note_axes
unset output
