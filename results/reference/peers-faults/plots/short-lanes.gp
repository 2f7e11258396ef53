# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot short-lanes.gp
if (!exists('form')) {
    axes = ''
    do for [form in 'svg png'] { load 'short-lanes.gp' }
    set print name . '.axes' . suffix
    print axes
    unset print
    exit
}
reset
name = 'short-lanes'
lanes = 5
workers = 4
top = 1720
faults = 2
array fault_number[2]
array fault_lane[2]
fault_number[1] = 0; fault_lane[1] = -1
fault_number[2] = 0; fault_lane[2] = -1
array done_at[12]
array done_until[12]
array done_badly[12]
array panel_together[6]
panel_together[1] = 0
done_at[1] = 0.5; done_until[1] = 0.5; done_badly[1] = 0
done_at[2] = 2; done_until[2] = 2; done_badly[2] = 0
panel_together[2] = 0
done_at[3] = 0.5; done_until[3] = 0.5; done_badly[3] = 0
done_at[4] = 2; done_until[4] = 2; done_badly[4] = 0
panel_together[3] = 0
done_at[5] = 0.5001; done_until[5] = 0.5001; done_badly[5] = 0
done_at[6] = 2.001; done_until[6] = 2.001; done_badly[6] = 0
panel_together[4] = 0
done_at[7] = 0.5; done_until[7] = 0.5; done_badly[7] = 0
done_at[8] = 2; done_until[8] = 2; done_badly[8] = 0
panel_together[5] = 0
done_at[9] = 0.5001; done_until[9] = 0.5001; done_badly[9] = 0
done_at[10] = 2; done_until[10] = 2; done_badly[10] = 0
panel_together[6] = 0
done_at[11] = 0.5; done_until[11] = 0.5; done_badly[11] = 0
done_at[12] = 2; done_until[12] = 2; done_badly[12] = 0
fault_number[1] = 1
fault_number[2] = 2
fault_key1 = '1  kill worker 0 at 0.5s     2  reload at 2s'
fault_key2 = ''
panels = 6
columns = 3
rows = 2
height = 610
duration = 8
array panel_name[6] = ['shared', 'reuseport', 'proxied', 'nginx-shared', 'nginx-reuseport', 'pm2']
name_length = 15
array panel_style[6] = [2, 4, 6, 11, 12, 18]
array panel_loss[6] = ['1 lost [0, 1]', '0 lost [0, 1]', 'none lost', '12 lost [9, 23]', '10 lost [6, 26]', '13 lost [4, 20]']
array panel_works[6] = [0, 0, 1, 0, 0, 0]
array panel_lanes[6] = [4, 4, 5, 4, 4, 4]
heading = 'Workers that come and go, and what clients get'
subheading = '/hello, keep-alive, Poisson arrivals at 1500/s'
reading = 'lanes and rates of one block; x: not done; white: another process; lost: median of the blocks and its interval'
footer = 'peers-faults, seed 57122962, 6 blocks; servers on CPU 0, generator on CPU 1'
badge = ''
caution = 'no verdicts'
load 'style.gp'
load 'lanes.gp'
eval note_axes
unset output
