#!/bin/sh
# augment.sh - images with a margin, changed anew in each epoch of training and left alone elsewhere
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

cat >small.yaml <<'END'
name: small
input: { channels: 1, height: 40, width: 44, margin: 2 }
normalize: { mean: 0.5, std: 0.25 }
augment: { mirror: yes, rotate: 10, scale: 0.1, shift: 0.08, brightness: 0.2, contrast: 0.2, erase: 0.25 }
layers: [ maxpool 4, flatten, dense classes ]
train: { batch: 50, epochs: 3, optimizer: { rate: 0.05 } }
END
expect 0 synth faces --count 700 --quiet

# The same bits twice, from the host too, and with a stop in the middle of an epoch; others with another seed.
expect 0 train faces --recipe small.yaml --out first --quiet
expect 0 train faces --recipe small.yaml --out host --quiet --data-memory 1
expect 0 train faces --recipe small.yaml --out cut --quiet --max-steps 20
expect 0 train --resume cut --quiet
expect 0 train faces --recipe small.yaml --out seeded --quiet --seed 2
for other in host cut; do
    check "$other ended in other weights" cmp -s first/last.safetensors $other/last.safetensors
done
expect 0 train faces --recipe small.yaml --out plain --quiet --set augment.mirror=no \
    --set augment.rotate=0 --set augment.scale=0 --set augment.shift=0 --set augment.brightness=0 \
    --set augment.contrast=0 --set augment.erase=0
differs() { ! cmp -s "$1/last.safetensors" "$2/last.safetensors"; }
check "augmentation changes nothing" differs first plain
check "a seed changes nothing" differs first seeded

# What is judged is the middle of the images as they are: the same for the same weights, each time.
expect 0 eval first/best.safetensors faces --json --quiet
says '"images": 140'
sed 's/"seconds.*//' "$out" >once
expect 0 eval first/best.safetensors faces --json --quiet --batch 7
sed 's/"seconds.*//' "$out" >twice
check "evaluation is not the same twice" \
    test "$(sed 's/.*"confusion"//' once)" = "$(sed 's/.*"confusion"//' twice)"
expect 0 predict first/best.safetensors faces/validation/happy --json --quiet
says '"failed": \[\]'

# Training of a network of the whole 44 x 48 has other images, so the run cannot go on with it.
expect 2 train --resume first --set input.margin=0 --epochs 4
errs 'input of a trained network cannot be set'
one_line
finish
