#!/bin/sh
# survive.sh - files outlive what happens to disks, permissions and processes: the old one stays, and one line says why
#
# A full disk and a folder that turns read-only are mounts of this script's own, which vanish with it; where neither
# root nor a namespace can make them, they are left out with a word, and tests/cli/test_train_refusals.c alone stands for them.
# $MIEN_KILLS: how many runs are killed (4).
# shellcheck source=tests/cli/lib.sh
if [ -z "${MIEN_MOUNTS:-}" ]; then
    for how in -m -rm; do
        if unshare "$how" mount -t tmpfs none /mnt 2>/dev/null; then
            exec env MIEN_MOUNTS=yes unshare "$how" "$0" "$@"
        fi
    done
    MIEN_MOUNTS=no
fi
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

cat >wide.yaml <<'END'
name: wide
input: { channels: 1, height: 48, width: 48 }
layers: [ conv 6 3x3 stride 2, flatten, dense 16, dense classes ]
train: { batch: 50, epochs: 4, optimizer: { rate: 0.001, momentum: 0.9 } }
END
expect 0 synth faces --count 350 --quiet
train="train faces --recipe wide.yaml --quiet --tuning none"
# shellcheck disable=SC2086
expect 0 $train --out whole

# failed_with TEXT FOLDER: the run before failed so, in one line; its checkpoint is whole, nothing half written is there.
failed_with() {
    one_line
    errs "^mien train: .*$1"
    check "a temporary file is left in $2" test -z "$(find "$2" -name '*.tmp-*' 2>/dev/null)"
    [ ! -e "$2/last.safetensors" ] || expect 0 eval "$2/last.safetensors" faces --quiet
}

# same FOLDER: gone on with, a run ends in the bits of one that nothing happened to.
same() {
    expect 0 train --resume "$1" --quiet
    check "$1 ended otherwise" cmp -s "$1/last.safetensors" whole/last.safetensors
}

if [ "$MIEN_MOUNTS" = yes ]; then
    # Room for the first checkpoint (0.4 MB) and best weights, not for the second checkpoint beside them.
    mkdir disk
    mount -t tmpfs -o size=1000k none disk
    # shellcheck disable=SC2086
    expect 1 $train --out disk/run
    failed_with 'No space left on device' disk/run
    check "no checkpoint fitted" test -s disk/run/last.safetensors
    cp -r disk/run full
    same full
    umount disk

    # Read-only from the start, and from the second epoch on.
    mkdir kept kept/old
    cp whole/best.safetensors kept/old
    mount --bind kept kept
    mount -o remount,ro,bind kept
    # shellcheck disable=SC2086
    expect 1 $train --out kept/run
    failed_with 'Read-only file system' kept/run
    expect 1 export whole/best.safetensors --c kept/old --quiet
    one_line
    expect 1 pack faces kept/old/best.safetensors --quiet
    one_line
    check "a file in a read-only folder changed" cmp -s kept/old/best.safetensors whole/best.safetensors
    umount kept

    mkdir turned
    mount --bind turned turned
    "$mien" train faces --recipe wide.yaml --quiet --tuning none --out turned/run --epochs 100000 >"$out" 2>"$err" &
    run=$!
    ran="train --out turned/run, read-only from its second epoch on"
    while kill -0 "$run" 2>/dev/null && ! grep -q '^2,' turned/run/history.csv 2>/dev/null; do
        sleep 0.05
    done
    tries=0 # busy while a file is being written
    while ! mount -o remount,ro,bind turned 2>/dev/null && [ "$tries" -lt 500 ]; do
        tries=$((tries + 1))
        sleep 0.01
    done
    check "the folder did not become read-only" test "$tries" -lt 500
    [ "$tries" -lt 500 ] || kill -KILL "$run"
    code=0
    wait "$run" || code=$?
    check "exit code $code, expected 1" test "$code" -eq 1
    mount -o remount,rw,bind turned
    failed_with 'Read-only file system' turned/run
    epoch=$(tail -n 1 turned/run/history.csv | cut -d, -f1)
    expect 0 train --resume turned/run --epochs $((epoch + 1)) --quiet
    umount turned
else
    echo "no mount can be made here: nothing was said of a full disk and of read-only folders"
fi

# A file-size limit: 512-byte blocks, less than a checkpoint has.
cp -r whole limited
for blocks in 0 1 300; do
    code=0
    ran="train --resume limited (ulimit -f $blocks)"
    (
        ulimit -f "$blocks"
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

# Killed at random moments and gone on with each time, to the same bits.
kills=0
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
    sleep "0.$(awk -v n="$attempts" 'BEGIN { srand(n); printf "%02d", rand() * 90 }')"
    kill -KILL "$run" 2>/dev/null
    code=0
    wait "$run" 2>/dev/null || code=$?
    ran="train, killed after the $attempts. start"
    case $code in
    137) kills=$((kills + 1)) ;;
    0) rm -rf killed ;; # it was done before: again from the start
    *) failed "exit code $code of a killed run" ;;
    esac
    [ ! -e killed/last.safetensors ] || expect 0 eval killed/last.safetensors faces --quiet
done
check "only $kills of the runs were killed" test "$kills" -gt 1
if [ -e killed/last.safetensors ]; then
    same killed
fi
finish
