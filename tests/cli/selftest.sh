#!/bin/sh
# selftest.sh - kernels against plain C on this device, what is said of them, and bad input
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
model=$(pwd)/models/fer-medium.safetensors
cd "$work" || exit 1

# Wrong usage and bad files are told before a device is looked for.
expect 2 selftest --fast
one_line
expect 2 selftest a.yaml b.yaml
one_line
expect 2 selftest --quick --set train.batch=3
errs 'selftest: --set is for a RECIPE, and none is named'
one_line
expect 2 selftest --quick --classes 3
errs 'selftest: --classes is for a RECIPE, and none is named'
expect 2 selftest "$model" --classes 3
errs 'selftest: --classes is for a RECIPE: a model has its own'
expect 2 selftest "$recipes/tiny.yaml" --set nosuch=1
one_line
expect 2 selftest "$recipes/tiny.yaml" --classes 1
expect 4 selftest nosuch.yaml
one_line
silent
expect 4 selftest nosuch.safetensors
one_line
head -c 1000 "$model" >cut.safetensors
expect 4 selftest cut.safetensors
errs 'cut.safetensors: '
one_line
mkdir folder
expect 4 selftest folder
errs 'folder is a folder, expected a model'
printf 'input: { channels: 1, height: 4, width: 4 }\nlayers: [ conv 3 9x9, flatten, dense classes ]\n' >bad.yaml
expect 4 selftest bad.yaml
one_line
silent

if no_device; then
    finish
    exit
fi

# Every kernel has a line, and the last one says what came of it.
expect 0 selftest --quick --quiet
says '^kernel and variant  *checks  *error  *allowed  *ms$'
for kernel in 'conv2d forward, ' 'conv2d backward data, ' 'conv2d backward filter, ' \
    'dense forward, clblast' 'maxpool backward' 'maxpool evaluation' 'softmax loss' 'sgd' 'adam' 'gather changed' 'training run'; do
    says "^$kernel.* passed$"
done
check "a kernel is said to have failed" test "$(grep -c FAILED "$out")" -eq 0
says '^all [0-9]* kernels passed [0-9]* checks in [0-9.]* s on '
check "quiet, and yet something on stderr" test ! -s "$err"

# A first training waits for the quick form.  Here its kernels are compiled: it takes 0.5 s of processor time, and up to
# 1.9 s where the driver has yet to read their sources.
if [ "${MIEN_BUILD_TYPE:-}" = Release ] && [ -z "${MIEN_SANITIZE:-}" ]; then
    ran="selftest --quick, with 5 s of processor time"
    code=0
    (
        # shellcheck disable=SC3045
        ulimit -t 5
        exec "$mien" selftest --quick --quiet
    ) >"$out" 2>"$err" </dev/null || code=$?
    check "exit code $code, expected 0" test "$code" -eq 0
fi

# A network adds its shapes; so does a model, which needs no --classes.
cat >net.yaml <<'END'
name: net
input: { channels: 1, height: 6, width: 5 }
layers: [ flatten, dense 11, relu, dense classes ]
train: { batch: 5, epochs: 1, optimizer: { rate: 0.1 } }
END
expect 0 selftest net.yaml --quick --json --quiet --classes 3 --set train.batch=4
check "one JSON object, one line" test "$(wc -l <"$out")" -eq 1
says '^{"passed": true, "checks": [0-9]*, "failed": 0, "seconds": [0-9.]*, "kernels": \[{"kernel": "conv2d forward", "variant": "[a-z]*", "checks": [0-9]*, "failed": 0, "error": [0-9.e-]*, "tolerance": 1e-0*5, "fault": "", "where": "'
says '{"kernel": "dense forward", "variant": "clblast", "checks": 3, '
says '{"kernel": "training run", "variant": "", "checks": 1, '
says '"mien": "[0-9.]*", "device": "..*", "driver": "..*"}$'
expect 0 synth faces --count 7 --quiet
cat >tiny.yaml <<'END'
name: tiny
input: { channels: 1, height: 48, width: 48 }
layers: [ avgpool 12, flatten, dense classes ]
train: { batch: 7, epochs: 1, optimizer: { rate: 0.1 } }
END
expect 0 train faces --recipe tiny.yaml --out run --quiet
expect 0 selftest run/last.safetensors --quick --json --quiet
says '{"kernel": "dense forward", "variant": "clblast", "checks": 2, '
says '{"kernel": "avgpool forward", "variant": "", "checks": 2, '
expect 4 selftest run --quick
errs 'did you mean run/best.safetensors'

# Ctrl-C, or a terminal that goes, ends it between two checks.
for signal in INT HUP; do
    ran="selftest, stopped by $signal"
    "$mien" selftest >"$out" 2>"$err" </dev/null &
    pid=$!
    while kill -0 $pid 2>/dev/null && ! grep -q '^device: ' "$err"; do
        sleep 0.05
    done
    sleep 0.2
    kill -s $signal $pid
    code=0
    wait $pid || code=$?
    check "exit code $code, expected 130" test "$code" -eq 130
    errs '^mien selftest: stopped'
    silent
done
finish
