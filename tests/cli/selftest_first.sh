#!/bin/sh
# selftest_first.sh - the first training on a device, driver or version makes the self-test, and the next ones do not
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/support/plants.sh
. "$(dirname "$0")/../support/plants.sh"
cd "$work" || exit 1
plant_net
expect 0 synth faces --count 14 --quiet
train="train faces --recipe net.yaml --tuning none"

# proved, unproved: whether the command before made a self-test.
proved() {
    errs '^new device, driver or version of mien: a self-test first, '
    errs '^self-test of [0-9][0-9]* checks passed, [0-9.]* s$'
}
unproved() {
    check "a self-test was made" test "$(grep -c 'self-test' "$err")" -eq 0
}

# The first one makes it, before anything is written; the second one does not.
fresh
# shellcheck disable=SC2086
{
    expect 0 $train --out first
    proved
    kept=$(find cache/selftest -name '*.json')
    check "nothing is remembered" test -n "$kept"
    expect 0 $train --out second
    unproved
    check "the self-test changes the weights" cmp -s first/last.safetensors second/last.safetensors
    check "it counts as the run's memory" test "$(grep peak first/run.json)" = "$(grep peak second/run.json)"

    # What was found by another version, with another driver or other kernels does not count, and is found anew.
    cp "$kept" good.json
    sed 's/"mien": "/"mien": "9/' good.json >"$kept"
    expect 0 $train --out third --max-steps 1
    proved
    check "the file is another version's still" cmp -s good.json "$kept"
    sed 's/"device": "\(.*\)",$/"device": "\1.1",/' good.json >"$kept"
    expect 0 $train --out fourth --max-steps 1 --quiet --json
    check "stderr is not empty with --quiet" test ! -s "$err"
    check "one JSON object, one line" test "$(wc -l <"$out")" -eq 1
    check "the file is another driver's still" cmp -s good.json "$kept"

    # CLBlast is looked at before the first training that may use it: where own kernels compute dense layers its kernels,
    # which take long to compile, are no part of the first self-test.
    if grep -q '"products": false' "$kept"; then
        expect 0 $train --out clblast --max-steps 1 --blas clblast
        errs '^CLBlast was not looked at on this device: a self-test first, '
        check "more than one self-test" test "$(grep -c '^self-test of [0-9]* checks passed' "$err")" -eq 1
        check "it is not remembered" grep -q '"products": true' "$kept"
        expect 0 $train --out clblast-again --max-steps 1 --blas clblast
        unproved
        expect 0 $train --out own-again --max-steps 1
        unproved
    fi

    # Left out.
    rm "$kept"
    expect 0 $train --out fifth --max-steps 1 --no-selftest
    unproved
    check "something is remembered" test ! -e "$kept"

    # Nowhere to keep it: said, and no failure.
    rm -rf cache/selftest
    echo none >cache/selftest
    expect 0 $train --out sixth --max-steps 1
    proved
    errs '^the self-test is not remembered, and comes again (--no-selftest leaves it out): .*selftest'
    rm cache/selftest
}

# Other commands that train: once for all runs of a sweep.
expect 0 sweep faces --recipe net.yaml --set train.optimizer.rate=0.1,0.2 --out sweep --epochs 1 --tuning none
proved
check "more than one self-test" test "$(grep -c '^self-test of' "$err")" -eq 1
rm -rf cache/selftest
expect 0 find-rate faces --recipe net.yaml --out curve.png --steps 30 --tuning none
proved
expect 0 find-rate faces --recipe net.yaml --out curve.png --steps 30 --tuning none
unproved
rm -rf cache/selftest
expect 0 find-rate faces --recipe net.yaml --out curve.png --steps 30 --tuning none --no-selftest
unproved

# Others compute nothing that is trained with.
expect 0 eval first/last.safetensors faces
unproved

# Ctrl-C in the midst of it, where everything has to be compiled: nothing is begun, nothing kept.
rm -rf cache
mkdir cache
ran="$train --out cut, interrupted"
# shellcheck disable=SC2086
"$mien" $train --out cut >"$out" 2>"$err" </dev/null &
pid=$!
while kill -0 "$pid" 2>/dev/null && ! grep -q 'a self-test first' "$err"; do
    sleep 0.05
