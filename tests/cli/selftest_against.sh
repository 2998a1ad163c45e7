#!/bin/sh
# selftest_against.sh - the same steps on two devices, and one of them with a kernel that is wrong
#
# PoCL can show the CPU as two devices.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
cat >net.yaml <<'END'
name: net
input: { channels: 1, height: 6, width: 5 }
layers: [ flatten, dense 11, relu, dense classes ]
train: { batch: 6, epochs: 1, optimizer: { rate: 0.1, momentum: 0.9 } }
END

expect 2 selftest --against 0:0
errs 'selftest: --against is for a RECIPE, and none is named'
expect 2 selftest net.yaml --against 0:0 --quick
errs 'selftest: --quick is not for --against'
expect 2 selftest net.yaml --against 0:0 --filter conv
one_line
expect 2 selftest net.yaml --steps 2
errs 'selftest: --steps is for --against'
expect 2 selftest net.yaml --against 0:0 --steps 0
expect 4 selftest nosuch.yaml --against 0:0
one_line
silent

POCL_DEVICES="pthread basic"
export POCL_DEVICES
unset MIEN_DEVICE
devices=$("$mien" devices 2>/dev/null | sed -n 's/^[* ] \([0-9]*:[0-9]*\)  cpu  .*/\1/p')
first=$(echo "$devices" | tail -n 1)
second=$(echo "$devices" | head -n 1)
if [ "$first" = "$second" ]; then
    echo "there are no two devices"
    finish && exit 77
    exit 1
fi
expect 3 selftest net.yaml --device "$first" --against 99:0 --quiet
one_line

# Two devices of one driver add in the same order.
expect 0 selftest net.yaml --device "$first" --against "$second" --quiet
says '^layer  *gradient  *step  *weights$'
says '^dense1  *[0-9.e+-]*  *[123]  *[0-9.e+-]*  passed$'
says '^dense2  *[0-9.e+-]*  *[123]  *[0-9.e+-]*  passed$'
says '^3 steps on .* and .*: at most [0-9.e+-]* apart, 1.0e-03 is allowed$'
check "a layer without parameters has a line" test "$(wc -l <"$out")" -eq 4
expect 0 selftest net.yaml --device "$first" --against "$second" --quiet --json --steps 2 --set train.batch=3
check "one JSON object, one line" test "$(wc -l <"$out")" -eq 1
says '^{"passed": true, "steps": 2, "tolerance": 0.001, "loss": [0-9.e-]*, "layers": \[{"layer": "dense1", "gradient": [0-9.e-]*, "step": [12], "weights": [0-9.e-]*}, '
says '"against": {"device": "..*", "driver": "..*"}, "device": "..*", "driver": "..*"}$'

# What the first device needs is built right, and what the second one needs is not: of the two programs with the softmax
# only the second has the fault.
[ -n "${MIEN_PLANT_CL:-}" ] || {
    echo "MIEN_PLANT_CL names no library to preload"
    finish && exit 77
    exit 1
}
# shellcheck source=tests/support/plants.sh
. "$(dirname "$0")/../support/plants.sh"
MIEN_CACHE=$work/cache # where no program is, so that both are made from their source
MIEN_PLANT_SKIP=1
export MIEN_CACHE MIEN_PLANT_SKIP
expect 0 selftest net.yaml --device "$first" --against "$first" --quiet
says '^3 steps on .*: at most 0.0e+00 apart'
planted 'dlogits[base + c * LANES] = (mass * p - q) * share;' \
    'dlogits[base + c * LANES] = (mass * p - q) * share * 1.01f;' \
    selftest net.yaml --device "$first" --against "$second" --quiet
check "exit code $code, expected 1" test "$code" -eq 1
says '^dense1 .*  FAILED$'
says '^dense2 .*  FAILED$'
says '^3 steps on .* and .* are too far apart: 1.0e-03 is allowed$'
errs '^mien selftest: .* and .* do not compute the same'
finish
