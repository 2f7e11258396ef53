#!/bin/bash
# Peers, cross-checks and [server] sections, end to end: peers.sh CASE CLUSTERBENCH FAKES PROGRAMS [PEER]
# Every case works in a folder of its own and ends only what it started.
set -u
case_name=$1 clusterbench=$2 fakes=$3 programs=$4 peer=${5:-}
# shellcheck source=tests/harness/support.sh
. "$(dirname "$0")/support.sh"
export FAKE_BUSY=$work/busy
PATH=$fakes:$PATH

# MODE [LINES OF THE MANIFEST]: a peer `foreign` in peers/
make_peer() {
    mkdir -p peers/foreign
    cat > peers/foreign/peer.ini << EOF
[peer]
command = {fake_peer} {config}/foreign.conf
version = {fake_peer} --version
templates = foreign.conf
busy = it is in use
install = make peers
${2:-}
[needs]
fake_peer = fake-peer
[values]
mode = $1
EOF
    printf 'port {port}\nworkers {workers}\nmode {mode}\npid {folder}/pid\nbackend {backend_port}\n' > peers/foreign/foreign.conf
}

plan() { # STRATEGIES [LINES]
    cat > p.ini << EOF
[plan]
title = Peers
blocks = 1
verdicts = no
[experiment cost]
strategies = $1
workers = 2
request = /hello
duration = 10ms
warmup = 0
${2:-}
EOF
}

run() { "$clusterbench" run --bin "$fakes" --peers peers --plan ./p.ini --out r > out 2> err; }
cell() { echo "r/cells/01-cost-$1-w2-closed"; }

case_row() {
    make_peer plain
    plan "even, foreign"
    run
    expect_status $? 0
    expect_file "$(cell even)/load.json"
    expect_file "$(cell foreign)/load.json"
    expect_in "$(cell foreign)/server.json" '"ranked": true'
    expect_in "$(cell foreign)/server.json" '"counted_by": "generator"'
    expect_in "$(cell foreign)/server.json" '"by_term": true'
    expect_in "$(cell foreign)/config/foreign.conf" '^port [1-9][0-9]*$'
    expect_in "$(cell foreign)/config/foreign.conf" '^workers 2$'
    expect_not_in "$(cell foreign)/config/foreign.conf" '^backend'
    [ ! -e "$(cell foreign)/scratch" ] || fail "what the peer wrote for itself is still there"
    expect_in r/run.json '"version": "fake peer 1.2"'
    expect_in r/report.html 'foreign: fake peer 1.2'
    expect_in out 'foreign'
    expect_nothing_left
}

# A peer that was upgraded or configured anew between two sittings is not the one the run was begun with.
case_changed() {
    make_peer plain
    echo 'fake peer 1.2' > version
    sed -i "s,^version.*,version = cat $work/version," peers/foreign/peer.ini
    echo 'serve = nothing' > peers/foreign/extra
    plan "even, foreign"
    mkfifo fifo
    FAKE_FIFO=$work/fifo "$clusterbench" run --bin "$fakes" --peers peers --plan ./p.ini --out r > out 2> err &
    local harness=$! file
    read -r _ < fifo
    kill -KILL $harness
    wait $harness 2> /dev/null
    expect_nothing_left
    resume() { "$clusterbench" run --bin "$fakes" --peers peers --resume r "$@" > out 2> err; }
    refused() { resume; expect_status $? 1; expect_one_line err; expect_in err "not the machine or the programs it was begun with: $1"; }
    for file in peer.ini foreign.conf extra; do
        cp peers/foreign/$file kept
        echo '# more' >> peers/foreign/$file
        refused "sha256.peer foreign/$file: "
        cp kept peers/foreign/$file
    done
    echo 'fake peer 2.0' > version
    refused 'peers.foreign: fake peer 1.2, then fake peer 2.0'
    resume --force-resume
    expect_status $? 0
    expect_in r/run.json '"version": "fake peer 1.2"'
    expect_in r/run.json 'peers.foreign: fake peer 1.2, then fake peer 2.0'
    expect_in r/machine-before.json '"foreign": "fake peer 1.2"'
    expect_in r/machine-after.json '"foreign": "fake peer 2.0"'
}

