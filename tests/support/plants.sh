# shellcheck shell=sh
# plants.sh - for tests that run the program with a fault in a kernel: sourced behind tests/cli/lib.sh
#
#   planted FIND WITH ARGUMENT...  run mien where the first text FIND of a kernel's source became WITH; $code, $out and $err
#   fresh [SOURCE]                 a cache without a self-test, with all programs but those of one source
#   plant_net                      write net.yaml, which takes Winograd, matrix products and both kinds of pooling
#
# $MIEN_PLANT_CL is the library that plants (tests/preload/plant_cl.c); without it the test is skipped.

[ -n "${MIEN_PLANT_CL:-}" ] || {
    echo "MIEN_PLANT_CL names no library to preload"
    exit 77
}
needs_device
export ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0"
right=${MIEN_CACHE:-$HOME/.cache/mien} # what was compiled without a fault

planted() {
    find=$1
    with=$2
    shift 2
    ran="$* (planted: $with)"
    code=0
    timeout 300 env MIEN_PLANT_FIND="$find" MIEN_PLANT_WITH="$with" LD_PRELOAD="$MIEN_PLANT_CL" \
        "$mien" "$@" >"$out" 2>"$err" </dev/null || code=$?
    check "nothing was planted" grep -q '^plant_cl: planted$' "$err"
}

fresh() {
    rm -rf "$work/cache"
    mkdir "$work/cache"
    [ ! -d "$right/programs" ] || cp -al "$right/programs" "$work/cache/programs" 2>/dev/null ||
        cp -r "$right/programs" "$work/cache/programs"
    [ -z "${1:-}" ] || rm -f "$work/cache/programs/$1"-*
    MIEN_CACHE=$work/cache
    export MIEN_CACHE
}

plant_net() {
    cat >net.yaml <<'END'
name: net
input: { channels: 1, height: 48, width: 48 }
layers: [ maxpool 2, conv 16 1x1, relu, conv 16 3x3 pad 1, relu, avgpool 24, flatten, dense classes ]
train: { batch: 7, epochs: 1, optimizer: { rate: 0.1 } }
END
}
