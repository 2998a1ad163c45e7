# shellcheck shell=sh
# lib.sh - for tests that run the real program: sourced with the program's path as $1.
#
#   expect CODE ARGUMENT...      run mien; fail unless it exits with CODE; $out and $err keep its output
#   says PATTERN, errs PATTERN   fail unless the last output has a line with that basic regular expression
#   one_line                     fail unless stderr was exactly one line
#   silent                       fail unless stdout was empty
#   needs_device                 skip the test where there is no device, unless $MIEN_REQUIRE_DEVICE is set; no_device only asks
#   limit_files BLOCKS           in a subshell: no file may have more than so many blocks of ulimit -f
#   own_cache FOLDER             keep tuning and compiled programs in this folder; the self-test counts as made there
#   number NAME                  the value of that key in the JSON object that was printed last
#   targets_of FOLDER            print target distributions of its training images, for mien pack --targets
#   lanes_of RECIPE              the lanes that its activations have on the device
#   unoptimised                  with sanitizers PoCL compiles without optimisation, in a third of the time, from here on:
#                                for what is about neither numbers nor times
# Every failure is printed; the script ends with `finish`.

set -u
mien=$1
work=$(mktemp -d)
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
out=$work/.out
err=$work/.err
failures=0
checks=0
ran=""

# No device, terminal, cache or configuration of the person who runs the tests plays a part.
unset MIEN_DEVICE MIEN_MODEL
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:exitcode=99" UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:exitcode=99"

failed() {
    failures=$((failures + 1))
    {
        echo "FAILED: $*"
        echo "  after: mien $ran"
        sed 's/^/  stdout: /' "$out" 2>/dev/null | head -n 20
        sed 's/^/  stderr: /' "$err" 2>/dev/null | head -n 40
    } >&2
}

targets_of() {
    echo image,happy,sad,fear
    (cd "$1" && find train -name '*.png') | sort | awk '{ print $0 "," NR % 5 "," NR % 3 "," NR % 2 }'
}

# The counters of scripts/coverage are files too, and are to stay whole: they go elsewhere.
limit_files() {
    ulimit -f "$1"
    GCOV_PREFIX=$work/.counters
    export GCOV_PREFIX
}

expect() {
    want=$1
    shift
    ran=$*
    code=0
    timeout 120 "$mien" "$@" >"$out" 2>"$err" </dev/null || code=$?
    checks=$((checks + 1))
    [ "$code" -eq "$want" ] || failed "exit code $code, expected $want"
}

says() {
    checks=$((checks + 1))
    grep -q -e "$1" "$out" || failed "stdout has no line like: $1"
}

errs() {
    checks=$((checks + 1))
    grep -q -e "$1" "$err" || failed "stderr has no line like: $1"
}

one_line() {
    checks=$((checks + 1))
    [ "$(wc -l <"$err")" -eq 1 ] || failed "stderr is not one line"
}

silent() {
    checks=$((checks + 1))
    [ ! -s "$out" ] || failed "stdout is not empty"
}

number() {
    sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" "$out"
}

# check TEXT COMMAND...: fail with TEXT unless the command succeeds.
check() {
    text=$1
    shift
    checks=$((checks + 1))
    "$@" || failed "$text"
}

no_device() {
    "$mien" devices >/dev/null 2>&1
    [ $? -eq 3 ] && [ -z "${MIEN_REQUIRE_DEVICE:-}" ]
}
needs_device() {
    no_device && exit 77
    return 0
}

# What the self-test found is copied from the tests' cache, where it is made once, before all scripts.
own_cache() {
    mkdir -p "$1"
    cp -r "${MIEN_CACHE:-$HOME/.cache/mien}/selftest" "$1" || failed "no self-test was made"
    MIEN_CACHE=$1
    export MIEN_CACHE
}

lanes_of() {
    "$mien" summary "$1" | sed -n 's/^memory of .*(\([0-9]*\) lanes)$/\1/p'
}

unoptimised() {
    [ -z "${MIEN_SANITIZE:-}" ] || export POCL_EXTRA_BUILD_FLAGS=-cl-opt-disable
}

finish() {
    echo "$(basename "$0"): $((checks - failures)) passed, $failures failed"
    [ "$failures" -eq 0 ]
}
