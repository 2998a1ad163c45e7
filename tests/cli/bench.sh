#!/bin/sh
# bench.sh - measurements of steps and kernels, and their comparison
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
compare=$(pwd)/scripts/bench-compare
cd "$work" || exit 1

# Comparing needs no device.
line() {
    printf '{"bench": "step", "name": "%s", "step_ms": %s, "min_ms": %s, "q1_ms": %s, "q3_ms": %s}\n' "$@"
}
{ line a 10 9.9 9.95 10.1; line b 10 9 9.5 14; line c 10 10 10 10; } >old.json
{ line a 5 4.9 4.95 5.1; line b 13 9.1 9.6 14; line d 10 10 10 10; } >new.json
expect 0 bench compare old.json new.json
says '^a .* 10\.000 .* 5\.000 .*0\.500  faster$'
says '^b .* 10\.000 .*13\.000 .*1\.300  no difference beyond noise$'
errs 'only in the old file: c'
errs 'only in the new file: d'
expect 0 bench compare new.json old.json --json --quiet
says '^{"name": "a", "old_ms": 5.0, "new_ms": 10.0, "ratio": 2.0, "verdict": "slower"}$'
says '"name": "b", .*"verdict": "same"}$'
check "the script says something else" test "$(MIEN=$mien "$compare" old.json new.json 2>/dev/null | head -n 2 | tail -n 1 | sed 's/.*  //')" = faster
code=0
MIEN=$mien "$compare" old.json nosuch.json >/dev/null 2>&1 || code=$?
check "the script does not pass the exit code on" test "$code" -eq 4

# Lines of another program, which knows the median alone.
printf '{"network": "x", "batch": 150, "step_ms": 10.0, "torch": "2"}\n' >peer.json
line 'x batch 150' 5 4.9 4.95 5.1 >mine.json
expect 0 bench compare peer.json mine.json
says '^x batch 150 .*0\.500  faster$'

: >empty.json
printf '{"name": "a", "step_ms": 0, "min_ms": 1}\n' >zero.json
printf '{"name": "a", "step_ms": "10"}\n' >text.json
printf '{"step_ms": 10}\n' >nameless.json
printf '[1]\n' >array.json
head -c 60 old.json >cut.json
head -c 3000 /dev/zero >zeros.json
{ cat old.json; echo nonsense; } >tail.json
for bad in empty zero text nameless array cut zeros tail; do
    expect 4 bench compare old.json "$bad.json"
    errs "^mien bench: $bad.json"
    one_line
    silent
done
expect 4 bench compare old.json tail.json
errs '^mien bench: tail.json:4: '
expect 4 bench compare old.json nosuch.json
one_line

# What does not go together.
expect 2 bench
expect 2 bench steps "$recipes/tiny.yaml"
errs "did you mean step"
expect 2 bench step
expect 2 bench kernels "$recipes/tiny.yaml"
expect 2 bench compare old.json
expect 2 bench compare old.json new.json new.json
expect 2 bench compare old.json new.json --repeat 3
errs 'bench compare does not take --repeat'
expect 2 bench kernels --layers
expect 2 bench kernels --blas own
expect 2 bench step "$recipes/tiny.yaml" --filter conv
expect 2 bench step "$recipes/tiny.yaml" --repeat 0
expect 2 bench step "$recipes/tiny.yaml" --set nosuch=1
one_line
silent
expect 4 bench step nosuch.yaml
one_line
silent

if no_device; then
    finish
    exit
fi
expect 0 bench step "$recipes/tiny.yaml" --batch 9 --repeat 3 --warmup 1
says '^tiny, batch 9, on '
says '^  step  *[0-9.]* ms median, [0-9.]* ms minimum'
says '^  images/s  *[0-9.]*; in a row [0-9.]*$'
says '^  memory  *[0-9.]* MiB on the device$'
expect 0 bench step "$recipes/tiny.yaml" "$recipes/linear.yaml" --batch 9 --repeat 2 --warmup 1 --json --quiet
check "not one line a recipe" test "$(wc -l <"$out")" -eq 2
says '^{"bench": "step", "name": "tiny batch 9", "network": "tiny", "batch": 9, "images_per_s": [0-9.]*,'
says '"name": "linear batch 9".*"loss": [0-9.]*, "device_bytes": [0-9]*, .*"step_ms": [0-9.]*, "min_ms": [0-9.]*,'
says '"device": "..*", "driver": "'
cp "$out" step.json
expect 0 bench compare step.json step.json
check "a file differs from itself" test "$(grep -c 'no difference beyond noise$' "$out")" -eq 2

