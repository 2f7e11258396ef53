#!/bin/bash
# Does the contract suite find what it is for? First the stand-in must pass whole; then, with each planted mistake, the named test
# must fail. A test that cannot fail is worthless, and a mistake that no test finds is one too many: every --bug has a line below.
#
#   self.sh CONTRACT STAND_IN [BUG...]      only these bugs
set -u
contract=$1
stand_in=$2
shift 2
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
jobs_at_once=8

# bug                     the test that must fail
table='
no-worker-header          worker_header
wrong-greeting            greeting
unhealthy                 healthz
head-has-body             head_request
closes-after-one          keep_alive
http10-stays-open         http_1_0
ignores-close             connection_close
drops-pipelined           pipelining
echo-loses-a-byte         echo_content_length
chunks-lose-a-byte        echo_chunked
bytes-one-short           bytes_sizes
no-date                   date
unknown-is-fine           unknown_path
no-allow                  wrong_method
always-continue           expect_continue
needs-whole-head          split_requests
half-close-aborts         half_close
faults-always             faults_hidden
faults-never              faults_shown
smuggles                  bad_requests
takes-obs-fold            bad_requests
takes-short-body          bad_requests_bytewise
stays-open-after-400      bad_requests
no-limits                 limits
keeps-refused-bytes       header_flood
header-deadline-moves     header_drip
body-deadline-moves       slow_body
no-idle-timeout           idle_timeout
no-write-timeout          client_never_reads
write-deadline-stays      client_reads_slowly
one-worker-does-all       every_worker_serves
one-worker-does-all       even_counts
wait-occupies             wait_does_not_occupy
block-yields              block_occupies
cpu-uncounted             cpu_burns
status-lacks-state        status_document
counts-twice              status_sums
no-restart                worker_killed
no-restart                crash_is_replaced
no-restart                queue_survives_a_kill
no-drain                  worker_told_to_end
forgets-retired           sums_survive_a_crash
worker-outlives-primary   primary_killed
worker-outlives-primary   primary_killed_while_blocked
no-drain                  term_drains
idle-holds-drain          term_drains
drain-exits-1             term_drains_blocked
hasty-drain               drain_answers_idle
drain-drops-pipelined     drain_answers_pipelined
drops-queue               term_answers_the_queue
always-healthy            unhealthy_while_draining
no-grace                  grace_ends_a_drain
no-grace                  grace_ends_a_blocked_worker
ignores-interrupt         interrupt_stops
leaks-descriptors         nothing_leaks
dies-of-sigpipe           clients_that_leave_early
dies-of-emfile            descriptors_exhausted
no-max-connections        max_connections
prints-port-0             ready_line
ready-too-early           ready_line
joins-busy-port           busy_port
joins-busy-port           busy_admin_port
path-left-behind          unix_path
chatty-errors             bad_options
version-says-little       version
'

# A mistake is found when the test fails as a test, not when the suite breaks. A failing test jumps out of the middle and leaves its
# memory behind: here, where it has to fail, that is no leak.
try() {
    log=$folder/$1-$2
    ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 "$contract" "$stand_in" --as master-accept --no-steering --no-kit --only "$2" --patience 2 -- --strategy master-accept --bug "$1" >"$log" 2>&1
    if grep -q "^\[  FAILED  \] 1 test" "$log"; then
        echo "found      $1 by $2"
    else
        echo "NOT FOUND  $1 by $2"
        sed 's/^/    /' "$log"
        : >"$folder/failed"
    fi
}

wanted() {
    [ -z "$only" ] && return 0
    case " $only " in *" $1 "*) return 0 ;; esac
    return 1
}

only="$*"
ASAN_OPTIONS=${ASAN_OPTIONS:-}
if [ -z "$only" ]; then
    if ! "$contract" "$stand_in" --as master-accept --no-steering --no-kit -- --strategy master-accept >"$folder/whole" 2>&1; then
        cat "$folder/whole"
        echo "the stand-in without a bug does not pass"
        exit 1
    fi
fi
if [ -z "$only" ]; then
    for bug in $("$stand_in" --list-bugs); do
        echo "$table" | grep -q "^$bug  *[a-z]" && continue
        echo "NOT TRIED  $bug: no test is named for it"
        exit 1
    done
fi
running=0
echo "$table" | {
    while read -r bug test; do
        if [ -z "$bug" ] || ! wanted "$bug"; then
            continue
        fi
        try "$bug" "$test" &
        running=$((running + 1))
        if [ "$running" -ge "$jobs_at_once" ]; then
            wait -n
            running=$((running - 1))
        fi
    done
    wait
}
[ ! -e "$folder/failed" ]
