#!/bin/sh
# export_onnx.sh - export to ONNX: onnxruntime gives what mien gives, for every recipe
#
# Needs Python with onnxruntime and numpy; skipped (77) without.  MIEN_PYTHON names the interpreter.
# MIEN_FACES names a folder data set of faces to use in the place of drawn ones, MIEN_FACES_COUNT how
# many of its validation images (500); then each network is trained for more steps first.
set -u
python=${MIEN_PYTHON:-python3}
if ! "$python" -c 'import numpy, onnxruntime' 2>/dev/null; then
    echo "$python has no onnxruntime and numpy (pip install onnxruntime); MIEN_PYTHON may name another"
    exit 77
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(pwd)
cd "$work" || exit 1
faces=${MIEN_FACES:-}
count=16
steps=1
batch=16
if [ -n "$faces" ]; then
    count=${MIEN_FACES_COUNT:-500}
    steps=40
    batch=64
else
    faces=faces
    expect 0 synth faces --count 80
fi

# Every $every-th validation image.
find "$faces/validation" -type f | LC_ALL=C sort >all
every=$(($(wc -l <all) / count))
awk -v n="$((every > 0 ? every : 1))" -v most="$count" 'NR % n == 0 && k++ < most' all >images

# All layers that recipes/ has not.
cat >every-layer.yaml <<'END'
name: every-layer
input: { channels: 3, height: 21, width: 18, margin: 2 }
normalize: { mean: 0.4, std: 0.3 }
layers:
  - conv 6 3x2 stride 2 pad 1
  - batchnorm
  - relu
  - mark one
  - conv 6 3x3 pad 1
  - relu
  - add one
  - relu
  - mark two
  - avgpool 3 stride 1 pad 1
  - conv 8 4x4 pad 2 bias no
  - add two conv 8 4x4 pad 2 groups 2 bias no batchnorm
  - leakyrelu 0.2
  - conv 8 3x3 pad 1 groups 8
  - silu
  - mark gated
  - globalavgpool
  - conv 4 1x1
  - relu
  - conv 8 1x1
  - sigmoid
  - multiply gated
  - dropout 0.1
  - maxpool 3x2 stride 2 pad 1
  - flatten
  - dense 20 bias no
  - mark features
  - dense 20
  - sigmoid
  - multiply features
  - mark three
  - batchnorm
  - relu
  - gelu
  - dense 20
  - add three
  - add three
  - conv 9 1x1
  - dense classes
END

for recipe in "$here"/recipes/*.yaml every-layer.yaml; do
    name=$(basename "$recipe" .yaml)
    expect 0 train "$faces" --recipe "$recipe" --out "$name" --max-steps $steps --batch $batch --quiet
    model=$name/last.safetensors
    [ -f "$model" ] || continue
    expect 0 export "$model" plain.onnx
    says 'opset 13'
    expect 0 export "$model" whole.onnx --softmax --normalize
    # shellcheck disable=SC2046 # names without blanks
    expect 0 predict "$model" $(cat images) --json --quiet
    cp "$out" predictions.json
    expect 0 export "$model" whole.onnx --softmax --normalize --json
    size=$(sed -n 's/.*"shape": \[\([0-9]*\), \([0-9]*\), \([0-9]*\)\].*/\1 \2x\3/p' "$out")
    expect 0 pack "$faces" pixels.safetensors --channels "${size% *}" --size "${size#* }" --quiet
    ran="(onnxruntime on $name)"
    checks=$((checks + 1))
    "$python" "$here/tests/cli/export_onnx.py" "$name" predictions.json pixels.safetensors plain.onnx whole.onnx ||
        failed "onnxruntime says something else than mien"
done
finish
