#!/bin/sh
# train.sh - runs: begun, interrupted, gone on with, and refused
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(cd "$(dirname "$0")/../../recipes" && pwd)
cd "$work" || exit 1
expect 0 synth faces --count 70
tiny=$recipes/tiny.yaml
few="--batch 16 --epochs 3 --quiet"

# history FOLDER: its rows without the columns of time.
history() {
    cut -d , -f 1-6 "$1/history.csv"
}

# same A B: both runs ended in the same bits.  (The recipe inside the best weights is that of the
# time when they were best: with other epochs, it differs.)
same() {
    check "$1 and $2 differ in last" cmp -s "$1/last.safetensors" "$2/last.safetensors"
    history "$1" >a.csv
    history "$2" >b.csv
    check "$1 and $2 differ in history" cmp -s a.csv b.csv
}

# shellcheck disable=SC2086
expect 0 train faces --recipe "$tiny" --out whole $few
says '^epoch   3  train loss .* validation loss '
says '^all epochs done after 3 epochs'
for f in recipe.yaml history.csv last.safetensors best.safetensors run.json; do
    check "no $f" test -s "whole/$f"
done
check "four lines of history" test "$(wc -l <whole/history.csv)" -eq 4
check "the data's path is whole" grep -q "\"path\": \"$(pwd -P)/faces\"" whole/run.json
check "no temporary file is left" test "$(find whole -type f | wc -l)" -eq 5

# A folder that holds a run is left alone.
cp -r whole kept
# shellcheck disable=SC2086
expect 1 train faces --recipe "$tiny" --out whole $few
errs '^mien train: whole holds a run already'
one_line
check "the run was left as it was" diff -r whole kept

# Steps of four batches: 70 images in batches of 8 are two of 32 and one of 6.
expect 0 train faces --recipe "$tiny" --out four --batch 8 --accumulate 4 --max-steps 4 --quiet
says '^step limit reached after 1 epochs'
check "four steps are logged" test "$(cut -d , -f 1,2 four/steps.csv | tr '\n' ' ')" = \
    "epoch,step 1,1 1,2 1,3 2,1 "
check "accumulate is in run.json" grep -q '"accumulate": 4' four/run.json
expect 2 train --resume four --accumulate 2 --quiet
errs 'inside an epoch with steps of 4 batches: they cannot be of 2 before its end'
one_line
expect 2 train faces --recipe "$tiny" --out none --accumulate 0
errs 'accumulate'
one_line

# Neither the data's folder nor one with other files is a run's.
expect 1 train faces --recipe "$tiny" --out faces --quiet
errs '^mien train: faces holds other files'
one_line

# Cut inside an epoch, gone on from another folder, without DATA.
# shellcheck disable=SC2086
expect 0 train faces --recipe "$tiny" --out cut $few --max-steps 7 --json
says '"ended_because": "step limit reached", "epochs": 1'
check "seven steps are logged" test "$(wc -l <cut/steps.csv)" -eq 8
mkdir elsewhere
cd elsewhere || exit 1
expect 0 train --resume ../cut --quiet
cd ..
same whole cut
check "whole and cut differ in best" cmp -s whole/best.safetensors cut/best.safetensors
check "the first command stays" grep -q '"command": "mien train faces' cut/run.json
check "the second is noted" grep -q '"mien train --resume' cut/run.json

# An ended run stays ended; more epochs can be asked for.
expect 0 train --resume cut --quiet
says '^all epochs done after 3 epochs'
same whole cut
expect 0 train --resume cut --quiet --epochs 4
says '^epoch   4 '

