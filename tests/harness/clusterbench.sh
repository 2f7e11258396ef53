#!/bin/bash
# End-to-end tests of the clusterbench program: clusterbench.sh CASE CLUSTERBENCH FAKES PROGRAMS
# Every case works in a folder of its own and ends only what it started.
set -u
case_name=$1 clusterbench=$2 fakes=$3 programs=$4 tests=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/harness/support.sh
. "$(dirname "$0")/support.sh"

plan() { # NAME BLOCKS STRATEGIES: a plan of short cells with the fakes
    cat > "$1.ini" <<EOF
[plan]
title = Two cells
blocks = $2
verdicts = no
[experiment cost]
title = What does it cost?
strategies = $3
workers = 2
request = /hello
duration = 10ms
warmup = 0
baseline = even
primary = cpu_us_per_request
pictures = cost, shares, percentiles
EOF
}

run() { "$clusterbench" run --bin "$fakes" "$@" > out 2> err; }

# Starts a run whose generator reports through a pipe and then hangs, and returns once it is in the midst of the first cell.
start_hanging_run() {
    mkfifo fifo
    plan two 1 "even, odd"
    FAKE_FIFO=$work/fifo "$clusterbench" run --bin "$fakes" --plan ./two.ini --out r > out 2> err &
    harness=$!
    read -r _ < fifo
}

case_two_cells() {
    plan two 2 "even, odd"
    run --plan ./two.ini --out r --seed 7
    expect_status $? 0
    for file in run.json plan.ini machine-before.json machine-after.json rejected.csv summary.csv summary.json summary.md report.html; do
        expect_file "r/$file"
    done
    for cell in 01-cost-even-w2-closed 01-cost-odd-w2-closed 02-cost-even-w2-closed 02-cost-odd-w2-closed; do
        for file in server.json load.json latency.hgrm workers.csv; do expect_file "r/cells/$cell/$file"; done
    done
    expect_in r/run.json '"state": "complete"'
    expect_in r/run.json '"seed": 7'
    expect_in r/cells/01-cost-even-w2-closed/server.json '"requests": 2000' # two workers, 1000 each between the two readings
    expect_in r/cells/01-cost-even-w2-closed/workers.csv '^0,32,600,'
    expect_in r/summary.csv '^cost,even,2,closed,requests_per_s,2,10000,'
    expect_in r/summary.csv ',cells_not_ranked,p,p_holm,compared_by,difference,difference_low,difference_high,pairs_left_out$'
    expect_in r/summary.md '^| strategy | CPU per request, us | against even | verdict |$'
    expect_in r/summary.md '^| odd | [0-9.]* | [0-9.]* |  |$'
    expect_in r/summary.md 'seed 7'
    expect_in out 'What does it cost?'
    [ "$(tail -1 out)" = "Report: r/report.html" ] || fail "the last line does not name the report"
    expect_no_drafts r
    expect_nothing_left
}

case_report_again() {
    plan two 1 "even, odd"
    run --plan ./two.ini --out r || fail "the run failed"
    cp r/summary.json first.json
    rm -rf r/plots r/report.html r/summary.json r/summary.csv
    "$clusterbench" report r > out 2> err
    expect_status $? 0
    expect_file r/report.html
    cmp -s first.json r/summary.json || fail "the second report says something else"
    if command -v gnuplot > /dev/null; then
        expect_file r/plots/cost-cost.svg
        expect_file r/plots/cost-cost.png
        expect_file r/plots/cost-percentiles.svg
        expect_in r/report.html 'id="chart-cost-cost"'
        (cd r/plots && gnuplot cost-cost.gp) 2> err || fail "the script does not stand alone"
    fi
    ! grep -q 'src="http\|href="[^#]\|src="[^d]\|url(["h/]\|@import' r/report.html || fail "the report is not self-contained"
}

# Experiments that have, with that of plan(), every kind of picture.
all_pictures() {
    cat <<'EOF'
[experiment load]
title = Who waits?
strategies = even, odd
workers = 2
request = /block/{exp:1ms}
requests_per_connection = 1
connections = 4
arrivals = poisson
load = 100/s, 200/s
duration = 10ms
warmup = 0
baseline = even
primary = p99_us
pictures = latency, percentiles, lorenz
[experiment rows]
title = Who is slow?
strategies = even, odd
workers = 2
request = /hello
duration = 10ms
warmup = 0
baseline = even
primary = p99_us
pictures = latency
[experiment workers]
title = Do more help?
strategies = even, odd
workers = 2, 3
request = /hello
duration = 10ms
warmup = 0
primary = requests_per_s
pictures = scaling
[experiment times]
title = And when something happens?
strategies = even, odd
workers = 2
request = /hello
load = 1000/s
duration = 400ms
warmup = 0
events = at 50ms reload, at 100ms stop worker 0 for 50ms
pictures = heat, lanes, fairness
EOF
}

# The page of a run whose blocks give verdicts, however noisy this machine is: those that were rejected are put back.
make_report() {
    command -v node > /dev/null || { echo "no node: apt-get install nodejs"; exit 77; }
    command -v gnuplot > /dev/null || { echo "no gnuplot: apt-get install gnuplot-nox"; exit 77; }
    plan two 6 "even, odd, dies"
    sed -i 's/^verdicts = no/verdicts = yes/' two.ini
    all_pictures >> two.ini
    FAKE_ORDERS=$work/orders run --plan ./two.ini --out r
    expect_status $? 0
    sed -i 's/"accepted": false/"accepted": true/' r/run.json
    "$clusterbench" report r > out 2> err
    expect_status $? 0
}

case_report_markup() {
    make_report
    node "$tests/report_markup.mjs" r/report.html || fail "the page is not well-formed"
    grep -qE '<strong class="word">(different|same|undecided|void)</strong>' r/report.html || fail "the front gives no verdict"
    expect_in r/report.html 'Not ranked: dies; its section says why'
    expect_in r/report.html '<td class="left words">NOT RANKED: dies ended with status 3'
    expect_in r/report.html '<dt>rejected.csv</dt>'
    sed 's/<main>/<main style="color:red"><b id="answers">/' r/report.html > broken.html
    ! node "$tests/report_markup.mjs" broken.html 2> err || fail "the check sees no fault"
    expect_in err 'attribute style: the policy refuses it'
    expect_in err "id 'answers' stands twice"
    expect_in err '</main> closes <b>'
}

# No byte but those of printed text: what a terminal would obey.
expect_harmless() {
    local file
    for file; do [ -z "$(LC_ALL=C tr -d '\t\n -~\200-\377' < "$file")" ] || fail "$file has control bytes: $(grep -am1 '[^[:print:][:space:]]' "$file" | cat -v)"; done
}

