#!/bin/bash
# Makes a results folder with the fakes and gives it to cut_folders: cut_folders.sh CUT_FOLDERS CLUSTERBENCH FAKES SEED COUNT SECONDS
# [KEEP]. In a folder KEEP the material of a finding stays.
set -eu
cut_folders=$1 clusterbench=$2 fakes=$3 seed=$4 count=$5 seconds=$6
if [ $# -gt 6 ]; then
    work=$7
    rm -rf "$work"
    mkdir -p "$work"
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
cd "$work"

# Everything there is to be read: series and lanes, a cross-check, a peer of the plan, a load, a row that fails.
cat > plan.ini <<'EOF_PLAN'
[plan]
title = To be cut
blocks = 6
verdicts = yes
[server mine]
program = odd
workers = 3
[experiment cost]
strategies = even, mine
workers = 1, 2
request = /hello
duration = 10ms
warmup = 0
baseline = even
primary = p99_us
pictures = cost, shares, percentiles, latency
[experiment down]
strategies = even
workers = 2
request = /hello
duration = 20ms
warmup = 0
load = 50/s
baseline = even
primary = lost_requests
events = at 5ms scale 3, at 10ms stop worker 0 for 5ms
pictures = fairness, heat, lanes
EOF_PLAN

# A gnuplot that is quickly done: what is read for the pictures is read all the same.
mkdir bin
cat > bin/gnuplot <<'EOF_GNUPLOT'
#!/bin/sh
for script; do :; done
echo '<svg xmlns="http://www.w3.org/2000/svg"/>' | tee "${script%.gp}.svg.tmp" > "${script%.gp}.png.tmp"
EOF_GNUPLOT
chmod +x bin/gnuplot
PATH=$work/bin:$PATH
"$clusterbench" run --bin "$fakes" --plan ./plan.ini --seed 7 --out whole > run.out 2> run.err || { cat run.out run.err; exit 1; }
rm -rf whole/plots whole/report.html
# A machine that has other things to do throws blocks out; here all count.
sed -i 's/"accepted": false/"accepted": true/' whole/run.json
"$cut_folders" "$clusterbench" whole cut "$seed" 0 "$count" "$seconds"
