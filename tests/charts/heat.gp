low = 0
high = 1.1
count_low = -0.778151
count_high = 1.30103
faults = 1
array fault_number[1]
array fault_lane[1]
fault_number[1] = 0; fault_lane[1] = -1
array done_at[2]
array done_until[2]
array done_badly[2]
array panel_together[2]
panel_together[1] = 1
done_at[1] = 0.4125; done_until[1] = 0.4125; done_badly[1] = 0
panel_together[2] = 0
done_at[2] = 0.4; done_until[2] = 0.4; done_badly[2] = 2
fault_number[1] = 1
fault_key1 = '1  kill worker 1 at 0.4s'
fault_key2 = ''
panels = 2
columns = 2
rows = 1
height = 340
duration = 1
array panel_name[2] = ['shared', 'reuseport']
name_length = 9
array panel_style[2] = [2, 4]
array panel_loss[2] = ['none lost', 'none lost']
array panel_works[2] = [1, 1]
reading = 'red marks: requests failed here; x: not done; lost: median of the blocks and its interval'