# Titles, names and the folder itself may have been written by anybody: nothing of them is obeyed by a terminal, HTML or gnuplot.
case_hostile_texts() {
    local folder=$'x\e[31m\n<b>"' esc=$'\e' file
    plan two 1 "even, odd"
    sed -i 's/^title = .*/title = für <\/title><script>alert(1)<\/script>/' two.ini
    run --plan ./two.ini --out r
    expect_status $? 0
    sed -i 's/"placement_text": "/&\\u001b[2J\\u0000001\x27\\nsystem(\x27touch touched\x27)\\n/; s/\\u0000001//' r/run.json
    sed -i 's/"notes": \[/&"\\u001bcnote <i>", /; s/, \]/]/' r/cells/*/server.json
    sed -i 's/"model": "/&\\u001b[5m<u>/' r/machine-before.json
    mkdir r/cells/"99-${esc}[7m"
    mv r "$folder"
    "$clusterbench" report "$folder" > out 2> err
    expect_status $? 0
    expect_in out 'für </title><script>'
    expect_in out 'left out: cells/99-?\[7m: server.json is missing or broken'
    expect_in out '^Report: x?\[31m?<b>"/report.html$'
    expect_harmless out err "$folder"/summary.* "$folder"/report.html "$folder"/plots/*.gp
    expect_in "$folder"/report.html '<title>clusterbench: für &lt;/title&gt;&lt;script&gt;'
    expect_in "$folder"/report.html '?cnote &lt;i&gt;'
    [ ! -e "$folder"/plots/touched ] || fail "gnuplot ran what stands in run.json"
    ! command -v node > /dev/null || node "$tests/report_markup.mjs" "$folder"/report.html || fail "the page is not well-formed"
    for file in --csv --prometheus; do
        "$clusterbench" export $file "$folder" > out 2> err
        expect_status $? 0
        expect_harmless out err
    done
    cp -r "$folder" "$folder-b"
    for file in text html json; do
        "$clusterbench" compare --format $file "$folder" "$folder-b" > out 2> err
        expect_status $? 3
        expect_harmless out err
    done
    sed -i 's/^title = /&\x1b[2J/' "$folder/plan.ini"
    "$clusterbench" report "$folder" > out 2> err
    expect_status $? 1
    expect_one_line err
    expect_in err 'plan.ini:2: the line holds a control character'
    expect_harmless out err
}

# A folder, a plan and an experiment of any name: the command of the page repeats the run, and no name becomes markup.
case_report_names() {
    local again
    mkdir "it's mine"
    plan "it's mine/own" 1 "even, odd"
    sed -i 's/^\[experiment cost\]/[experiment machine]/' "it's mine/own.ini"
    run --plan "./it's mine/own.ini" --out "it's mine/r" --seed 7
    expect_status $? 0
    sed -i 's|"name": "own"|"name": "<b onclick=x>\&"|' "it's mine/r/run.json"
    "$clusterbench" report "it's mine/r" > out 2> err
    expect_status $? 0
    expect_in "it's mine/r/report.html" 'plan &lt;b onclick=x&gt;&amp;, seed 7'
    expect_in "it's mine/r/report.html" '<section id="experiment-machine"'
    if command -v node > /dev/null; then node "$tests/report_markup.mjs" "it's mine/r/report.html" || fail "the page is not well-formed"; fi
    again=$(sed -n 's/^.*<pre tabindex="0">\(clusterbench run .*\)$/\1/p' "it's mine/r/report.html" | sed 's/&amp;/\&/g')
    sh -c "${again/#clusterbench/\"\$0\"} --out again" "$clusterbench" > out 2> err
    expect_status $? 0
    cmp -s "it's mine/r/plan.ini" again/plan.ini || fail "the command repeats another plan: $again"
    [ "$(cd "it's mine/r/cells" && echo *)" = "$(cd again/cells && echo *)" ] || fail "the command makes other cells: $again"
    expect_nothing_left
}

# A picture that is too large for the page, and one that gnuplot fails at, are told of.
case_report_absent_pictures() {
    plan two 1 "even, odd"
    mkdir tools
    cat > tools/gnuplot << 'EOF'
#!/bin/sh
case "$*" in
*cost-cost*) truncate -s 17M cost-cost.svg.tmp ;;
*cost-shares*) exit 1 ;;
*) for script in "$@"; do :; done; name=${script%.gp}; echo '<svg viewBox="0 0 1 1"></svg>' > "$name.svg.tmp" ;;
esac
EOF
    chmod +x tools/gnuplot
    PATH=$work/tools:$PATH run --plan ./two.ini --out r
    expect_status $? 0
    expect_in r/report.html 'This picture is larger than 16 MiB, too large for this page: plots/cost-cost.svg</p>'
    expect_in r/report.html 'This picture could not be drawn: gnuplot plots/cost-shares.gp</p>'
    expect_in r/report.html '<figure id="chart-cost-percentiles"><div class="chart"><svg role="img"'
}

case_report_page() {
    local chromium
    chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || { echo "no chromium: apt-get install chromium"; exit 77; }
    make_report
    node "$tests/report_page.mjs" "$chromium" r/report.html || fail "the page does not do what it should"
}

# Every kind of picture that needs no series: drawn, without a word of gnuplot's, and in the report with a text instead.
case_pictures() {
    command -v gnuplot > /dev/null || exit 77
    plan all 2 "even, odd"
    cat >> all.ini <<'EOF'
[experiment load]
title = Who waits?
strategies = even, odd
workers = 2
request = /block/{exp:1ms}
requests_per_connection = 1
connections = 4
arrivals = poisson
load = 100/s, 200/s
duration = 10ms
warmup = 0
baseline = even
primary = p99_us
pictures = latency, percentiles, shares, lorenz
[experiment workers]
title = Do more help?
strategies = even
workers = 2, 3
request = /hello
duration = 10ms
warmup = 0
primary = requests_per_s
pictures = scaling
EOF
    run --plan ./all.ini --out r
    expect_status $? 0
    ! grep -q gnuplot err || fail "gnuplot complained"
    local name form
    for name in forest cost-cost cost-shares cost-percentiles load-latency load-percentiles-100ps load-percentiles-200ps load-shares-100ps \
        load-lorenz-200ps workers-scaling; do
        for form in svg png; do expect_file "r/plots/$name.$form"; done
        (cd r/plots && gnuplot "$name.gp" 2>&1) > out
        [ ! -s out ] || fail "gnuplot says something about $name.gp"
    done
    expect_in r/report.html 'Forest plot of ratios to the baseline: of 3 comparisons 0 are called different. What does it cost?  CPU per request'
    expect_in r/plots/workers-scaling.gp 'no law is fitted: 2 numbers of workers were measured, it takes 6'
    expect_file r/cells/01-load-even-w2-100ps/service.hgrm
    [ ! -e r/cells/01-cost-even-w2-closed/service.hgrm ] || fail "in a closed loop service time is no news"
    expect_no_drafts r
}

case_failing_cells() {
    plan failing 1 "even, dies, stubborn"
    run --plan ./failing.ini --out r
    expect_status $? 0
    expect_in r/cells/01-cost-dies-w2-closed/server.json 'ended with status 3 before it was ready: dies: no reason to live?'
    expect_in r/cells/01-cost-dies-w2-closed/server.json '"ranked": false'
    expect_in r/cells/01-cost-stubborn-w2-closed/server.json 'TERM did not stop it'
    expect_in r/cells/01-cost-stubborn-w2-closed/server.json '1 processes were left behind'
    expect_in out 'NOT RANKED: dies ended with status 3'
    expect_in r/report.html 'NOT RANKED'
    plan failing 1 "dies"
    sed -i '/^baseline/d' failing.ini
    run --plan ./failing.ini --out nothing
    expect_status $? 1
    expect_in err 'not one of 1 cells could be ranked'
    expect_nothing_left
}

# A disturbed generator: its cell is run again, twice at most, and what was thrown away is written down.
case_late_generator() {
    plan late 6 "even, odd"
    sed -i 's/^verdicts = no/verdicts = yes/' late.ini
    FAKE_LATE=$work/calls run --plan ./late.ini --out r
    expect_status $? 0
    [ "$(grep -c '^1,01-cost-.*generator: INVALID' r/rejected.csv)" = 3 ] || fail "3 tries should be in rejected.csv: $(cat r/rejected.csv)"
    [ "$(grep -l '"ranked": false' r/cells/01-*/server.json | wc -l)" = 1 ] || fail "one cell of block 1 stays failed after three tries"
    [ "$(grep -l '"ranked": true' r/cells/0[2-6]-*/server.json | wc -l)" = 15 ] || fail "the other blocks are whole"
    [ "$(grep -c '"spoiled_cells": 1' r/run.json)" = 1 ] || fail "block 1 lacks a cell, and no other does"
    if ! grep -q '"accepted": false' r/run.json; then # a machine that was disturbed has no room for another block
        expect_in err 'block 7/7 done'
    fi
    expect_in err 'run again: 01-cost-'
    expect_no_drafts r
    expect_nothing_left
}

# Programs that run and never say that they are ready.
case_no_ready_line() {
    printf '#!/bin/sh\nhead -c 3000 /dev/zero | tr "\\0" x\nexec sleep 60\n' > wordy
    printf '#!/bin/sh\nexec sleep 60 >&-\n' > mute
    chmod +x wordy mute
    plan rest 1 "even, wordy, mute"
    { printf '[server %s]\nprogram = ./%s\n' wordy wordy mute mute; cat rest.ini; } > ready.ini
    run --plan ./ready.ini --out r
    expect_status $? 0
    expect_in err 'not ranked: 01-cost-wordy-w2-closed: its first line is longer than 1023 bytes: no ready line'
    expect_in err 'not ranked: 01-cost-mute-w2-closed: mute closed its output without a ready line'
    expect_nothing_left
}

