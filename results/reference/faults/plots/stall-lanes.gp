# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot stall-lanes.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'stall-lanes.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'stall-lanes'
lanes = 5
workers = 4
top = 8730
faults = 3
array fault_number[3]
array fault_lane[3]
fault_number[1] = 0; fault_lane[1] = 1
fault_number[2] = 0; fault_lane[2] = 2
fault_number[3] = 0; fault_lane[3] = 3
array done_at[15]
array done_until[15]
array done_badly[15]
array panel_together[5]
panel_together[1] = 0
done_at[1] = 1; done_until[1] = 2.001; done_badly[1] = 0
done_at[2] = 3.5; done_until[2] = 5.5; done_badly[2] = 0
done_at[3] = 7; done_until[3] = 8.001; done_badly[3] = 0
panel_together[2] = 0
done_at[4] = 1; done_until[4] = 2.001; done_badly[4] = 0
done_at[5] = 3.5; done_until[5] = 5.5; done_badly[5] = 0
done_at[6] = 7; done_until[6] = 8.001; done_badly[6] = 0
panel_together[3] = 0
done_at[7] = 1; done_until[7] = 2.001; done_badly[7] = 0
done_at[8] = 3.5; done_until[8] = 5.5; done_badly[8] = 0
done_at[9] = 7; done_until[9] = 8.002; done_badly[9] = 0
panel_together[4] = 1
done_at[10] = 1; done_until[10] = 2.003; done_badly[10] = 0
done_at[11] = 3.5; done_until[11] = 5.5; done_badly[11] = 0
done_at[12] = 7; done_until[12] = 8.002; done_badly[12] = 0
panel_together[5] = 0
done_at[13] = 1.001; done_until[13] = 2.001; done_badly[13] = 0
done_at[14] = 3.5; done_until[14] = 5.5; done_badly[14] = 0
done_at[15] = 7; done_until[15] = 8.003; done_badly[15] = 0
fault_number[1] = 1
fault_number[2] = 2
fault_number[3] = 3
fault_key1 = '1  stop worker 1 for 1s at 1s     2  slow worker 2 x10 for 2s at 3.5s     3  stop worker 3 at 7s'
fault_key2 = ''
panels = 5
columns = 3
rows = 2
height = 610
duration = 8
array panel_name[5] = ['shared', 'master-accept', 'reuseport', 'threaded', 'proxied']
name_length = 13
array panel_style[5] = [2, 3, 4, 5, 6]
array panel_loss[5] = ['none lost', 'none lost', 'none lost', 'none lost', 'none lost']
array panel_works[5] = [1, 1, 1, 1, 1]
array panel_lanes[5] = [4, 4, 4, 4, 5]
heading = 'Workers that come and go, and what clients get'
subheading = '/wait/20ms, one request a connection, Poisson arrivals at 800/s'
reading = 'lanes and rates of one block; x: not done; lost: median of the blocks and its interval'
footer = 'faults, seed 73132392, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'lanes.gp'
eval note_axes
unset output