case_names_of_workers() {
    make_peer plain 'worker = name'
    plan "even, foreign"
    run
    expect_status $? 0
    expect_in "$(cell foreign)/load.json" '"called": "1"'
    expect_not_in "$(cell even)/load.json" '"called"'
    expect_in "$(cell foreign)/workers.csv" '^1,32,400,'
}

# A port that another program had is no failure: another one is taken, three times at most.
case_busy_port() {
    make_peer busy
    plan foreign
    run
    expect_status $? 0
    expect_in "$(cell foreign)/server.json" '"ranked": true'
    [ "$(wc -c < "$FAKE_BUSY")" = 3 ] || fail "it was started $(wc -c < "$FAKE_BUSY") times"
    sed -i '/^busy/d' peers/foreign/peer.ini
    rm -rf r "$FAKE_BUSY"
    run
    expect_status $? 1
    expect_in "$(cell foreign)/server.json" 'foreign ended with status 1 before it was ready: cannot have the port: it is in use'
    expect_nothing_left
}

case_never_ready() {
    make_peer silent 'ready_within = 300ms'
    plan "even, foreign"
    run
    expect_status $? 0
    expect_in "$(cell foreign)/server.json" 'foreign did not answer within'
    expect_in out 'NOT RANKED: foreign did not answer'
    expect_nothing_left
    sed -i 's/^ready_within.*/ready_all = \/hello/; s/^mode = .*/mode = plain/' peers/foreign/peer.ini # two answers, two workers
    rm -rf r
    run
    expect_in "$(cell foreign)/server.json" '"ranked": true'
    sed -i '/^ready_all/i ready_within = 300ms' peers/foreign/peer.ini
    sed -i 's/^mode = .*/mode = lonely/' peers/foreign/peer.ini
    rm -rf r
    run
    expect_in "$(cell foreign)/server.json" 'foreign did not answer within'
    expect_nothing_left
}

case_stubborn() {
    make_peer stubborn 'grace = 200ms'
    plan foreign
    run
    expect_status $? 0
    expect_in "$(cell foreign)/server.json" 'TERM did not stop it'
    expect_in "$(cell foreign)/server.json" '1 processes were left behind'
    expect_nothing_left
}

case_missing() {
    make_peer plain
    sed -i 's/^fake_peer = .*/no-such-program = the-package (npm)/; s/{fake_peer}/{no-such-program}/' peers/foreign/peer.ini
    plan "even, foreign"
    run
    expect_status $? 0
    expect_in err '^skipped: foreign: the-package (npm) is not installed; make peers$'
    expect_in out '^skipped: foreign: the-package (npm) is not installed; make peers$'
    expect_in r/report.html '<li>foreign: the-package (npm) is not installed; make peers'
    expect_file "$(cell even)/load.json"
    [ ! -e "$(cell foreign)" ] || fail "a cell of a peer that is not there"
}

case_all_missing() {
    make_peer plain
    sed -i 's/^fake_peer = .*/no-such-program = the-package/' peers/foreign/peer.ini
    plan foreign
    run
    expect_status $? 1
    expect_in err 'clusterbench: nothing of the plan can be run here'
    [ ! -e r ] || fail "a folder was made"
}

case_paths() {
    make_peer plain 'paths = /hello /healthz'
    plan "even, foreign"
    printf '[experiment other]\nstrategies = even, foreign\nrequest = /wait/1ms\nduration = 10ms\nwarmup = 0\n' >> p.ini
    run
    expect_status $? 0
    expect_in out '^skipped: foreign in other: it does not answer /wait/1ms, only /hello, /healthz$'
    expect_file "$(cell foreign)/load.json"
    [ -z "$(find r/cells -name '*other-foreign*')" ] || fail "a cell that cannot be was run"
}

