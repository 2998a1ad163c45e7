#!/bin/sh
# refusals.sh - a device that has no memory left, refuses a kernel, or is gone; every OpenCL call refused in turn
#
# $MIEN_REFUSE_CL is the library that refuses them (tests/preload/refuse_cl.c).  Where MIEN_TORTURE is set,
# every call of a run is refused and every seventh of a self-test's, or, with MIEN_REFUSE_PART=2/5, the second, the seventh, ... of them; else some
# sixty, with as many between each two: those of another day are other ones.  $MIEN_REFUSE_DAY: the day, for the same ones
# again (of today, counted from 1970).
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(cd "$(dirname "$0")/../../recipes" && pwd)
[ -n "${MIEN_REFUSE_CL:-}" ] || {
    echo "MIEN_REFUSE_CL names no library to preload"
    exit 77
}
export ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0"
cd "$work" || exit 1

# refuse WISH CODE ARGUMENT...: as expect, with the wish as MIEN_REFUSE; $calls and $live are what was counted.
refuse() {
    wish=$1
    want=$2
    shift 2
    ran="$* (MIEN_REFUSE=$wish)"
    code=0
    rm -f .log
    timeout 120 env MIEN_REFUSE="$wish" MIEN_REFUSE_LOG="$work/.log" LD_PRELOAD="$MIEN_REFUSE_CL" \
        "$mien" "$@" >"$out" 2>"$err" </dev/null || code=$?
    checks=$((checks + 1))
    case " $want " in
    *" $code "*) ;;
    *) failed "exit code $code, expected $want" ;;
    esac
    read -r _ calls _ live <.log || failed "no log of the calls"
    checks=$((checks + 1))
    [ "$live" -eq 0 ] || failed "$live OpenCL objects were never released"
}

