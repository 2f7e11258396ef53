set ytics ('single' 0)
set ytics add ('single (again)' 1)
set ytics add ('proxied' 2)
set label 'not measured' at graph 0.01, first 3 left textcolor rgb '#a04000'
set ytics add ('broken *' 3)
rows = 4
name_length = 14
top = 24.24
height = 294
reading = 'dark: user, light: system; thin, coloured: of it the proxy''s; thin grey: the generator''s own'