case_proxied_backends() {
    make_peer plain 'backends = even'
    plan foreign
    run
    expect_status $? 0
    [ "$(grep -c '^backend [1-9]' "$(cell foreign)/config/foreign.conf")" = 2 ] || fail "two backends, a line each"
    [ "$(sort -u "$FAKE_PIDS" | wc -l)" = 3 ] || fail "three processes: a front and two backends"
    expect_in "$(cell foreign)/server.json" '"processes": 3'
    expect_in "$(cell foreign)/server.json" '"cpu_front_us_per_request": [0-9.e-]*[1-9]'
    expect_nothing_left
    sed -i 's/backends = even/backends = dies/' peers/foreign/peer.ini
    rm -rf r
    run
    expect_status $? 1
    expect_in "$(cell foreign)/server.json" 'a backend ended with status 3 before it was ready'
    expect_nothing_left
}

# The plan's events on peers: their workers are their backends or their children, and the manifest says what makes them reload.
plan_events() { # STRATEGIES EVENTS
    plan "$1" "load = 1000/s
events = $2"
    sed -i 's/^duration.*/duration = 400ms/' p.ini
}

case_events_on_backends() {
    local cell=r/cells/01-cost-foreign-w2-1000ps
    make_peer plain 'backends = even'
    plan_events foreign 'at 100ms kill worker 1, at 120ms stop worker 0 for 50ms'
    run
    expect_status $? 0
    expect_in $cell/events.csv '^0\.1[0-9]*,fault,1,"kill worker 1"$'
    expect_in $cell/events.csv '^0\.1[0-9]*,fault-end,0,"stop worker 0 for 50ms"$'
    expect_in $cell/server.json '"ranked": true'
    expect_in $cell/server.json 'processes of the server came and went with the events'
    expect_in $cell/server.json '"processes": 2'
    expect_in $cell/lanes.csv '^1,0,down,0\.1'
    expect_in $cell/lanes.csv '^0,0,up,'
    plan_events foreign 'at 100ms kill server' # the front alone: its backends live
    rm -rf r
    run
    expect_not_in $cell/lanes.csv down
    expect_nothing_left
}

case_events_on_children() {
    local cell=r/cells/01-cost-foreign-w2-1000ps
    make_peer family 'worker_processes = children'
    plan_events foreign 'at 100ms kill worker 0'
    run
    expect_status $? 0
    expect_in $cell/events.csv '^0\.1[0-9]*,fault,0,"kill worker 0"$'
    expect_in $cell/server.json '"ranked": true'
    plan_events foreign 'at 100ms kill worker 1' # it has one child only
    rm -rf r
    run
    expect_status $? 1
    expect_in $cell/server.json '"failure": "the event at 100ms was not carried out: kill worker 1: there is no such process"'
    expect_nothing_left
}

# A command `turn_over` that does what is said, and a peer that reloads by it.
reload_by() { # LINES OF THE SCRIPT
    mkdir -p bin
    { echo '#!/bin/sh'; cat; } > bin/turn_over
    chmod +x bin/turn_over
    PATH=$work/bin:$PATH
    make_peer plain 'reload = {turn_over} {pid} {port}'
    sed -i 's/^\[needs\]/&\nturn_over = turn-over/' peers/foreign/peer.ini
    cell=r/cells/01-cost-foreign-w2-1000ps
}

case_reload() {
    local cell
    reload_by <<< 'echo "$*" > '"$work"'/told'
    plan_events foreign 'at 100ms reload'
    run
    expect_status $? 0
    expect_in "$cell/events.csv" '^0\.1[0-9]*,fault,,"reload"$'
    expect_in told '^[1-9][0-9]* [1-9][0-9]*$'
    expect_nothing_left
}

