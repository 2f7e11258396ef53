#!/bin/bash
# Runs the console blocks of a chapter, one after the other, and compares what the programs print with what the chapter quotes.
#
# usage: console.sh CHAPTER FOLDER-OF-PROGRAMS [--rewrite]
#
# In a block lines with "$ " are commands, the others are what they print; "..." stands for lines left out. A command with --listen
# starts a server, which stays until the next one; a block of "echo $?" alone waits for its end and prints its exit status. In all
# other blocks 4711 is the server's pid.
#
#   ```console        Figures depend on the machine and are not compared, all else is: each quoted line must be printed, with any
#                     figures in it, and what was planned in an open loop must be the same number. Verdicts are the machine's: do
#                     not quote them.
#   ```console exact  Figures are compared, too.
#   ```sh             Functions for the blocks behind it.
#   ```log            What the server has logged since the last such block: waited for, and compared but for times, pids, delays
#                     and sizes of memory.
#
# --rewrite puts the figures just measured into the chapter: on a quiet machine.
set -euo pipefail
chapter=$1 bin=$2 rewrite=${3:-}
patience=60 # seconds, for what is waited for
folder=$(mktemp -d)
server=""
keeper=""
end() {
    end_server
    rm -rf "$folder"
}
trap end EXIT

fail() {
    echo "console.sh: $*" >&2
    exit 1
}

end_server() {
    [ -n "$server" ] || return 0
    kill "$server" 2>/dev/null || true
    wait "$keeper" || true
    server=
}

mkdir "$folder/build"
ln -s "$bin" "$folder/build/bin"
touch "$folder/functions"

