#!/bin/sh
# find_rate.sh - find-rate: a curve, the rates it speaks for, stopping, and what is refused
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1

expect 0 synth faces --count 350 --quiet
tiny="--recipe $recipes/tiny.yaml"
cat >deep.yaml <<'END'
input: { channels: 1, height: 9, width: 9 }
normalize: { mean: -1000, std: 0.000001 }
layers: [ flatten, dense 8, dense 8, dense 8, dense classes ]
END
# shellcheck disable=SC2086 # an option and its value
{
    expect 0 find-rate faces $tiny --out curve.png --steps 80 --to 3
    says '^curve.png: [0-9]* steps from a rate of 1e-05 to [0-9.]*; \(all steps done\|the loss diverged\)$'
    says '^  --rate 0\.[0-9]*  *where the loss falls most steeply$'
    says '^  --rate 0\.[0-9]*  *a tenth of [0-9.]*, where it is lowest'
    errs '^tiny: 80 steps at rates from 1e-05 to 3, or until the loss diverges$'
    check "no PNG" test "$(head -c 4 curve.png | tail -c 3)" = PNG
    expect 0 find-rate faces $tiny --out again.png --steps 80 --to 3 --quiet --json
    check "not the same twice" cmp -s curve.png again.png
    check "one JSON object, one line" test "$(wc -l <"$out")" -eq 1
    says '^{"curve": "again.png", "ended_because": "[a-z ]*", "steps": [0-9]*, "steepest": [0-9.e-]*, "lowest": [0-9.e-]*, "tenth_of_lowest": [0-9.e-]*, "still_falling": \(true\|false\), "recipe_rate": 0.0[0-9]*, "points": \[{"rate": '
    says '{"rate": 1e-5, "loss": [0-9.]*, "smoothed": [0-9.]*}, {"rate": 1.17[0-9]*e-5, '
    says '"device": ".*", "driver": ".*"}$'
    steps=$(sed 's/.*"steps": \([0-9]*\).*/\1/' "$out")
    check "a point for each of $steps steps" test "$(tr '{' '\n' <"$out" | grep -c '^"rate"')" -eq "$steps"
    expect 0 find-rate faces $tiny --out seeded.png --steps 30 --to 3 --quiet --seed 2
    expect 0 find-rate faces $tiny --out seed1.png --steps 30 --to 3 --quiet
    check "a seed changes nothing" test "$(cmp seed1.png seeded.png >/dev/null; echo $?)" -eq 1

    # A loss that does not fall, that diverges, that is lost at once.
    expect 0 find-rate faces $tiny --out flat.png --steps 30 --from 1e-12 --to 1e-9 --quiet --json
    says '"steepest": null, "lowest": null, "tenth_of_lowest": null, "still_falling": false'
    expect 0 find-rate faces --recipe "$recipes/linear.yaml" --out high.png --steps 40 --to 1000
    says '; the loss diverged$'
    expect 1 find-rate faces --recipe deep.yaml --out none.png --from 999 --to 1000 --quiet
    errs 'the loss is not finite in the first steps, from a rate of 999 on: try a smaller --from'
    one_line
    silent
}

# From given weights the losses are others.
expect 0 train faces --recipe "$recipes/tiny.yaml" --out run --epochs 1 --quiet
# shellcheck disable=SC2086 # an option and its value
expect 0 find-rate faces $tiny --out init.png --steps 30 --to 3 --quiet --init run/last.safetensors
check "the weights play no part" test "$(cmp seed1.png init.png >/dev/null; echo $?)" -eq 1

# Stopped, the curve so far is drawn.
for signal in INT TERM; do
    ran="find-rate, stopped by $signal"
    : >"$err"
    # shellcheck disable=SC2086 # an option and its value
    "$mien" find-rate faces $tiny --out stop.png --steps 100000 --from 1e-6 --to 1e-3 >"$out" 2>"$err" </dev/null &
    pid=$!
    tries=0
    while ! grep -q 'until the loss diverges' "$err" && [ $tries -lt 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -s $signal $pid
    code=0
    wait $pid || code=$?
    checks=$((checks + 1))
    [ "$code" -eq 130 ] || failed "exit code $code, expected 130"
    errs '^mien find-rate: stopped; stop.png has the curve so far$'
    says '^stop.png: [0-9]* steps from a rate of 1e-06 to [0-9.e-]*; interrupted$'
    check "no curve" test -s stop.png
    rm -f stop.png
done

# What is refused, before anything is written.
refuse() {
    code=$1
    pattern=$2
    shift 2
    expect "$code" find-rate "$@" --quiet
    errs "$pattern"
    one_line
    silent
}
# shellcheck disable=SC2086 # an option and its value
{
    refuse 2 'DATA is missing' $tiny --out none.png
    refuse 2 "[-]-out: 'none.svg' does not end in .png" faces $tiny --out none.svg
    refuse 2 '[-]-from 0.1 is not below --to 0.1' faces $tiny --out none.png --from 0.1 --to 0.1
    refuse 2 "[-]-from: '0'" faces $tiny --out none.png --from 0
    refuse 2 "[-]-steps: '29'" faces $tiny --out none.png --steps 29
    refuse 4 'nosuch' nosuch $tiny --out none.png
    refuse 4 'nosuch.safetensors' faces $tiny --out none.png --init nosuch.safetensors
}
check "something was written" test "$(find . -name 'none*' | wc -l)" -eq 0
finish
