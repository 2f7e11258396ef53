#!/bin/bash
# End-to-end tests of `clusterbench compare` and `export`: compare.sh CASE CLUSTERBENCH FAKES
# A run with the fakes is made once; others are copies of it in which somebody has changed figures.
set -u
case_name=$1 clusterbench=$2 fakes=$3
# shellcheck source=tests/harness/support.sh
. "$(dirname "$0")/support.sh"

# What fails says so in one line, and nothing on stdout.
expect_refused() { # STATUS TEXT
    expect_status "$1" 2
    [ "$(wc -l < err)" = 1 ] || fail "stderr should be one line"
    [ ! -s out ] || fail "stdout should be empty"
    expect_in err "$2"
}

make_run() { # FOLDER [BLOCKS]: six, or so many
    cat > plan.ini <<EOF_PLAN
[plan]
blocks = ${2:-6}
verdicts = yes
[experiment cost]
strategies = even, odd
workers = 2
request = /hello
duration = 10ms
warmup = 0
baseline = even
primary = p99_us
[experiment other]
strategies = even, odd
workers = 2
request = /other
duration = 10ms
warmup = 0
baseline = even
primary = p99_us
EOF_PLAN
    mkdir -p no-gnuplot
    ln -sf "$(type -P sha256sum)" no-gnuplot/sha256sum
    PATH=$work/no-gnuplot "$clusterbench" run --bin "$fakes" --plan ./plan.ini --seed 7 --out "$1" > out 2> err || fail "the run failed"
    accept_blocks "$1" "${2:-6}"
}

# A machine that has other things to do throws blocks out and runs more of them: here all count, and there are as many as planned.
accept_blocks() {
    local cell block
    jq --argjson blocks "$2" '.blocks |= (map(select(.number <= $blocks)) | map(.accepted = true | .reason = null))' "$1/run.json" > kept ||
        fail "jq"
    mv kept "$1/run.json"
    for cell in "$1"/cells/*; do
        block=${cell##*/} block=${block%%-*}
        [ "$((10#$block))" -le "$2" ] || rm -rf "$cell"
    done
}

compare() { "$clusterbench" compare "$@" > out 2> err; }

copy() { rm -rf "$2" && cp -r "$1" "$2"; }

# Puts the figures, one a block, in the place of p99 (8000) in the cells of a row: "even", "even.again", "odd".
set_p99() { # FOLDER ROW FIGURE...
    local folder=$1 row=$2 block=0 figure
    shift 2
    for figure; do
        block=$((block + 1))
        sed -i "s/\"p99\":8000/\"p99\":$figure/" "$folder/cells/0$block-cost-$row-w2-closed/load.json"
    done
}

# "same", "worse", ... of the row odd of the experiment cost.
verdict_of_odd() { awk '/^cost/ { inside = 1 } inside && $1 == "odd" { sub(/.*%   /, ""); print; exit }' out; }

case_verdicts() {
    make_run a
    compare a a
    expect_status $? 0
    [ "$(verdict_of_odd)" = same ] || fail "a run against itself is '$(verdict_of_odd)'"
    expect_in out '^B is no worse than A (2 same).$'
    expect_in out 'whose hashes both runs hold are the same'

    copy a worse
    set_p99 worse odd 12000 12100 11900 12050 11950 12000
    compare a worse
    expect_status $? 1
    expect_in out '^   odd  *8.00 .*12.00 .*1.50 \[1.49, 1.51\]  *1.50 \[1.49, 1.51\]  *3 %   worse$'
    expect_in out '^B is worse: cost odd (p99_us) (1 worse, 1 same).$'

    compare worse a
    expect_status $? 0
    [ "$(verdict_of_odd)" = better ] || fail "turned round it is '$(verdict_of_odd)'"

    copy a wide
    set_p99 wide odd 8000 6000 8700 6500 7900 8600
    compare a wide
    expect_status $? 3
    expect_in out 'undecided; could be -25..+9 %$'
    expect_in out '^Undecided (1 same, 1 undecided).$'

    copy a less
    set_p99 less odd 8000 6000 7700 6500 7900 8100
    compare a less
    expect_status $? 0
    expect_in out 'no worse; could be -25..+1 %$'
}

