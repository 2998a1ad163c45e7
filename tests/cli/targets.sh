#!/bin/sh
# targets.sh - target distributions from end to end: what a model says of images, packed beside them, and learnt
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1

needs_device
expect 0 synth faces --count 70 --quiet
expect 0 train faces --recipe "$recipes/tiny.yaml" --epochs 2 --out run --tuning none --quiet
model=run/last.safetensors

# What a model says: a row for each image with its label, and numbers that sum to 1 and agree with the accuracy.
expect 0 eval $model faces --split train --predictions said.csv
accuracy=$(sed -n 's/^accuracy .*(\([0-9]*\) of 70)$/\1/p' "$out")
check "the header of predictions" grep -qx 'image,label,predicted,angry,disgust,fear,happy,neutral,sad,surprise' said.csv
awk -F, -v right="$accuracy" 'NR > 1 {
    sum = 0
    best = 4
    for (i = 4; i <= NF; i++) { sum += $i; best = $i > $best ? i : best }
    split($1, path, "/")
    bad += NF != 10 || path[1] != "train" || path[2] != $2 || sum < 0.9999 || sum > 1.0001 || names[best] != $3
    hits += $2 == $3
} NR == 1 { split($0, names, ",") } END { exit !(NR == 71 && bad == 0 && hits == right) }' said.csv
check "predictions are rows of shares that give the accuracy" [ $? -eq 0 ]
check "every image is in the predictions once" [ "$(tail -n +2 said.csv | cut -d, -f1 | sort -u | wc -l)" -eq 70 ]
expect 0 eval $model $model faces --split train --predictions twice.csv --quiet
check "two equal models say what one says" cmp -s said.csv twice.csv
expect 0 eval $model faces --split train --predictions json.csv --json
check "predictions beside JSON" cmp -s said.csv json.csv

# Packed beside the images, and there again.
expect 0 pack faces soft.safetensors --targets said.csv
says 'with target distributions'
errs 'said.csv: target distributions of 70 of 84 images'
errs "said.csv: the column 'label' is no class of the data"
expect 0 pack soft.safetensors again.safetensors --json
says '"targets": true'
check "the same file" cmp -s soft.safetensors again.safetensors
expect 0 pack faces hard.safetensors --json
says '"targets": false'

# Learnt: other weights than without, the same as without where their part is 0.
options="--recipe $recipes/tiny.yaml --epochs 1 --tuning none --quiet"
# shellcheck disable=SC2086
{
    expect 0 train soft.safetensors $options --out soft --set train.soft_targets=0.7
    expect 0 train soft.safetensors $options --out part0 --set train.soft_targets=0
    expect 0 train hard.safetensors $options --out hard
}
weights() { # the bytes of the weights alone, whatever the metadata says
    tail -c 4000 "$1/best.safetensors"
}
check "targets are learnt" [ "$(weights soft | cksum)" != "$(weights hard | cksum)" ]
check "with no part they are not looked at" [ "$(weights part0 | cksum)" = "$(weights hard | cksum)" ]
expect 0 summary soft/recipe.yaml
expect 0 eval soft/last.safetensors hard.safetensors
expect 0 bench step soft/recipe.yaml --batch 8 --repeat 1 --warmup 1

# Classes by name, in data that is made up too.
sed -i 's/class_weights: none/class_weights: "joy 2; mad 3"/' soft/recipe.yaml
expect 0 bench step soft/recipe.yaml --batch 8 --repeat 1 --warmup 1

# What cannot be meant.
expect 4 train hard.safetensors --recipe soft/recipe.yaml --out none
errs 'the data has none; mien pack --targets adds them'
check "and no run is left behind" [ ! -e none ]
expect 4 pack faces x.safetensors --targets nowhere.csv
printf 'image,happy\ntrain/happy/none.png,1\n' >strange.csv
expect 4 pack faces x.safetensors --targets strange.csv
errs 'none of its 1 images is in the data'
printf 'image,happy\n%s,some\n' "$(sed -n 2p said.csv | cut -d, -f1)" >word.csv
expect 4 pack faces x.safetensors --targets word.csv
errs "word.csv:2: 'some' for the class happy; expected a number from 0"
check "nothing is written then" [ ! -e x.safetensors ]
expect 1 eval $model faces --predictions nowhere/said.csv
expect 2 eval $model faces --predictions run/best.safetensors
errs 'expected a name that ends in .csv'
head -n 1 said.csv >self.csv
cp self.csv before.csv
expect 2 eval $model self.csv --predictions ./self.csv
errs 'is the data itself'
check "the data is as it was" cmp -s self.csv before.csv
expect 4 find-rate hard.safetensors --recipe "$recipes/tiny.yaml" --set train.soft_targets=0.5 --out rate.png
errs 'hard.safetensors: the recipe learns from target distributions'
expect 4 sweep hard.safetensors --recipe "$recipes/tiny.yaml" --set train.soft_targets=0,0.5 --epochs 2 --out sweep
errs 'hard.safetensors: the recipe learns from target distributions'
check "no trial was made" [ ! -e sweep ]
expect 2 train soft.safetensors --recipe "$recipes/tiny.yaml" --set train.soft_targets=1.1 --out none
finish