# choose STEP EVERY: the first call that is refused, in $n, and how many it is to the next, in $step; with MIEN_TORTURE
# each EVERYth.
choose() {
    step=$1
    n=$((day % step))
    if [ -n "${MIEN_TORTURE:-}" ]; then
        part=${MIEN_REFUSE_PART:-1/1}
        step=$((${part#*/} * $2))
        n=$(((${part%/*} - 1) * $2))
    fi
}

# whole FOLDER: nothing in it is half written or left over: each file that is there ends as it should, and each model can
# be read.  One that is, byte for byte, that of a run that is known to be whole is not read again, which takes a second.
whole() {
    check "a temporary file is left in $1" test -z "$(find "$1" -name '*.tmp-*' 2>/dev/null)"
    for file in "$1"/*; do
        case $file in
        *.safetensors) check "$file is half written" can_be_read "$file" ;;
        *.json) check "$file is half written" test "$(tail -c 1 "$file")" = "}" ;;
        *.csv | *.yaml) check "$file is half written" test -s "$file" -a -z "$(tail -c 1 "$file")" ;;
        esac
    done
}
can_be_read() {
    cmp -s "$1" "first/${1##*/}" || cmp -s "$1" "gone/${1##*/}" || "$mien" eval "$1" faces --quiet >/dev/null 2>&1
}

expect 0 synth faces --count 70 --quiet
run="train faces --recipe $recipes/tiny.yaml --batch 35 --epochs 2 --quiet --tuning none"

# Unhindered, twice: the second time nothing is compiled, as in all that follow.
# shellcheck disable=SC2086
for _ in 1 2; do
    rm -rf first
    refuse none:0:0 0 $run --out first
done
check "hardly any call was counted: $calls" test "$calls" -gt 200
all=$calls

# With CLBlast, which keeps programs of its own: released too.
# shellcheck disable=SC2086
refuse none:0:0 0 $run --blas clblast --out clblast

# What a driver says of each, in one line that names the call.
# shellcheck disable=SC2086
{
    refuse clCreateBuffer:3:-4 1 $run --out memory
    errs '^mien train: .*clCreateBuffer: CL_MEM_OBJECT_ALLOCATION_FAILURE'
    one_line
    check "a refused run made a folder" test ! -e memory/last.safetensors
    mkdir cache
    cp -r "${MIEN_CACHE:-$HOME/.cache/mien}/selftest" cache
    MIEN_CACHE=$work/cache refuse clBuildProgram:2:-11+ 1 $run --out kernel
    errs '^mien train: .*kernel.*clBuildProgram: CL_BUILD_PROGRAM_FAILURE'
    refuse clCreateKernel:1:-46 1 $run --out kernel
    errs '^mien train: .*clCreateKernel: CL_INVALID_KERNEL_NAME'
    refuse clEnqueueNDRangeKernel:20:-5 1 $run --out launch
    errs '^mien train: .* over .*clEnqueueNDRangeKernel: CL_OUT_OF_RESOURCES'
    one_line
    refuse clGetPlatformIDs:0:-1001+ 3 $run --out none
    errs 'no OpenCL'
    refuse clGetDeviceIDs:0:-1+ 3 $run --out none
    one_line
    check "a run without a device made a folder" test ! -e none
}

# The device goes in the second epoch: the first one's checkpoint stays, and ends in the same bits.
# shellcheck disable=SC2086
refuse "any:$((all * 3 / 4)):-2+" 1 $run --out gone
errs '^mien train: .*CL_DEVICE_NOT_AVAILABLE'
one_line
whole gone
expect 0 eval gone/last.safetensors faces --quiet
expect 0 eval gone/best.safetensors faces --quiet
check "no checkpoint is left" test -s gone/last.safetensors
expect 0 train --resume gone --quiet
check "the run that lost its device ended otherwise" cmp -s gone/last.safetensors first/last.safetensors

# Each call in turn.  Some may be refused without harm (what a cache or a profile asks for).
day=${MIEN_REFUSE_DAY:-$(($(date +%s) / 86400))}
echo "the calls of MIEN_REFUSE_DAY=$day"
choose $((all / 60 + 1)) 1
refused=0
harmless=0
while [ "$n" -lt "$all" ]; do
    rm -rf sweep
    # shellcheck disable=SC2086
    refuse "any:$n:-6" "0 1 3" $run --out sweep
    check "a sanitizer spoke" test -z "$(grep -l 'Sanitizer' "$err")"
    refused=$((refused + 1))
    if [ "$code" -eq 0 ]; then
        harmless=$((harmless + 1))
        check "call $n was refused, and other weights came of it" \
            cmp -s sweep/last.safetensors first/last.safetensors
    else
        errs '^mien train: '
    fi
    whole sweep
    n=$((n + step))
done
echo "$refused of $all calls of a run refused, $harmless of them without harm"

# The same of a first training, which makes the self-test before it: what is refused there is not taken for a fault of the
# device that lasts, and not kept.
mkdir proven
ln -s "${MIEN_CACHE:-$HOME/.cache/mien}/programs" proven/programs
MIEN_CACHE=$work/proven
export MIEN_CACHE
# shellcheck disable=SC2086
refuse none:0:0 0 $run --out proof
check "no self-test was made" test -d proven/selftest
before=$((calls - all))
check "the self-test makes hardly a call: $before" test "$before" -gt 500
choose $((before / 9)) 7
refused=0
harmless=0
while [ "$n" -lt "$before" ]; do
    rm -rf sweep proven/selftest
    # shellcheck disable=SC2086
    refuse "any:$n:-6" "0 1 3" ${run% --quiet*} --tuning none --out sweep
    refused=$((refused + 1))
    check "a sanitizer spoke" test -z "$(grep -l 'Sanitizer' "$err")"
    if [ "$code" -eq 0 ]; then
        harmless=$((harmless + 1))
    else
        errs '^mien train: '
    fi
    if grep -q -e 'kernels failed' -e '^mien train: self-test' "$err"; then
        check "call $n was refused, and that is remembered" test -z "$(find proven/selftest -type f 2>/dev/null)"
    fi
    check "a temporary file is left in the cache" test -z "$(find proven -name '*.tmp-*')"
    whole sweep
    n=$((n + step))
done
echo "$refused of $before calls of a self-test refused, $harmless of them without harm"
finish