case_missing_program() {
    plan missing 1 "even, nobody"
    run --plan ./missing.ini --out r
    expect_status $? 1
    expect_one_line err
    expect_in err 'no program nobody in'
    plan folder 1 "even, .." # may be entered, not run
    run --plan ./folder.ini --out r
    expect_status $? 1
    expect_one_line err
    expect_in err 'no program .. in'
    printf '[server other]\nprogram = ./\n' > other.ini
    plan rest 1 "even, other"
    cat rest.ini >> other.ini
    run --plan ./other.ini --out r
    expect_status $? 1
    expect_in err 'no program ./ in'
    [ ! -e r ] || fail "a folder was made"
}

case_bad_plan() {
    plan bad 1 "even, odd"
    sed -i 's/^duration/durration/' bad.ini
    run --plan ./bad.ini --out r
    expect_status $? 1
    expect_one_line err
    expect_in err "bad.ini:10: unknown key 'durration' in \[experiment cost\] (did you mean 'duration'?)"
    [ ! -e r ] || fail "a folder was made"
}

case_check() {
    plan good 2 "even, odd"
    "$clusterbench" check --bin "$fakes" ./good.ini > out 2> err
    expect_status $? 0
    expect_in out 'good.ini: right: 1 experiment, 2 blocks of 2 cells, about'
    sed 's/^request.*/request = hello/' good.ini > bad.ini
    "$clusterbench" check --bin "$fakes" ./bad.ini > out 2> err
    expect_status $? 1
    expect_one_line err
    expect_in err "bad.ini:9: request = 'hello' is not allowed; use a path such as"
    { cat good.ini; printf '\0blocks = 3\n'; } > zero.ini
    "$clusterbench" check --bin "$fakes" ./zero.ini > out 2> err
    expect_status $? 1
    expect_one_line err
    expect_in err "zero.ini:$(($(wc -l < good.ini) + 1)): the line holds a NUL; a plan is text in UTF-8"
    plan lost 1 "even, oddd"
    "$clusterbench" check --bin "$fakes" ./lost.ini > out 2> err
    expect_status $? 1
    expect_one_line err
    expect_in err 'lost.ini:[0-9]*: experiment cost: no program oddd in'
    for path in "$programs"/../../harness/plans/*.ini; do
        [ -e "$path" ] || continue
        "$clusterbench" check "$path" > out 2> err || fail "$path is not right"
    done
}

# The capacity is what the fake generator says of its closed loop; half of it is the rate it is then asked for.
case_measured_capacity() {
    plan half 2 "even, odd"
    printf 'load = 2.5/s, 50 %%\ncapacity = measured\n' >> half.ini
    run --plan ./half.ini --out r
    expect_status $? 0
    expect_in r/run.json '"capacities": {'
    local rate; rate=$(sed -n 's/.*"cost": \([0-9.]*\).*/\1/p' r/run.json | head -1)
    [ "$rate" = 10000.0 ] || fail "capacity $rate"
    expect_file r/capacity/cells/01-cost-even-w2-closed/load.json
    expect_in r/cells/01-cost-odd-w2-50pct/server.json '"rate": 5000.0'
    expect_in r/cells/01-cost-odd-w2-50pct/server.json '"5000"'
    expect_in r/cells/01-cost-odd-w2-2.5ps/server.json '"2.5"' # not rounded on its way
    expect_in out ' 50 % of 10000/s measured'
    expect_no_drafts r
}

