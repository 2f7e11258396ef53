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
    expect_in out '^B is no worse than A (2 same; delta up to 3 %).$'
    expect_in out 'whose hashes both runs hold are the same'

    copy a worse
    set_p99 worse odd 12000 12100 11900 12050 11950 12000
    compare a worse
    expect_status $? 1
    expect_in out '^   odd  *8.00 .*12.00 .*1.50 \[1.49, 1.51\]  *1.50 \[1.49, 1.51\]  *3.0 %   worse$'
    expect_in out '^B is worse: cost odd (p99_us) (1 worse, 1 same; delta up to 3 %).$'

    compare worse a
    expect_status $? 0
    [ "$(verdict_of_odd)" = better ] || fail "turned round it is '$(verdict_of_odd)'"

    copy a wide
    set_p99 wide odd 8000 6000 8700 6500 7900 8600
    compare a wide
    expect_status $? 3
    expect_in out 'undecided; could be -25..+8.8 %$'
    expect_in out '^Undecided (1 same, 1 undecided; delta up to 3 %).$'

    copy a less
    set_p99 less odd 8000 6000 7700 6500 7900 8100
    compare a less
    expect_status $? 0
    expect_in out 'no worse; could be -25..+1.2 %$'
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
    expect_in out '^Undecided (2 same, 1 baseline moved; delta up to 3 %).$'
    compare a slower --reading absolute
    expect_status $? 1
    expect_in out '^B is worse: cost even (p99_us), cost odd (p99_us) (2 worse, 2 same; delta up to 3 %).$'

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
    expect_in out '^B is no worse than A (1 same; delta up to 3 %).$'
    ! grep -q '^other' out || fail "what differs is compared"
    rm -rf other/cells/*
    compare a other --only-common
    expect_refused $? 'compare: other: the run is complete, but its cells/ are not there any more$'
    copy a other
    for cell in other/cells/*; do echo '{' > "$cell/server.json"; done
    compare a other --only-common
    expect_status $? 3
    expect_in out '^B has no cells that can be read.$'
    expect_in out '^Undecided (nothing was judged).$'

    # Files by time cost something: the same experiment with them is another one.
    copy a other
    sed -i 's|^request = /other|&\npictures = heat|' other/plan.ini
    compare a other
    expect_refused $? 'other: series is no in A, yes in B$'
}

# A name is a program, or what its section makes of it.
case_servers() {
    make_run a
    copy a other
    printf '[server odd]\nprogram = odd\n' >> other/plan.ini
    compare a other
    expect_status $? 0
    echo 'options = --backlog 1' >> other/plan.ini
    compare a other
    expect_refused $? "\[server odd\] is 'odd, the experiment's workers and request' in A, 'odd --backlog 1, .*' in B$"
    compare other a
    expect_refused $? "\[server odd\] is 'odd --backlog 1, .*' in A, 'odd, .*' in B$"
    compare a other --only-common
    expect_status $? 3
    expect_in out "^Left out: \[server odd\]"
    expect_not_in out '^   odd'
    copy a other
    printf '[server even]\nprogram = odd\n' >> other/plan.ini
    compare a other --only-common
    expect_status $? 3
    expect_in out '^Undecided (nothing was judged).$'
}

# Cells that failed are no good figures, and leave the good ones behind.
case_lost_cells() {
    make_run a 10
    copy a c
    copy a failing
    sed -i 's/"ranked": true/"ranked": false/' failing/cells/0[1-4]-cost-odd-*/server.json
    compare a failing
    expect_status $? 3
    expect_in out 'undecided; could be 0..0 %; fewer blocks of B count than of A; 6 of 10 cells of B$'
    compare a failing --format json
    expect_status $? 3
    [ "$(jq -c '.rows[] | select(.experiment == "cost" and .strategy == "odd") | .cells, .verdict, .why' out | paste -sd' ')" = \
        '{"a":10,"of_a":10,"b":6,"of_b":10} "undecided" "fewer blocks of B count than of A"' ] || fail "another row"
    compare failing a
    expect_status $? 0
    expect_in out '   same; 6 of 10 cells of A$'
    for block in 1 2 3 4; do sed -i 's/"ranked": true/"ranked": false/' "a/cells/0$block-cost-odd-w2-closed/server.json"; done
    compare a failing
    expect_status $? 0
    expect_in out '   same; 6 of 10 cells of A, 6 of 10 of B$'

    # Of the baseline, too: the ratios of those blocks are gone.
    copy c failing
    sed -i 's/"ranked": true/"ranked": false/' failing/cells/0[1-4]-cost-even-*/server.json
    compare c failing
    expect_status $? 3
    [ "$(verdict_of_odd)" = "undecided; could be 0..0 %; fewer blocks of B count than of A" ] || fail "it is '$(verdict_of_odd)'"

    # Who loses nothing has no ratio to who does, and is held against it all the same.
    sed -i 's|^request = /hello|&\nevents = at 5ms scale 3|' c/plan.ini
    copy c losing
    sed -i 's/"socket_errors":0/"socket_errors":5/' losing/cells/*-cost-odd-*/load.json
    compare c losing --metric lost_requests
    expect_status $? 1
    expect_in out '^B is worse: cost odd (lost_requests)'
    expect_in out 'B - A, against baselines'
    expect_in out ' odd  *0 \[0, 0\]  *5 \[5, 5\]  *+5 \[+5, +5\]  *+5 \[+5, +5\] .* worse$'
    compare c losing --metric lost_requests --format json
    [ "$(jq -c '.rows[] | select(.strategy == "odd") | .compared_by, .relative.difference, .verdict' out | paste -sd' ')" = '"difference" 5 "worse"' ] ||
        fail "another row: $(jq -c '.rows[]' out)"
    compare losing c --metric lost_requests
    expect_status $? 0
    expect_in out ' better$'
    copy losing seldom
    sed -i 's/"socket_errors":5/"socket_errors":0/' seldom/cells/0[1-6]-cost-odd-*/load.json
    compare c seldom --metric lost_requests # in four blocks of ten: not for sure
    expect_status $? 3
    expect_in out 'undecided; could be 0..+5'
}