# Who compares more has to see more: a difference that stands alone falls among eleven other comparisons.
case_holm() {
    make_run a
    copy a b
    set_p99 a odd 7000 7000 7000 7000 8200 8200
    set_p99 b odd 8100 12000 12000 12000 12000 12000
    compare a b
    expect_status $? 1
    expect_in out "Holm's correction for 2 comparisons"
    compare a b --metric p50_us,p90_us,p99_us,p99.9_us,requests_per_s,jain_requests
    expect_status $? 3
    expect_in out "Holm's correction for 12 comparisons"
    expect_in out 'undecided; could be +16..+71 %, or luck (Holm)$'
}

# Everything slower in B, the baseline as well: nobody can tell whether that is the machine.
case_moments() {
    make_run a
    copy a slower
    for row in even even.again odd; do set_p99 slower $row 10000 10000 10000 10000 10000 10000; done
    jq '(.blocks[].calibration_us) = [[100, 200], [100, 200]]' a/run.json > kept && mv kept a/run.json
    jq '(.blocks[].calibration_us) = [[125, 250]]' slower/run.json > kept && mv kept slower/run.json
    compare a slower
    expect_status $? 3
    expect_in out '^A fixed loop took 1.25 times as long in B as in A'
    [ "$(verdict_of_odd)" = same ] || fail "against the baseline it is '$(verdict_of_odd)'"
    expect_in out 'the baseline moved: the machine, or all rows alike$'
    expect_in out '^Undecided (2 same, 1 baseline moved).$'
    compare a slower --reading absolute
    expect_status $? 1
    expect_in out '^B is worse: cost even (p99_us), cost odd (p99_us) (2 worse, 2 same).$'

    copy a void
    set_p99 void even.again 9000 9000 9000 9000 9000 9000
    compare a void
    expect_status $? 3
    expect_in out 'void: the A/A pair of B differs$'

    copy a failing
    for cell in failing/cells/*-cost-odd-*; do sed -i 's/"ranked": true/"ranked": false/' "$cell/server.json"; done
    compare a failing
    expect_status $? 3
    [ "$(verdict_of_odd)" = "not ranked in B" ] || expect_in out '   not ranked in B$'

    copy a interrupted
    sed -i 's/"state": "complete"/"state": "interrupted"/' interrupted/run.json
    rm -rf interrupted/cells/0?-other-odd-w2-closed
    compare a interrupted
    expect_status $? 3
    expect_in out '^Undecided: run B was interrupted.$'
    copy a trial
    sed -i 's/^verdicts = yes/verdicts = no/' trial/plan.ini
    compare trial a
    expect_status $? 3
    expect_in out '^Undecided: run A: this plan only shows that everything works.$'
    copy a few
    accept_blocks few 5
    compare a few
    expect_status $? 3
    expect_in out '^Undecided: run B: below six blocks'
}

case_other_plan() {
    make_run a
    copy a other
    sed -i 's|^request = /other|request = /others|; s/^warmup = 0/warmup = 1s/' other/plan.ini
    compare a other
    expect_refused $? 'not runs of the same plan (--only-common .*): cost: warmup is 0s in A, 1s in B; other: request is /other in A, /others in B'
    copy a other
    sed -i 's|^request = /other|request = /others|' other/plan.ini
    rm -rf other/cells/0?-cost-even.again-w2-closed
    compare a other
    expect_refused $? 'other: request is /other in A, /others in B; cost: even (again) with 2 workers, load closed, is only in A$'
    copy a other
    sed -i 's|^request = /other|request = /others|' other/plan.ini
    compare a other --only-common
    expect_status $? 0
    expect_in out '^Left out: other: request is /other in A, /others in B.$'
    expect_in out '^B is no worse than A (1 same).$'
    ! grep -q '^other' out || fail "what differs is compared"
    rm -rf other/cells/*
    compare a other --only-common
    expect_status $? 3
    expect_in out '^B has no cells that can be read.$'
    expect_in out '^Undecided (nothing was judged).$'
}

case_other_machine() {
    make_run a
    copy a other
    sed -i 's/"kernel": "[^"]*"/"kernel": "Linux 1.2.3"/; s/"online": [0-9]*/"online": 99/' other/machine-before.json
    sed -i 's/"together": [a-z]*/"together": null/' other/run.json
    compare a other
    expect_refused $? 'not of the same machine (--across-machines .*): CPUs is .* in A, 99 in B; kernel is .*, Linux 1.2.3 in B; generator and servers together is'
    compare a other --across-machines
    expect_status $? 0
    expect_in out '^Not the same machine. Figures of A and B do not compare'
    expect_in out '^   odd .* -   .*same$'
    compare a other --across-machines --reading absolute
    expect_status $? 3
    expect_in out '^Undecided: figures of two machines do not compare.$'
    rm other/machine-before.json
    compare a other
    expect_refused $? 'machine-before.json of B is missing or broken'
    copy a other
    sed -i '/"sha256"/,/}/s/"\([a-z-]*\)": "./"\1": "?/' other/machine-before.json
    compare a other
    expect_status $? 0
    expect_in out '^Programs that are not the same in A and B: .*loadgen'
    expect_in out 'a difference may be its own'
}

