# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot crash-lanes.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'crash-lanes.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'crash-lanes'
lanes = 5
workers = 4
top = 1770
faults = 4
array fault_number[4]
array fault_lane[4]
fault_number[1] = 0; fault_lane[1] = -1
fault_number[2] = 0; fault_lane[2] = -1
fault_number[3] = 0; fault_lane[3] = -1
fault_number[4] = 0; fault_lane[4] = -1
array done_at[24]
array done_until[24]
array done_badly[24]
array panel_together[6]
panel_together[1] = 0
done_at[1] = 2; done_until[1] = 2; done_badly[1] = 0
done_at[2] = 4.5; done_until[2] = 4.5; done_badly[2] = 2
done_at[3] = 4.5; done_until[3] = 4.5; done_badly[3] = 2
done_at[4] = 4.5; done_until[4] = 4.5; done_badly[4] = 2
panel_together[2] = 0
done_at[5] = 2; done_until[5] = 2; done_badly[5] = 0
done_at[6] = 4.5; done_until[6] = 4.5; done_badly[6] = 0
done_at[7] = 4.5; done_until[7] = 4.5; done_badly[7] = 0
done_at[8] = 4.5; done_until[8] = 4.5; done_badly[8] = 0
panel_together[3] = 0
done_at[9] = 2; done_until[9] = 2; done_badly[9] = 0
done_at[10] = 4.5; done_until[10] = 4.5; done_badly[10] = 0
done_at[11] = 4.5; done_until[11] = 4.5; done_badly[11] = 0
done_at[12] = 4.5; done_until[12] = 4.5; done_badly[12] = 0
panel_together[4] = 0
done_at[13] = 2; done_until[13] = 2; done_badly[13] = 0
done_at[14] = 4.5; done_until[14] = 4.5; done_badly[14] = 0
done_at[15] = 4.5; done_until[15] = 4.5; done_badly[15] = 0
done_at[16] = 4.5; done_until[16] = 4.5; done_badly[16] = 0
panel_together[5] = 1
done_at[17] = 2; done_until[17] = 2; done_badly[17] = 0
done_at[18] = 4.5; done_until[18] = 4.5; done_badly[18] = 2
done_at[19] = 4.5; done_until[19] = 4.5; done_badly[19] = 2
done_at[20] = 4.5; done_until[20] = 4.5; done_badly[20] = 2
panel_together[6] = 0
done_at[21] = 2; done_until[21] = 2; done_badly[21] = 0
done_at[22] = 4.5; done_until[22] = 4.5; done_badly[22] = 0
done_at[23] = 4.5; done_until[23] = 4.5; done_badly[23] = 0
done_at[24] = 4.5; done_until[24] = 4.5; done_badly[24] = 0
fault_number[1] = 1
fault_number[2] = 2
fault_key1 = '1  kill worker 0 at 2s     2  kill worker 0, kill worker 1, kill worker 2 at 4.5s'
fault_key2 = ''
panels = 6
columns = 3
rows = 2
height = 610
duration = 7
array panel_name[6] = ['single', 'shared', 'master-accept', 'reuseport', 'threaded', 'proxied']
name_length = 13
array panel_style[6] = [1, 2, 3, 4, 5, 6]
array panel_loss[6] = ['7,568 lost [7,348, 7,611]', '42 lost [28, 49]', '28 lost [25, 40]', '31 lost [19, 41]', '7,568 lost [7,349, 7,611]', 'none lost']
array panel_works[6] = [0, 0, 0, 0, 0, 1]
array panel_lanes[6] = [1, 4, 4, 4, 4, 5]
heading = 'Workers that come and go, and what clients get'
subheading = '/wait/20ms, keep-alive, Poisson arrivals at 1500/s'
reading = 'lanes and rates of one block; x: not done; lost: median of the blocks and its interval'
footer = 'faults, seed 73132392, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = ''
load 'style.gp'
load 'lanes.gp'
eval note_axes
unset output
