#!/bin/sh
# predict.sh - predict: one image, many, folders; and images that are none
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1

expect 0 synth faces --count 140
expect 0 train faces --recipe "$recipes/tiny.yaml" --out run --epochs 1 --quiet
model=run/last.safetensors
[ -f $model ] || { finish; exit 1; } # nothing below can work
image=$(find faces/validation/happy -name '*.png' | sort | head -n 1)
second=$(find faces/validation/sad -name '*.png' | sort | head -n 1)

# One image: a table of all classes, the most probable first.
expect 0 predict $model "$image"
says "^$image$"
check "a line for each class" test "$(grep -c '^  [a-z]*  *[0-9.]* %' "$out")" -eq 7
grep '^  ' "$out" | sed 's/ %.*//; s/.* //' >shares
check "not sorted" sort -rnc shares
errs '^device: '
expect 0 predict $model "$image" --top 3 --quiet
check "a line for each of three classes" test "$(wc -l <"$out")" -eq 4
check "a quiet command still has notices" test ! -s "$err"
expect 0 predict $model "$image" --top 100
check "a line for each class" test "$(wc -l <"$out")" -eq 8

# Many: a line each, in the order given.
expect 0 predict $model "$second" "$image"
check "a line for each image" test "$(wc -l <"$out")" -eq 2
check "the order is another" test "$(sed 's/ .*//' "$out" | tr '\n' ' ')" = "$second $image "
says "^$image  *[a-z]*  *[0-9]*\.[0-9] %$"
expect 0 predict $model "$second" "$image" --top 2
says "^$image  *[a-z]*  *[0-9]*\.[0-9] %  *[a-z]*  *[0-9]*\.[0-9] %$"

# A folder: all of its images, sorted; more than one batch of 150.
expect 0 predict $model faces --quiet
find faces -name '*.png' | LC_ALL=C sort >sorted
sed 's/ .*//' "$out" >told
check "the images of the folder, sorted" cmp -s sorted told
check "168 of them" test "$(wc -l <told)" -eq 168

expect 0 predict $model faces --json --quiet
check "one JSON object, one line" test "$(wc -l <"$out")" -eq 1
says '^{"classes": \["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"\], "predictions": \[{"file": "'
says '{"file": "[^"]*", "class": "[a-z]*", "probability": [0-9.e-]*, "probabilities": \[[0-9., e-]*\]}'
says '"failed": \[\], "device": ".*", "driver": ".*"}$'
check "168 predictions" test "$(tr '{' '\n' <"$out" | grep -c '"file": "faces/')" -eq 168
# A prediction is the same alone and among others.
tr '{' '\n' <"$out" | grep "\"$image\"" | sed 's/.*"class": "\([a-z]*\)".*/\1/' >among
expect 0 predict $model "$image" --json --quiet
sed 's/.*"class": "\([a-z]*\)", "probability".*/\1/' "$out" >alone
check "another class alone than among others" cmp -s among alone

# Images that cannot be read are named, and the others predicted.
: >empty.png
echo "hello" >text.png
head -c 100 "$image" >cut.png
mkdir -p hollow/below
echo "notes" >hollow/below/notes.txt
for bad in nosuch.png empty.png text.png cut.png hollow; do
    expect 4 predict $model $bad --quiet
    errs "^mien predict: .*$bad"
    one_line
    silent
    expect 4 predict $model "$image" $bad "$second" --quiet
    errs "^mien predict: .*$bad"
    errs '^mien predict: 1 of 3 could not be read, the others were predicted$'
    check "both others" test "$(wc -l <"$out")" -eq 2
    says "^$second "
done
errs 'hollow: no PNG or JPEG files in this folder'
expect 4 predict $model empty.png text.png --quiet
errs '^mien predict: 2 of 2 could not be read$'
silent
mkdir mixed
cp "$image" mixed/a.png
cp cut.png mixed/b.png
cp "$second" mixed/c.png
expect 4 predict $model mixed --json --quiet
says '"file": "mixed/a.png".*"file": "mixed/c.png".*"failed": \[{"file": "mixed/b.png", "error": ".*mixed/b.png'
says '"predictions": \[{"file": "mixed/a.png"'
errs '^mien predict: 1 of 3 could not be read'
expect 4 predict $model nosuch.png --json --quiet
says '"predictions": \[\], "failed": \[{"file": "nosuch.png"'
mkfifo pipe.png
expect 4 predict $model pipe.png --quiet
one_line
ln -s . mixed/circle
expect 4 predict $model mixed --quiet
errs 'mixed/circle: a symbolic link that leads back to a folder above it'