# What a noisy bench takes for the same is not the same.
case_wide_delta() {
    make_run a
    set_p99 a even.again 4800 14000 8000 8000 8000 8000
    copy a b
    compare a b
    expect_status $? 3
    [ "$(verdict_of_odd)" = 'undecided; could be 0..0 %; the A/A pairs allow no "same"' ] || fail "it is '$(verdict_of_odd)'"
    expect_in out '^Undecided (1 same, 1 undecided; delta up to 57 %).$'
    compare a b --format json
    [ "$(jq '.widest_delta * 1000 | round' out)" = 575 ] || fail "another widest_delta"
    set_p99 b odd 1000 1000 1000 1000 1000 1000
    compare a b
    expect_status $? 0
    expect_in out '   better$'
    compare b a
    expect_status $? 1
}

case_programs() {
    make_run a
    copy a resumed
    jq '.sittings = [{"differences": ["sha256.odd: 1, then 2", "kernel: Linux 1, then Linux 2"]}]' resumed/run.json > kept && mv kept resumed/run.json
    compare a resumed
    expect_status $? 0
    expect_in out '^B was gone on with although .*: sha256.odd: 1, then 2; kernel: Linux 1, then Linux 2.$'
    expect_in out '^The programs whose hashes both runs hold were the same when the runs began.$'
    expect_not_in out 'what differs is not theirs'
    copy a changed
    jq '.machine_changes = ["sha256.even: 1, then 2"]' changed/run.json > kept && mv kept changed/run.json
    compare changed a
    expect_in out '^While A ran, something changed: sha256.even: 1, then 2.$'
    expect_not_in out 'what differs is not theirs'
    set_version() { jq ".contenders = [{\"name\": \"nginx-shared\", \"kind\": \"peer\", \"version\": $2}]" a/run.json > "$1/run.json"; }
    mkdir -p old new
    cp -r a/. old && cp -r a/. new
    set_version old '"nginx/1.22"'
    set_version new '"nginx/1.24"'
    compare old new
    expect_in out '^Peers whose versions differ: nginx-shared is nginx/1.22 in A, nginx/1.24 in B.$'
    expect_not_in out 'what differs is not theirs'
    set_version old null
    set_version new null
    compare old new
    expect_in out '^Peers whose versions are not known, in A and in B: nginx-shared.$'
    expect_not_in out 'what differs is not theirs'
}

set_rate() { # FOLDER RATE: of the experiment cost
    local file
    for file in "$1"/cells/*-cost-*/server.json; do jq ".load.rate = $2" "$file" > kept && mv kept "$file"; done
}

# 80 % of what each run measured.
case_rates() {
    make_run a
    copy a b
    set_rate a 8000
    set_rate b 8100
    compare a b
    expect_status $? 0
    expect_in out '^cost: load closed is 8000 requests/s in A, 8100 in B: of the capacity that each run measured.$'
    set_rate b 4000
    compare a b
    expect_status $? 3
    expect_in out 'is 8000 requests/s in A, 4000 in B: .* measured; rates so far apart are not judged.$'
    [ "$(verdict_of_odd)" = 'the load is another rate in B' ] || fail "it is '$(verdict_of_odd)'"
    expect_in out '^Undecided (1 same, 1 not judged; delta up to 3 %).$'
}

