#!/bin/sh
# summary.sh - recipes that can be, and what is said of those that cannot
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1

for recipe in "$recipes"/*.yaml; do
    expect 0 summary "$recipe"
    says '^total .*[0-9]$'
    expect 0 summary "$recipe" --json
    says '^{"input": \[[0-9]*, [0-9]*, [0-9]*\], "classes": 7, "parameters": [0-9]'
    check "one JSON object, one line" test "$(wc -l <"$out")" -eq 1
done

# 64*25+64 + 32*64*16+32 + 32*41*41*120+120 + 120*84+84 + 84*7+7
expect 0 summary "$recipes/report.yaml"
says '^report, 7 classes'
says '6,500,383'
expect 0 summary "$recipes/report.yaml" --classes 10 --set=input.channels=3 --json
says '"classes": 10, "parameters": 6503838,'
says '"network": "report"'

# An image is larger than the input by its margin; what training does to it is told as the recipe has it.
expect 0 summary "$recipes/vgg-32-64-128-256.yaml" --set input.margin=2 --set augment.mirror=yes \
    --set augment.rotate=7.5
says '^images are loaded at 48 x 48'
says '^training changes them: mirror true, rotate 7.5$'
expect 0 summary "$recipes/vgg-32-64-128-256.yaml" --set input.margin=2 --set augment.scale=0.1 --json
says '"images": {"margin": 2, "loaded": \[1, 48, 48\], "augment": "scale 0.1"}'
expect 0 summary "$recipes/report.yaml" --json
says '"images": {"margin": 0, "loaded": \[1, 48, 48\], "augment": ""}'
expect 2 summary "$recipes/report.yaml" --set augment.scale=0.95
errs 'augment.scale: got "0.95", expected a number from 0 to 0.9'
one_line
expect 2 summary "$recipes/report.yaml" --set input.margin=65
errs 'input.margin: got "65", expected a whole number from 0 to 64'

expect 4 summary nosuch.yaml
errs '^mien summary: nosuch.yaml: No such file or directory'
one_line
silent
: >empty.yaml
mkdir folder.yaml
head -c 3000 /dev/zero >zeros.yaml
printf '\377\376\000\001' >binary.yaml
sed 's/conv 32 4x4/conv 32 9x9/' "$recipes/report.yaml" >kernel.yaml
sed 's/conv 32 4x4/cnov 32 4x4/' "$recipes/report.yaml" >kind.yaml
sed 's/^train:/trian:/' "$recipes/report.yaml" >key.yaml
sed 's/batch: 150/batch: -3/' "$recipes/report.yaml" >batch.yaml
sed 's/batch: 150/batch: 99999999999999999999/' "$recipes/report.yaml" >huge.yaml
sed 's/height: 48/height: 4/' "$recipes/report.yaml" >shape.yaml
sed '/- flatten/d' "$recipes/report.yaml" >flatten.yaml
sed 's/dense classes/dense 9/' "$recipes/report.yaml" >classes.yaml
sed '/^layers:/,/dense classes/d' "$recipes/report.yaml" >none.yaml
head -c 500 "$recipes/report.yaml" >cut.yaml
for bad in empty zeros binary kernel kind key batch huge shape flatten classes none; do
    expect 4 summary "$bad.yaml"
    errs "^mien summary: $bad.yaml"
    one_line
    silent
done
expect 4 summary shape.yaml
errs 'conv'
expect 4 summary cut.yaml
one_line
expect 4 summary folder.yaml
errs '^mien summary: .*folder.yaml'
one_line

# What an image cannot have is refused wherever a recipe is read.
sed 's/channels: 1/channels: 2/' "$recipes/report.yaml" >two.yaml
mkdir images
for command in "summary two.yaml" "bench step two.yaml" "train images --recipe two.yaml --out run"; do
    # shellcheck disable=SC2086 # several words
    expect 4 $command
    errs '^mien [a-z]*: two.yaml:[0-9]*: input.channels: got "2", expected 1 (gray) or 3 (RGB)$'
    one_line
    silent
done
check "a refused run made a folder" test ! -e run

for setting in nosuch=1 train.nosuch=1 train.batch train.batch= =5 train.batch=x train.batch=0 \
    train.optimizer.rate=nan input.height=100000 input.channels=2 train=5 layers=3; do
    expect 2 summary "$recipes/report.yaml" --set "$setting"
    one_line
    silent
done
expect 2 summary "$recipes/report.yaml" --classes 1
errs "--classes: '1' is not a whole number from 2 to 10000"

# A device is asked for, but not needed.
export MIEN_DEVICE=nosuchdevice
expect 0 summary "$recipes/report.yaml"
says '^memory of a training step of .* on a GPU (1 lanes)$'
says '^  batches and statistics  *[0-9]'
says '^  total  *[0-9]*\.[0-9] MiB$'
says '^  the data set takes 2312 bytes an image more$'
expect 3 summary "$recipes/report.yaml" --device nosuchdevice
unset MIEN_DEVICE
finish
