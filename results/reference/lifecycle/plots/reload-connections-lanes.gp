# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot reload-connections-lanes.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'reload-connections-lanes.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'reload-connections-lanes'
lanes = 5
workers = 4
top = 1830
faults = 2
array fault_number[2]
array fault_lane[2]
fault_number[1] = 0; fault_lane[1] = -1
fault_number[2] = 0; fault_lane[2] = -1
array done_at[8]
array done_until[8]
array done_badly[8]
array panel_together[4]
panel_together[1] = 0
done_at[1] = 2.002; done_until[1] = 2.002; done_badly[1] = 0
done_at[2] = 5.001; done_until[2] = 5.001; done_badly[2] = 0
panel_together[2] = 0
done_at[3] = 2.002; done_until[3] = 2.002; done_badly[3] = 0
done_at[4] = 5; done_until[4] = 5; done_badly[4] = 0
panel_together[3] = 0
done_at[5] = 2.002; done_until[5] = 2.002; done_badly[5] = 0
done_at[6] = 5; done_until[6] = 5; done_badly[6] = 0
panel_together[4] = 0
done_at[7] = 2.002; done_until[7] = 2.002; done_badly[7] = 0
done_at[8] = 5; done_until[8] = 5; done_badly[8] = 0
fault_number[1] = 1
fault_number[2] = 2
fault_key1 = '1  reload at 2s     2  drain worker 1 at 5s'
fault_key2 = ''
panels = 4
columns = 2
rows = 2
height = 610
duration = 8
array panel_name[4] = ['shared', 'master-accept', 'reuseport', 'proxied']
name_length = 13
array panel_style[4] = [2, 3, 4, 6]
array panel_loss[4] = ['none lost', 'none lost', 'none lost', 'none lost']
array panel_works[4] = [1, 1, 1, 1]
array panel_lanes[4] = [4, 4, 4, 5]
heading = 'Workers that come and go, and what clients get'
subheading = '/wait/20ms, one request a connection, Poisson arrivals at 1500/s'
reading = 'lanes and rates of one block; x: not done; white: another process; lost: median of the blocks and its interval'
footer = 'lifecycle, seed 65653445, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'lanes.gp'
eval note_axes
unset output