# A run whose raw data was taken away keeps what was drawn from it.
case_report_without_cells() {
    plan two 1 "even, odd"
    run --plan ./two.ini --out r || fail "the run failed"
    rm -r r/cells/*
    cp r/summary.csv before
    "$clusterbench" report r > out 2> err
    expect_status $? 1
    expect_one_line err
    expect_in err 'r: the run is complete, but its cells/ are not there any more; nothing was changed'
    cmp before r/summary.csv || fail "the summary was written again"
}

case_unwritable() {
    plan two 1 "even"
    : > file
    run --plan ./two.ini --out file/r
    expect_status $? 1
    expect_in err 'cannot make results folder file/r: Not a directory'
    expect_nothing_left
    run --plan ./two.ini --out '' # would be the root's
    expect_status $? 1
    expect_one_line err
    expect_in err "--out: '' is not allowed; name a folder"
}

case_existing_results() {
    plan two 1 "even"
    run --plan ./two.ini --out r || fail "the first run failed"
    run --plan ./two.ini --out r
    expect_status $? 1
    expect_in err 'r holds results already'
}

# A folder in which nothing was begun is as good as a new one; one with a cell, or kept without its cells, is not.
case_existing_folder() {
    plan two 1 "even"
    mkdir -p r/cells
    run --plan ./two.ini --out r
    expect_status $? 0
    expect_in r/run.json '"state": "complete"'
    mkdir -p half/cells/01-cost-even-w2-closed
    run --plan ./two.ini --out half
    expect_status $? 1
    expect_one_line err
    expect_in err 'half holds results already; name a new folder$'
    rm -r r/cells
    run --plan ./two.ini --out r
    expect_status $? 1
    expect_in err 'r holds results already'
    [ ! -e r/cells ] || fail "the folder was touched"
}

# The harness is killed while it asks what the machine has: by the first program it asks.
case_killed_before_machine() {
    plan two 1 "even, odd"
    without_gnuplot
    mkdir deadly
    ln -s "$(command -v sha256sum)" deadly/
    printf '#!/bin/sh\nkill -KILL %sPPID\n' '$' > deadly/gnuplot
    chmod +x deadly/gnuplot
    PATH=$work/deadly:/bin "$clusterbench" run --bin "$fakes" --plan ./two.ini --out r --seed 5 > out 2> err
    expect_status $? 137
    [ ! -e r/machine-before.json ] || fail "it was killed too late"
    run --plan ./two.ini --out r
    expect_status $? 1
    expect_one_line err
    expect_in err 'go on with it: --resume r'
    resume
    expect_status $? 0
    expect_in r/run.json '"state": "complete"'
    expect_in r/run.json '"seed": 5'
    for file in machine-before.json machine-after.json rejected.csv report.html; do expect_file "r/$file"; done
}

# The second of two capacities ends the harness: the first is not measured again.
case_capacity_is_kept() {
    mkdir own
    cp -d "$fakes"/* own/
    mv own/loadgen own/loadgen.real
    cat > own/loadgen <<EOF
#!/bin/bash
[ "\$1" = --version ] || echo >> $work/calls
[ "\$1" = --version ] || [ "\$(wc -l < $work/calls)" != 2 ] || kill -KILL \$PPID
exec $work/own/loadgen.real "\$@"
EOF
    chmod +x own/loadgen
    fakes=$work/own
    plan half 1 "even, odd"
    printf 'load = 50 %%\ncapacity = measured\n' >> half.ini
    sed '/^\[plan\]/,/^verdicts/d; s/experiment cost/experiment again/' half.ini > other.ini
    cat other.ini >> half.ini
    run --plan ./half.ini --out r
    expect_status $? 137
    expect_nothing_left
    expect_in r/run.json '"cost": 10000.0'
    "$clusterbench" run --bin "$fakes" --resume r > out 2> err
    expect_status $? 0
    expect_not_in err 'capacity of cost'
    expect_in err 'capacity of again by even'
    expect_in r/run.json '"again": 10000.0'
    [ "$(wc -l < calls)" = 7 ] || fail "2 capacities, the second twice, and 4 cells: $(wc -l < calls) calls"
}

# A settled block of which cells were taken away says so, wherever the run is read.
case_missing_cells() {
    plan two 2 "even, odd"
    run --plan ./two.ini --out r || fail "the run failed"
    rm -r r/cells/01-cost-odd-w2-closed
    "$clusterbench" report r > out 2> err
    expect_status $? 0
    expect_in out 'left out: cells/01-cost-odd-w2-closed: it is missing; run.json says that it was measured'
    expect_in r/report.html 'cells/01-cost-odd-w2-closed: it is missing'
    "$clusterbench" export r --csv > out 2> err
    expect_in err 'left out: cells/01-cost-odd-w2-closed: it is missing'
    "$clusterbench" compare r r > out 2> err
    expect_in out 'cells/01-cost-odd-w2-closed'
}

# What another version wrote is not taken for this one's.
case_other_schemas() {
    plan two 2 "even, odd"
    run --plan ./two.ini --out r || fail "the run failed"
    sed -i 's,clusterbench.cell/1,clusterbench.cell/2,' r/cells/01-cost-odd-w2-closed/server.json
    sed -i 's,clusterbench.loadgen/1,clusterbench.loadgen/9,' r/cells/02-cost-odd-w2-closed/load.json
    "$clusterbench" report r > out 2> err
    expect_status $? 0
    expect_in out "left out: cells/01-cost-odd-w2-closed: schema of server.json is 'clusterbench.cell/2'; this program reads clusterbench.cell/1"
    expect_in out "left out: cells/02-cost-odd-w2-closed: schema of load.json is 'clusterbench.loadgen/9'; this program reads"
    expect_not_in r/summary.csv '^cost,odd,2,closed,p99_us,[1-9]'
    sed -i 's,clusterbench.plan/1,clusterbench.plan/3,' r/run.json
    "$clusterbench" report r > out 2> err
    expect_status $? 1
    expect_one_line err
    expect_in err "r/run.json: the schema of its plan is 'clusterbench.plan/3'; this program reads clusterbench.plan/1"
}

# Rows are told apart by their names, whatever their programs are called; a row with the name of ours is not ours.
case_hashes_of_rows() {
    mkdir a b
    cp "$fakes/fake_server" a/even
    { cat "$fakes/fake_server"; echo; } > b/even
    chmod +x b/even
    plan rows 1 "even, first, second"
    printf '[server first]\nprogram = %s/a/even\n[server second]\nprogram = %s/b/even\n' "$work" "$work" >> rows.ini
    run --plan ./rows.ini --out r || fail "the run failed"
    local row
    for row in first=a second=b; do
        expect_in r/machine-before.json "\"server ${row%=*}\": \"$(sha256sum "${row#*=}/even" | cut -d' ' -f1)\""
    done
    expect_in r/machine-before.json "\"even\": \"$(sha256sum "$fakes/even" | cut -d' ' -f1)\""
}

interrupted_by() {
    start_hanging_run
    kill -"$1" $harness
    wait $harness
    expect_status $? 130
    expect_nothing_left
    expect_in r/run.json '"state": "interrupted"'
    [ -z "$(ls r/cells)" ] || fail "a cell that was cut short stands in cells/"
    expect_no_drafts r
    "$clusterbench" report r > out 2> err
    expect_status $? 0
    expect_in r/report.html 'interrupted'
}

case_interrupt() { interrupted_by INT; }
case_terminate() { interrupted_by TERM; }

case_kill_harness() {
    start_hanging_run
    kill -KILL $harness
    wait $harness 2> /dev/null
    expect_nothing_left
    expect_in r/run.json '"state": "interrupted"'
}

# Plots take their time and are not what is tested here: only what is needed is in PATH.
without_gnuplot() {
    mkdir bare
    ln -s "$(command -v sha256sum)" bare/
    bare() { PATH=$work/bare "$clusterbench" "$@"; }
}

# A run of two blocks that is stopped by SIGNAL in the midst of its cell number CELLS + 1.
stopped_run() { # SIGNAL CELLS
    mkfifo fifo
    head -c "$2" /dev/zero > passes
    plan two 2 "even, odd"
    without_gnuplot
    PATH=$work/bare FAKE_FIFO=$work/fifo FAKE_PASSES=$work/passes "$clusterbench" run --bin "$fakes" --plan ./two.ini --out r --seed 5 \
        > out 2> err &
    harness=$!
    read -r _ < fifo
    kill -"$1" $harness
    wait $harness 2> /dev/null
    expect_nothing_left
    find r/cells -name server.json -exec stat -c '%n %i' {} + | sort > kept
    [ "$(wc -l < kept)" = "$2" ] || fail "$2 cells were whole, there are: $(cat kept)"
    cp r/run.json interrupted.json
}

resume() { bare run --bin "$fakes" --resume r "$@" > out 2> err; }

# It ends as if it had never been stopped: same order, same seeds, and what was whole was not measured again.
expect_resumed() {
    expect_in r/run.json '"state": "complete"'
    expect_in r/run.json '"under_way": null'
    [ "$(find r/cells -name server.json | wc -l)" = 4 ] || fail "two blocks of two cells: $(ls r/cells)"
    find r/cells -name server.json -exec stat -c '%n %i' {} + | sort > now
    [ -z "$(comm -23 kept now)" ] || fail "cells were measured again: $(comm -23 kept now)"
    bare run --bin "$fakes" --plan ./two.ini --out whole --seed 5 > out 2> err || fail "the other run failed"
    diff <(grep -o '"0[12]-cost[^"]*"' whole/run.json) <(grep -o '"0[12]-cost[^"]*"' r/run.json) || fail "another order"
    diff <(grep -h '"seed"' whole/cells/*/server.json) <(grep -h '"seed"' r/cells/*/server.json) || fail "other seeds"
    expect_file r/report.html
    expect_no_drafts r
    expect_nothing_left
}

resumed_after() { # SIGNAL CELLS
    stopped_run "$@"
    expect_in r/run.json '"state": "interrupted"'
    resume
    expect_status $? 0
    expect_resumed
}

case_resume_interrupt() {
    resumed_after INT 3
    expect_in r/run.json '"cells_kept": 1'
    [ "$(grep -c '"resumed": true' r/run.json)" = 1 ] || fail "one block was measured in two sittings"
    [ "$(grep -cE '<td class="left">resumed</td><td class="left words">[0-9]+ \([0-9]+ to [0-9]+\)' r/report.html)" = 1 ] ||
        fail "the block and its calibrations are not in the report"
    resume
    expect_status $? 0
    expect_one_line err
    expect_in err 'r is complete'
}

case_resume_kill() { resumed_after KILL 1; }
case_resume_kill_at_once() { resumed_after KILL 0; }
case_resume_between_blocks() { resumed_after KILL 2; }

# A cell that was finished in the moment of the end, and files of one that was not.
case_resume_debris() {
    stopped_run KILL 1
    local whole other
    whole=$(ls -d r/cells/*closed)
    other=${whole/even/odd}
    [ "$other" != "$whole" ] || other=${whole/odd/even}
    cp -r "$whole" "$other"
    mkdir -p "$other.tmp/config"
    : > "$other.tmp/config/server.conf"
    : > r/run.json.tmp-999999999
    : > r/run.json.tmp-notes
    resume
    expect_status $? 0
    [ -e r/run.json.tmp-notes ] || fail "a file that is nobody's draft was removed"
    rm r/run.json.tmp-notes
    expect_resumed
}

# A file system that lost the last writings: run.json is older than the cells.
case_resume_older_record() {
    command -v jq > /dev/null || exit 77
    stopped_run KILL 1
    jq '.blocks = [] | .under_way = null' r/run.json > older && mv older r/run.json
    resume
    expect_status $? 0
    expect_in r/run.json '"state": "complete"'
}

expect_refused_record() { # PATTERN
    find r -type f -exec sha256sum {} + | sort > before
    resume
    expect_status $? 1
    expect_one_line err
    expect_in err "$1"
    find r -type f -exec sha256sum {} + | sort | diff before - > differs || fail "a refusal changed the folder: $(cat differs)"
}

# Block 1 is settled, block 2 under way. What was settled is not measured again, so it has to be there; nobody guesses numbers.
case_resume_odd_record() {
    command -v jq > /dev/null || exit 77
    stopped_run KILL 3
    cp r/run.json good.json
    local cell change wanted
    cell=$(jq -r '.blocks[0].order[1]' r/run.json)
    mv "r/cells/$cell" aside
    expect_refused_record "cells/$cell of the settled block 1 is missing or broken; put it back, or begin a new run"
    mv aside "r/cells/$cell"
    cp "r/cells/$cell/load.json" load.json
    : > "r/cells/$cell/load.json"
    expect_refused_record "cells/$cell of the settled block 1 is missing or broken"
    mv load.json "r/cells/$cell/load.json"
    while IFS='@' read -r change wanted; do
        jq "$change" good.json > r/run.json || fail "jq $change"
        expect_refused_record "$wanted"
    done << 'EOF'
.planned_blocks = 0@run.json: planned_blocks is 0; it must be a number, 1..99
.planned_blocks = -3@planned_blocks is -3;
.planned_blocks = "2"@planned_blocks is "2";
.planned_blocks = 100@planned_blocks is 100;
del(.planned_blocks)@planned_blocks is missing;
.seed = "x"@run.json: seed is "x"; it must be a number, 1..
.seed = 0@seed is 0;
del(.seed)@seed is missing;
.blocks[0].number = 4@the settled block 1 has another number
del(.blocks[0].order)@the settled block 1 names no cells
.blocks = {}@blocks is no list
.planned_blocks = 1 | .blocks += [.blocks[0] | .number = 2]@2 blocks were accepted where planned_blocks is 1
EOF
    cp good.json r/run.json
    resume
    expect_status $? 0
    expect_resumed
}

case_resume_noise() {
    stopped_run KILL 1
    resume
    expect_status $? 0
    local first both
    first=$(grep -o '"wall_ns": [0-9]*' interrupted.json) both=$(grep -m 1 -o '"wall_ns": [0-9]*' r/run.json)
    first=${first#*: } both=${both#*: }
    [ "$first" -gt 0 ] || fail "the noise of the first cell was not written down"
    [ "$both" -gt "$first" ] || fail "noise of both sittings: $first, then $both"
    [ "$(grep -c '^        \[$' r/run.json)" = "$(find r/cells -name server.json | wc -l)" ] ||
        fail "in small blocks the fixed loop runs before each cell, and once where it was gone on with"
}

expect_refusal() { # PATTERN ARGUMENTS...
    local pattern=$1
    shift
    cp r/run.json before.json
    resume "$@"
    expect_status $? 1
    expect_one_line err
    expect_in err "$pattern"
    cmp -s before.json r/run.json || fail "run.json was changed by a refusal"
    [ "$(find r/cells -name server.json | wc -l)" = 1 ] || fail "cells were changed by a refusal"
}

case_resume_refuses() {
    stopped_run KILL 1
    expect_refusal '--seed 6 is not what that run was begun with (5)' --seed 6
    expect_refusal '--blocks 3 is not what that run was begun with (2)' --blocks 3
    expect_refusal '--quick' --quick
    expect_refusal '--budget' --budget 10s
    expect_refusal '--only odd' --only odd
    expect_refusal '--out elsewhere' --out elsewhere
    plan other 2 "even, odd"
    sed -i 's/10ms/11ms/' other.ini
    expect_refusal '--plan ./other.ini is not what that run was begun with' --plan ./other.ini
    sed -i 's,clusterbench.machine/1,clusterbench.machine/2,' r/machine-before.json
    expect_refusal "schema of machine-before.json is 'clusterbench.machine/2'; this program reads clusterbench.machine/1"
    sed -i 's,clusterbench.machine/2,clusterbench.machine/1,' r/machine-before.json
    sed -i 's/"model": ".*"/"model": "Another CPU"/' r/machine-before.json
    expect_refusal 'not the machine or the programs it was begun with: cpu.model: Another CPU'
    "$clusterbench" run --bin "$fakes" --resume nowhere > out 2> err
    expect_status $? 1
    expect_one_line err
    expect_in err 'nowhere: No such file'
    resume --plan ./two.ini --seed 5 --blocks 2 --force-resume # what it was begun with may be said again
    expect_status $? 0
    expect_in r/run.json 'cpu.model: Another CPU, then '
    expect_resumed
}

case_resume_other_programs() {
    mkdir own
    cp -d "$fakes"/* own/
    fakes=$work/own
    stopped_run KILL 1
    printf 'x' >> own/loadgen
    expect_refusal 'sha256.loadgen: '
}

case_resume_living() {
    start_hanging_run
    without_gnuplot
    resume
    expect_status $? 1
    expect_one_line err
    expect_in err 'r is in use'
    kill -INT $harness
    wait $harness
    expect_status $? 130
    expect_in err 'r is in use'
    expect_in r/run.json '"state": "interrupted"'
    expect_nothing_left
}

bare_run() { bare run --bin "$fakes" "$@" > out 2> err; }

case_budget() {
    without_gnuplot
    plan two 2 "even, odd" # a block: 3 cells of 10 ms and 150 ms around each, and one of them again; the report 1 s and 4 charts
    sed -i 's/^verdicts = no/verdicts = yes/' two.ini
    bare_run --plan ./two.ini --out r --budget 5s
    expect_status $? 0
    expect_in err '--budget 5s: 2 blocks of about 0.5 s, 3.0 s for the report; no verdicts below 6 blocks' # the baseline runs twice
    expect_in err 'about 1.0 s, until [0-2][0-9]:[0-5][0-9]$'
    expect_in r/run.json '"planned_blocks": 2'
    budget_of two 6s 3 '--budget 6s: 3 blocks of about 0.5 s, 1 more if any are disturbed, 3.0 s for the report; no verdicts'
    budget_of two 8200ms 6 '6 blocks of about 0.5 s, 2 more if any are disturbed, 3.0 s for the report; enough for verdicts'
    budget_of two 8s 5 '5 blocks of about 0.5 s, 2 more'
    budget_of two 1h 99 '99 blocks'
    printf 'capacity = measured\nload = 50 %%\narrivals = poisson\n' >> two.ini
    sed -i 's/^duration = 10ms/duration = 850ms/; s/^verdicts = yes/verdicts = no/' two.ini # 1 s, and 2 s a block
    budget_of two 8s 2 '2 blocks of about 2.0 s, 1.0 s to measure capacities, 3.0 s for the report; this plan'
    budget_of two 7900ms 1 '1 block of about 2.0 s, 1.0 s to measure'
    expect_in out 'about 3.0 s$' # what has to be measured first counts there, too
    budget_of two 5900ms 1 '(longer than the budget); this plan'
    bare_run --plan ./two.ini --out no --budget 10s --blocks 2
    expect_status $? 1
    expect_one_line err
    expect_in err '--budget and --blocks both choose'
}

budget_of() { # PLAN BUDGET BLOCKS PATTERN
    bare check --bin "$fakes" "./$1.ini" --budget "$2" > out 2> err
    expect_status $? 0
    expect_in err "$4"
    expect_in out ", $3 block"
}

# Somebody else uses a CPU while blocks are measured: they do not count, and the folder says why.
case_foreign_cpu() {
    without_gnuplot
    plan noisy 6 "even, odd"
    sed -i 's/^verdicts = no/verdicts = yes/' noisy.ini
    (end=$((SECONDS + 50)); while [ $SECONDS -lt $end ]; do :; done) & # it outlives no test
    local burner=$!
    bare_run --plan ./noisy.ini --out r
    local status=$?
    kill $burner
    wait $burner 2> /dev/null
    expect_status $status 0
    [ "$(grep -c '^[0-9]*,,.*foreign CPU [0-9.]* % of one is above 5 %' r/rejected.csv)" -ge 4 ] ||
        fail "blocks should be rejected: $(cat r/rejected.csv)"
    expect_in r/run.json '"reportable": false'
    [ "$(grep -c '"accepted": ' r/run.json)" -le 9 ] || fail "at most three retries"
    expect_in out 'No verdicts: more than 30 %'
}

# ---- results that cannot be written ----

expect_stopped_clean() { # STATUS FOLDER: nothing half-written under a final name, nobody left, one line on stderr that says why
    expect_status "$1" 1
    expect_nothing_left
    [ "$(grep -c '^clusterbench: cannot' err)" = 1 ] || fail "one line should say why"
    local cell
    for cell in "$2"/cells/*; do
        [ -e "$cell" ] || continue
        [ "$(tail -1 "$cell/server.json")" = "}" ] || fail "$cell is half written"
        expect_file "$cell/load.json"
    done
    expect_no_drafts "$2"
}

case_disk_full() {
    mkdir disk
    mount -t tmpfs -o size=200k tmpfs disk 2> /dev/null || { echo "no tmpfs may be mounted here"; exit 77; }
    trap 'umount "$work/disk"; rm -rf "$work"' EXIT
    without_gnuplot
    plan two 8 "even, odd"
    bare_run --plan ./two.ini --out disk/r
    local status=$?
    expect_in err 'cannot write disk/r/.*: No space left on device'
    expect_stopped_clean "$status" disk/r
    expect_in disk/r/run.json '"state": "interrupted"'
    mount -o remount,size=20m disk || fail "the disk cannot be made larger"
    local before after
    before=$(find disk/r/cells -name server.json | wc -l)
    bare run --bin "$fakes" --resume disk/r > out 2> err
    expect_status $? 0
    after=$(find disk/r/cells -name server.json | wc -l)
    [ "$before" -gt 0 ] || fail "no cell was whole before the disk was full"
    [ "$after" = 16 ] || fail "$before cells before, $after after"
}

file_too_large() {
    rm -rf r
    plan two 2 "even, odd"
    (ulimit -f "$1" && "$clusterbench" run --bin "$fakes" --plan ./two.ini --out r 2>&1 > /dev/null) | cat > err # KiB
    local status=${PIPESTATUS[0]}
    expect_in err "cannot write r/$2: File too large"
    expect_stopped_clean "$status" r
}

case_file_too_large() {
    file_too_large 0 plan.ini
    export FAKE_LARGE=1
    file_too_large 40 'cells/01-.*' # what the harness itself writes fits, and it is not the server's failure
}

case_no_gnuplot() {
    plan two 1 "even, odd"
    mkdir bin
    PATH=$work/bin run --plan ./two.ini --out r
    expect_status $? 0
    expect_file r/report.html
    expect_file r/summary.csv
    expect_in out 'apt-get install gnuplot-nox, then: clusterbench report r'
    expect_in r/report.html 'gnuplot was missing'
}

case_corrupt_folder() {
    plan two 1 "even, odd"
    run --plan ./two.ini --out r || fail "the run failed"
    local file
    for file in run.json plan.ini; do
        cp "r/$file" kept
        head -c 40 kept > "r/$file"
        "$clusterbench" report r > out 2> err
        expect_status $? 1
        expect_one_line err
        expect_in err "r/$file"
        cp kept "r/$file"
    done
    head -c 200 r/cells/01-cost-odd-w2-closed/server.json > kept && cp kept r/cells/01-cost-odd-w2-closed/server.json
    head -c 100 r/cells/01-cost-even-w2-closed/load.json > kept && cp kept r/cells/01-cost-even-w2-closed/load.json
    "$clusterbench" report r > out 2> err
    expect_status $? 0
    expect_in out 'left out: cells/01-cost-odd-w2-closed: server.json is missing or broken'
    "$clusterbench" report nowhere > out 2> err
    expect_status $? 1
    expect_one_line err
}

case_same_seed_same_order() {
    plan two 3 "even, odd"
    run --plan ./two.ini --out a --seed 11 || fail "the first run failed"
    run --plan ./two.ini --out b --seed 11 || fail "the second run failed"
    diff <(grep -o '"0[1-3]-cost[^"]*"' a/run.json) <(grep -o '"0[1-3]-cost[^"]*"' b/run.json) || fail "another order"
    diff <(grep -h '"seed"' a/cells/*/server.json) <(grep -h '"seed"' b/cells/*/server.json) || fail "other seeds"
    sed -i 's/^verdicts = no/&\nseed = 11/' two.ini
    run --plan ./two.ini --out c || fail "the third run failed"
    diff <(grep -h '"seed"' a/cells/*/server.json) <(grep -h '"seed"' c/cells/*/server.json) || fail "not the plan's seed"
    sed -i 's/^seed = 11//; s/^workers/seed = 12\n&/' two.ini # of the requests, not of the order
    run --plan ./two.ini --out d --seed 11 || fail "the fourth run failed"
    run --plan ./two.ini --out e --seed 13 || fail "the fifth run failed"
    diff <(grep -h '"seed"' d/cells/*/server.json) <(grep -h '"seed"' e/cells/*/server.json) || fail "not the experiment's seed"
    ! diff -q <(grep -h '"seed"' a/cells/*/server.json) <(grep -h '"seed"' d/cells/*/server.json) > diffs || fail "the run's seed"
}

# The fake deals its connections in turn; then one worker is said to have had nearly all of them.
case_both_tails() {
    plan tails 1 "even, odd"
    sed -i 's/^primary = .*/primary = jain_requests/' tails.ini
    run --plan ./tails.ini --out r
    expect_status $? 0
    expect_in out 'even .* 1.000 too even'
    sed -i 's/"connections": *32/"connections": 60/; s/"connections": *32/"connections": 4/' r/cells/01-cost-odd-*/load.json
    "$clusterbench" report r > out 2> err
    expect_status $? 0
    expect_in r/report.html '0.000 uneven'
    expect_in r/report.html '1.000 too even'
}

