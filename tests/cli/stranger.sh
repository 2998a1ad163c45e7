#!/bin/sh
# stranger.sh - a model from a stranger is data: whatever names it holds, reading it writes nowhere and runs nothing
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
needs_device
cd "$work" || exit 1
cat >net.yaml <<'END'
name: "../../up $(touch ran) `touch ran`; touch ran | %n%s%99999d /x"
input: { channels: 1, height: 48, width: 48 }
layers: [ maxpool 4, flatten, dense classes ]
train: { batch: 7, epochs: 1, optimizer: { rate: 0.1 } }
END
expect 0 synth faces --count 14 --quiet
expect 0 train faces --recipe net.yaml --out run --quiet --tuning none
# shellcheck disable=SC2016 # names, not to be expanded
expect 0 import run/best.safetensors --recipe net.yaml --out model.safetensors --quiet \
    --classes "../../x,$work/abs/y,%n%s%n%99999d,\$(touch ran),\`touch ran\`;touch ran,|touch ran,--out=ran"
check "the names are not in the file" grep -aq 'touch ran' model.safetensors

# Where it runs, its home and its temporary files: each file with its size and time, before and after.
mkdir place home tmp abs
cp model.safetensors run/best.safetensors place
HOME=$work/home
TMPDIR=$work/tmp
export HOME TMPDIR
unset XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME
image=$(find "$work/faces/validation" -name '*.png' | head -n 1)
cd place || exit 1
watched() {
    find "$work" ! -path "$work/.out" ! -path "$work/.err" ! -path "$work" ! -path "$work/.before" ! -path "$work/.after" \
        -printf '%p %y %s %T@ %m\n' | sort
}
# reads ARGUMENT..., reads_not ARGUMENT...: mien, which comes through, or refuses the file, and leaves everything as it was.
reads() { leaves 0 "$@"; }
reads_not() { leaves 4 "$@"; }
leaves() {
    watched >"$work/.before"
    expect "$@"
    watched >"$work/.after"
    check "files were made, changed or removed: $(diff "$work/.before" "$work/.after" | head -n 3)" \
        cmp -s "$work/.before" "$work/.after"
    check "a control character reaches the terminal" test -z "$(tr -d '\n\t' <"$err" | grep -a '[[:cntrl:]]')"
}
reads predict model.safetensors "$image"
says 'touch ran'
reads predict model.safetensors "$image" --json
reads eval best.safetensors ../faces --quiet
reads eval best.safetensors ../faces --json --quiet
reads selftest model.safetensors --quick --filter softmax
# The classes of the data are other ones; a recipe is asked for.
reads_not eval model.safetensors ../faces --quiet
errs 'touch ran'
reads_not summary model.safetensors
reads_not train --replay model.safetensors
finish
