# The one place that says what charts look like. A script sets name, form (svg or png), heading, subheading, footer, badge and
# caution, loads this file, then the script of its kind.
#
# Strategies keep their colour, point and dash everywhere. The first six are the strategies of the build in their order; 7..10 are
# for programs that came later, 11..18 for peers. Colours: Okabe and Ito's, told apart by colour-blind readers and in grey by their dash and point.

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
set style line 7  lc rgb '#56b4e9' lw 2 pt 6  dt (8,3,2,3)
set style line 8  lc rgb '#8c6d1f' lw 2 pt 8  dt (2,2)
set style line 9  lc rgb '#7b3fa0' lw 2 pt 10 dt (10,6)
set style line 10 lc rgb '#1f8c8c' lw 2 pt 12 dt (5,2,2,2)
set style line 11 lc rgb '#2e7d32' lw 2 pt 5  dt (9,3)         # nginx-shared
set style line 12 lc rgb '#81c784' lw 2 pt 7  dt (4,4)         # nginx-reuseport
set style line 13 lc rgb '#33691e' lw 2 pt 9  dt (2,4)         # nginx-accept-mutex
set style line 14 lc rgb '#a5a900' lw 2 pt 11 dt (9,3,2,3)     # nginx-proxy
set style line 15 lc rgb '#5c6bc0' lw 2 pt 13 dt (7,2)         # haproxy-proxy
set style line 16 lc rgb '#b71c1c' lw 2 pt 4  dt 1             # node-cluster-rr
set style line 17 lc rgb '#e57373' lw 2 pt 6  dt (3,2)         # node-cluster-none
set style line 18 lc rgb '#4e342e' lw 2 pt 8  dt (12,2,2,2)    # pm2
array palette_of[18] = [0x555555, 0xe69f00, 0x0072b2, 0x009e73, 0xcc79a7, 0xd55e00, 0x56b4e9, 0x8c6d1f, 0x7b3fa0, 0x1f8c8c, \
                        0x2e7d32, 0x81c784, 0x33691e, 0xa5a900, 0x5c6bc0, 0xb71c1c, 0xe57373, 0x4e342e]
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

set title "{/:Bold*1.15 " . heading . "}\n{/*0.85 " . subheading . "}" offset 0,0.3
set border 3 lc rgb '#666666'
set tics nomirror out
set grid ytics lc rgb '#dddddd' lw 1 dt 1
set key noautotitle
set bmargin 5
set tmargin 4.5
set rmargin 3
unset label 901
unset label 902
set label 901 footer at screen 0.012, screen 0.025 left font small textcolor rgb '#666666'
tag = badge . (strlen(badge) && strlen(caution) ? ', ' : '') . caution
if (strlen(tag)) { set label 902 '{/:Bold ' . tag . '}' at screen 0.988, screen 0.025 right font small textcolor rgb '#a04000' }