# The best weights are gone: they are written again, from the checkpoint or by the next epoch.
expect 0 train faces --recipe "$tiny" --out lost --batch 16 --epochs 1 --quiet
cp -r lost lost2
cp lost/best.safetensors best.safetensors
rm lost/best.safetensors
expect 0 train --resume lost
check "a warning without need" sh -c "! grep -q 'is gone' '$err'"
check "other best weights" cmp -s lost/best.safetensors best.safetensors
expect 0 train --resume lost2 --epochs 2 --max-steps 1 --quiet
rm lost2/best.safetensors
expect 0 train --resume lost2
errs '^lost2/best.safetensors is gone, and with it the weights of epoch 1: the best epoch is chosen anew'
says '^epoch   2 .*  best$'
check "no best weights" test -s lost2/best.safetensors
expect 0 eval lost2/best.safetensors faces --quiet
cp -r whole lost3
rm lost3/best.safetensors
expect 0 train --resume lost3 # ended, so that no epoch comes
check "neither best weights nor a word" sh -c "test -s lost3/best.safetensors || grep -q 'is gone' '$err'"

# interrupt SIGNAL FOLDER: begins a long run, sends the signal in its second epoch.
interrupt() {
    ran="train --out $2, SIG$1"
    "$mien" train faces --recipe "$tiny" --out "$2" --batch 16 --epochs 100000 --quiet \
        >"$out" 2>"$err" </dev/null &
    pid=$!
    tries=0
    while [ ! -s "$2/last.safetensors" ] && [ $tries -lt 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -s "$1" $pid
    code=0
    wait $pid || code=$?
    checks=$((checks + 1))
    [ "$code" -eq 130 ] || failed "exit code $code, expected 130"
    errs "^mien train: stopped and saved; go on with: mien train --resume $2"
}
# The shell starts what runs behind it with SIGINT ignored; mien takes it all the same.
for signal in INT TERM; do
    interrupt $signal "stop$signal"
    done_epochs=$(($(wc -l <"stop$signal/history.csv") - 1))
    rounds=$((done_epochs + 2))
    expect 0 train --resume "stop$signal" --epochs $rounds --quiet
    expect 0 train faces --recipe "$tiny" --out "straight$signal" --batch 16 --epochs $rounds --quiet
    same "stop$signal" "straight$signal"
done

# In order, with a split: what a run was begun with is known when it goes on.
expect 0 train faces/train --split 0.2 --recipe "$tiny" --out ordered --batch 16 --epochs 2 \
    --no-shuffle --blas clblast --quiet
expect 0 train faces/train --split 0.2 --recipe "$tiny" --out parts --batch 16 --epochs 2 \
    --no-shuffle --blas clblast --quiet --max-steps 3
expect 0 train --resume parts --quiet
same ordered parts
# What is said goes first, also where it is what a new run takes.
expect 4 train --resume parts --split 0 --epochs 3 --quiet
errs 'the run was on other data'
expect 0 train --resume parts --blas auto --epochs 3 --quiet
check "run.json says clblast still" grep -q '"blas": "auto"' parts/run.json
check "the split is another" grep -q '"split": 0.2' parts/run.json

# The device and the weights to keep as well; where run.json is lost, the checkpoint knows the order.
expect 0 train faces --recipe "$tiny" --out keep --batch 16 --epochs 2 --keep-every 1 --max-steps 3 \
    --no-shuffle --quiet
sed 's/"name": ".*",/"name": "a device that is gone",/' keep/run.json >lost.json
cp lost.json keep/run.json
expect 0 train --resume keep --max-steps 1
errs '^the run was begun on a device that is gone (driver .*): the bits may differ'
check "run.json names the device that is used" sh -c '! grep -q "that is gone" keep/run.json'
rm keep/run.json
expect 0 train faces --resume keep
check "a device is missed though none is known" sh -c "! grep -q 'bits' '$err'"
check "run.json says that it is shuffled" grep -q '"shuffle": false' keep/run.json
expect 0 train faces --recipe "$tiny" --out kept2 --batch 16 --epochs 2 --keep-every 1 --max-steps 3 \
    --quiet
expect 0 train --resume kept2
check "the device is taken for another" sh -c "! grep -q 'bits' '$err'"
check "the second epoch is not kept" test -s kept2/epoch-0002.safetensors

# What a run that goes on is told of its method holds from there on: other weights, whatever the metadata says.
cp -r kept2 sharp
cp -r kept2 weighed
expect 0 train --resume kept2 --epochs 3 --quiet
expect 0 train --resume sharp --epochs 3 --quiet --set train.sam=0.05
expect 0 train --resume weighed --epochs 3 --quiet --set "train.class_weights=happy 2"
weights() {
    tail -c 20000 "$1/last.safetensors" | cksum
}
check "sam changes nothing" [ "$(weights kept2)" != "$(weights sharp)" ]
check "class weights change nothing" [ "$(weights kept2)" != "$(weights weighed)" ]
check "the run does not keep its method" grep -q 'sam: 0.05' sharp/recipe.yaml

# Weights to start from.
expect 0 train faces --recipe "$tiny" --out from --init whole/best.safetensors --max-steps 1 --quiet
expect 4 train faces --recipe "$recipes/linear.yaml" --out other --init whole/best.safetensors
errs 'weights of another network: missing dense1.weight 7x2304, .*; left over .*dense1.weight 32x400'
one_line
check "a refused run made a folder" test ! -e other
expect 4 train faces --recipe "$tiny" --out other --init nosuch.safetensors
errs 'nosuch.safetensors'
expect 4 train faces --recipe "$tiny" --out other --init faces/train/happy/000003.png
errs 'faces/train/happy/000003.png: '
one_line

# A rate that loses the weights: the checkpoint of before stays, and can be gone on from.
expect 0 train faces --recipe "$tiny" --out wild --batch 16 --epochs 1 --quiet
cp wild/last.safetensors before.safetensors
expect 1 train --resume wild --epochs 9 --quiet --rate 1000 --set train.optimizer.momentum=0.9
errs 'not finite'
errs 'smaller'
one_line
expect 0 eval wild/best.safetensors faces --quiet

# Refusals.
expect 2 train faces --out other
errs 'a new run needs DATA, --recipe FILE and --out RUN'
expect 2 train --recipe "$tiny" --out other
expect 2 train --resume whole --out other
expect 2 train --resume whole --seed 3
expect 4 train nosuch --recipe "$tiny" --out other
errs '^mien train: nosuch'
one_line
expect 4 train faces --recipe nosuch.yaml --out other
errs 'nosuch.yaml'
one_line
expect 4 train --resume nosuch
errs '^mien train: nosuch: '
one_line
mkdir early
echo left >early/history.csv
expect 4 train --resume early
errs '^mien train: early holds no run to go on with: it has no last.safetensors'
one_line
cp -r whole moved
sed 's,"path": ".*","path": "/no/such/faces",' whole/run.json >moved/run.json
expect 4 train --resume moved
errs "^mien train: /no/such/faces, the run's data, cannot be read: give DATA"
one_line
rm moved/history.csv
expect 4 train faces --resume moved --quiet
errs 'moved/history.csv is missing'
one_line
expect 4 train faces --recipe faces --out other
errs '^mien train: faces is a folder'
cp -r whole damaged
head -c 500 whole/last.safetensors >damaged/last.safetensors
expect 4 train --resume damaged
errs 'damaged/last.safetensors'
one_line
cp whole/best.safetensors damaged/last.safetensors
expect 4 train --resume damaged --quiet
errs 'weights only, not a checkpoint'
one_line
expect 0 synth others --count 70 --seed 9
expect 4 train others --resume whole --quiet
errs 'the run was on other data'
one_line
touch file
expect 1 train faces --recipe "$tiny" --out file/run --quiet
one_line
mkdir closed
chmod a-w closed
if ! touch closed/probe 2>/dev/null; then
    expect 1 train faces --recipe "$tiny" --out closed/run --quiet
    errs 'Permission denied'
    one_line
fi
rm -f closed/probe
check "a refused run made a folder" test ! -e other
finish
