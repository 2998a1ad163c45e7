#!/bin/sh
# python.sh - the snippets of docs/python.md do what they say
#
# Needs Python with numpy; a snippet whose packages are not there is left out, and told.  Skipped (77)
# where that leaves none.  MIEN_PYTHON names the interpreter.
set -u
python=${MIEN_PYTHON:-python3}
if ! "$python" -c 'import numpy' 2>/dev/null; then
    echo "$python has no numpy; MIEN_PYTHON may name another"
    exit 77
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
root=$(pwd)
cd "$work" || exit 1

expect 0 synth faces --count 140
expect 0 pack faces faces.safetensors --quiet
expect 0 train faces.safetensors --recipe "$root/recipes/tiny.yaml" --out run --epochs 2 --quiet
cp faces/validation/happy/000003.png face.png
mkdir bin
ln -s "$mien" bin/mien
PATH=$work/bin:$PATH
onnx=yes
"$mien" export run/best.safetensors faces.onnx --normalize --softmax --quiet >/dev/null 2>"$err" ||
    { grep -q 'built without ONNX' "$err" && onnx=no; } || failed "no ONNX"

# Block N of the page is snippet-N.py.
awk '/^```python$/ { inside = 1; n++; next } /^```$/ { inside = 0 }
     inside { print > ("snippet-" n ".py") }' "$root/docs/python.md"
count=$(find . -maxdepth 1 -name 'snippet-*.py' | wc -l)
check "six snippets or more" test "$count" -ge 6
left_out=0
n=0
while [ "$n" -lt "$count" ]; do
    n=$((n + 1))
    modules=$(sed -n 's/^import \([a-zA-Z0-9_]*\).*/\1/p; s/^from \([a-zA-Z0-9_.]*\) import.*/\1/p' snippet-$n.py)
    for module in $modules; do
        if ! "$python" -c "import $module" 2>/dev/null; then
            echo "left out: snippet $n wants $module"
            modules=""
        fi
    done
    if [ -z "$modules" ] || { [ $onnx = no ] && grep -q faces.onnx snippet-$n.py; }; then
        left_out=$((left_out + 1))
        continue
    fi
    ran="snippet $n of docs/python.md"
    checks=$((checks + 1))
    "$python" snippet-$n.py >"$out" 2>"$err" || failed "it does not run"
    case $(cat snippet-$n.py) in
    *read_safetensors*) says '^-\{0,1\}[0-9.e-]* 2$' ;;
    *run/best.safetensors*framework*)
        says '^conv1.weight (8, 1, 5, 5) float32$'
        says "^\['angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise'\]$"
        says '^  - conv 8 5x5'
        ;;
    *'"faces.safetensors", framework'*)
        says '^(168, 48, 48, 1) uint8$'
        says '^disgust 20 4$'
        says '^train/angry/000000.png$'
        ;;
    *noise.safetensors*)
        expect 0 check noise.safetensors
        says '^noise.safetensors: 60 images, 2 classes$'
        says '^all  *50  *10$'
        ;;
    *onnxruntime*)
        sort -k 1,1 "$out" >theirs
        expect 0 predict run/best.safetensors face.png --json --quiet
        sed 's/.*"probabilities": \[\([^]]*\)\].*/\1/' "$out" | tr -d ' ' | tr ',' '\n' >ours
        check "seven classes" test "$(wc -l <theirs)" -eq 7
        # Classes are sorted by name on both sides.
        paste -d ' ' theirs ours | awk '{ d = $2 - $3; if (d > 0.0001 || d < -0.0001) exit 1 }' ||
            failed "other probabilities than those of mien predict"
        ;;
    *history.csv*) says '^[12] 0\.[0-9]*$' ;;
    *) failed "nothing is known of this snippet" ;;
    esac
done
if [ "$left_out" -eq "$count" ]; then
    echo "every snippet wants a package that is not there"
    exit 77
fi
finish
