#!/bin/sh
# tune_stall.sh - the search on a device whose compiler hangs over one candidate and dies over another
# $MIEN_STALL_CL is the library that plants it (tests/preload/stall_cl.c).
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1
MIEN_CACHE=$work/cache
export MIEN_CACHE
[ -n "${MIEN_STALL_CL:-}" ] || {
    echo "MIEN_STALL_CL names no library to preload"
    exit 77
}
needs_device
unoptimised
# The library stands before the sanitizer's, which is fine: it watches nothing of it.
ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0"

cat >small.yaml <<'END'
name: small
input: { channels: 1, height: 16, width: 16 }
layers:
  - conv 8 3x3 stride 2 pad 1
  - relu
  - flatten
  - dense classes
train: { batch: 12, epochs: 1, optimizer: { kind: sgd, rate: 0.05 } }
END

# stalled CODE ARGUMENT...: as expect, with a compiler that hangs over 8 channels and dies over 1
# in the backward pass to the filters.
stalled() {
    LD_PRELOAD=$MIEN_STALL_CL
    MIEN_HANG="-DOT=8 -DXT=1 -DBACKWARD_FILTER"
    MIEN_DIE="-DOT=1 -DXT=1 -DBACKWARD_FILTER"
    export LD_PRELOAD MIEN_HANG MIEN_DIE
    expect "$@"
    unset LD_PRELOAD MIEN_HANG MIEN_DIE
}

expect 2 tune small.yaml --limit 0
one_line
if [ "$(lanes_of small.yaml)" -lt 4 ]; then
    finish # no vector kernels to plant it in
    exit
fi
stalled 0 tune small.yaml --seconds 100 --limit 15
errs '^left alone from now on: conv1 backward filter, vector channels 8: not done within 15 s$'
errs '^left alone from now on: conv1 backward filter, vector channels 1: the driver ended (Aborted)$'
check "it says more of what it leaves alone" test "$(grep -c 'left alone' "$err")" -eq 2
check "the device is named again" test "$(grep -c '^device: ' "$err")" -eq 1
says '^left alone: conv1 backward filter, vector channels 8, which hung$'
says '^left alone: conv1 backward filter, vector channels 1, which ended the driver$'
for task in "conv1 forward" "conv1 backward filter" dense1; do
    says "^$task  *[0-9.]* *[0-9.]* *[1-9]"
done
kept=$(find "$work/cache/tuning" -name '*.json')
check "the file has other candidates to skip" test "$(grep -c '"skip": ' "$kept")" -eq 2
check "the one that hung is not in the file" grep -q '"vector", "channels": 8, "skip": "hung"' "$kept"
check "the one that died is not in the file" grep -q '"vector", "channels": 1, "skip": "died"' "$kept"
check "not all is tuned" test "$(grep -c '"default_ms": ' "$kept")" -eq 4

# Remembered: neither is tried again, nor lost by what else is found; --reset forgets them.
stalled 0 tune small.yaml --seconds 100 --limit 15 --json
check "what is known to hang is tried again" test "$(grep -c 'left alone from now on' "$err")" -eq 0
says '"skipped": \[{"name": "conv1 backward filter", "candidate": {"variant": "vector", "channels": [18]}, "skip": "[a-z]*"}, {'
expect 0 tune small.yaml --seconds 1 --quiet
check "candidates to skip were forgotten" test "$(grep -c '"skip": ' "$kept")" -eq 2
expect 0 bench step small.yaml --repeat 2 --warmup 1 --quiet
expect 0 tune small.yaml --seconds 1 --reset --quiet
check "--reset keeps candidates to skip" test "$(grep -c '"skip": ' "$kept")" -eq 0

# Stopping: asked once it keeps what it has; its process goes with it, however it ends.
for signal in TERM INT; do
    timeout -s "$signal" 3 "$mien" tune "$recipes/report-pooled.yaml" --seconds 60 --quiet >"$out" 2>"$err"
    code=$?
    ran="tune (SIG$signal)"
    checks=$((checks + 1))
    [ "$code" -eq 124 ] || failed "timeout says $code"
    errs '^mien tune: stopped; what was found is kept in '
    one_line
done
LD_PRELOAD=$MIEN_STALL_CL MIEN_HANG="-DBACKWARD_FILTER" "$mien" tune small.yaml --seconds 9 --limit 99 --quiet 2>"$err" &
parent=$!
sleep 2
child=$(ps -o pid= --ppid "$parent" | tr -d ' ')
kill -KILL "$parent"
wait "$parent" 2>/dev/null
sleep 1
check "there was no process for the search" test -n "$child"
state=$(ps -o stat= -p "${child:-1}")
check "the search's process outlives the command's: $state" test "${state#Z}" != "$state" -o -z "$state"
finish
