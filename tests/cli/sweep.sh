#!/bin/sh
# sweep.sh - sweep: combinations, halving, stopping and going on, and what is refused
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

expect 0 synth faces --count 70 --quiet
cat >small.yaml <<'END'
name: small
input: { channels: 1, height: 12, width: 12 }
normalize: { mean: 0.5, std: 0.25 }
layers: [ flatten, dense classes ]
train: { batch: 10, epochs: 40, optimizer: { momentum: 0.9, weight_decay: 10 }, schedule: { kind: cosine } }
END
rates="--recipe small.yaml --set train.optimizer.rate=0.0001,0.001,0.01,1000"
# shellcheck disable=SC2086 # options and their values
sweep() {
    code=$1
    shift
    expect "$code" sweep faces $rates --epochs 2 "$@"
}

# Four, two of them on, one of them failed; the best as settings that train takes.
sweep 0 --out whole
errs '^4 combinations: 4 for 2 epochs, 2 for 4$'
errs '^run-002  --set train.optimizer.rate=0.001  2 epochs: [0-9.]* %$'
says '^rank  run      train.optimizer.rate     2 epochs     4 epochs$'
says '^   1  run-00[123]  0.0*1   *[0-9.]* %  *[0-9.]* %$'
says '^   4  run-004  1000  *failed$'
says '^best: --set train.optimizer.rate=0.0*1$'
best=$(sed -n 's/^best: //p' "$out")
check "a header and four rows" test "$(wc -l <whole/sweep.csv)" -eq 5
check "the columns" grep -q '^rank,run,train.optimizer.rate,accuracy_2,accuracy_4,failed$' whole/sweep.csv
check "the failed one" grep -q '^4,run-004,1000,,,yes$' whole/sweep.csv
cp whole/sweep.csv first
sweep 0 --out whole --json --quiet
check "not the same, once more" cmp -s first whole/sweep.csv
says '^{"rungs": \[{"epochs": 2, "trials": 4}, {"epochs": 4, "trials": 2}\], "best": {"train.optimizer.rate": "0.0*1"}, "trials": \[{"run": "run-00[123]", "settings": {"train.optimizer.rate": "[0-9.]*"}, "accuracies": \[[0-9.]*, [0-9.]*\], "failed": false}, '
says '"folder": "whole", "interrupted": false}$'
# shellcheck disable=SC2086 # options and their values
expect 0 train faces --recipe small.yaml $best --epochs 1 --out trained --quiet
expect 0 eval whole/run-001/best.safetensors faces --quiet

# Stopped or killed at any moment, the same command comes to the same files.
for signal in INT KILL TERM KILL; do
    ran="sweep, stopped by $signal"
    # shellcheck disable=SC2086 # options and their values
    "$mien" sweep faces $rates --epochs 2 --out cut --quiet >"$out" 2>"$err" </dev/null &
    pid=$!
    tries=0
    known=$(cat cut/run-*/history.csv 2>/dev/null | wc -l)
    while [ "$(cat cut/run-*/history.csv 2>/dev/null | wc -l)" -le "$known" ] && [ $tries -lt 600 ] &&
        kill -0 $pid 2>/dev/null; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -s $signal $pid 2>/dev/null
    code=0
    wait $pid 2>/dev/null || code=$?
    checks=$((checks + 1))
    case $signal-$code in
    KILL-137 | *-0) ;; # or it was done already
    INT-130 | TERM-130) errs '^mien sweep: stopped and saved; the same command goes on with it$' ;;
    *) failed "exit code $code" ;;
    esac
done
sweep 0 --out cut --quiet
for file in sweep.csv sweep.json run-001/last.safetensors run-002/last.safetensors run-003/best.safetensors; do
    check "another $file" cmp -s whole/$file cut/$file
done

# What is refused, before anything is trained.
refuse() {
    code=$1
    pattern=$2
    shift 2
    expect "$code" sweep "$@" --quiet
    errs "$pattern"
    one_line
    silent
}
small="faces --recipe small.yaml --out none"
# shellcheck disable=SC2086 # options and their values
{
    refuse 2 'nothing to compare: [-]-set KEY=VALUE,VALUE... is missing' $small
    refuse 2 "'train.batch' is not KEY=VALUE,VALUE" $small --set train.batch
    refuse 2 'nothing to compare: a --set needs two values' $small --set train.batch=8
    refuse 2 "an empty value in 'train.batch=8,'" $small --set train.batch=8,
    refuse 2 'train.batch is set twice' $small --set train.batch=8,9 --set train.batch=10
    refuse 2 'train.seed is set twice' $small --set train.seed=8,9 --seed 3
    refuse 2 'make the same recipe' $small --set train.optimizer.rate=0.1,0.10
    refuse 2 'train.bacth.*did you mean' $small --set train.bacth=8,9
    refuse 2 "[-]-keep: '1'" $small --set train.batch=8,9 --keep 1
    refuse 4 'nosuch' nosuch --recipe small.yaml --out none --set train.batch=8,9
    refuse 1 'faces: the folder is not empty' faces --recipe small.yaml --out faces --set train.batch=8,9
    refuse 1 'whole/sweep.json is of another sweep, with another settings' faces --recipe small.yaml \
        --out whole --set train.batch=8,9
    refuse 1 'is of another sweep, with another rungs' faces $rates --out whole --epochs 3
    refuse 1 'is of another sweep, with another blas' faces $rates --out whole --epochs 2 --blas own
}
check "a folder for nothing" test ! -e none
finish
