#!/bin/sh
# training.sh PROGRAM - whole commands under Oclgrind, which counts as a GPU: an epoch of a network with nearly every kind
# of layer and all that a training can switch on, its checkpoint, an evaluation, and gradients of an image.
# Every access is inside of its buffer, no two work-items race, and every call of the API is right.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
program=$1
oclgrind=$(pwd)/scripts/oclgrind.sh
every=$(pwd)/tests/support/every.yaml
cd "$work" || exit 1

# under ARGUMENT...: the program under Oclgrind, without a word of it
under() {
    ran=$*
    code=0
    timeout 600 "$oclgrind" "$program" "$@" >"$out" 2>"$err" </dev/null || code=$?
    checks=$((checks + 1))
    [ "$code" -eq 0 ] || failed "exit code $code, expected 0"
}

expect 0 synth faces --count 7 --quiet
targets_of faces >targets.csv
expect 0 pack faces faces.safetensors --targets targets.csv --quiet
under train faces.safetensors --recipe "$every" --epochs 1 --out run --no-selftest --tuning none
errs 'device: Oclgrind Simulator\|compiling kernels for Oclgrind'
check "there is no checkpoint" test -s run/last.safetensors
under eval run/last.safetensors faces --quiet
image=$(find faces -name '*.png' | sort | head -n 1)
under explain run/last.safetensors "$image" --out pictures --method saliency --quiet
finish
