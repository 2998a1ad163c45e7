#!/bin/sh
# selftest_faults.sh - faults that a broken compiler makes in kernels: selftest finds each, and names the kernel
#
# Where MIEN_TORTURE is set, also in a product of CLBlast, which is slow to compile.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/support/plants.sh
. "$(dirname "$0")/../support/plants.sh"
MIEN_CACHE=$work/cache # of programs that were built right, and of those that are not
export MIEN_CACHE

# plant FIND WITH ARGUMENT...: planted, with nothing compiled before.
plant() {
    rm -rf "$MIEN_CACHE"
    mkdir "$MIEN_CACHE"
    planted "$@"
}

# fault FIND WITH OPERATION KERNEL TEXT: the kernel, and how many besides, is named with what is wrong with it.
fault() {
    plant "$1" "$2" selftest --quick --filter "$3"
    checks=$((checks + 1))
    [ "$code" -eq 1 ] || failed "exit code $code, expected 1"
    says "^$4  .* FAILED$"
    says "^  [12] of [12] failed, the worst with .*: $5"
    says '^[1-9] of [0-9]* kernels FAILED on '
    errs '^mien selftest: [1-9] of [0-9]* kernels do not compute what plain C does'
}

# Not planted: the same run is right.
plant '__kernel' '__kernel' selftest --quick --filter relu
check "what was left as it is fails" test "$code" -eq 0

store='VSTORE(relu(VLOAD(i, x)), i, y)'
fault "$store" 'VSTORE(relu(VLOAD(i > 0 ? i - 1 : 0, x)), i, y)' relu 'relu forward' 'wrong: y: number '
check "the kernel beside it is said to fail" test "$(grep -c 'FAILED$' "$out")" -eq 1
fault 'VSTORE(relu_on ? relu(best) : best, row * wo + xo, y);' \
    'if (row * wo + xo + 1 < rows * wo) { VSTORE(relu_on ? relu(best) : best, row * wo + xo, y); }' \
    maxpool 'maxpool forward' 'unwritten: y: [0-9]* of [0-9]* numbers were not written'
fault 'VSTREAM(which == own ? passed : (vec)(0.0f), (plane * h + r) * w + c, dx);' \
    'VSTREAM(which == own ? passed * 0.5f : (vec)(0.0f), (plane * h + r) * w + c, dx);' \
    maxpool 'maxpool backward' 'wrong: dx: number '
check "the other form of it is said to fail" grep -q '^  1 of 2 failed, .* by 2x2 ' "$out"
fault 'VSTORE(relu_on ? relu(best) : best, row * wo + xo, y);' 'VSTORE(winner ? best : best * 0.5f, row * wo + xo, y);' \
    maxpool 'maxpool evaluation' 'wrong: y: number '
fault 'VSTORE(b, i, momentum_state)' 'VSTORE(b * 1.001f, i, momentum_state)' sgd sgd 'wrong: momentum'
fault 'dlogits[base + c * LANES] = (mass * p - q) * share;' \
    'dlogits[base + c * LANES] = i == 3 && c == 1 ? NAN : (mass * p - q) * share;' softmax 'softmax loss' 'not finite: '
fault "$store" "$store; if (i + 1 == count) { VSTORE((vec)(0.0f), count, y); }" relu 'relu forward' \
    'outside: y: byte [0-9]* behind its [0-9]* bytes was written'

# --json says the same, and the run of twelve steps is wrong where one of its kernels is.
plant 'VSTORE(b, i, momentum_state)' 'VSTORE(b * 1.001f, i, momentum_state)' selftest --quick --filter 'training run' --json
check "exit code $code, expected 1" test "$code" -eq 1
says '^{"passed": false, "checks": 1, "failed": 1, .*"kernel": "training run".*"fault": "wrong".*loss of step [0-9]*: got '

if [ -n "${MIEN_TORTURE:-}" ]; then
    fault 'realM xval = c_value;' 'realM xval = c_value * 1.001f;' dense 'dense backward filter, clblast' 'wrong: dweight'
    check "mien's own products fail" test "$(grep -c 'own .*FAILED$' "$out")" -eq 0
fi
finish
