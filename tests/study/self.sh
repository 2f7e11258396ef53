#!/bin/bash
# scripts/study against a stand-in for clusterbench that says what it is told to, and its plans against the real one.
#
#   self.sh CASE SOURCE BUILD
set -euo pipefail

case_name=$1 study=$2/scripts/study here=$2/tests/study build=$3
folder=$(mktemp -d)
study_pid=
end() {
    [ -z "$study_pid" ] || kill "$study_pid" 2>/dev/null || true
    rm -rf "$folder"
}
trap end EXIT
mkdir -p "$folder/build/bin"
cp "$here/fake_clusterbench" "$folder/build/bin/clusterbench"
export FAKE_SAYS=$folder/says TMPDIR=$folder
: >"$FAKE_SAYS"

fail() {
    echo "study.$case_name: $1" >&2
    [ ! -e "$folder/out" ] || cat "$folder/out" >&2
    exit 1
}

# run STATUS [ARGUMENT...]: the study with the stand-in; both streams go to out.
run() {
    local expected=$1 status=0
    shift
    "$study" --build "$folder/build" "$@" >"$folder/out" 2>&1 || status=$?
    [ "$status" -eq "$expected" ] || fail "ended with $status and not with $expected"
    [ -z "$(find "$folder" -mindepth 1 -maxdepth 1 -name 'tmp.*')" ] || fail "left something in the temporary folder"
}

# shows PATTERN: a line of its output is like that.
shows() {
    grep -qE -- "$1" "$folder/out" || fail "does not show: $1"
}

says() {
    printf '%s\n' "$@" >"$FAKE_SAYS"
}

case $case_name in
kept) # one false alarm in 20, and one in 10 not found
    says "alike 1007 different 1.09 none" "alike 1008 undecided 1.01 none" "fewer 2003 undecided 1.5 same" "busy 3002 same 1 same" \
        "stalled 4010 different 9 different"
    run 0 -o "$folder/file"
    shows '^alike +20 +- +18 +1 +1 +0 +1001-1020 .* yes '
    shows '^fewer +10 +9 +0 +1 +0 +0 +2001-2010 .* yes '
    shows '^busy +10 +9 +1 +0 +0 +0 +3001-3010 .* yes '
    shows '^stalled +10 +9 +0 +0 +1 +0 +4001-4010 .* yes '
    shows '^ +alike +seed 1007 +wrong +cost cpu_us_per_request: different, ratio 1.090'
    shows ' pss_bytes 20$' # for information
    cmp "$folder/out" "$folder/file" || fail "-o wrote something else"
    run 0 --seed 5 --keep "$folder/kept" fewer
    shows '^fewer +10 +10 +0 +0 +0 +0 +2006-2015 '
    [ -e "$folder/kept/fewer-2015/summary.csv" ] || fail "--keep did not keep a folder"
    run 0 --quick busy
    shows '^busy +2 .* 3001-3002 +none: too short'
    ;;
broken) # each in its own way; one promise that is not kept is enough
    says "alike 1001 different 1.09 none" "alike 1020 different 0.9 none"
    run 1 alike stalled
    shows '^alike +20 +- +18 +0 +2 +0 .* no '
    shows '^stalled +10 +10 .* yes '
    says "fewer 2001 different 2.5 different" "fewer 2002 different 0.4 same"
    run 1 fewer
    shows '^fewer +10 +8 +0 +0 +2 +0 .* no '
    says "busy 3001 undecided 1.1 same" "busy 3002 void 1.1 same"
    run 1 busy
    shows '^busy +10 +8 +0 +2 +0 +0 .* no '
    says "stalled 4001 same 1 same" "stalled 4002 none 1 same"
    run 1 stalled
    shows '^stalled +10 +8 +1 +1 +0 +0 .* no '
    ;;
apart) # a run without verdicts is replaced, up to three times as many in all
    says "busy 3001 noisy 1 same" "busy 3005 noisy 1 same" "alike 1002 none 1 none"
    run 0 busy alike
    shows '^busy +12 +10 +0 +0 +0 +2 +3001-3012 .* yes '
    shows '^ +busy +seed 3005 +apart .*; the machine was disturbed$'
    shows '^alike +21 +- +20 +0 +0 +1 .* yes '
    mapfile -t noisy < <(printf 'stalled %d noisy 1 same\n' {4001..4021})
    says "${noisy[@]}"
    run 1 stalled
    shows '^stalled +30 +9 +0 +0 +0 +21 .* no: too few runs '
    ;;
refuses)
    run 1 fever
    shows "^study: 'fever' is not allowed; use alike, fewer, busy, stalled,"
    run 1 --seed x
    shows "^study: --seed: 'x' is not allowed; use a number from 0$"
    run 1 -o
    shows "^study: -o needs a value$"
    run 1 -o "$folder/none/file"
    shows "^study: -o $folder/none/file: there is no such folder$"
    run 1 --keep "$folder/build"
    shows "^study: --keep $folder/build: there is something in it"
    run 1 --build "$folder/none"
    shows "^study: $folder/none/bin/clusterbench is missing; run make build"
    says "fewer 2002 dies 1 same"
    run 1 -o "$folder/file" fewer
    shows "^study: fewer, seed 2002: clusterbench: no room$"
    [ ! -e "$folder/file" ] || fail "-o wrote half of it"
    ;;
interrupt)
    says "alike 1003 hangs 1 none"
    "$study" --build "$folder/build" -o "$folder/file" >"$folder/out" 2>&1 &
    study_pid=$!
    for ((i = 0; i < 600; i++)); do
        [ ! -s "$FAKE_SAYS.pid" ] || break
        sleep 0.1
    done
    harness=$(cat "$FAKE_SAYS.pid")
    kill -TERM "$study_pid"
    status=0
    wait "$study_pid" || status=$?
    study_pid=
    [ "$status" -eq 130 ] || fail "ended with $status and not with 130"
    [ -s "$FAKE_SAYS.ended" ] || fail "clusterbench was not ended by TERM"
    ! kill -0 "$harness" 2>/dev/null || fail "clusterbench is still there"
    shows '^study: interrupted$'
    [ ! -e "$folder/file" ] || fail "-o wrote half of it"
    [ -z "$(find "$folder" -mindepth 1 -maxdepth 1 -name 'tmp.*')" ] || fail "left something in the temporary folder"
    ;;
plans) # one hurried block of each; on a busy machine it may be that no cell can be ranked, which is status 1
    while read -r plan row cells; do
        "$build/bin/clusterbench" run --plan "$here/$plan.ini" --quick --seed 1 --out "$folder/$plan" >"$folder/out" 2>&1 || true
        grep -q "block 1/1 done: $cells cells" "$folder/out" || fail "$plan.ini does not run"
        grep -q ",$row," "$folder/$plan/summary.csv" || fail "$plan.ini has no row $row"
    done <<<$'alike twin 2\nfewer fewer 4\nbusy busy 4\nstalled stalled 4'
    ;;
*) fail "there is no such case" ;;
esac