case_formats() {
    make_run a
    copy a worse
    set_p99 worse odd 12000 12100 11900 12050 11950 12000
    compare a worse --format json -o compare.json
    expect_status $? 1
    [ ! -s out ] || fail "stdout should be empty"
    [ "$(jq -r '.schema, .verdict, (.rows | length)' compare.json | paste -sd' ')" = "clusterbench.compare/1 worse 6" ] || fail "$(cat compare.json)"
    [ "$(jq -c '[.rows[] | select(.verdict == "worse") | .experiment, .strategy, (.relative.ratio * 100 | round)]' compare.json)" = '["cost","odd",150]' ] ||
        fail "$(cat compare.json)"
    compare a worse --format html -o compare.html
    expect_status $? 1
    expect_in compare.html '<tr class="worse"><th scope="row" class="left">odd</th>'
    expect_in compare.html "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base"
    expect_in compare.html '<div role="region" tabindex="0" aria-label="[^"]*"><table><caption>[^<]'
    ! grep -q 'src=\|href=\|<script' compare.html || fail "the page is not self-contained"
    compare a worse --metric p50_us,p99_us
    expect_status $? 1
    expect_in out '(1 worse, 3 same)'
    compare a worse --metric nonsense; expect_refused $? "metric: 'nonsense' is not known; use cpu_us_per_request"
    compare a; expect_refused $? 'compare needs two results folders'
    compare a b c; expect_refused $? "'c' is one word too many"
    compare a worse --format pdf; expect_refused $? "'pdf' is not allowed; use text, json or html"
    compare a nowhere; expect_refused $? 'nowhere/run.json'
    compare a worse -o nowhere/file; expect_refused $? 'cannot write nowhere/file: No such file or directory'
    : > out
    "$clusterbench" compare a a > /dev/full 2> err
    expect_refused $? 'cannot write to stdout: No space left on device'
}

case_export() {
    make_run a 2
    "$clusterbench" export a --csv > out 2> err
    expect_status $? 0
    [ "$(head -1 out)" = plan,experiment,strategy,again,workers,load,rate,block,accepted,ranked,metric,value ] || fail "another head"
    expect_in out '^plan,cost,even,true,2,closed,0,2,true,true,p99_us,8000$'
    [ "$(grep -c ',p99_us,' out)" = 12 ] || fail "2 blocks, 2 experiments, 3 rows"
    [ "$(awk -F, 'NF != 12' out | wc -l)" = 0 ] || fail "lines of another length"
    "$clusterbench" export a --prometheus -o metrics > out 2> err
    expect_status $? 0
    expect_in metrics '^clusterbench_response_time_p99_seconds{plan="plan",experiment="cost",strategy="odd",again="false",workers="2",load="closed"} 0.008$'
    "$clusterbench" export a > out 2> err; expect_status $? 1; expect_in err 'needs one of --csv and --prometheus'
    "$clusterbench" export --csv > out 2> err; expect_status $? 1; expect_in err 'export needs a results folder'
    "$clusterbench" export nowhere --csv > out 2> err; expect_status $? 1; expect_in err 'nowhere/run.json'
    "$clusterbench" export a --csv > /dev/full 2> err; expect_status $? 1; expect_in err 'cannot write to stdout: No space left'
}

"case_$case_name"
