#!/bin/bash
# The negative control of truth.counts: a loadgen that lies must be found out, by exit status 3 and a row marked WRONG. Each lie is
# told by a wrapper that runs the real program and then changes one figure in its report.
#
# usage: self.sh TRUTH LOADGEN
set -euo pipefail
truth=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/liar" <<'END'
#!/bin/bash
"$LOADGEN" "$@" || status=$?
while [ "$1" != --output ]; do shift; done
sed -i "$LIE" "$2"
exit "${status:-0}"
END
chmod +x "$folder/liar"
export LOADGEN=$2

# tell SCENARIO SED-EXPRESSION ROW: the report is changed so; the row must be called WRONG.
tell() {
    local status=0
    LIE=$2 "$truth" table --counts --only "$1" --loadgen "$folder/liar" >"$folder/out" 2>&1 || status=$?
    if [ "$status" -ne 3 ] || ! grep -q "^  $3 .* WRONG" "$folder/out"; then
        echo "self.sh: the lie '$2' in '$1' was not found out (exit $status):" >&2
        cat "$folder/out" >&2
        exit 1
    fi
}

tell drop 's/"timed_out": 20/"timed_out": 0/' 'never answered'
tell reset 's/"socket_errors": 20/"socket_errors": 19/' 'reset or cut'
tell refuse 's/"ok": 2950/"ok": 3000/' 'answered'
tell end 's/"unsent": [0-9]*/"unsent": 0/' 'planned, never sent'
echo "self.sh: 4 lies, all found out"
