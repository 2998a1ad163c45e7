#!/bin/sh
# replay.sh - a run that is not finite any more: its one line, its checkpoint, and the step again with --replay
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

# A network without a bend: at a rate of 1000 its weights grow until they are not finite.
cat >linear.yaml <<'END'
name: linear
input: { channels: 1, height: 48, width: 48 }
layers: [ conv 6 3x3 stride 2, flatten, dense 16, dense classes ]
train: { batch: 50, epochs: 2, optimizer: { rate: 0.001, momentum: 0.9 } }
END
expect 0 synth faces --count 350 --quiet
expect 0 train faces --recipe linear.yaml --out run --quiet --tuning none
cp run/last.safetensors before
expect 1 train --resume run --epochs 9 --rate 1000 --quiet
one_line
errs '^mien train: the loss is not finite in epoch 3, step [0-9]* of 7, at a learning rate of 1000: first [a-z0-9]* '
errs ' (kernel [a-z0-9_]*): .*, [0-9]* of [0-9]* numbers, the first -*[a-z]* at \['
errs 'run/replay.safetensors repeats the step; last.safetensors is as it was, go on with --resume$'
check "the checkpoint changed" cmp -s run/last.safetensors before
check "run.json does not say where" grep -q '"pass": "' run/run.json
check "no temporary file may be left" test -z "$(find run -name '*.tmp-*')"
where=$(sed 's/.*: first \(.*\); try a smaller rate.*/\1/' "$err")

# The step again: the same place, from another folder, without the data.
mv faces elsewhere
expect 1 train --replay run/replay.safetensors --quiet
one_line
errs '^mien train: run/replay.safetensors: not finite here either, in '
says "^epoch 3, step [0-9]* of 7, 50 images, at a learning rate of 1000\$"
check "the replay names another place" test "$(grep -c -F -e "$where" "$out")" -eq 2
expect 1 train --replay run/replay.safetensors --json --quiet
says '"finite": false'
says '"run_kernels": true'
expect 1 train --replay run/replay.safetensors --tuning none --json --quiet
says '"run_kernels": false'

odd=$(printf 'step\377.safetensors') # bytes that are no UTF-8
cp run/replay.safetensors "$odd"
expect 1 train --replay "$odd" --json --quiet
says '"replay": "step?.safetensors"'

# On a device that is new, the self-test comes first here too; what it found there is told, and the step repeated all the same.
old=${MIEN_CACHE:-$HOME/.cache/mien}
mkdir cache
ln -s "$old/programs" cache/programs
MIEN_CACHE=$work/cache
export MIEN_CACHE
expect 1 train --replay run/replay.safetensors
errs '^self-test of [0-9]* checks passed, '
kept=$(find cache/selftest -name '*.json')
sed -i 's/"wrong": \[\]/"wrong": [{"kernel": "sgd", "variant": "", "text": "wrong"}]/' "$kept"
expect 1 train --replay run/replay.safetensors
errs '^sgd failed the self-test on this device$'
errs 'not finite here either, in '
check "the self-test was made again" test "$(grep -c '^self-test' "$err")" -eq 0
rm -rf cache/selftest
expect 1 train --replay run/replay.safetensors --no-selftest
check "--no-selftest makes a self-test" test ! -e cache/selftest
MIEN_CACHE=$old
mv elsewhere faces

# On another device, which PoCL can be made to show: the same place, that the device is another one, and its own kernels.
POCL_DEVICES="pthread basic"
export POCL_DEVICES
devices=$("$mien" devices 2>/dev/null | sed -n 's/^[* ] \([0-9]*:[0-9]*\)  cpu  .*/\1/p')
was=$(sed -n 's/.*"name": "\(.*\)",$/\1/p' run/run.json | head -n 1)
others=0
for device in $devices; do
    name=$("$mien" devices 2>/dev/null | sed -n "s/^[* ] $device  cpu  //p")
    [ "$name" != "$was" ] || continue
    others=$((others + 1))
    expect 1 train --replay run/replay.safetensors --device "$device" --no-selftest --quiet
    one_line
    errs '^mien train: run/replay.safetensors: not finite here either, in '
    says "^the run on $was (driver .*): "
    says "^here on $name (driver .*), this device's kernels: "
    check "the other device names another place" test "$(grep -c -F -e "$where" "$out")" -eq 2
    expect 1 train --replay run/replay.safetensors --device "$device" --no-selftest --json --quiet
    says '"run_kernels": false'
done
unset POCL_DEVICES

# The run goes on from where it was.
expect 0 train --resume run --epochs 3 --rate 0.001 --quiet
check "the run did not go on" grep -q '^3,' run/history.csv

# With the loss of each step in steps.csv, from the first one on.
expect 1 train faces --recipe linear.yaml --out first --rate 1000 --max-steps 50 --quiet
one_line
errs 'the loss is not finite in epoch 1, step '
check "a loss that is not finite was logged" test -z "$(grep -i -e nan -e inf first/steps.csv)"
expect 0 train faces --recipe linear.yaml --out first --max-steps 2 --quiet
check "an old replay is left" test ! -e first/replay.safetensors

# What is no replay, and what does not go with one.
expect 4 train --replay run/last.safetensors --quiet
errs 'not a step to replay'
one_line
expect 4 train --replay linear.yaml --quiet
one_line
expect 4 train --replay run/none.safetensors --quiet
one_line
head -c 5000 run/replay.safetensors >cut.safetensors
expect 4 train --replay cut.safetensors --quiet
one_line
for more in faces "--resume run" "--recipe linear.yaml" "--out x" "--rate 1" "--seed 3" --no-shuffle "--split 0.1" "--split 0" --watch; do
    # shellcheck disable=SC2086
    expect 2 train --replay run/replay.safetensors $more --quiet
    errs 'only --device, --tuning, --blas and --no-selftest go with it'
done
if [ "$others" -eq 0 ]; then
    echo "there is no other device"
    finish && exit 77
    exit 1
fi
finish
