array group_at[19]
array group_name[19]
array group_jain[19]
array group_interval[19]
dealt = 'connections'
group_at[1] = 0
group_name[1] = 'single'
group_jain[1] = '1.00'
group_interval[1] = '1.00-1.00'
group_at[2] = 3.5
group_name[2] = 'proxied'
group_jain[2] = '0.80'
group_interval[2] = '0.80-0.80'
groups = 2
top = 100
last = 5
busy = 0
slanted = 0
name_length = 7
height = 460
reading = 'numbers: Jain index; dealing 64 connections at random gives 0.98; grey: 95 % of such deals'
