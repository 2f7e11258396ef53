# What the end-to-end tests share; they source it: a folder of their own to work in, which goes with them, and what they expect.
# Fakes write their pids into $FAKE_PIDS.
# shellcheck shell=bash
work=$(mktemp -d) || exit 1
export FAKE_PIDS=$work/pids
: > "$FAKE_PIDS"
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() { echo "FAILED: $*"; [ -f out ] && sed 's/^/  out: /' out; [ -f err ] && sed 's/^/  err: /' err; exit 1; }
expect_status() { [ "$1" = "$2" ] || fail "exit status $1, expected $2"; }
expect_in() { grep -q -- "$2" "$1" || fail "'$2' is not in $1"; }
expect_not_in() { ! grep -q -- "$2" "$1" || fail "'$2' is in $1"; }
expect_one_line() { [ "$(wc -l < "$1")" = 1 ] || fail "$1 should be one line"; }
expect_file() { [ -s "$1" ] || fail "$1 is missing or empty"; }
expect_no_drafts() { local left; left=$(find "$1" -name '*.tmp*'); [ -z "$left" ] || fail "half-written: $left"; }

# A killed process may take a moment to go: wait for each, up to five seconds in all, and name it if it stays.
expect_nothing_left() {
    local deadline=$((SECONDS + 5)) pid
    while read -r pid; do
        while [ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2> /dev/null; do
            [ $SECONDS -lt $deadline ] || fail "process $pid is left: $(tr '\0' ' ' < "/proc/$pid/cmdline")"
            read -r -t 0.02 _ <> <(:) # a pause between two looks
        done
    done < "$FAKE_PIDS"
}
