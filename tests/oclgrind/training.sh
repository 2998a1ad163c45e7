#!/bin/sh
# training.sh PROGRAM - whole commands under Oclgrind, which counts as a GPU: an epoch of a network with nearly every kind
# of layer and all that a training can switch on, its checkpoint, an evaluation, and gradients of an image.
# Every access is inside of its buffer, no two work-items race, and every call of the API is right.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
program=$1
oclgrind=$(pwd)/scripts/oclgrind.sh
cd "$work" || exit 1

# under ARGUMENT...: the program under Oclgrind, without a word of it
under() {
    ran=$*
    code=0
    timeout 600 "$oclgrind" "$program" "$@" >"$out" 2>"$err" </dev/null || code=$?
    checks=$((checks + 1))
    [ "$code" -eq 0 ] || failed "exit code $code, expected 0"
}

cat >net.yaml <<'END'
name: small
input: { channels: 1, height: 8, width: 8, margin: 1 }
layers:
  - conv 3 3x3 pad 1
  - relu
  - maxpool 2
  - conv 4 3x3 pad 1 bias no
  - batchnorm
  - silu
  - mark a
  - conv 4 3x3 pad 1 groups 4
  - add a
  - leakyrelu 0.1
  - dropout 0.4
  - conv 3 3x3
  - batchnorm
  - relu
  - maxpool 2
  - gelu
  - globalavgpool
  - flatten
  - dense 5
  - relu
  - dense classes
train:
  { batch: 4, accumulate: 2, epochs: 1, ema: 0.9, clip_norm: 0.5, label_smoothing: 0.1, class_weights: balanced,
    optimizer: { kind: adamw, rate: 0.01, weight_decay: 0.1 }, schedule: { kind: cosine, warmup: 0.5 } }
augment: { mirror: yes, rotate: 10, scale: 0.1, shift: 0.1, brightness: 0.2, contrast: 0.2, erase: 0.3, mixup: 0.2 }
END
expect 0 synth faces --count 7 --quiet
under train faces --recipe net.yaml --out run --no-selftest --tuning none
errs 'device: Oclgrind Simulator\|compiling kernels for Oclgrind'
check "there is no checkpoint" test -s run/last.safetensors
under eval run/last.safetensors faces --quiet
image=$(find faces -name '*.png' | sort | head -n 1)
under explain run/last.safetensors "$image" --out pictures --method saliency --quiet
finish
