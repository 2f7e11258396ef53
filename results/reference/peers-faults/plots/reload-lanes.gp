# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot reload-lanes.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'reload-lanes.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'reload-lanes'
lanes = 5
workers = 4
top = 1980
faults = 1
array fault_number[1]
array fault_lane[1]
fault_number[1] = 0; fault_lane[1] = -1
array done_at[6]
array done_until[6]
array done_badly[6]
array panel_together[6]
panel_together[1] = 0
done_at[1] = 1.001; done_until[1] = 1.001; done_badly[1] = 0
panel_together[2] = 0
done_at[2] = 1; done_until[2] = 1; done_badly[2] = 0
panel_together[3] = 0
done_at[3] = 1; done_until[3] = 1; done_badly[3] = 0
panel_together[4] = 0
done_at[4] = 1; done_until[4] = 1; done_badly[4] = 0
panel_together[5] = 0
done_at[5] = 1; done_until[5] = 1; done_badly[5] = 0
panel_together[6] = 0
done_at[6] = 1; done_until[6] = 1; done_badly[6] = 0
fault_number[1] = 1
fault_key1 = '1  reload at 1s'
fault_key2 = ''
panels = 6
columns = 3
rows = 2
height = 610
duration = 8
array panel_name[6] = ['shared', 'reuseport', 'proxied', 'nginx-proxy', 'haproxy-proxy', 'pm2']
name_length = 13
array panel_style[6] = [2, 4, 6, 14, 15, 18]
array panel_loss[6] = ['none lost', 'none lost', 'none lost', '13 lost [1, 15]', '15 lost [11, 20]', '10 lost [1, 13]']
array panel_works[6] = [1, 1, 1, 0, 0, 0]
array panel_lanes[6] = [4, 4, 5, 4, 4, 4]
heading = 'Workers that come and go, and what clients get'
subheading = '/wait/20ms, keep-alive, Poisson arrivals at 1500/s'
reading = 'lanes and rates of one block; x: not done; white: another process; lost: median of the blocks and its interval'
footer = 'peers-faults, seed 57122962, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = 'no verdicts'
load 'style.gp'
load 'lanes.gp'
eval note_axes
unset output
