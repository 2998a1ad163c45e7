#!/bin/sh
# tensorboard.sh - train --tensorboard: event files, and what is refused; tensorboard_read.sh reads them
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1

expect 0 synth faces --count 70
expect 0 train faces --recipe "$recipes/tiny.yaml" --out run --epochs 3 --tensorboard board/one --quiet
for part in train validation; do
    check "no events of $part" test "$(find board/one/$part -name 'events.out.tfevents.*' | wc -l)" -eq 1
    check "no format in $part" grep -q -a 'brain.Event:2' board/one/$part/events.out.tfevents.*
done
# 40 and 31 bytes to begin with; an epoch has 16 around its event, 12 and a length in it, and its numbers.
check "not three epochs of four numbers" test "$(cat board/one/train/* | wc -c)" -eq $((40 + 31 + 3 * 93))
check "not three epochs of two numbers" test "$(cat board/one/validation/* | wc -c)" -eq $((40 + 31 + 3 * 59))
check "nothing else" test "$(find board -type f | wc -l)" -eq 2

# A run that goes on adds a file; one without validation images has none of it.
expect 0 train --resume run --epochs 4 --tensorboard board/one --quiet
check "not two files" test "$(find board/one/train -type f | wc -l)" -eq 2
mkdir some
cp -r faces/train/happy faces/train/sad some/
expect 0 train some --recipe "$recipes/tiny.yaml" --out other --epochs 1 --tensorboard board/two --quiet
check "validation of nothing" test ! -e board/two/validation
expect 0 train faces --recipe "$recipes/tiny.yaml" --out silent --epochs 1 --tensorboard board/three --quiet --json
check "no events with --json" test -d board/three/train

# Inside the run's folder, new or gone on with, and nothing of it where the run is refused.
expect 0 train faces --recipe "$recipes/tiny.yaml" --out inside --epochs 1 --tensorboard inside/tb --quiet
expect 0 train --resume inside --epochs 2 --tensorboard inside/tb --quiet
check "not two files in the run's folder" test "$(find inside/tb/train -type f | wc -l)" -eq 2
mkdir foreign
echo x >foreign/thesis.tex
expect 1 train faces --recipe "$recipes/tiny.yaml" --out foreign --epochs 1 --tensorboard foreign/tb --quiet
errs 'foreign holds other files (thesis.tex)'
check "a board of no run" test ! -e foreign/tb
# What a run leaves that stopped before its first checkpoint is in nobody's way.
cat >linear.yaml <<'END'
name: linear
input: { channels: 1, height: 48, width: 48 }
layers: [ flatten, dense 16, dense classes ]
train: { batch: 10, epochs: 1, optimizer: { rate: 1000, momentum: 0.9 } }
END
expect 1 train faces --recipe linear.yaml --out lost --tensorboard lost/tb --quiet
errs 'is not finite'
expect 0 train faces --recipe "$recipes/tiny.yaml" --out lost --epochs 1 --tensorboard lost/tb --quiet

# What is refused, before any training; and a folder that goes on the way stops no run.
echo x >file
expect 1 train faces --recipe "$recipes/tiny.yaml" --out none --epochs 1 --tensorboard file --quiet
errs 'file: is no folder$'
one_line
expect 1 train faces --recipe "$recipes/tiny.yaml" --out none --epochs 1 --tensorboard file/board --quiet
errs 'file/board: '
one_line
check "a run was begun" test ! -e none
mkdir board/four
echo x >board/four/train
expect 0 train faces --recipe "$recipes/tiny.yaml" --out told --epochs 2 --tensorboard board/four
check "told $(grep -c 'no more events for TensorBoard: ' "$err") times" \
    test "$(grep -c 'no more events for TensorBoard: .*board/four/train' "$err")" -eq 1
check "no run" test -s told/last.safetensors
finish