# Names that no terminal or JSON should see as they are.
name=$(printf 'odd\033[2J\nname\377.png')
cp "$image" "$name"
expect 0 predict $model "$name" --quiet
says '^odd?\[2J?name'
expect 0 predict $model "$name" --json --quiet
says '"file": "odd.u001B\[2J.nname?.png"'

# Models that are none.
head -c 1000 $model >cut.safetensors
expect 0 pack faces faces.safetensors
for bad in cut faces; do
    expect 4 predict $bad.safetensors "$image" --quiet
    errs "^mien predict: .*$bad.safetensors"
    one_line
    silent
done
expect 4 predict nosuch.safetensors "$image"
errs '^mien predict: nosuch.safetensors: No such file or directory'
expect 4 predict "$recipes/tiny.yaml" "$image"
errs 'tiny.yaml: a recipe, not a trained model: train it first'
one_line
expect 4 predict run/ "$image"
errs '^mien predict: run/ is a folder, expected a model: did you mean run/best.safetensors?$'
one_line

expect 2 predict $model
errs 'IMAGE is missing'
one_line
expect 2 predict
errs 'IMAGE is missing'

# The model is told from the images by what they are, wherever that is plain.
expect 4 predict "$image" $model --quiet
errs "$model is a safetensors file, expected an image: a model goes before the images"
silent
cp $model model.png
cp "$image" image.safetensors
expect 0 predict model.png image.safetensors --quiet
says '^image.safetensors$'
expect 4 predict run "$image" --quiet
errs 'run is a folder, expected a model'

# Without a model, the one that ships.
expect 0 predict "$image" --top 1
errs '^model: .*/fer-medium.safetensors (no other is named)$'
says "^$image$"
says '^  [a-z]*  *[0-9.]* %'
expect 0 predict image.safetensors "$second" --quiet
check "two lines" test "$(wc -l <"$out")" -eq 2
expect 4 predict nosuch.png "$second" --quiet
errs '^mien predict: .*nosuch.png: No such file or directory$'
says "^$second  "
cp "$mien" copied
ran="a program without its models"
code=0
./copied predict "$image" >"$out" 2>"$err" </dev/null || code=$?
check "exit code 4 without a model" test $code -eq 4
errs '^mien predict: no MODEL is named, and the one that ships, fer-medium.safetensors, is neither'
one_line
mkdir -p share/mien/models
cp $model share/mien/models/fer-medium.safetensors
ran="a program with its models"
./copied predict "$image" >"$out" 2>"$err" </dev/null || failed "the model beside the program is not taken"
errs "^model: .*/share/mien/models/fer-medium.safetensors (no other"
MIEN_MODEL=$model
export MIEN_MODEL
expect 0 predict "$image" --json
errs "^model: $model (of MIEN_MODEL)$"
MIEN_MODEL=nosuch.safetensors
expect 4 predict "$image" --quiet
errs '^mien predict: MIEN_MODEL: nosuch.safetensors: No such file or directory'
one_line
unset MIEN_MODEL

# An image from a pipe.
piped() {
    from=$1
    want=$2
    shift 2
    ran="$* <$from"
    code=0
    timeout 120 "$mien" "$@" >"$out" 2>"$err" <"$from" || code=$?
    check "exit code $code, expected $want" test "$code" -eq "$want"
}
expect 0 predict $model "$image" --json --quiet
sed 's/"file": "[^"]*"//' "$out" >named
piped "$image" 0 predict $model - --json --quiet
says '"file": "-"'
sed 's/"file": "[^"]*"//' "$out" >from_pipe
check "the same as from a file" cmp -s named from_pipe
piped "$image" 0 predict $model "$second" - "$image" --quiet
check "three lines" test "$(wc -l <"$out")" -eq 3
says '^-  *[a-z]*  *[0-9.]* %$'
piped "$image" 0 predict - --top 1
errs '^model: .*fer-medium'
piped cut.png 4 predict $model - --quiet
errs '^mien predict: -: '
one_line
silent
piped empty.png 4 predict $model - "$image" --quiet
errs '^mien predict: -: empty file'
says "^$image  "
truncate -s 68000000 large.png
piped large.png 4 predict $model - --quiet
errs '^mien predict: -: more than 67108864 bytes'
one_line
piped "$image" 2 predict $model - - --quiet
errs 'holds one image alone'
ran="a closed pipe"
code=0
"$mien" predict $model - --quiet >"$out" 2>"$err" <&- || code=$?
check "exit code 4 for a closed input" test $code -eq 4
one_line

expect 2 predict $model "$image" --top 0
expect 3 predict $model "$image" --device nosuch
one_line
silent
finish