# Blocks go to files 1.block, 2.block, ... and what they are to 1.kind, ...
awk -v folder="$folder" '/^```(console|console exact|sh|log)$/ { n++; inside = 1; print substr($0, 4) > (folder "/" n ".kind"); next }
    /^```$/ { inside = 0 }
    inside { print > (folder "/" n ".block") } END { print n }' "$chapter" >"$folder/count"
count=$(cat "$folder/count")

# What curl does here, for machines without it.
curl() {
    local url=${*: -1}
    local place=${url#http://}
    local host=${place%%/*}
    exec 3<>"/dev/tcp/${host%:*}/${host#*:}" || return 7
    printf 'GET /%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "${place#*/}" "$host" >&3
    if [[ " $* " == *" -o "* ]]; then
        cat <&3 >/dev/null
    else
        sed $'1,/^\r$/d' <&3
    fi
    exec 3>&-
}
type -P curl >/dev/null || export -f curl

# What ss does here: a line a socket at a local port, listening ones with the length of their queue.
ss() {
    local filter=${*: -1} state=0A port address queues
    [[ $* != *established* ]] || state=01
    printf -v port '%04X' "${filter##*:}"
    awk -v port=":$port\$" -v state="$state" '$2 ~ port && $4 == state { print $2, $5 }' /proc/net/tcp |
        while read -r address queues; do
            echo "LISTEN $((16#${queues#*:})) $address"
        done
}
type -P ss >/dev/null || export -f ss

# A line without its figures.
shape() {
    sed -E 's/>=//g; s/-?[0-9]+([.][0-9]+)?(e[-+][0-9]+)?(us|ms|s|m|k|KB|MB|GB|B|%)?/N/g; s/#+//g; s/ +/ /g; s/ $//'
}

shape_exactly() {
    sed -E 's/pid=[0-9]+/pid=N/; s/ +/ /g; s/ $//'
}

shape_of_log() {
    sed -E 's/\[[0-9]+\]/[N]/; s/pid [0-9]+/pid N/; s/[0-9]+ (ms|KiB)/N \1/g'
}

without_time() {
    sed -E 's/^[0-9]+-[0-9]+-[0-9]+T[0-9:.]+Z //'
}

port=0 admin=0
# Starts the server of a block; sets server, port and admin.
start_server() {
    local words command=$1
    end_server
    rm -f "$folder/ready"
    : >"$folder/log"
    logged=0
    command=${command/127.0.0.1:8080/127.0.0.1:0}
    read -ra words <<<"${command/127.0.0.1:9000/127.0.0.1:0}"
    (
        cd "$folder"
        "${words[@]}" >ready 2>log &
        echo $! >pid
        status=0
        wait $! || status=$?
        echo $status >status
    ) 2>/dev/null & # it would say how its child was killed
    keeper=$!
    until [ -s "$folder/ready" ]; do
        kill -0 "$keeper" || fail "'$1' ended: $(cat "$folder/log")"
        sleep 0.05
    done
    server=$(cat "$folder/pid")
    port=$(sed -E 's/^ready http:\/\/127.0.0.1:([0-9]+) .*/\1/' "$folder/ready")
    admin=$(sed -nE 's/.* admin=http:\/\/127.0.0.1:([0-9]+)$/\1/p' "$folder/ready")
    sed -E "s/:$port /:8080 /; s/:${admin:-0}$/:9000/; s/pid=[0-9]+/pid=4711/" "$folder/ready"
}

# The exit status of the server, when it has ended.
wait_for_end() {
    wait "$keeper"
    server=
    cat "$folder/status"
}

# Commands as they are meant now.
aimed() {
    sed -E "s/:8080/:$port/g; s/:9000/:$admin/g; s/\<4711\>/$server/g"
}

# The commands of block $1, what they print to $1.out.
run_block() {
    local commands status=0
    commands=$(sed -n 's/^\$ //p' "$folder/$1.block")
    if [[ $commands == *--listen* ]]; then
        start_server "$commands" >"$folder/$1.out"
        return
    elif [ "$commands" = "echo \$?" ]; then
        wait_for_end >"$folder/$1.out"
        return
    fi
    aimed >"$folder/commands" <<<"$(cat "$folder/functions")"$'\n'"$commands"$'\nstatus=$?; wait; exit $status'
    (cd "$folder" && exec timeout "$patience" bash "$folder/commands") >"$folder/raw" 2>&1 || status=$?
    # An exit status of 3 is a verdict on this machine; where all is compared, what was printed counts.
    [ $status -eq 0 ] || [ $status -eq 3 ] || { [ $status -ne 124 ] && is "$1" "console exact"; } ||
        { cat "$folder/raw" >&2 && fail "'$commands' failed: $status"; }
    sed -E "s/:$port\>/:8080/g; s/:$admin\>/:9000/g" "$folder/raw" >"$folder/$1.out"
}

# is BLOCK KIND
is() {
    [ "$(cat "$folder/$1.kind")" = "$2" ]
}

# The quoted lines of block $1 with the figures of its run in $1.new; fails at one that was not printed. $2 is the shape of a line.
compare_block() {
    "$2" <"$folder/$1.out" >"$folder/out.shape"
    grep -v '^\$ ' "$folder/$1.block" | "$2" >"$folder/quoted.shape" || true
    awk -v block="$1" '
        FILENAME ~ /out.shape$/ { shape[++shapes] = $0; next }
        FILENAME ~ /[.]out$/ { out[++outs] = $0; next }
        FILENAME ~ /quoted.shape$/ { quoted[++quotes] = $0; next }
        /^\$ / { print; next }
        { q++ }
        $0 == "..." { print; next }
        { for (i = at + 1; i <= shapes && shape[i] != quoted[q]; i++) ;
          if (i > shapes) { print "console.sh: block " block " quotes a line that was not printed: " $0 > "/dev/stderr"; exit 1 }
          at = i
          if ($1 == "planned" && open && $2 != planned(out[i])) {
              print "console.sh: block " block ": planned " planned(out[i]) " instead of " $2 > "/dev/stderr"; exit 1 }
          print out[i] }
        END { print at + 0 > used }
        function planned(line, words) { split(line, words, " "); return words[2] }
    ' open="$(grep -c -- ' -R' "$folder/$1.block")" used="$folder/used" "$folder/out.shape" "$folder/$1.out" "$folder/quoted.shape" \
        "$folder/$1.block" >"$folder/$1.new"
}

# As compare_block, with what the server has logged since the last such block. It may still be on its way.
compare_log() {
    local until=$((SECONDS + patience))
    while true; do
        tail -n +$((logged + 1)) "$folder/log" | without_time >"$folder/$1.out"
        compare_block "$1" shape_of_log 2>"$folder/complaint" && break
        [ $SECONDS -lt $until ] || { cat "$folder/$1.out" "$folder/complaint" >&2 && exit 1; }
        sleep 0.1
    done
    logged=$((logged + $(cat "$folder/used")))
    awk -v by=$((4711 - ${server:-0})) '{ sub(/\[[0-9]+\]/, "[4711]") }
        match($0, /pid [0-9]+/) { $0 = substr($0, 1, RSTART + 3) substr($0, RSTART + 4, RLENGTH - 4) + by substr($0, RSTART + RLENGTH) }
        { print }' "$folder/$1.new" >"$folder/near" # pids as near to the server's as they were
    mv "$folder/near" "$folder/$1.new"
}

# Runs block $1, what it says to $1.out, and compares that; $2 is the shape of a line.
check_commands() {
    run_block "$1"
    compare_block "$1" "$2" || { cat "$folder/$1.out" >&2 && exit 1; }
}

for ((block = 1; block <= count; block++)); do
    case $(cat "$folder/$block.kind") in
    sh) tee -a "$folder/functions" <"$folder/$block.block" >"$folder/$block.new" ;;
    log) compare_log $block ;;
    "console exact") check_commands $block shape_exactly ;;
    *) check_commands $block shape ;;
    esac
done
end_server

# How many answers of block $1 took more than 500 ms, by its distribution.
slower() {
    awk '/^  Response time to/ { inside = 1; next }
        inside && !/%/ { inside = 0 }
        inside && $1 ~ /^[1-9][0-9]*(s|m)$/ { n += $2 }
        END { print n + 0 }' "$folder/$1.out"
}

# holds WHAT NUMBER LEAST MOST: an answer of an exercise. A busy machine may make a few more requests slow, never fewer.
holds() {
    [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] && return
    fail "$1: $2 is not within $3..$4"
}

if [ "$(basename "$chapter")" = 05-honest-latency.md ]; then
    holds "exercise 1, requests that notice in the closed loop" "$(slower 2)" 10 20
    holds "exercise 3, planned in the first half of the second" "$(slower 3)" 495 3000
    holds "exercise 4, idle: the hot worker's connections" "$(slower 7)" 10 60
    holds "exercise 4, pinned: half of a quarter" "$(slower 8)" 120 3000
fi

if [ "$rewrite" = --rewrite ]; then
    awk -v folder="$folder" '
        /^```(console|console exact|sh|log)$/ { print; n++; while ((getline line < (folder "/" n ".new")) > 0) print line; inside = 1; next }
        /^```$/ { inside = 0 }
        !inside' "$chapter" >"$folder/chapter"
    cat "$folder/chapter" >"$chapter"
fi
echo "console.sh: $count blocks of $(basename "$chapter") as quoted"
