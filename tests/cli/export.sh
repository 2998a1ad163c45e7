#!/bin/sh
# export.sh - export: C source that compiles without a warning and gives what mien gives; what is refused
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1
compiler=${CC:-cc}

expect 0 synth faces --count 35
find faces/train -name '*.png' | LC_ALL=C sort | head -n 12 >images

# Every layer, with odd strides and pads, gray and RGB.
cat >every-layer.yaml <<'END'
name: every-layer
input: { channels: 3, height: 21, width: 18 }
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
train: { batch: 16, epochs: 1 }
END
cat >7.yaml <<'END'
name: 7 "means" /* of */ 1
input: { channels: 1, height: 9, width: 14, margin: 3 }
layers:
  - avgpool 2
  - relu
  - conv 7 3x3 stride 3
  - globalavgpool
train: { batch: 16, epochs: 1 }
END

# pixels PACKED INDEX COUNT: the bytes of an image of a packed set, whose pixels come first.
pixels() {
    length=$(od -A n -t u8 -N 8 "$1" | tr -d ' ')
    tail -c +$((8 + length + $2 * $3 + 1)) "$1" | head -c "$3"
}

# as_c MODEL NAME CHANNELS HEIGHT WIDTH: export, compile, and compare with mien predict.
as_c() {
    expect 0 export "$1" --c "c-$2"
    says "^c-$2: $2.h, $2.c, $2_weights.c, $2_example.c\$"
    check "four files" test "$(find "c-$2" -type f | wc -l)" -eq 4
    for flags in "-O2" "-g -fsanitize=address,undefined -fno-sanitize-recover=all"; do
        # shellcheck disable=SC2086 # a list of flags
        "$compiler" -std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror $flags -o "run-$2" \
            "c-$2/$2_example.c" "c-$2/$2.c" "c-$2/$2_weights.c" -lm || failed "$2 does not compile"
    done
    bytes=$(($3 * $4 * $5))
    kind=$(($3 == 1 ? 5 : 6))
    expect 0 pack faces "$2.safetensors" --size "$4x$5" --channels "$3" --quiet
    n=0
    while [ $n -lt 12 ]; do
        {
            printf 'P%d %d %d 255\n' $kind "$5" "$4"
            pixels "$2.safetensors" $n $bytes
        } >"$2-$n.pnm"
        n=$((n + 1))
    done
    # shellcheck disable=SC2046 # names without blanks
    "./run-$2" $(seq -f "$2-%.0f.pnm" 0 11) >"$2.c.txt" || failed "$2 does not run"
    # shellcheck disable=SC2046 # names without blanks
    expect 0 predict "$1" $(cat images) --json --quiet
    tr '{' '\n' <"$out" | sed -n 's/.*"probabilities": \[\([^]]*\)\].*/\1/p' | tr -d ' ' | tr ',' '\n' >"$2.mien.txt"
    sed -n 's/^  .* \([0-9.]*\)  logit \(.*\)$/\1 \2/p' "$2.c.txt" >"$2.numbers"
    check "as many numbers" test "$(wc -l <"$2.mien.txt")" -eq $((12 * 7))
    paste -d ' ' "$2.mien.txt" "$2.numbers" | awk -v name="$2" '
        # mien says p, C says its p and logits z: ln p - z must be the same for all classes of an image
        { p = $1 - $2; if (p < 0) p = -p; if (p > worst) worst = p
          shift = log($1) - $3
          if ((NR - 1) % 7 == 0) { low = shift; high = shift }
          if (shift < low) low = shift
          if (shift > high) high = shift
          if (high - low > apart) apart = high - low
          if ($3 > most) most = $3 }
        END { printf "%s: probabilities %.1e apart, logits %.1e, largest logit %.2f\n", name, worst, apart, most
              exit !(NR == 84 && worst < 2e-6 && apart < 1e-5 && most > 0.01) }' ||
        failed "$2: C says something else than mien"
}

expect 0 train faces --recipe "$recipes/tiny.yaml" --out tiny --max-steps 3 --quiet
[ -f tiny/last.safetensors ] || { finish; exit 1; } # nothing below can work
as_c tiny/last.safetensors tiny 1 48 48
expect 0 train faces --recipe every-layer.yaml --out every --max-steps 3 --quiet
as_c every/last.safetensors every_layer 3 21 18
expect 0 train faces --recipe 7.yaml --out seven --max-steps 3 --quiet
as_c seven/last.safetensors net_7__means_____of____1 1 15 20
check "the recipe ends its comment" test "$(grep -c 'of \* /\|/ \*' c-net_7__means_____of____1/*1.c)" -ge 1
check "a warning of unused functions would have come" \
    test "$(grep -c '^static void maxpool' c-net_7__means_____of____1/*1.c)" -eq 0
