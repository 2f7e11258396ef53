#!/bin/bash
# Runs the commands of docs/formats.md on a small run and compares what they print with the page: formats.sh PAGE CLUSTERBENCH FAKES
#
#   ```console      "$ " before a command, below it what it prints
#   ```csv FILE     the heading line of FILE; where more lines follow, they are put in FILE for the commands behind them
set -u
page=$(realpath "$1") clusterbench=$2 fakes=$3
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() { echo "FAILED: $*"; exit 1; }

# What a run has of this machine and this hour is put in order: other blocks than the planned ones, the machine.
make_run() {
    mkdir bin
    printf '#!/bin/sh\necho "Requests/sec:   5000.50"\n' > bin/wrk
    chmod +x bin/wrk
    ln -s "$(type -P sha256sum)" "$clusterbench" bin/ # and no gnuplot
    cat > small.ini <<'EOF_PLAN'
[plan]
blocks = 6
verdicts = yes
[experiment cost]
strategies = even, odd
workers = 2
request = /hello
duration = 10ms
warmup = 0
baseline = even
primary = p99_us
crosscheck = wrk
[experiment down]
strategies = even
workers = 2
request = /hello
load = 50/s
duration = 100ms
warmup = 0
primary = p99_us
events = at 5ms scale 3
EOF_PLAN
    printf '...' > calls # the fourth call of the generator is late
    PATH=$work/bin FAKE_LATE=$work/calls "$clusterbench" run --bin "$fakes" --plan ./small.ini --seed 4 --out run > out 2>&1 ||
        fail "the run: $(cat out)"
    jq '.blocks |= (map(select(.number <= 6)) | map(.accepted = true | .reason = null))' run/run.json > kept && mv kept run/run.json
    for file in run/machine-*.json; do
        jq '.cpu.model = "Example CPU" | .cpu.online = 2 | .kernel = "Linux 6.1.0"' "$file" > kept && mv kept "$file"
    done
    for file in run/cells/*/server.json; do # a machine that has other things to do
        jq '.ranked = true | .failure = null' "$file" > kept && mv kept "$file"
    done
    awk -F, 'NR == 1 || $2 != ""' run/rejected.csv > kept && mv kept run/rejected.csv
    rm -rf run/cells/0[7-9]-* run/cells/1*
    PATH=$work/bin "$clusterbench" report run > out 2>&1 || fail "the report: $(cat out)"
}

# A run that was gone on with, and was interrupted again.
interrupt_run() {
    local word=(--plan ./small.ini --out interrupted) harness time
    mkfifo fifo
    for time in first second; do
        PATH=$work/bin FAKE_FIFO=$work/fifo "$clusterbench" run --bin "$fakes" "${word[@]}" > out 2>&1 &
        harness=$!
        read -r _ < fifo
        kill -INT $harness
        wait $harness
        word=(--resume interrupted)
    done
    jq -e '.under_way and (.sittings | length == 1)' interrupted/run.json > out || fail "the $time run was not interrupted: $(cat out)"
}

# Blocks go to files 1.block, 2.block, ...; what they are to 1.kind, ...
cut_page() {
    awk '/^```(console|csv .*)$/ { n++; inside = 1; print substr($0, 4) > (n ".kind"); next }
        /^```$/ { inside = 0 }
        inside { print > (n ".block") }
        END { print n }' "$page"
}

# Each command alone: what it is to print stands up to the next one.
run_console() { # BLOCK
    local line command='' count=0
    while IFS= read -r line || [ -n "$line" ]; do
        if [[ $line == '$ '* ]]; then
            [ -z "$command" ] || check_command "$command"
            command=${line#'$ '}
            count=$((count + 1))
            : > wanted
        else
            echo "$line" >> wanted
        fi
    done < "$1"
    check_command "$command"
    commands=$((commands + count))
}

check_command() {
    (cd run && PATH=$work/bin:$PATH bash -c "$1") > got 2>&1 < /dev/null
    diff wanted got > differs || fail "$1"$'\n'"$(cat differs)"
}

check_csv() { # BLOCK FILE
    [ "$(head -1 "run/$2")" = "$(head -1 "$1")" ] || fail "$2 begins with: $(head -1 "run/$2")"
    [ "$(wc -l < "$1")" -eq 1 ] || cp "$1" "run/$2"
}

# Every key that is in the file stands in its section of the page.
expect_keys() { # SECTION FILE JQ
    local key
    awk -v wanted="$1" '/^## / { inside = index($0, wanted) } inside' "$page" > section
    jq -r "[$3] | add | keys[] | select(. != \"schema\")" "$2" > keys || fail "no keys: $3 of $2"
    [ -s keys ] || fail "no keys: $3 of $2"
    while IFS= read -r key; do
        grep -qF "\`$key\`" section || fail "the page's section $1 does not know the key $key ($3 of $2)"
    done < keys
}

make_run
interrupt_run
commands=0
blocks=$(cut_page)
for ((i = 1; i <= blocks; i++)); do
    read -r kind file < "$i.kind"
    case $kind in
    console) run_console "$i.block" ;;
    csv) check_csv "$i.block" "$file" ;;
    esac
done
[ "$commands" -ge 20 ] || fail "only $commands commands were found in the page"
cell=run/cells/01-cost-odd-w2-closed
expect_keys run.json run/run.json '., .plan, .placement, .contenders[], .blocks[], .repeats[]'
expect_keys run.json interrupted/run.json '., .under_way, .sittings[]'
expect_keys machine-before.json run/machine-before.json .
expect_keys summary.csv run/summary.json '., .experiments[], .rows[]'
expect_keys server.json $cell/server.json '., .load, .window, .memory, .stop'
expect_keys crosscheck.json $cell/crosscheck.json .
while IFS= read -r schema; do
    grep -q "$schema" "$page" || fail "the page does not know $schema"
done < <(grep -rhoE '"schema": "[a-z./0-9]+"' run --include='*.json' | cut -d'"' -f4 | grep -v '^clusterbench.status' | sort -u)
while IFS= read -r file; do
    grep -q "$file" "$page" || fail "the page does not know the file $file"
done < <(find run -type f -name '*.*' ! -path '*/plots/*' ! -name '*.log' ! -name 'event-log*' -printf '%f\n' | sort -u)
echo "$commands commands"
