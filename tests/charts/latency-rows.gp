set ytics ('single' 0)
set ytics add ('proxied' 1)
rows = 2
name_length = 7
least = 1
most = 9
against_load = 0
theories = 0
height = 250
reading = 'open: median, full: p99'
