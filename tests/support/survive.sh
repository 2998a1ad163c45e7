# shellcheck shell=sh
# survive.sh - what survive.sh and survive_mounts.sh share: data, a run that nothing happens to, and what is left of others
#
# Sourced behind lib.sh, in the folder to work in.
cat >wide.yaml <<'END'
name: wide
input: { channels: 1, height: 48, width: 48 }
layers: [ conv 6 3x3 stride 2, flatten, dense 16, dense classes ]
train: { batch: 50, epochs: 4, optimizer: { rate: 0.001, momentum: 0.9 } }
END
expect 0 synth faces --count 350 --quiet
train="train faces --recipe wide.yaml --quiet --tuning none"
# shellcheck disable=SC2086
expect 0 $train --out whole

# failed_with TEXT FOLDER: the run before failed so, in one line; its checkpoint is whole, nothing half written is there.
failed_with() {
    one_line
    errs "^mien train: .*$1"
    check "a temporary file is left in $2" test -z "$(find "$2" -name '*.tmp-*' 2>/dev/null)"
    [ ! -e "$2/last.safetensors" ] || expect 0 eval "$2/last.safetensors" faces --quiet
}

# same FOLDER: gone on with, a run ends in the bits of one that nothing happened to.
same() {
    expect 0 train --resume "$1" --quiet
    check "$1 ended otherwise" cmp -s "$1/last.safetensors" whole/last.safetensors
}