# Without a baseline there is nothing to stand against, but there are figures.
case_no_baseline() {
    make_run a
    sed -i '/^baseline/d' a/plan.ini
    rm -rf a/cells/*.again-*
    copy a worse
    set_p99 worse odd 12000 12100 11900 12050 11950 12000
    compare a worse
    expect_status $? 3
    expect_in out '   no baseline; see --reading absolute$'
    compare a worse --reading absolute
    expect_status $? 1
    expect_in out '^Without a baseline there is no A/A pair that says what this bench needs: 3 % counts as the same in cost, other.$'
    expect_in out '^B is worse: cost odd (p99_us) (1 worse, 3 same; delta up to 3 %).$'
    compare a a --reading absolute
    expect_status $? 0
}

# An option that would do nothing is refused by name.
case_options() {
    make_run a 1
    compare a a --only cost
    expect_refused $? '^clusterbench: compare does not take --only; it takes --out, --reading, --metric, --only-common, --across-machines, --format$'
    compare a a --csv; expect_refused $? 'compare does not take --csv'
    compare a a --force-resume; expect_refused $? 'compare does not take --force-resume'
    "$clusterbench" export a --csv --metric p99_us > out 2> err
    expect_status $? 1
    expect_in err '^clusterbench: export does not take --metric; it takes --out, --csv, --prometheus$'
    [ ! -s out ] || fail "stdout should be empty"
    "$clusterbench" run --force-resume > out 2> err; expect_status $? 1; expect_in err 'force-resume needs .* --resume DIR$'
    "$clusterbench" report a --blocks 3 > out 2> err; expect_status $? 1; expect_in err 'report does not take --blocks; it takes --plots$'
    "$clusterbench" list --plan quick > out 2> err; expect_status $? 1; expect_in err 'list does not take --plan; it takes --bin, --plans$'
    "$clusterbench" --format pdf compare a a > out 2> err; expect_refused $? "'pdf' is not allowed; use text, json or html"
    "$clusterbench" --frmat text compare a a > out 2> err; expect_refused $? 'unknown option --frmat'
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
    # That the baseline lies elsewhere on another machine says nothing.
    copy other slower
    for row in even even.again odd; do set_p99 slower $row 10000 10000 10000 10000 10000 10000; done
    compare a slower --across-machines
    expect_status $? 0
    expect_not_in out moved
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
    expect_in out '(1 worse, 3 same; '
    compare a worse --metric primary,p99_us,p99_us
    expect_status $? 1
    expect_in out '(1 worse, 1 same; '
    expect_in out "Holm's correction for 2 comparisons"
    [ "$(grep -c '^cost: ' out)" = 1 ] || fail "the same rows twice"
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
    # The block under way is not settled, and counts for nothing.
    copy a interrupted
    jq '.state = "interrupted" | del(.blocks[1])' interrupted/run.json > kept && mv kept interrupted/run.json
    "$clusterbench" export interrupted --csv > out 2> err
    expect_status $? 0
    expect_in out '^plan,cost,odd,false,2,closed,0,1,true,true,p99_us,8000$'
    expect_in out '^plan,cost,odd,false,2,closed,0,2,false,true,p99_us,8000$'
    copy a empty
    rm -rf empty/cells
    "$clusterbench" export empty --csv > out 2> err
    expect_status $? 1
    expect_in err '^clusterbench: export: empty: the run is complete, but its cells/ are not there any more$'
    [ ! -s out ] || fail "stdout should be empty"
    "$clusterbench" export a --prometheus -o metrics > out 2> err
    expect_status $? 0
    expect_in metrics '^clusterbench_response_time_p99_seconds{plan="plan",experiment="cost",strategy="odd",again="false",workers="2",load="closed"} 0.008$'
    "$clusterbench" export a > out 2> err; expect_status $? 1; expect_in err 'needs one of --csv and --prometheus'
    "$clusterbench" export --csv > out 2> err; expect_status $? 1; expect_in err 'export needs a results folder'
    "$clusterbench" export nowhere --csv > out 2> err; expect_status $? 1; expect_in err 'nowhere/run.json'
    "$clusterbench" export a --csv > /dev/full 2> err; expect_status $? 1; expect_in err 'cannot write to stdout: No space left'
}

"case_$case_name"