./run-tiny nosuch.pgm 2>"$err" && failed "the example reads what is not there"
errs '^nosuch.pgm: '
head -c 100 tiny-0.pnm >cut.pgm
./run-tiny cut.pgm tiny-1.pnm >"$out" 2>"$err" && failed "the example reads half an image"
errs '^cut.pgm: cut short$'
check "the other image" test "$(wc -l <"$out")" -eq 8
./run-tiny every_layer-0.pnm 2>"$err" && failed "the example takes another size"
errs 'expected a P5 file of 48 x 48 pixels up to 255$'

expect 0 export tiny/last.safetensors --c json --json
says '^{"folder": "json", "name": "tiny", "buffer_bytes": [0-9]*, "weight_bytes": [0-9]*}$'
expect 1 export tiny/last.safetensors --c json
errs 'json: the folder is not empty'
one_line
expect 1 export tiny/last.safetensors --c images
one_line
ran="export --c full (ulimit -f 8)"
(limit_files 8 && "$mien" export tiny/last.safetensors --c full >/dev/null 2>&1) && failed "a full disk is no failure"
check "half of the source is left" test ! -e full

# Weights alone: a model again, in half the bytes within rounding.
expect 0 export tiny/last.safetensors plain.safetensors
says '^plain.safetensors: weights of tiny, [0-9]* parameters as float32, 0.[0-9] MiB$'
expect 0 export tiny/last.safetensors half.safetensors --half --json
says '^{"file": "half.safetensors", "dtype": "F16", "parameters": [0-9]*, "bytes": '"$(wc -c <half.safetensors)"'}$'
for weights in tiny/last plain half; do
    # shellcheck disable=SC2046 # names without blanks
    expect 0 predict "$weights.safetensors" $(cat images) --json --quiet
    sed 's/"model": [^,]*, //' "$out" >"of-$(basename "$weights")"
done
check "weights alone predict the same" cmp -s of-last of-plain
expect 0 export half.safetensors again.safetensors --half
check "halves stay what they are" cmp -s half.safetensors again.safetensors
expect 0 train faces --recipe "$recipes/tiny.yaml" --init half.safetensors --out from-half --max-steps 1 --quiet
expect 1 export tiny/last.safetensors nosuch/half.safetensors --half
errs 'there is no folder nosuch'
expect 2 export tiny/last.safetensors x.safetensors --softmax
errs 'are of ONNX'
expect 2 export tiny/last.safetensors x.onnx --half
errs '^mien export: --half is of OUT.safetensors$'
expect 2 export tiny/last.safetensors --c x --half
one_line

# ONNX, where it is built in; what is in the file is the business of export_onnx.sh and of the unit tests.
"$mien" export tiny/last.safetensors tiny.onnx --quiet >"$out" 2>"$err"
if grep -q 'built without ONNX' "$err"; then
    expect 2 export tiny/last.safetensors tiny.onnx
    errs 'this mien was built without ONNX: install libprotobuf-c-dev'
    one_line
else
    expect 0 export tiny/last.safetensors tiny.onnx
    says '^tiny.onnx: ONNX opset 13, [0-9]* nodes, '
    says '^  takes  image \[batch\]\[1\]\[48\]\[48\] float32, (pixel / 255 - mean) / std$'
    says '^  gives  logits \[batch\]\[7\]$'
    expect 0 export tiny/last.safetensors both.onnx --softmax --normalize --json
    says '^{"file": "both.onnx", "opset": 13, "ir_version": 7, "input": {"name": "pixels", "shape": \[1, 48, 48\]}, "output": {"name": "probabilities", "classes": 7}, "nodes": [0-9]*, "bytes": '"$(wc -c <both.onnx)"'}$'
    expect 1 export tiny/last.safetensors nosuch/tiny.onnx
    errs 'there is no folder nosuch'
    cp tiny.onnx kept.onnx
    ran="export every kept.onnx (ulimit -f)"
    (limit_files 8 && "$mien" export every/last.safetensors kept.onnx >/dev/null 2>&1) && failed "a full disk is no failure"
    check "the old file is intact" cmp -s tiny.onnx kept.onnx
fi

expect 2 export tiny/last.safetensors
errs 'give either OUT.onnx, OUT.safetensors or --c DIR'
expect 2 export tiny/last.safetensors tiny.onnx --c both
errs 'give either OUT.onnx, OUT.safetensors or --c DIR'
one_line
expect 2 export tiny/last.safetensors tiny.pb
errs "OUT: 'tiny.pb' does not end in .onnx or .safetensors"
expect 2 export tiny/last.safetensors --c x --softmax
errs 'are of ONNX'
expect 4 export nosuch.safetensors x.onnx
one_line
expect 4 export images x.onnx
one_line
expect 4 export tiny x.onnx
errs 'did you mean tiny/best.safetensors'
expect 4 export "$recipes/tiny.yaml" --c x
errs 'a recipe, not a trained model'
head -c 5000 tiny/last.safetensors >cut.safetensors
expect 4 export cut.safetensors --c x
one_line
check "a refused model left something" test ! -e x -a ! -e x.onnx
finish