case_usage() {
    "$clusterbench" --help > out 2> err
    expect_status $? 0
    expect_in out 'doctor'
    "$clusterbench" runn > out 2> err
    expect_status $? 1
    expect_one_line err
    "$clusterbench" run --plan nonsense > out 2> err
    expect_status $? 1
    expect_one_line err
    "$clusterbench" list plans > out 2> err
    expect_status $? 0
    expect_in out '^quick '
    "$clusterbench" list policies > out 2> err
    expect_status $? 0
    expect_in out '^round-robin$'
    "$clusterbench" doctor > out 2> err
    expect_status $? 0
    expect_in out '^machine grade [ABCD]: '
    for check in programs plots peers generators CPUs quota governor turbo SMT steal others pressure swap 'huge pages' clock timers \
        mitigations backlog 'open files' ports; do
        expect_in out "^\(ok\|note\|missing\|noisy\|spoils\)  *$check  *[^ ]"
    done
}

case_real_programs() {
    local program
    for program in single master-accept loadgen; do [ -x "$programs/$program" ] || { echo "no $program yet"; exit 77; }; done
    "$clusterbench" run --plan smoke --only throughput,single,master-accept --quick --out r > out 2> err
    expect_status $? 0
    expect_file r/cells/01-throughput-single-w1-closed/load.json
    expect_in r/cells/01-throughput-single-w1-closed/server.json '"counted_by": "server"'
    expect_in r/cells/01-throughput-single-w1-closed/server.json '"by_term": true'
    expect_in r/cells/01-throughput-single-w1-closed/server.json '"left_behind": 0'
    expect_in r/summary.csv '^throughput,master-accept,2,closed,cpu_us_per_request,'
    expect_no_drafts r
}

