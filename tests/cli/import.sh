#!/bin/sh
# import.sh - import: weights under other names give the same network; what does not fit is told
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
root=$(pwd)
cd "$work" || exit 1
classes=angry,disgust,fear,happy,neutral,sad,surprise

expect 0 synth faces --count 70
expect 0 train faces --recipe "$recipes/tiny.yaml" --out run --max-steps 4 --quiet
model=run/best.safetensors
[ -f $model ] || { finish; exit 1; } # nothing below can work

# The same numbers under the names that nn.Sequential gives, of the same length, so that the file's
# header keeps its size; plain weights have no more than those.
expect 0 import $model --recipe "$recipes/tiny.yaml" --classes $classes --out own.safetensors
says '^own.safetensors: tiny, 14471 parameters, 7 classes$'
says '^  conv1.weight  *->  conv1.weight$'
rename() {
    LC_ALL=C sed 's/"conv1\./"n.001./g; s/"conv2\./"n.010./g; s/"batchnorm1\./"n.00000002./g
        s/"batchnorm2\./"n.00000011./g; s/"dense1\./"n.0020./g; s/"dense2\./"n.0100./g
        s/"format":"mien-weights 1"/"format":"mien-weights 0"/' "$1"
}
rename own.safetensors >sequential.safetensors
expect 0 import sequential.safetensors --recipe "$recipes/tiny.yaml" --classes $classes --out new.safetensors
says '^  n.001.weight  *->  conv1.weight$'
says '^  n.010.weight  *->  conv2.weight$'
says '^  n.00000011.running_var  *->  batchnorm2.running_var$'
says '^  n.0100.weight  *->  dense2.weight$'
check "another model than the one it was" cmp -s own.safetensors new.safetensors
expect 0 predict $model faces/validation/happy --json --quiet
cp "$out" told
expect 0 predict new.safetensors faces/validation/happy --json --quiet
check "other predictions" cmp -s told "$out"
expect 0 import sequential.safetensors --recipe "$recipes/tiny.yaml" --classes $classes --out new.safetensors --json
says '^{"file": "new.safetensors", "network": "tiny", "parameters": 14471, "tensors": \[{"from": "n.001.weight", "to": "conv1.weight", "shape": \[8, 1, 5, 5\]}, '
expect 0 import own.safetensors --recipe "$recipes/tiny.yaml" --classes 1,2,3,4,5,6,7 --out set.safetensors --set train.epochs=3
check "the settings are not in it" grep -q 'epochs: 3' set.safetensors

# Training starts from such weights too.
expect 0 train faces --recipe "$recipes/tiny.yaml" --init sequential.safetensors --out from --max-steps 1 --quiet
expect 0 train faces --recipe "$recipes/tiny.yaml" --init own.safetensors --out from2 --max-steps 1 --quiet
check "another step" cmp -s from/steps.csv from2/steps.csv

# A map, where the order is not enough.
echo 'n.0020 dense2 # the wrong one' >map.txt
expect 4 import sequential.safetensors --recipe "$recipes/tiny.yaml" --classes $classes --out x.safetensors --map map.txt
errs '^mien import: sequential.safetensors: map.txt:1: n.0020.weight is F32 of [0-9x]*, dense2.weight wants F32, F16 or BF16 of 7x32$'
one_line
printf 'n.0100 dense2\nn.001.weight\tconv1.weight\nn.001.bias conv1.bias\n' >map.txt
expect 0 import sequential.safetensors --recipe "$recipes/tiny.yaml" --classes $classes --out new.safetensors --map map.txt
check "another model by a map" cmp -s own.safetensors new.safetensors
expect 4 import sequential.safetensors --recipe "$recipes/tiny.yaml" --classes $classes --out x.safetensors --map nosuch.txt
one_line

# What does not fit.
expect 4 import sequential.safetensors --recipe "$recipes/tiny.yaml" --classes a,b --out x.safetensors
errs '^mien import: sequential.safetensors: weights of another network: missing dense2.weight 2x32, dense2.bias 2; left over n.0100.bias 7, n.0100.weight 7x32$'
one_line
expect 4 import $model --recipe "$recipes/report-pooled.yaml" --classes $classes --out x.safetensors
errs 'missing conv1.weight 64x1x5x5, '
one_line
expect 4 train faces --recipe "$recipes/report-pooled.yaml" --init sequential.safetensors --out x
errs 'sequential.safetensors: weights of another network: missing conv1.weight'
for names in a,,b a,a '' ,; do
    expect 2 import own.safetensors --recipe "$recipes/tiny.yaml" --classes "$names" --out x.safetensors
    one_line
done
expect 2 import own.safetensors --recipe "$recipes/tiny.yaml" --classes $classes
errs '--out MODEL is missing'
expect 2 import own.safetensors --recipe "$recipes/tiny.yaml" --classes $classes --out x.pt
errs "\--out: 'x.pt' does not end in .safetensors"
cp told told.safetensors
expect 1 import own.safetensors --recipe "$recipes/tiny.yaml" --classes $classes --out told.safetensors
errs 'told.safetensors is there and no safetensors file'
expect 4 import told --recipe "$recipes/tiny.yaml" --classes $classes --out x.safetensors
one_line
expect 4 import own.safetensors --recipe own.safetensors --classes $classes --out x.safetensors
one_line
expect 4 import nosuch.safetensors --recipe "$recipes/tiny.yaml" --classes $classes --out x.safetensors
one_line
check "a refused model left a file" test ! -e x.safetensors

# PyTorch itself, where it is: names of nn.Sequential, and the logits of both.
python=${MIEN_PYTHON:-python3}
for candidate in "$python" /usr/bin/python3; do
    if "$candidate" -c 'import torch' 2>/dev/null; then
        ran="PyTorch's weights"
        expect 0 pack faces pixels.safetensors --size 44x44 --quiet
        "$candidate" "$root/tests/cli/import_torch.py" save torch.safetensors || failed "PyTorch does not save"
        expect 0 import torch.safetensors --recipe "$recipes/vgg-32-64-128-256.yaml" --classes $classes --out torch.model.safetensors
        says '^  features.0.weight  *->  conv1.weight$'
        says '^  features.10.weight  *->  conv4.weight$'
        says '^  head.bias  *->  dense1.bias$'
        find faces/validation -name '*.png' | LC_ALL=C sort >images
        # shellcheck disable=SC2046 # names without blanks
        expect 0 predict torch.model.safetensors $(cat images) --json --quiet
        cp "$out" predictions.json
        checks=$((checks + 1))
        "$candidate" "$root/tests/cli/import_torch.py" compare pixels.safetensors predictions.json ||
            failed "PyTorch says something else than mien"
        break
    fi
done
finish
