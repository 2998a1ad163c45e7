#!/bin/sh
# survive_mounts.sh - files outlive a full disk and a folder that is or turns read-only: the old one stays, and one line says why
#
# These are mounts of this script's own, which vanish with it; skipped (77) where neither root nor a namespace can make
# them: tests/cli/test_train_refusals.c alone stands for them there.
if [ -z "${MIEN_MOUNTS:-}" ]; then
    for how in -m -rm; do
        if unshare "$how" mount -t tmpfs none /mnt 2>/dev/null; then
            exec env MIEN_MOUNTS=yes unshare "$how" "$0" "$@"
        fi
    done
    echo "no mount can be made here: nothing is said of a full disk and of read-only folders"
    exit 77
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
support=$(realpath "$(dirname "$0")/../support")
cd "$work" || exit 1
# shellcheck source=tests/support/survive.sh
. "$support/survive.sh"

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
finish