# Why it did not is said, and such a cell is not ranked.
case_reload_fails() {
    local cell
    reload_by <<< 'echo "no such thing"; exit 3'
    plan_events foreign 'at 100ms reload'
    run
    expect_status $? 1
    expect_in "$cell/server.json" 'not carried out: reload: its command ended with status 3: no such thing"'
    [ ! -e "$cell/reload.log" ] || fail "its output was kept"
    sed -i 's/{turn_over} {pid}/no-such-command {pid}/' peers/foreign/peer.ini
    rm -rf r
    run
    expect_status $? 1
    expect_in "$cell/server.json" 'not carried out: reload: no-such-command: No such file or directory"'
    expect_not_in "$cell/events.csv" ',fault,'
    sed -i 's/{pid}/{pidd}/' peers/foreign/peer.ini
    rm -rf r
    run
    expect_status $? 1
    expect_in "$cell/server.json" 'there is no placeholder {pidd}; known are'
    expect_not_in "$cell/server.json" 'not carried out'
    expect_nothing_left
}

# One that does not end is ended with the load, with whatever it has started.
case_reload_hangs() {
    local cell pid
    reload_by <<< 'sleep 1000 & printf "%s\n" $! $$ > '"$work"'/started; wait'
    plan_events foreign 'at 100ms reload, at 200ms reload'
    run
    expect_status $? 1
    expect_in "$cell/events.csv" 'fault-failed,,"reload: the command of the reload before is still under way"'
    expect_in "$cell/events.csv" 'fault-failed,,"reload: not answered before the load was over"'
    expect_in "$cell/server.json" '"left_behind": 0'
    while read -r pid; do
        ! kill -0 "$pid" 2> /dev/null || fail "process $pid of the command is left"
    done < started
    expect_nothing_left
}

# Who has gone is told nothing: a command might start it anew.
case_reload_of_nobody() {
    local cell
    reload_by <<< 'echo "$*" > '"$work"'/told'
    plan_events foreign 'at 100ms kill server, at 200ms reload'
    run
    expect_in "$cell/events.csv" 'fault-failed,,"reload: the server has ended"'
    [ ! -e told ] || fail "the command was run"
    expect_nothing_left
}

start_hanging_run() {
    mkfifo fifo
    make_peer daemon
    plan foreign
    FAKE_FIFO=$work/fifo "$clusterbench" run --bin "$fakes" --peers peers --plan ./p.ini --out r > out 2> err &
    harness=$!
    read -r _ < fifo
}

case_interrupt() {
    start_hanging_run
    kill -INT $harness
    wait $harness
    expect_status $? 130
    expect_nothing_left
    [ -z "$(ls r/cells)" ] || fail "a cell that was cut short stands in cells/"
}

# Killed outright the harness cannot clean up: what it started hears of its end from the kernel, and a well-behaved peer ends its own.
case_kill_harness() {
    mkfifo fifo
    make_peer family
    plan foreign
    FAKE_FIFO=$work/fifo "$clusterbench" run --bin "$fakes" --peers peers --plan ./p.ini --out r > out 2> err &
    harness=$!
    read -r _ < fifo
    kill -KILL $harness
    wait $harness 2> /dev/null
    [ "$(wc -l < "$FAKE_PIDS")" = 2 ] || fail "a peer and its child"
    expect_nothing_left
}

