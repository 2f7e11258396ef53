array group_at[19]
array group_name[19]
array group_jain[19]
array group_interval[19]
dealt = 'requests'
group_at[1] = 0.5
group_name[1] = 'shared'
group_jain[1] = '0.90'
group_interval[1] = '0.90-0.90'
group_at[2] = 4.5
group_name[2] = 'reuseport'
group_jain[2] = '0.90'
group_interval[2] = '0.90-0.90'
groups = 2
top = 66.6667
last = 6
busy = 1
slanted = 0
name_length = 9
height = 620
reading = 'numbers: Jain index; dealing 48 connections at random gives 0.98; grey: 95 % of such deals'
