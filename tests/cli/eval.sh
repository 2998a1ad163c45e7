#!/bin/sh
# eval.sh - eval: its numbers, its choice of a split, and what it refuses
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1

expect 0 synth faces --count 140
expect 0 train faces --recipe "$recipes/tiny.yaml" --out run --epochs 2 --quiet
model=run/last.safetensors
[ -f $model ] || { finish; exit 1; } # nothing below can work

expect 0 eval $model faces
says "^$model on the validation images of faces"
says '^class *images *precision *recall *F1$'
says '^angry *4  *[01]\.[0-9][0-9][0-9]'
says '^mean  *[01]\.[0-9][0-9][0-9]'
says '^accuracy  [0-9.]* %  ([0-9]* of 28)'
says '^macro F1  0\.[0-9]'
says '^ECE  '
errs '^device: '
expect 0 eval $model faces --quiet
check "a quiet command still has notices" test ! -s "$err"

# One object, whose parts agree with each other and with what training wrote down.
expect 0 eval $model faces --json --quiet
cp "$out" validation.json
check "one JSON object, one line" test "$(wc -l <"$out")" -eq 1
says '^{"accuracy": [0-9.e-]*, "loss": [0-9.]*, "macro_f1": [0-9.e-]*, "top2": [0-9.]*, "ece": [0-9.e-]*, "classes": \["angry", '
says '"per_class": \[{"class": "angry", "precision": [0-9.e-]*, "recall": [0-9.e-]*, "f1": [0-9.e-]*, "support": 4}, '
says '"confusion": \[\[[0-9, ]*\], .*"images": 28, "split": "validation", "views": 1, "models": \[{"model": "run/last.safetensors", "accuracy": [0-9.e-]*, "loss": [0-9.]*}\], "seconds": [0-9.e-]*, "device": ".*", "driver": "'
column=$(head -n 1 run/history.csv | tr ',' '\n' | grep -n '^validation_loss$' | cut -d: -f1)
trained=$(tail -n 1 run/history.csv | cut -d, -f"$column")
loss=$(sed 's/.*"loss": \([0-9.]*\).*/\1/' validation.json)
check "loss $loss is not the $trained of history.csv" \
    awk -v a="$loss" -v b="$trained" 'BEGIN { d = a - b; exit !(d < 1e-4 && d > -1e-4) }'
for options in "--batch 1" "--batch 5" "--blas clblast" "--split validation"; do
    # shellcheck disable=SC2086 # two words
    expect 0 eval $model faces --json --quiet $options
    check "another confusion matrix with $options" test \
        "$(sed 's/.*"confusion": \(.*\]\]\).*/\1/' "$out")" = "$(sed 's/.*"confusion": \(.*\]\]\).*/\1/' validation.json)"
done

# The split that is asked for; else the first of validation, test and train that is there.
expect 0 eval $model faces --split train --json
says '"images": 140, "split": "train"'
expect 4 eval $model faces --split test
errs '^mien eval: faces: no test images; the data has 140 of train, 28 of validation and 0 of test$'
silent
expect 0 eval $model faces/train --json
says '"split": "train"'
errs '^the data has no validation images: evaluating the training images$'
mkdir only
cp -r faces/validation only/test
expect 0 eval $model only --json
says '"images": 28, "split": "test"'
errs '^the data has no validation images: evaluating the test images$'
expect 2 eval $model faces --split nosuch
errs "'nosuch' is none of train, validation, test"

# Another size, another form, fewer classes: the same images give the same result.
expect 0 pack faces faces.safetensors
expect 0 eval $model faces.safetensors --json --quiet
check "the packed set gives another result" test \
    "$(sed 's/"seconds.*//' "$out")" = "$(sed 's/"seconds.*//' validation.json)"
expect 0 pack faces large.safetensors --size 60x64 --channels 3
expect 0 eval $model large.safetensors --json
says '"images": 28,'
errs '^168 images came in another size and were resized to 48x48$'
mkdir -p few/happy few/Sadness
cp faces/validation/happy/*.png few/happy
cp faces/validation/sad/*.png few/Sadness
expect 0 eval $model few --json
says '{"class": "sad", "precision": [0-9.e-]*, "recall": [0-9.e-]*, "f1": [0-9.e-]*, "support": 4}'
says '{"class": "angry", .* "support": 0}, {"class": "disgust"'
says '"images": 8, "split": "train"'

cp -r few foreign
mv foreign/Sadness foreign/confused
expect 4 eval $model foreign --quiet
errs "^mien eval: foreign: class 'confused' is none of the 7 that the model tells apart: angry, disgust, "
one_line
silent

# Models that are none.
bytes=$(wc -c <$model)
head -c 1000 $model >cut.safetensors
head -c $((bytes - 1)) $model >short.safetensors
head -c "$bytes" /dev/zero >zeros.safetensors
: >empty.safetensors
echo "hello" >text.safetensors
sed 's/conv 8 5x5/conv 8 3x3/' $model >other.safetensors
sed 's/conv 8 5x5/cnov 8 5x5/' $model >recipe.safetensors
for bad in cut short zeros empty text other recipe; do
    expect 4 eval $bad.safetensors faces --quiet
    errs "^mien eval: .*$bad.safetensors"
    one_line
    silent
done
expect 4 eval nosuch.safetensors faces
errs '^mien eval: nosuch.safetensors: No such file or directory'
one_line
expect 4 eval faces.safetensors faces
errs "^mien eval: faces.safetensors: .*a model's is"
one_line
expect 4 eval "$recipes/tiny.yaml" faces
errs "^mien eval: .*tiny.yaml: a recipe, not a trained model: train it first, with 'mien train DATA --recipe .*tiny.yaml --out RUN'$"
one_line
expect 4 eval run faces
errs '^mien eval: run is a folder, expected a model: did you mean run/best.safetensors?$'
one_line
expect 4 eval faces faces
errs '^mien eval: faces is a folder, expected a model$'
one_line
expect 4 eval $model nosuch
errs '^mien eval: nosuch: No such file or directory'
expect 4 eval $model $model
errs 'last.safetensors'
one_line
mkdir nothing
expect 4 eval $model nothing --quiet
errs '^mien eval: nothing'
one_line

# A model whose last number, of the file and of a layer, is NaN.
cp run/best.safetensors nan.safetensors
printf '\000\000\300\177' |
    dd of=nan.safetensors bs=1 seek=$(($(wc -c <nan.safetensors) - 4)) conv=notrunc 2>/dev/null
for command in eval report; do
    expect 1 $command nan.safetensors faces --quiet
    errs "^mien $command: .*what the model gives on the validation images is not finite$"
    one_line
    silent
done

expect 2 eval $model
errs 'DATA is missing'
expect 2 eval $model faces --batch 0
expect 2 eval $model faces --blas nosuch
expect 3 eval $model faces --device nosuch
one_line
silent
finish