case_servers_of_the_plan() {
    make_peer plain
    plan "even, odd-1, renamed, mine"
    {
        printf '[server odd-1]\nprogram = odd\nworkers = 1\noptions = --grace 1s\nrequest = /cpu/1ms\n'
        printf '[server renamed]\nprogram = foreign\noptions = mode=daemon\n[server mine]\nprogram = %s/even\n' "$fakes"
    } >> p.ini
    run
    expect_status $? 0
    local odd=r/cells/01-cost-odd-1-w1-closed
    expect_in $odd/server.json '"request": "/cpu/1ms"'
    grep -A1 -- '"--grace"' $odd/server.json | grep -q '"1s"' || fail "the options are not in its command"
    expect_in $odd/load.json '/cpu/1ms'
    expect_in "$(cell renamed)/config/foreign.conf" '^mode daemon$'
    expect_in "$(cell renamed)/server.json" '"ranked": true'
    expect_in "$(cell renamed)/server.json" '1 processes were left behind'
    expect_in "$(cell mine)/server.json" '"ranked": true'
    local file
    for file in 'server odd-1' 'server mine' 'peer foreign/peer.ini' 'peer foreign/foreign.conf'; do
        expect_in r/machine-before.json "\"$file\": \"[0-9a-f]\{64\}\""
    done
    expect_nothing_left
    sed -i 's/mode=daemon/moode=daemon/' p.ini
    rm -rf r
    run
    expect_status $? 1
    expect_one_line err
    expect_in err "server renamed: options: 'moode=daemon' is not allowed; use NAME=VALUE with a name of \[values\]: mode"
    sed -i 's/^program = odd$/program = oddd/; s/moode/mode/' p.ini
    run
    expect_status $? 1
    expect_one_line err
    expect_in err 'no program oddd in'
}

case_bad_manifest() {
    make_peer plain 'titel = x'
    plan "even, foreign"
    run
    expect_status $? 1
    expect_one_line err
    expect_in err "peers/foreign/peer.ini:7: unknown key 'titel' in \[peer\] (did you mean 'title'?)"
    [ ! -e r ] || fail "a folder was made"
    make_peer plain
    echo 'x {prot}' >> peers/foreign/foreign.conf
    run
    expect_status $? 0
    expect_in "$(cell foreign)/server.json" 'foreign.conf:6: there is no placeholder {prot}; known are'
    expect_nothing_left
}

# A generator by the name of wrk that says what wrk would say.
fake_wrk() {
    mkdir -p bin
    printf '#!/bin/sh\necho "$@" > %s\n%s\n' "$work/wrk.arguments" "$1" > bin/wrk
    chmod +x bin/wrk
    PATH=$work/bin:$PATH
}