done
kill -INT "$pid"
code=0
wait "$pid" || code=$?
check "exit code $code, expected 130" test "$code" -eq 130
errs '^mien train: self-test: stopped'
check "a run was begun" test ! -e cut
check "an unfinished self-test is remembered" test ! -e cache/selftest

# A variant that is wrong is found by the first training alone, and not used in it.  Where a device has one
# variant there is nothing to fall back to.
uses() { # uses FOLDER: how many lines of its checkpoint have a convolution's forward pass by Winograd
    grep -ac 'forward[^}]*winograd' "$1/last.safetensors"
}
if [ "$(uses first)" -gt 0 ]; then
    fresh conv2d_winograd
    # shellcheck disable=SC2086
    planted 'const vec v = out[r] + (first' 'const vec v = out[r] * 1.001f + (first' $train --out avoided
    check "exit code $code, expected 0" test "$code" -eq 0
    errs '^self-test: [1-9] of [0-9]* kernels failed, [0-9.]* s; .mien selftest. tells more$'
    check "it is not said once" test "$(grep -c '^conv2d forward, winograd failed the self-test on this device: it is not used$' "$err")" -eq 1
    check "the variant that failed is used" test "$(uses avoided)" -eq 0
    check "what failed is not remembered" grep -q winograd "$(find cache/selftest -name '*.json')"
    # shellcheck disable=SC2086
    expect 0 $train --out again
    errs '^conv2d forward, winograd failed the self-test on this device: it is not used$'
    check "a self-test was made again" test "$(grep -c '^self-test' "$err")" -eq 0
fi

# Where own kernels get dense layers wrong CLBlast computes them, and is looked at too before it does.
if [ "$(uses first)" -gt 0 ]; then
    fresh dense_vector
    # shellcheck disable=SC2086
    planted 'VSTORE(acc[a][b], (b0 + b) * out + o0 + a, sums);' \
        'VSTORE(acc[a][b] * 1.001f, (b0 + b) * out + o0 + a, sums);' $train --out by-clblast
    check "exit code $code, expected 0" test "$code" -eq 0
    errs '^CLBlast was not looked at on this device: a self-test first, '
    errs '^dense forward, own failed the self-test on this device: it is not used$'
    check "not both are remembered" grep -q '"products": true' "$(find cache/selftest -name '*.json')"
fi

# So it is before a run goes on that keeps CLBlast for a dense layer, whatever the table says by then.
if [ "$(uses first)" -gt 0 ]; then
    fresh
    expect 0 tune net.yaml --seconds 1 --export table.json --quiet
    sed '/^  {/d; /^\]}/d' table.json >dense.json
    printf '  {"op": "dense", "n": 7, "in": 16, "out": 7, "lanes": %s, "variant": "clblast", "ms": 1, "default_ms": 2}\n]}\n' \
        "$(lanes_of net.yaml)" >>dense.json
    rm -rf cache/tuning
    expect 0 train faces --recipe net.yaml --out kept --max-steps 1 --tuning dense.json
    proved
    check "the table's choice counts for nothing" grep -q '"products": true' "$(find cache/selftest -name '*.json')"
    rm -rf cache/selftest
    # shellcheck disable=SC2086
    expect 0 $train --out own --max-steps 1
    proved
    expect 0 train --resume kept
    errs '^CLBlast was not looked at on this device: a self-test first, '
    expect 0 train --resume kept --epochs 2
    unproved
fi

# What nothing else computes ends it, in every command that needs it.
fresh pool
# shellcheck disable=SC2086
planted 'VSTORE(relu_on ? relu(best) : best, row * wo + xo, y);' \
    'VSTORE((relu_on ? relu(best) : best) * 1.001f, row * wo + xo, y);' $train --out wrong
check "exit code $code, expected 1" test "$code" -eq 1
errs '^mien train: maxpool forward computes wrong numbers on this device, and nothing else computes the same'
check "a run was begun" test ! -e wrong/last.safetensors
expect 1 find-rate faces --recipe net.yaml --out wrong.png --steps 30
errs '^mien find-rate: maxpool forward computes wrong numbers on this device'
expect 1 sweep faces --recipe net.yaml --set train.optimizer.rate=0.1,0.2 --out wrong --epochs 1
errs '^mien sweep: maxpool forward computes wrong numbers on this device'
finish
