#!/bin/sh
# sheet.sh - augment: a sheet of training images as epochs see them, and what is refused
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1

expect 0 synth faces --count 70 --quiet
expect 0 augment faces --recipe "$recipes/small.yaml" --out sheet.png
says '^sheet.png: 8 images in 8 epochs, [0-9]*x[0-9]* pixels$'
check "no PNG" test "$(head -c 4 sheet.png | tail -c 3)" = PNG
expect 0 augment faces --recipe "$recipes/small.yaml" --out again.png --quiet
check "not the same twice" cmp -s sheet.png again.png
for other in '--seed 2' '--set augment.rotate=90' '--size 100'; do
    # shellcheck disable=SC2086 # an option and its value
    expect 0 augment faces --recipe "$recipes/small.yaml" --out other.png --quiet $other
    check "$other changes nothing" test "$(cmp sheet.png other.png >/dev/null; echo $?)" -eq 1
done
expect 0 augment faces --recipe "$recipes/small.yaml" --out host.png --quiet --data-memory 1
check "other images from the host" cmp -s sheet.png host.png

# Numbers; who is mixed with whom depends on the order.
expect 0 augment faces --recipe "$recipes/small.yaml" --out mixed.png --json --quiet --images 3 --epochs 2 \
    --set augment.mixup=0.4 --set input.channels=3
check "one JSON object, one line" test "$(wc -l <"$out")" -eq 1
says '^{"sheet": "mixed.png", "size": \[[0-9]*, [0-9]*\], "epochs": 2, "augment": "mirror true, .*, mixup 0.4", "images": \['
says '{"image": "train/disgust/[0-9]*.png", "class": "disgust", "mixed": \[{"epoch": 1, "share": [0-9.e-]*, "with": "train/[a-z]*/[0-9]*.png", "class": "[a-z]*"}, {"epoch": 2, '
cp "$out" shuffled
expect 0 augment faces --recipe "$recipes/small.yaml" --out mixed.png --json --quiet --images 3 --epochs 2 \
    --set augment.mixup=0.4 --set input.channels=3 --no-shuffle
check "the order plays no part" test "$(cmp "$out" shuffled >/dev/null; echo $?)" -eq 1
expect 0 augment faces --recipe "$recipes/tiny.yaml" --out plain.png --json --quiet --images 1000 --size 16 --epochs 1
says '"augment": "", "images": \[{"image": "[^"]*", "class": "angry", "mixed": \[\]}, '
check "70 images" test "$(tr '{' '\n' <"$out" | grep -c '"image"')" -eq 70

# What is refused, before anything is written.
refuse() {
    code=$1
    pattern=$2
    shift 2
    expect "$code" augment "$@" --quiet
    errs "$pattern"
    one_line
    silent
}
small="--recipe $recipes/small.yaml"
# shellcheck disable=SC2086 # an option and its value
{
    refuse 2 'DATA is missing' $small --out none.png
    refuse 2 '[-]-recipe' faces --out none.png
    refuse 2 '[-]-out' faces $small
    refuse 2 "[-]-out: 'none.jpg' does not end in .png" faces $small --out none.jpg
    refuse 1 'nosuch' faces $small --out nosuch/none.png
    refuse 1 'faces' faces $small --out faces
    refuse 2 "[-]-images: '0'" faces $small --out none.png --images 0
    refuse 2 "[-]-epochs: '1001'" faces $small --out none.png --epochs 1001
    refuse 2 'a sheet of 8 images in 1000 epochs has more than 16384 pixels a side' faces $small --out none.png --epochs 1000
    refuse 2 'augment.rotat' faces $small --out none.png --set augment.rotat=3
    refuse 4 'nosuch' nosuch $small --out none.png
    refuse 4 'nosuch.yaml' faces --recipe nosuch.yaml --out none.png
    refuse 3 'nosuch' faces $small --out none.png --device nosuch
}
check "something was written" test "$(find . -name 'none*' | wc -l)" -eq 0
finish
