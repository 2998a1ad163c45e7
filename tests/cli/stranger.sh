#!/bin/sh
# stranger.sh - a file from a stranger is data: whatever names it holds, reading it writes nowhere, runs nothing, and tells the
# terminal nothing
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
needs_device
changed=$(realpath "$(dirname "$0")/stranger_file.py")
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
# No control character reaches the terminal, of ASCII or of UTF-8's C1, and no line is made of what a name says.
c1=$(printf '\302[\200-\237]')
plain() {
    for stream in "$out" "$err"; do
        check "a control character reaches the terminal" \
            test -z "$(tr -d '\n' <"$stream" | LC_ALL=C grep -a -e '[[:cntrl:]]' -e "$c1")"
        check "a name begins a line" test -z "$(grep -a '^ *FAKE' "$stream")"
    done
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
    plain
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

# Names that would speak to the terminal, and make lines of their own: of a recipe, which has none of them, of classes and
# files, of a packed set, of a measurement, and of a step to replay.
cd "$work" || exit 1
evil=$(printf 'a\033]0;mine\007\nFAKE \302\23331m\r\177z')
cp -r faces evil
mv evil/train/angry "evil/train/$evil"
mv evil/validation/angry "evil/validation/$evil"
set -- evil/train/sad/*.png
cp "$1" "evil/train/$evil/copy.png" # an image under two labels
cp "$1" "$evil.png"
cat >evil.yaml <<'END'
name: evil
input: { channels: 1, height: 48, width: 48 }
layers: [ maxpool 4, flatten, dense classes ]
train: { batch: 7, epochs: 1, optimizer: { rate: 0.1 } }
END
# shows ARGUMENT..., refuses ARGUMENT...: mien, which comes through or refuses the file.
shows() { prints 0 "$@"; }
refuses() { prints 4 "$@"; }
prints() {
    expect "$@"
    plain
}
printf 'name: "r\\e[31m\\nFAKE \\x9b2J"\n' >name.yaml
refuses summary name.yaml
shows summary evil.yaml
shows check evil
shows check evil --json
shows pack evil evil.safetensors
"$changed" evil.safetensors nameless.safetensors -names
shows check nameless.safetensors
says '(a?]0;mine??FAKE ?31m??z) = '
shows train evil --recipe evil.yaml --out evil-run --tuning none
best="evil-run/best.safetensors"
shows eval "$best" evil
shows eval "$best" evil.safetensors --json
shows eval "$best" evil-run/last.safetensors evil
refuses eval "$best" faces
shows predict "$best" "$evil.png" "$image"
shows predict "$best" "$evil.png" --json
shows explain "$best" "$evil.png" --out explained
shows export "$best" evil-weights.safetensors
shows export "$best" --c evil-c
shows import evil-weights.safetensors --recipe evil.yaml --out evil-import.safetensors --classes a,b,c,d,e,f,g
shows report evil-run
shows report evil-run/report.json --out evil.html
shows selftest "$best" --quick --filter softmax
printf '{"name": "b\\u001b[31m\\nFAKE \\u009b2J", "median_ms": 1}\n' >evil.json
shows bench compare evil.json evil.json
says '^b?\[31m?FAKE ?2J '
printf '{"name": "only\\u001b[31m\\nFAKE", "median_ms": 1}\n' >other.json
shows bench compare evil.json other.json
shows augment evil.safetensors --recipe evil.yaml --out sheet.png
shows train evil --recipe evil.yaml --init evil-import.safetensors --out evil-again --tuning none
shows train faces --recipe evil.yaml --init "$best" --out evil-other --tuning none
shows train --resume evil-run --epochs 2
sed -i 's/"name": "[^"]*"/"name": "d\\u001b[31m\\nFAKE"/; s/"driver": "[^"]*"/"driver": "\\u009b2J"/' evil-run/run.json
shows train --resume evil-run --epochs 3
errs 'd?\[31m?FAKE'
expect 1 train faces --recipe net.yaml --out lost --set train.optimizer.rate=1000 --set train.optimizer.weight_decay=10 \
    --batch 1 --epochs 30 --tuning none --quiet
check "no step was lost" test -s lost/replay.safetensors
"$changed" lost/replay.safetensors replay.safetensors \
    'device=d\x1b]0;mine\x07' 'driver=\nFAKE \x9b2J' 'found=f\r\nFAKE \x7f'
prints 1 train --replay replay.safetensors
says '^the run on d?]0;mine? (driver ?FAKE ?2J): f??FAKE ?$'
prints 1 train --replay replay.safetensors --json
finish