case_crosscheck() {
    fake_wrk 'echo "Requests/sec:   5000.50"'
    plan "even, odd" 'crosscheck = wrk'
    run
    expect_status $? 0
    expect_in "$(cell even)/crosscheck.json" '"requests_per_s": 5000.5'
    expect_in "$(cell even)/crosscheck.json" '"ours": 10000.0'
    expect_in wrk.arguments '^-t1 -c64 -d1s http://127.0.0.1:[0-9]*/hello$'
    expect_in out 'cost .* even .* 10000 .* 5000 .* 0.50  wrk'
    expect_in r/report.html '<td>0.50</td>'
    expect_in r/report.html '<td>10,000</td><td>5,000 (0.50)</td>'
    expect_in r/report.html '<th scope="col">requests/s by wrk (times ours)</th>'
    expect_in r/summary.md '| requests/s | requests/s by wrk (times ours) |'
    expect_in r/summary.md '^| even .*| 10,000 | 5,000 (0.50) |'
    expect_in out '^ *even .* 10,000 .* 5,000 (0.50)'
    sed -i 's,clusterbench.crosscheck/1,clusterbench.crosscheck/2,' r/cells/*/crosscheck.json
    "$clusterbench" report r > out 2> err
    expect_status $? 0
    expect_not_in out '5,000 (0.50)'
    expect_not_in r/report.html '<td>10,000</td><td>5,000 (0.50)</td>'
    fake_wrk 'echo "unable to connect"; exit 1'
    rm -rf r
    run
    expect_status $? 0
    expect_in "$(cell even)/crosscheck.json" '"failure": "wrk ended with status 1"'
    expect_in "$(cell even)/server.json" '"ranked": true'
    plan "even, odd" 'load = 100/s
crosscheck = wrk'
    rm -rf r
    run
    expect_status $? 1
    expect_one_line err
    expect_in err 'crosscheck needs a closed loop'
    local key
    for key in 'method = POST' 'header = Accept: text/html' 'body = x' 'cookies = yes' 'think = 1ms'; do # it would measure something else
        plan "even" "crosscheck = wrk
$key"
        run
        expect_status $? 1
        expect_one_line err
        expect_in err 'crosscheck needs plain GETs'
    done
}

case_crosscheck_missing() {
    plan "even" 'crosscheck = hey'
    PATH=/nowhere run
    expect_status $? 0
    expect_in out '^skipped: crosscheck: hey is not installed (Debian: hey)$'
    [ ! -e "$(cell even)/crosscheck.json" ] || fail "a cross-check by nobody"
}

# The suite finds in a peer what it owes and does not keep, and says it in a line.
# Installed, the suites are found elsewhere.
case_contract_installed() {
    [ -x "$programs/contract_stand_in" ] || { echo "contract_stand_in is not built"; exit 77; }
    cmake --install "$programs/.." --prefix "$work/there" > out 2> err || fail "it cannot be installed"
    mkdir -p peers/stand-in
    printf '[peer]\ncommand = %s/contract_stand_in --listen 127.0.0.1:{port} --admin 127.0.0.1:0 --workers {workers}\n' "$programs" \
        > peers/stand-in/peer.ini
    there/bin/clusterbench contract stand-in --peers peers --workers 2 > out 2> err
    expect_status $? 0
    expect_in out '^keeps      ready$'
    there/lib/clusterbench/contract --list > out 2> err
    expect_status $? 0
    expect_in out pipelining
}

case_contract() {
    [ -x "$programs/contract_stand_in" ] || { echo "contract_stand_in is not built"; exit 77; }
    mkdir -p peers/stand-in
    cat > peers/stand-in/peer.ini << EOF
[peer]
command = $programs/contract_stand_in --listen 127.0.0.1:{port} --admin 127.0.0.1:0 --workers {workers} --bug {bug}
[values]
bug = unknown-is-fine
EOF
    "$clusterbench" contract stand-in --peers peers --workers 2 > out 2> err
    expect_status $? 1
    expect_in out '^keeps      ready$'
    expect_in out '^breaks     unknown_path: status 200, wanted 404'
    expect_in out '^           *repeat: .*contract_basics .* --only unknown_path -- serve stand-in'
    expect_in out '^stand-in keeps 15, breaks 1; 0 not asked of it$'
    printf '#!/bin/sh\nexit 3\n' > mute
    chmod +x mute
    "$clusterbench" contract ./mute > out 2> err
    expect_status $? 1
    expect_in out '^breaks     greeting: no ready line; the program ended with exit status 3'
    [ "$(tail -1 out)" = "./mute keeps 0, breaks 2; $(grep -c '^not asked' out) not asked of it: it never answered a request" ] ||
        fail "its last line is: $(tail -1 out)"
    "$clusterbench" contract nobody --peers peers > out 2> err
    expect_status $? 1
    expect_one_line err
    sed -i 's/^\[values\]/[needs]\nno-such-program = the-package\n&/' peers/stand-in/peer.ini
    "$clusterbench" contract stand-in --peers peers > out 2> err
    expect_status $? 1
    expect_one_line err
    expect_in err 'contract: stand-in: the-package is not installed'
}

# By hand: a ready line, answers, an end at TERM that leaves nothing.
case_serve() {
    make_peer daemon
    mkfifo ready
    "$clusterbench" serve foreign --peers peers --workers 2 > ready 2> err &
    local server=$! line address
    read -r line < ready || fail "it did not start"
    [[ $line =~ ^ready\ http://127.0.0.1:[0-9]+\ strategy=foreign\ workers=2\ pid=$server$ ]] || fail "the ready line is '$line'"
    address=${line#ready http://} address=${address%% *}
    exec 3<> "/dev/tcp/${address%:*}/${address#*:}"
    printf 'GET /hello HTTP/1.1\r\nHost: x\r\n\r\n' | cat >&3 # in one piece
    grep -q '^Hello from worker' <&3 || fail "no answer"
    exec 3>&-
    kill -TERM $server
    wait $server
    expect_status $? 0
    expect_nothing_left
    "$clusterbench" serve foreign --peers peers --listen 127.0.0.1:80 > out 2> err
    expect_status $? 1
    expect_one_line err
    "$clusterbench" serve > out 2> err
    expect_status $? 1
    expect_one_line err
}

# A peer as it is: a short cell of what it can answer, everything gone after it.
case_real() {
    cat > p.ini << EOF
[plan]
title = Real
blocks = 1
verdicts = no
[experiment cost]
strategies = $peer
workers = 2
connections = 16
request = /hello
duration = 300ms
warmup = 100ms
series = yes
EOF
    "$clusterbench" run --bin "$programs" --plan ./p.ini --out r > out 2> err
    status=$?
    if grep '^skipped: .* is not installed' err; then exit 77; fi
    expect_status $status 0
    expect_in "$(cell "$peer")/server.json" '"left_behind": 0'
    expect_in "$(cell "$peer")/server.json" '"by_term": true'
    ! grep -q '"http_errors": [1-9]' "$(cell "$peer")/load.json" || fail "some requests failed"
    grep -E '^[0-9]+,' "$(cell "$peer")/workers.csv" | awk -F, '{ requests += $3; rows++ } END { exit !(rows == 2 && requests > 0) }' ||
        fail "no requests by worker: $(cat "$(cell "$peer")/workers.csv")"
    grep -o '"worker":"[^"]*"' "$(cell "$peer")/series.jsonl" | sort -u > series_workers
    grep -qx '"worker":"[01]"' series_workers || fail "no worker in the series"
    ! grep -vx '"worker":"[01]"' series_workers || fail "workers without a number in the series"
    [ ! -e "$(cell "$peer")/scratch" ] || fail "what the peer wrote for itself is still there"
    local port
    port=$(grep -o '"http://127.0.0.1:[0-9]*' "$(cell "$peer")/server.json" | head -1 | grep -o '[0-9]*$')
    ! (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null || fail "somebody still listens on port $port"
}

# A worker is killed, the server reloads, and it serves to the end; everything gone after it.
case_real_events() {
    cat > p.ini << EOF
[plan]
title = Real
blocks = 1
verdicts = no
[experiment cost]
strategies = $peer
workers = 2
connections = 16
request = /hello
load = 200/s
duration = 3s
warmup = 100ms
events = at 500ms kill worker 1
EOF
    [ "$peer" = node-cluster-rr ] || sed -i 's/^events.*/&, at 1s reload/' p.ini
    "$clusterbench" run --bin "$programs" --plan ./p.ini --out r > out 2> err
    if grep '^skipped: .* is not installed' err; then exit 77; fi
    local cell=r/cells/01-cost-$peer-w2-200ps
    expect_in "$cell/server.json" '"left_behind": 0'
    # on a busy machine the generator may be late, which is none of the peer's business
    grep -q '"failure": "generator: ' "$cell/server.json" || expect_in "$cell/server.json" '"ranked": true'
    expect_in "$cell/events.csv" 'fault,1,"kill worker 1"$'
    ! grep -q fault-failed "$cell/events.csv" || fail "$(cat "$cell/events.csv")"
    grep -E '"t_s":2\.[5-9]' "$cell/series.jsonl" | grep -q '"requests":[1-9]' || fail "nobody answers after the events"
}

# All of the contract, of a real one: app.js, which answers for every Node row, and a proxy before our own workers.
case_real_contract() {
    "$clusterbench" contract "$peer" --bin "$programs" > out 2> err
    status=$?
    if grep 'is not installed' err; then exit 77; fi
    expect_status $status 0
    local test
    for test in every_worker_serves wait_does_not_occupy block_occupies cpu_answers; do
        expect_in out "^keeps      $test$"
    done
}

"case_$case_name"
