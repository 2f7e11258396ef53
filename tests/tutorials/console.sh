#!/bin/bash
# Runs the console blocks of a chapter, one after the other, and compares what the programs print with what the chapter quotes.
#
# usage: console.sh CHAPTER FOLDER-OF-PROGRAMS [--rewrite]
#
# In a block lines with "$ " are commands, the others are what they print; "..." stands for lines left out. A command with --listen
# starts a server, which stays until the next one. Figures depend on the machine and are not compared, all else is: each quoted line
# must be printed, with any figures in it, and what was planned in an open loop must be the same number. Verdicts are the
# machine's: do not quote them.
# --rewrite puts the figures just measured into the chapter: on a quiet machine.
set -euo pipefail
chapter=$1 bin=$2 rewrite=${3:-}
folder=$(mktemp -d)
server=
end() {
    end_server
    rm -rf "$folder"
}
trap end EXIT

end_server() {
    [ -n "$server" ] || return 0
    kill "$server" 2>/dev/null || true
    wait "$server" || true
    server=
}

mkdir "$folder/build"
ln -s "$bin" "$folder/build/bin"

# Blocks go to files 1.block, 2.block, ...
awk -v folder="$folder" '/^```console$/ { n++; inside = 1; next } /^```$/ { inside = 0 }
    inside { print > (folder "/" n ".block") } END { print n }' "$chapter" >"$folder/count"
count=$(cat "$folder/count")

# What curl does here, for machines without it.
curl() {
    local url=${*: -1}
    local place=${url#http://}
    local host=${place%%/*}
    exec 3<>"/dev/tcp/${host%:*}/${host#*:}"
    printf 'GET /%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "${place#*/}" "$host" >&3
    cat <&3 >/dev/null
    exec 3>&-
}
export -f curl

# A line without its figures.
shape() {
    sed -E 's/>=//g; s/-?[0-9]+([.][0-9]+)?(e[-+][0-9]+)?(us|ms|s|m|k|KB|MB|GB|B|%)?/N/g; s/#+//g; s/ +/ /g; s/ $//'
}

port=
# Starts the server of a block; sets server and port.
start_server() {
    local words
    end_server
    rm -f "$folder/ready"
    read -ra words <<<"${1/127.0.0.1:8080/127.0.0.1:0}"
    (cd "$folder" && exec "${words[@]}") >"$folder/ready" &
    server=$!
    until [ -s "$folder/ready" ]; do
        kill -0 "$server" || { echo "console.sh: '$1' ended" >&2 && exit 1; }
        sleep 0.05
    done
    port=$(sed -E 's/^ready http:\/\/127.0.0.1:([0-9]+) .*/\1/' "$folder/ready")
    sed -E "s/:$port /:8080 /; s/pid=[0-9]+/pid=4711/" "$folder/ready"
}

# The commands of block $1, what they print to $1.out.
run_block() {
    local commands
    commands=$(sed -n 's/^\$ //p' "$folder/$1.block")
    if [[ $commands == *--listen* ]]; then
        start_server "$commands" >"$folder/$1.out"
        return
    fi
    # An exit status of 3 is a verdict on this machine.
    (cd "$folder" && bash -c "${commands//127.0.0.1:8080/127.0.0.1:$port}"$'\nstatus=$?; wait; exit $status') >"$folder/raw" 2>&1 ||
        [ $? -eq 3 ] || { echo "console.sh: '$commands' failed:" >&2 && cat "$folder/raw" >&2 && exit 1; }
    sed "s/127.0.0.1:$port/127.0.0.1:8080/g" "$folder/raw" >"$folder/$1.out"
}

# The quoted lines of block $1 with the figures of its run; fails at one that was not printed.
compare_block() {
    shape <"$folder/$1.out" >"$folder/out.shape"
    grep -v '^\$ ' "$folder/$1.block" | shape >"$folder/quoted.shape" || true
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
        function planned(line, words) { split(line, words, " "); return words[2] }
    ' open="$(grep -c -- ' -R' "$folder/$1.block")" "$folder/out.shape" "$folder/$1.out" "$folder/quoted.shape" "$folder/$1.block" \
        >"$folder/$1.new" || {
        cat "$folder/$1.out" >&2
        exit 1
    }
}

for ((block = 1; block <= count; block++)); do
    run_block "$block"
    compare_block "$block"
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
    echo "console.sh: $1: $2 is not within $3..$4" >&2
    exit 1
}

if [ "$(basename "$chapter")" = 05-honest-latency.md ]; then
    holds "exercise 1, requests that notice in the closed loop" "$(slower 2)" 10 20
    holds "exercise 3, planned in the first half of the second" "$(slower 3)" 495 3000
    holds "exercise 4, idle: the hot worker's connections" "$(slower 7)" 10 60
    holds "exercise 4, pinned: half of a quarter" "$(slower 8)" 120 3000
fi

if [ "$rewrite" = --rewrite ]; then
    awk -v folder="$folder" '
        /^```console$/ { print; n++; while ((getline line < (folder "/" n ".new")) > 0) print line; inside = 1; next }
        /^```$/ { inside = 0 }
        !inside' "$chapter" >"$folder/chapter"
    cat "$folder/chapter" >"$chapter"
fi
echo "console.sh: $count blocks of $(basename "$chapter") as quoted"
