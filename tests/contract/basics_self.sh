#!/bin/sh
# The negative control of contract_basics: with each planted mistake of the stand-in the named test must fail, without any all pass.
# Of a program that never answers the first two tests say so, and the rest is not asked.
#
#   basics_self.sh CONTRACT_BASICS STAND_IN
set -u
suite=$1
stand_in=$2

# bug                     the test that must fail
table='
unhealthy                 ready
no-worker-header          worker_names
head-has-body             head
closes-after-one          keep_alive
http10-stays-open         http_1_0
ignores-close             connection_close
drops-pipelined           pipelining
needs-whole-head          split_request
unknown-is-fine           unknown_path
one-worker-does-all       every_worker_serves
wait-occupies             wait_does_not_occupy
block-yields              block_occupies
'

failed=0
"$suite" "$stand_in" >/dev/null 2>&1 || { echo "the stand-in without a mistake does not pass: $suite $stand_in"; failed=1; }
while read -r bug test; do
    [ -n "$bug" ] || continue
    if "$suite" "$stand_in" --patience 1 --only "$test" -- --bug "$bug" >/dev/null 2>&1; then
        echo "not found: $suite $stand_in --only $test -- --bug $bug"
        failed=1
    fi
done <<EOF
$table
EOF
program=$(mktemp) || exit 1
trap 'rm -f "$program"' EXIT
chmod +x "$program"
for silent in 'exec sleep 60' 'exit 3'; do
    printf '#!/bin/sh\n%s\n' "$silent" >"$program"
    said=$("$suite" "$program" --patience 1 2>&1)
    if [ $? -ne 2 ] || [ "$(printf '%s\n' "$said" | grep -c 'does not apply to .*: it never answered a request$')" -ne 14 ]; then
        echo "of a program that never answers ('$silent') more than two tests are asked, or fewer: $said"
        failed=1
    fi
done
exit $failed
