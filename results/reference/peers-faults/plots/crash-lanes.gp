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
top = 1760
faults = 1
array fault_number[1]
array fault_lane[1]
fault_number[1] = 0; fault_lane[1] = -1
array done_at[8]
array done_until[8]
array done_badly[8]
array panel_together[8]
panel_together[1] = 0
done_at[1] = 2; done_until[1] = 2; done_badly[1] = 0
panel_together[2] = 0
done_at[2] = 2; done_until[2] = 2; done_badly[2] = 0
panel_together[3] = 0
done_at[3] = 2; done_until[3] = 2; done_badly[3] = 0
panel_together[4] = 0
done_at[4] = 2; done_until[4] = 2; done_badly[4] = 0
panel_together[5] = 0
done_at[5] = 2; done_until[5] = 2; done_badly[5] = 0
panel_together[6] = 0
done_at[6] = 2; done_until[6] = 2; done_badly[6] = 0
panel_together[7] = 0
done_at[7] = 2; done_until[7] = 2; done_badly[7] = 0
panel_together[8] = 0
done_at[8] = 2; done_until[8] = 2; done_badly[8] = 0
fault_number[1] = 1
fault_key1 = '1  kill worker 0 at 2s'
fault_key2 = ''
panels = 8
columns = 3
rows = 3
height = 840
duration = 5
array panel_name[8] = ['shared', 'reuseport', 'proxied', 'nginx-proxy', 'haproxy-proxy', 'node-cluster-rr', 'node-cluster-none', 'pm2']
name_length = 17
array panel_style[8] = [2, 4, 6, 14, 15, 16, 17, 18]
array panel_loss[8] = ['12 lost [4, 14]', '8 lost [5, 11]', 'none lost', 'none lost', '8 lost [5, 9]', '11 lost [8, 14]', '8 lost [1, 16]', '10 lost [5, 12]']
array panel_works[8] = [0, 0, 1, 1, 0, 0, 0, 0]
array panel_lanes[8] = [4, 4, 5, 4, 4, 4, 4, 4]
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
