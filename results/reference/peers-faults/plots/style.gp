# The one place that says what charts look like. A script sets name, form (svg or png), height, heading, subheading (the setting),
# reading (what means what), footer, badge and caution, loads this file, then the script of its kind.
#
# Strategies keep their colour, point and dash everywhere. The first six are the strategies of the build in their order; 7..10 are
# for programs that came later, 11..18 for peers. The first six colours are Okabe and Ito's; the others were chosen
# so that any two of all stay apart (18 in CIELAB) for readers without green cones, too. Point and dash say it again.

if (!exists("suffix")) { suffix = '' }
width = 800
if (!exists("height")) { height = 460 }
if (form eq 'svg') {
    small = ',11.5'
    axes = ''
    set terminal svg size width,height dynamic enhanced font 'Helvetica,13' background '#ffffff' dashlength 1.2
} else {
    small = ',10'
    set terminal pngcairo size width,height enhanced font 'Helvetica,11' background '#ffffff' dashlength 1.2
}
set output name . '.' . form . suffix

set style line 1  lc rgb '#555555' lw 2 pt 5  dt 1             # single
set style line 2  lc rgb '#e69f00' lw 2 pt 7  dt (12,4)        # shared
set style line 3  lc rgb '#0072b2' lw 2 pt 9  dt 1             # master-accept
set style line 4  lc rgb '#009e73' lw 2 pt 11 dt (6,3)         # reuseport
set style line 5  lc rgb '#cc79a7' lw 2 pt 13 dt (3,3)         # threaded
set style line 6  lc rgb '#d55e00' lw 2 pt 4  dt (12,3,3,3)    # proxied
set style line 7  lc rgb '#f0a078' lw 2 pt 6  dt (8,3,2,3)
set style line 8  lc rgb '#782878' lw 2 pt 8  dt (2,2)
set style line 9  lc rgb '#a0c8a0' lw 2 pt 10 dt (10,6)
set style line 10 lc rgb '#0050f0' lw 2 pt 12 dt (5,2,2,2)
set style line 11 lc rgb '#2878f0' lw 2 pt 5  dt (9,3)         # nginx-shared
set style line 12 lc rgb '#00c8f0' lw 2 pt 7  dt (4,4)         # nginx-reuseport
set style line 13 lc rgb '#0028a0' lw 2 pt 9  dt (2,4)         # nginx-accept-mutex
set style line 14 lc rgb '#0000f0' lw 2 pt 11 dt (9,3,2,3)     # nginx-proxy
set style line 15 lc rgb '#c828a0' lw 2 pt 13 dt (7,2)         # haproxy-proxy
set style line 16 lc rgb '#c85050' lw 2 pt 4  dt 1             # node-cluster-rr
set style line 17 lc rgb '#780028' lw 2 pt 6  dt (3,2)         # node-cluster-none
set style line 18 lc rgb '#505000' lw 2 pt 8  dt (12,2,2,2)    # pm2
array palette_of[18] = [0x555555, 0xe69f00, 0x0072b2, 0x009e73, 0xcc79a7, 0xd55e00, 0xf0a078, 0x782878, 0xa0c8a0, 0x0050f0, \
                        0x2878f0, 0x00c8f0, 0x0028a0, 0x0000f0, 0xc828a0, 0xc85050, 0x780028, 0x505000]
style_of(style) = int(style) <= 18 ? int(style) : 7 + (int(style) - 7) % 4
colour(style) = palette_of[style_of(style)]

# Where each panel lies in the SVG and which values its edges have, for values under the pointer in the report: NAME.axes. A script
# with one panel need do nothing; one with several says `eval note_axes` behind each plot. hover_x and hover_y are the units, '-' for
# an axis without figures, hover_logs the logarithmic axes.
hover_logs = ''
hover_x = '-'
hover_y = '-'
note_axes = "if (form eq 'svg') { axes = axes . sprintf(\"%.2f|%.2f|%.2f|%.2f|%.9g|%.9g|%.9g|%.9g|%d|%d|%s|%s\\n\", " . \
    "1.0 * GPVAL_TERM_XMIN, 1.0 * GPVAL_TERM_XMAX, " . \
    "height - 1.0 * GPVAL_TERM_YMIN, height - 1.0 * GPVAL_TERM_YMAX, " . \
    "GPVAL_X_MIN, GPVAL_X_MAX, GPVAL_Y_MIN, GPVAL_Y_MAX, strstrt(hover_logs, 'x') > 0, strstrt(hover_logs, 'y') > 0, hover_x, hover_y) }"

# In the middle of the picture, not of the axes: those lie to one side where names are long.
set label 911 '{/:Bold*1.15 ' . heading . '}' at screen 0.5, screen 1 - 20.0 / height center
set label 912 '{/*0.85 ' . subheading . '}' at screen 0.5, screen 1 - 40.0 / height center
set label 913 '{/*0.85 ' . reading . '}' at screen 0.5, screen 1 - 57.0 / height center
set border 3 lc rgb '#666666'
set tics nomirror out
set grid ytics lc rgb '#dddddd' lw 1 dt 1
set key noautotitle
set bmargin 6
set tmargin 5.8
set rmargin 3
unset label 901
unset label 902
set label 901 footer at screen 0.012, screen 13.0 / height left font small textcolor rgb '#666666'
tag = badge . (strlen(badge) && strlen(caution) ? ', ' : '') . caution
if (strlen(tag)) { set label 902 '{/:Bold ' . tag . '}' at screen 0.988, screen 13.0 / height right font small textcolor rgb '#a04000' }
times = "(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000)"
ytics_of_times = 'set ytics ' . times
xtics_of_times = 'set xtics ' . times
