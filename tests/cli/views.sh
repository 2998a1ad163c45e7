#!/bin/sh
# views.sh - several views of an image, and the mean of several models, in eval and in predict
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

# recipe NAME INPUT LAYERS
recipe() {
    printf 'name: %s\ninput: { channels: %s }\nnormalize: { mean: 0.5, std: 0.25 }\nlayers: [ %s, dense classes ]\n' \
        "$1" "$2" "$3" >"$1.yaml"
    echo 'train: { batch: 50, epochs: 3, optimizer: { rate: 0.01 } }' >>"$1.yaml"
}
recipe margin "1, height: 44, width: 40, margin: 2" "maxpool 4, flatten"
recipe whole "3, height: 24, width: 24" "maxpool 2, flatten, dense 20, relu"
expect 0 synth faces --count 350 --quiet
for name in margin whole; do
    expect 0 train faces --recipe $name.yaml --out $name --quiet
done
a=margin/best.safetensors
b=whole/best.safetensors

# number KEY: what the last JSON object has under it first.
first_number() { sed "s/\"$1\": \([0-9.e-]*\).*/@\1/; s/.*@//" "$out"; }

# Each number of views says something else, the same in any batch.
for views in 1 2 10; do
    expect 0 eval $a faces --json --quiet --views $views
    says "\"split\": \"validation\", \"views\": $views, \"models\": \[{\"model\": \"$a\", \"accuracy\": "
    first_number loss >loss.$views
    expect 0 eval $a faces --json --quiet --views $views --batch 7
    check "another loss in batches of 7" awk -v a="$(cat loss.$views)" -v b="$(first_number loss)" \
        'BEGIN { d = a - b; exit !(d < 1e-5 && d > -1e-5) }'
done
check "views change nothing" test "$(sort -u loss.1 loss.2 loss.10 | wc -l)" -eq 3
expect 0 eval $a faces --json --quiet
check "one view is not the default" test "$(first_number loss)" = "$(cat loss.1)"
expect 0 eval $a faces --views 10
says "^$a on the validation images of faces, 10 views each$"

image=$(find faces/validation/happy -name '*.png' | sort | head -n 1)
expect 0 predict $a "$image" --json --quiet --views 1
cp "$out" one
expect 0 predict $a "$image" --json --quiet --views 10
differs() { ! cmp -s "$1" "$2"; }
check "ten crops change nothing" differs one "$out"
says '"failed": \[\]'

# Corners want a margin to be cut from.
for command in "eval $b faces" "predict $b $image"; do
    # shellcheck disable=SC2086 # several words
    expect 2 $command --views 10
    errs "whole/best.safetensors: 10 views are crops from the corners of a larger image, and whole takes images without a margin"
    one_line
    silent
done
expect 2 eval $a faces --views 3
errs "'3' is none of 1, 2, 10"
expect 0 eval $b faces --views 2 --quiet

# The mean of models of other layers, sizes and colours, in any order; each alone is told too.
expect 0 eval $a $b faces
says '^the mean of 2 models on the validation images of faces$'
says '^each alone$'
says "^  *[0-9.]* %  loss [0-9.]*  $b$"
expect 0 eval $a $b faces --json --quiet
cp "$out" ab
ab=$(first_number loss)
says "\"models\": \[{\"model\": \"$a\", \"accuracy\": [0-9.e-]*, \"loss\": [0-9.]*}, {\"model\": \"$b\", "
expect 0 eval $b $a faces --json --quiet
check "the order matters: $ab" awk -v a="$ab" -v b="$(first_number loss)" 'BEGIN { d = a - b; exit !(d < 1e-9 && d > -1e-9) }'
alone=$(sed 's/.*"models": //; s/"loss": \([0-9.]*\)/\n@\1\n/g' "$out" | sed -n 's/^@//p' | tr '\n' ' ')
check "the mean's loss $ab is above the mean of $alone" \
    awk -v m="$ab" -v l="$alone" 'BEGIN { split(l, p, " "); exit !(m < (p[1] + p[2]) / 2) }'
expect 0 eval $a $a $a faces --json --quiet
check "three times the same is another" test "$(sed 's/.*"confusion": \(.*\]\]\).*/\1/' "$out")" = \
    "$(expect 0 eval $a faces --json --quiet && sed 's/.*"confusion": \(.*\]\]\).*/\1/' "$out")"

# The same mean image by image.
probabilities() { sed 's/.*"probabilities": \[\([^]]*\)\].*/\1/; s/,//g' "$out"; }
expect 0 predict $a "$image" --json --quiet
probabilities >pa
expect 0 predict $b "$image" --json --quiet
probabilities >pb
expect 0 predict $a --model $b "$image" --json --quiet
probabilities >pab
check "predict does not tell the mean" awk '
    { for (i = 1; i <= NF; i++) p[NR, i] = $i; n = NF }
    END { for (i = 1; i <= n; i++) { d = (p[1, i] + p[2, i]) / 2 - p[3, i]; if (d > 1e-6 || d < -1e-6) exit 1 }
          exit n != 7 }' pa pb pab
expect 0 predict $a faces/validation --model $b --model $a --quiet
check "a line an image" test "$(wc -l <"$out")" -eq 70
echo none >bad.png
expect 4 predict $a bad.png "$image" --model $b
says "^$image  "
errs '^mien predict: 1 of 2 could not be read, the others were predicted$'

# A model of other classes, or none.
mkdir two
cp -r faces/train/happy faces/train/sad two
expect 0 train two --recipe margin.yaml --out less --quiet --epochs 1
for command in "eval $a less/best.safetensors faces" "predict $a $image --model less/best.safetensors"; do
    # shellcheck disable=SC2086 # several words
    expect 4 $command --quiet
    errs "less/best.safetensors: does not know the class 'angry' of the first model"
    one_line
    silent
done
expect 4 eval $a nosuch.safetensors faces
errs 'nosuch.safetensors: No such file or directory'
one_line
finish