# How many cells of run `r` are whole: the least that must be there before the harness is ended.
wait_for_whole_cells() {
    local i
    for ((i = 0; i < 1200; i++)); do
        [ "$(find r/cells -name server.json ! -path '*.tmp/*' 2> /dev/null | wc -l)" -lt "$1" ] || return 0
        sleep 0.05
    done
    fail "not $1 cells within a minute"
}

# Plan `full` with the real programs, ended in the midst of it: killed, then interrupted. One cell is run again at most, if it
# was whole and not yet written down.
case_real_resume() {
    local program kept
    for program in single shared loadgen; do [ -x "$programs/$program" ] || { echo "no $program yet"; exit 77; }; done
    "$clusterbench" run --plan full --only throughput --quick --out r > out 2> err &
    harness=$!
    wait_for_whole_cells 2
    kill -KILL $harness
    wait $harness 2> /dev/null
    kept=$(cd r/cells && stat -c '%n %i' ./*closed/server.json)
    "$clusterbench" run --resume r > out 2> err &
    harness=$!
    wait_for_whole_cells 4
    kill -INT $harness
    wait $harness
    expect_status $? 130
    expect_in err 'interrupted'
    (cd r/cells && stat -c '%n %i' ./*closed/server.json) > later
    [ "$(grep -cvxFf later <<< "$kept")" -le 1 ] || fail "more than the cell in flight was run again after kill -9"
    "$clusterbench" run --resume r > out 2> err
    expect_status $? 0
    expect_in r/run.json '"state": "complete"'
    (cd r/cells && stat -c '%n %i' ./*closed/server.json) > last
    [ "$(grep -cvxFf last later)" -le 1 ] || fail "more than the cell in flight was run again after INT"
    [ "$(wc -l < last)" = 6 ] || fail "not six cells: $(cat last)"
    expect_no_drafts r
    expect_nothing_left
}

# ---- events under load ----

plan_events() { # STRATEGIES DURATION EVENTS
    plan events 1 "$1"
    sed -i "/^pictures/d; /^baseline/d; s/^duration.*/duration = $2/" events.ini
    echo "events = $3" >> events.ini
}

# Times of an event in events.csv, a line each.
times_of() { awk -F, -v event="$2" '$2 == event { print $1 }' "$1/events.csv"; }

# A file may name any worker: no lane is drawn, and no memory taken, for what cannot be one.
case_hostile_lanes() {
    command -v gnuplot > /dev/null || { echo "no gnuplot: apt-get install gnuplot-nox"; exit 77; }
    plan_events even 400ms 'at 100ms stop worker 0 for 50ms'
    echo 'pictures = lanes' >> events.ini
    run --plan ./events.ini --out r
    expect_status $? 0
    printf '%s,0,up,0.1,0.2\n' 1 4000000000 1e300 -3 nan front-4000000000 >> r/cells/01-cost-even-w2-closed/lanes.csv
    "$clusterbench" report r > out 2> err
    expect_status $? 0
    expect_in r/plots/cost-lanes.dat '^1 0.1000 0.2000 1$'
    [ "$(grep -c ' 0.1000 0.2000 1$' r/plots/cost-lanes.dat)" = 1 ] || fail "lanes of nobody: $(grep ' 0.1000 0.2000 1$' r/plots/cost-lanes.dat)"
}

# They are carried out in the order of time, never early, and written down with the time; what cannot be done is a note.
case_events() {
    local cell=r/cells/01-cost-even-w2-closed
    plan_events even 400ms 'at 200ms scale 4, at 50ms reload, at 100ms stop worker 0 for 50ms, at 300ms kill front 3, at 250ms stop server for 20ms'
    echo 'pictures = heat, lanes, fairness' >> events.ini
    FAKE_ORDERS=$work/orders run --plan ./events.ini --out r
    expect_status $? 1 # the one cell is not ranked: one event did not happen
    if command -v gnuplot > /dev/null; then
        for file in cost-heat cost-lanes cost-fairness; do expect_file "r/plots/$file.svg" && expect_file "r/plots/$file.png"; done
        expect_in r/report.html 'checked data-strategy="even" data-colour="#' # a lone strategy has values under the pointer, too
        expect_in r/plots/cost-heat.gp '; done_badly\[5\] = 2$'
        expect_in r/plots/cost-heat.gp "^array panel_loss\\[1\\] = \\['none lost'\\]"
    fi
    [ "$(cat orders)" = "$(printf 'POST /reload HTTP/1.1\nPOST /scale?workers=4 HTTP/1.1')" ] || fail "orders: $(cat orders)"
    [ "$(awk -F, '$2 == "fault" { print $4 }' $cell/events.csv | tr '\n' ';')" = \
        '"reload";"stop worker 0 for 50ms";"scale 4";"stop server for 20ms";' ] || fail "$(cat $cell/events.csv)"
    times_of $cell fault | paste -d' ' - <(printf '0.05\n0.1\n0.2\n0.25\n') | awk '$1 < $2 { exit 1 }' || fail "too early"
    [ "$(times_of $cell fault-end | wc -l)" = 2 ] || fail "both go on again: $(cat $cell/events.csv)"
    expect_in $cell/events.csv '^0.*,fault-failed,front-3,"kill front 3: /status names no such process"'
    expect_in $cell/server.json 'event at 300ms: kill front 3: /status names no such process'
    expect_in $cell/server.json '"ranked": false'
    expect_in out 'NOT RANKED: the event at 300ms was not carried out: kill front 3: /status names no such process'
    expect_file $cell/series.jsonl
    expect_file $cell/heat.csv
    expect_in $cell/lanes.csv '^worker,life,state,from_s,to_s$'
    expect_in r/summary.csv '^cost,even,2,closed,lost_requests,1,0,'
    expect_in r/summary.csv '^cost,even,2,closed,longest_gap_ms,1,100,'
    expect_no_drafts r
    expect_nothing_left
}

# A process that is not the server's is left alone, whatever /status says: here it is the harness itself.
case_events_of_others() {
    plan_events liar 200ms 'at 50ms kill worker 0'
    run --plan ./events.ini --out r
    expect_status $? 1
    expect_in out 'NOT RANKED: the event at 50ms was not carried out'
    expect_in r/cells/01-cost-liar-w2-closed/events.csv 'kill worker 0: the process that /status names is not below the server'
    expect_nothing_left
}

# An interrupt while the server is stopped: nobody is left, stopped or not.
case_events_interrupted() {
    local tries=1000 server
    plan_events even 1h 'at 1ms stop worker 0'
    mkfifo fifo
    FAKE_FIFO=$work/fifo "$clusterbench" run --bin "$fakes" --plan ./events.ini --out r > out 2> err &
    harness=$!
    read -r _ < fifo
    read -r server < "$FAKE_PIDS"
    until grep -q '^State:.T' "/proc/$server/status" || [ $((tries -= 1)) = 0 ]; do read -r -t 0.02 _ <> <(:); done
    [ $tries -gt 0 ] || { kill -KILL $harness; fail "the server does not stand still"; }
    kill -INT $harness
    wait $harness
    expect_status $? 130
    expect_nothing_left
    [ -z "$(ls r/cells)" ] || fail "a cell that was cut short stands in cells/"
}

# The real thing: a worker of reuseport is killed, and the records say so.
case_real_events() {
    local program
    for program in reuseport loadgen; do [ -x "$programs/$program" ] || { echo "no $program yet"; exit 77; }; done
    local cell=r/cells/01-kill-reuseport-w3-300ps
    cat > kill.ini <<EOF
[plan]
blocks = 1
verdicts = no
[experiment kill]
strategies = reuseport
workers = 3
request = /wait/20ms
connections = 32
load = 300/s
duration = 1500ms
warmup = 100ms
events = at 500ms kill worker 0
EOF
    "$clusterbench" run --plan ./kill.ini --bin "$programs" --out r > out 2> err
    expect_in $cell/events.csv '^0\.5[0-9]*,fault,0,"kill worker 0"$'
    local at; at=$(times_of $cell fault)
    # On one clock: the worker was ready before the measurement, has its end and its next life at and after the fault.
    awk -F, -v at="$at" '$3 == 0 && $2 == "ready" && $1 < 0 { before = 1 }
        $3 == 0 && $2 == "exit" && /signal 9/ && $1 > at - 0.002 { ended = 1 }
        $3 == 0 && $2 == "ready" && ended { again = 1 }
        END { exit !(before && ended && again) }' $cell/events.csv || fail "$(cat $cell/events.csv)"
    awk -F, -v at="$at" '$1 == 0 && $2 == 0 && $3 == "up" && $4 < 0 && $5 > at - 0.002 { up = $5 }
        $1 == 0 && $2 == 0 && $3 == "down" && $4 == up { down = $5 }
        $1 == 0 && $2 == 1 && $3 == "up" && down && $4 >= down { again = 1 }
        $1 > 0 && $2 == 0 && $3 == "up" && $5 > 1.4 { others++ }
        END { exit !(again && others == 2) }' $cell/lanes.csv || fail "$(cat $cell/lanes.csv)"
    expect_file $cell/series.jsonl
    [ "$(wc -l < $cell/heat.csv)" -gt 10 ] || fail "$(cat $cell/heat.csv)"
    expect_no_drafts r
}

# ---- a running server: top and ctl ----

# NAME ARGUMENTS...: starts the real program; its admin address is in $admin.
start_server() {
    local name=$1
    shift
    [ -x "$programs/$name" ] || { echo "no $name yet"; exit 77; }
    mkfifo ready
    "$programs/$name" --listen 127.0.0.1:0 --admin 127.0.0.1:0 "$@" > ready 2> server.err &
    server=$!
    trap 'kill -TERM $server 2> /dev/null; wait $server; rm -rf "$work"' EXIT
    read -r line < ready || fail "the server did not start: $(cat server.err)"
    admin=${line##*admin=http://}
}

end_server() {
    kill -TERM "$server"
    wait "$server"
    server_status=$?
    trap 'rm -rf "$work"' EXIT
}

ctl() { "$clusterbench" ctl "$@" > out 2> err; }
top() { "$clusterbench" top "$@" > out 2> err; }
expect_line() { expect_one_line out; expect_in out "$1"; [ ! -s err ] || fail "stderr is not empty"; }
expect_refused() { expect_status "$1" 1; expect_one_line err; expect_in err "$2"; [ ! -s out ] || fail "stdout is not empty"; }

case_ctl() {
    start_server reuseport --workers 2
    ctl "$admin" status
    expect_status $? 0
    expect_line '^reuseport: serving, 2 of 2 workers ready, reload idle$'
    ctl "$admin" scale 4 --wait
    expect_status $? 0
    expect_line '^scaled from 2 to 4 workers$'
    ctl "$admin" status
    expect_line ' 4 of 4 workers ready'
    ctl "http://$admin/" drain 3 --wait
    expect_status $? 0
    expect_line '^worker 3 is drained$'
    ctl "$admin" status
    expect_line ' 3 of 4 workers ready, 1 drained, reload idle$'
    ctl "$admin" restart 3 --wait
    expect_status $? 0
    expect_line '^worker 3 is replaced$'
    ctl "$admin" reload
    expect_status $? 0
    expect_line '^reload begun$'
    ctl "$admin" reload --wait # behind the first, or a first one itself
    expect_status $? 0
    expect_line '^reload done: 4 workers are new$'
    ctl "$admin" status
    expect_line ' 4 of 4 workers ready, reload idle, 2 done$'
    ctl "$admin" scale 1 --wait
    expect_status $? 0
    expect_line '^scaled from 4 to 1 workers$'
    end_server
    expect_status $server_status 0
}

# What cannot be meant is refused before anything is sent: nobody listens at port 1.
case_ctl_refusals() {
    local nobody=127.0.0.1:1
    ctl; expect_refused $? 'ctl needs'
    ctl $nobody; expect_refused $? 'status|reload|scale N|drain I|restart I'
    ctl $nobody reloda; expect_refused $? "'reloda' is not allowed; use status, reload"
    ctl $nobody scale; expect_refused $? 'scale needs a number of workers'
    ctl $nobody scale many; expect_refused $? "'many' is not allowed; use a number of workers, 1..256"
    ctl $nobody scale 257; expect_refused $? "'257' is not allowed"
    ctl $nobody scale 0; expect_refused $? "'0' is not allowed; use a number of workers, 1..256"
    ctl $nobody drain x; expect_refused $? "'x' is not allowed; use a worker, 0..255"
    ctl $nobody reload now; expect_refused $? "'now' is not allowed"
    ctl $nobody scale 2 3; expect_refused $? "'3' is one word too many"
    ctl nonsense reload; expect_refused $? "'nonsense' is no address"
    ctl $nobody reload --token-file nowhere; expect_refused $? "'nowhere': No such file"
    ctl $nobody reload --timeout 5; expect_refused $? '--timeout'
    ctl $nobody reload; expect_refused $? "$nobody: reload: connection refused"
    top; expect_refused $? 'top needs'
    top nonsense; expect_refused $? "'nonsense' is no address"
    top $nobody --interval 1ms; expect_refused $? '--interval'
    top $nobody; expect_refused $? "$nobody: connection refused"
    top unix:nowhere; expect_refused $? 'unix:nowhere: there is no such socket'
}

# What the server refuses, and what does not come to pass, is one line and status 1.
case_ctl_failures() {
    start_server threaded --workers 2
    ctl "$admin" reload; expect_refused $? 'reload: the workers are threads'
    ctl "$admin" restart 7; expect_refused $? "restart: worker: '7' is not allowed; use 0..1"
    ctl "$admin" drain 0 --wait; expect_status $? 0
    ctl "$admin" drain 1 --wait; expect_refused $? 'drain: no other worker serves'
    kill -STOP $server
    ctl "$admin" scale 2 & # it waits for an answer
    kill -CONT $server
    wait $!; expect_status $? 0
    end_server
    ctl "$admin" status; expect_refused $? 'status: connection refused'
    rm ready
    start_server reuseport --workers 1 --grace 1s
    local service=${line#ready http://} tries=100
    service=${service%% *}
    ctl "$service" status; expect_refused $? 'what answers there is no admin address'
    top "$service"; expect_refused $? 'what answers there is no admin address'
    exec 3<> "/dev/tcp/${service%:*}/${service#*:}"
    printf 'GET /wait/1m HTTP/1.1\r\nHost: x\r\n\r\n' >&3 # it keeps the old worker for all of its grace
    until grep -q ' 1 connections ' out || [ $((tries -= 1)) = 0 ]; do top "$admin" --interval 100ms; done
    ctl "$admin" reload --wait --timeout 200ms; expect_refused $? 'reload: not complete at the end of --timeout'
    exec 3>&-
    end_server
}

case_top_plain() {
    start_server shared --workers 3
    top "$admin" --interval 100ms
    expect_status $? 0
    [ ! -s err ] || fail "stderr is not empty"
    [ "$(wc -l < out)" = 7 ] || fail "two lines of head, an empty one, a heading and three workers"
    expect_in out "^shared at $admin: serving, up .*, 3 of 3 workers ready$"
    expect_in out '^0 requests/s   0 connections   CPU .* %   memory .*MB   reload idle$'
    expect_in out '^WORKER  STATE .* LAST END$'
    for worker in 0 1 2; do expect_in out "^$worker       ready "; done
    ! grep -q "$(printf '\033')" out || fail "escape sequences in a file"
    top "$admin" --interval 100ms --count 3
    [ "$(grep -c '^WORKER' out)" = 3 ] || fail "--count 3 is three tables"
    end_server
}

case_token() {
    printf 'the-token-of-this-test\nnot this line\n' > token
    printf 'another-token-of-this-test\n' > wrong
    start_server single --admin-token-file token
    ctl "$admin" status; expect_refused $? 'the server wants a token'
    ctl "$admin" status --token-file wrong; expect_refused $? 'the server wants a token'
    top "$admin"; expect_refused $? 'the server wants a token'
    ctl "$admin" status --token-file token
    expect_status $? 0
    expect_line '^single: serving, 1 of 1 worker ready'
    top "$admin" --token-file token --interval 100ms
    expect_status $? 0
    expect_in out '^0       ready '
    ctl "$admin" scale 2 --token-file token; expect_refused $? 'scale: the one worker is the program itself'
    mkfifo hang # nobody writes into it
    timeout 30 "$clusterbench" ctl "$admin" status --token-file hang > out 2> err
    expect_refused $? 'hang'
    ! tr '\0' ' ' < "/proc/$server/cmdline" | grep -q the-token-of || fail "the token can be seen with ps"
    end_server
}

case_unix_socket() {
    start_server shared --workers 1 --admin "unix:$work/admin"
    [ "$admin" = "unix:$work/admin:" ] || fail "the ready line says $admin"
    for address in "unix:$work/admin" "http://unix:$work/admin:"; do
        ctl "$address" status
        expect_status $? 0
        expect_line '^shared: serving, 1 of 1 worker ready'
    done
    end_server
}

"case_$case_name"