# What `summary` plans is what a step takes, to the byte, whoever computes the dense layers; beside four batches of images.
for blas in auto clblast; do
    expect 0 summary "$recipes/tiny.yaml" --set train.batch=9 --blas $blas --json
    planned=$(($(number total_bytes) + 4 * 9 * $(number data_image_bytes)))
    expect 0 bench step "$recipes/tiny.yaml" --batch 9 --repeat 1 --warmup 1 --blas $blas --json --quiet
    check "--blas $blas: $planned bytes were planned, $(number device_bytes) taken" test "$planned" = "$(number device_bytes)"
done

# What was flushed on the way is gone, but not why it could not be written.
if [ -w /dev/full ]; then
    ran="bench step tiny.yaml --json >/dev/full"
    code=0
    "$mien" bench step "$recipes/tiny.yaml" --batch 9 --repeat 2 --warmup 1 --json --quiet \
        >/dev/full 2>"$err" || code=$?
    check "exit code $code, expected 1" test "$code" -eq 1
    errs '^mien bench: cannot write the result to the standard output: No space left on device$'
    one_line
fi

expect 0 bench step "$recipes/tiny.yaml" --batch 9 --repeat 2 --warmup 1 --layers --json --quiet
says '^{"bench": "peak", "name": "peak arithmetic", "gflop_s": [1-9]'
says '"name": "tiny batch 9, conv2 backward data", "network": "tiny", "layer": "conv2", "pass": "backward data"'
says '"layer": "conv2", "pass": "backward filter"'
says '"layer": "batchnorm1+maxpool1", "pass": "forward"'
says '"layer": "batch", "pass": ""'
says '"layer": "loss", "pass": ""'
says '"layer": "optimizer", "pass": ""'
of() { # of NAME: the least milliseconds of that line
    sed -n "s/.*\"name\": \"$1\".*\"min_ms\": \([0-9.e-]*\),.*/\1/p" "$out"
}
check "the guard takes $(of 'tiny batch 9, guard') of $(of 'tiny batch 9') ms" \
    awk "BEGIN { exit !($(of 'tiny batch 9, guard') * 20 < $(of 'tiny batch 9')) }"
check "the first layer has no gradient of its input" test "$(grep -c 'conv1 backward data' "$out")" -eq 0
check "the step is not last" test "$(tail -n 1 "$out" | cut -c1-16)" = '{"bench": "step"'
expect 0 bench step "$recipes/linear.yaml" --batch 9 --repeat 2 --warmup 1 --layers --quiet --blas clblast
says '^  dense1 forward '
says '^  gaps between launches '

expect 0 bench kernels --filter 'softmax' --batch 9 --repeat 2 --warmup 1 --quiet
says '^softmax loss and gradient, 7 classes, batch 9 '
expect 0 bench kernels --filter '1x48x48 to 64x44x44 by 5x5, backward filter' --batch 9 --repeat 2 --warmup 1 --quiet
says 'backward filter, vector'
expect 0 bench kernels --filter '1x48x48 to 64x22x22' --batch 9 --repeat 2 --warmup 1 --quiet
says '^conv2d 1x48x48 to 64x22x22 by 5x5, forward with maxpool 2, [a-z]*, batch 9 '
expect 0 bench kernels --filter 'maxpool 32x44x44 to 22x22, ' --batch 9 --repeat 2 --warmup 1 --quiet
for pass in forward backward evaluation; do
    says "^batchnorm maxpool 32x44x44 to 22x22, $pass, batch 9 "
done
expect 0 bench kernels --filter '64x22x22 by 3x3 in ' --batch 9 --repeat 2 --warmup 1 --quiet
for groups in 4 64; do
    for pass in forward 'backward data' 'backward filter'; do
        says "^conv2d 64x22x22 to 64x22x22 by 3x3 in $groups groups, $pass, grouped, batch 9 "
    done
done
for kernel in 'relu 64x44x44' 'leakyrelu 64x44x44' 'sigmoid 64x44x44' 'silu 64x44x44' 'gelu 64x44x44' 'add 192x5x5' 'multiply 64x22x22' 'dropout 256x1x1'; do
    expect 0 bench kernels --filter "$kernel" --batch 9 --repeat 2 --warmup 1 --quiet
    says "^$kernel, forward, batch 9 "
    says "^$kernel, backward, batch 9 "
done
expect 0 bench kernels --filter 'batchnorm fold' --batch 9 --repeat 2 --warmup 1 --quiet
says '^batchnorm fold into 32 to 32 channels by 3x3, batch 9 '
says '^batchnorm fold into 256 to 256 channels by 3x3, batch 9 '
expect 0 bench kernels --filter 'optimizer adam, 356383' --batch 9 --repeat 2 --warmup 1 --json --quiet
check "not two peaks and a kernel" test "$(wc -l <"$out")" -eq 3
says '^{"bench": "kernel", "name": "optimizer adam, 356383 parameters, batch 9", "kind": "optimizer"'
finish
