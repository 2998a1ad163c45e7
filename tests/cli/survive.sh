#!/bin/sh
# survive.sh - files outlive what happens to sizes, readers and processes: the old one stays, and one line says why
#
# Disks and folders: survive_mounts.sh.  $MIEN_KILLS: how many runs are killed (4).
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
support=$(realpath "$(dirname "$0")/../support")
cd "$work" || exit 1
# shellcheck source=tests/support/survive.sh
. "$support/survive.sh"

# A file-size limit: 512-byte blocks, less than a checkpoint has.
cp -r whole limited
for blocks in 0 1 300; do
    code=0
    ran="train --resume limited (ulimit -f $blocks)"
    (
        limit_files "$blocks"
        exec "$mien" train --resume limited --epochs 6 --quiet >/dev/null 2>&1
    ) || code=$?
    check "exit code $code, expected 1" test "$code" -eq 1
    check "the checkpoint changed" cmp -s limited/last.safetensors whole/last.safetensors
    check "a temporary file is left" test -z "$(find limited -name '*.tmp-*')"
done
expect 0 train --resume limited --epochs 5 --quiet

# Nobody reads the results any more: said once, and the run is whole.
ran="train | (closed)"
code=0
{
    # shellcheck disable=SC2086
    "$mien" $train --out unread 2>"$err" || echo $? >code
} | true
[ ! -e code ] || code=$(cat code)
check "exit code $code, expected 1" test "$code" -eq 1
errs 'cannot write the result to the standard output: Broken pipe'
one_line
check "the run that nobody read ended otherwise" cmp -s unread/last.safetensors whole/last.safetensors

# Killed at random moments of the time that a run takes here and now, and gone on with each time, to the same bits.
began=$(date +%s%N)
# shellcheck disable=SC2086
expect 0 $train --out timed
took=$((($(date +%s%N) - began) / 1000000))
kills=0
kept=0
attempts=0
while [ "$kills" -lt "${MIEN_KILLS:-4}" ] && [ "$attempts" -lt $((${MIEN_KILLS:-4} * 4)) ]; do
    attempts=$((attempts + 1))
    if [ ! -e killed/last.safetensors ]; then
        # shellcheck disable=SC2086
        "$mien" $train --out killed >"$out" 2>"$err" &
    else
        "$mien" train --resume killed --quiet >"$out" 2>"$err" &
    fi
    run=$!
    sleep "$(awk -v n="$attempts" -v ms="$took" 'BEGIN { srand(n); printf "%.3f", rand() * ms / 1000 }')"
    kill -KILL "$run" 2>/dev/null
    code=0
    wait "$run" 2>/dev/null || code=$?
    ran="train, killed after the $attempts. start"
    case $code in
    137) kills=$((kills + 1)) ;;
    0) rm -rf killed ;; # it was done before: again from the start
    *) failed "exit code $code of a killed run" ;;
    esac
    if [ -e killed/last.safetensors ]; then
        expect 0 eval killed/last.safetensors faces --quiet
        kept=$((kept + 1))
    fi
done
echo "$kills runs killed, $kept of them with a checkpoint; a run takes $took ms"
check "only $kills of the runs were killed" test "$kills" -gt 1
check "hardly a run was killed behind its first checkpoint" test "$kills" -lt 10 -o "$kept" -ge $((kills / 10))
if [ -e killed/last.safetensors ]; then
    same killed
fi
finish
