#!/bin/bash
# message_bench, for a moment: it ends by itself, loses no message (it says so and fails), and prints a whole row for each length
# and place. What the figures are is no matter.
#
#   messages.sh MESSAGE_BENCH
set -euo pipefail

rows=$("$1" --time 5ms | awk '
    $1 == "processes" || $1 == "threads" {
        whole = NF == 9
        for (i = 2; i <= NF; i++) whole = whole && $i > 0
        rows += whole && $4 >= $3
    }
    END { print rows + 0 }')
[ "$rows" = 12 ] || { echo "messages.sh: $rows whole rows, wanted 12" >&2 && exit 1; }

! said=$("$1" --time 0 2>&1) || { echo "messages.sh: --time 0 was allowed" >&2 && exit 1; }
[[ $said == *"--time: '0' is not allowed"* ]] || { echo "messages.sh: --time 0: $said" >&2 && exit 1; }
