#!/bin/sh
# explain.sh - explain: pictures for images, classes and methods; and what is refused
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1

expect 0 synth faces --count 70
expect 0 train faces --recipe "$recipes/tiny.yaml" --out run --epochs 1 --quiet
model=run/last.safetensors
[ -f $model ] || { finish; exit 1; } # nothing below can work
image=$(find faces/validation/happy -name '*.png' | sort | head -n 1)
second=$(find faces/validation/sad -name '*.png' | sort | head -n 1)
stem=$(basename "$image" .png)

# A picture for each method, of the class that was predicted.
expect 0 predict $model "$image" --top 1 --quiet
class=$(sed -n 's/^  \([a-z]*\) .*/\1/p' "$out")
expect 0 explain $model "$image" --out all --quiet
says "^$image  $class  [0-9.]* %$"
for method in saliency gradcam occlusion integrated; do
    says "^  all/$stem-$class-$method.png$"
    check "no picture of $method" test -s "all/$stem-$class-$method.png"
done
check "four files" test "$(find all -type f | wc -l)" -eq 4
expect 0 explain $model all --out nothing --method saliency --quiet # they are images themselves
check "four more" test "$(find nothing -type f | wc -l)" -eq 4

# Classes, raw maps, numbers.
expect 0 explain $model "$image" "$second" --out json --method gradcam,integrated --class sad \
    --class happy --class sad --layer relu1 --steps 200 --raw --json --quiet
check "one JSON object, one line" test "$(wc -l <"$out")" -eq 1
says '^{"classes": \["angry", .*\], "images": \[{"file": "'
says '"failed": \[\], "device": ".*", "driver": ".*"}$'
says '{"class": "sad", "probability": [0-9.e-]*, "method": "gradcam", "size": \[22, 22\], "minimum": [0-9.e-]*, "maximum": [0-9.e-]*, "layer": "relu1", "picture": "json/[^"]*-sad-gradcam.png", "raw": "json/[^"]*-sad-gradcam.npy"}'
says '"method": "integrated", "size": \[48, 48\], .*"sum": -*[0-9.e-]*, "baseline_logit": -*[0-9.e-]*, "logit": -*[0-9.e-]*,'
check "two images, two classes, two methods, two files" test "$(find json -type f | wc -l)" -eq 16
check "22 x 22 floats" test "$(wc -c <"json/$stem-sad-gradcam.npy")" -eq $((128 + 4 * 22 * 22))
expect 0 explain $model "$image" --out every --class all --method saliency --size 64 --quiet
check "seven classes" test "$(find every -name '*-saliency.png' | wc -l)" -eq 7
expect 0 explain $model "$image" --out smooth --method saliency --samples 9 --noise 0.1 --seed 3 --quiet
expect 0 explain $model "$image" --out again --method saliency --samples 9 --noise 0.1 --seed 3 --quiet
check "not the same twice" cmp -s "smooth/$stem-$class-saliency.png" "again/$stem-$class-saliency.png"

# Names that are the same, or that no file should have.
mkdir a b "a/.."
cp "$image" a/x.png
cp "$second" b/x.png
name=$(printf '.odd\033 $(name)\377.png')
cp "$image" "$name"
expect 0 explain $model a/x.png b/x.png "$name" --out names --method occlusion --class happy --quiet
check "first of a name" test -s names/x-happy-occlusion.png
check "second of a name" test -s names/x-happy-occlusion-2.png
check "a safe name" test -s names/_odd____name__-happy-occlusion.png

# A network without convolutions has no Grad-CAM.
expect 0 train faces --recipe "$recipes/linear.yaml" --out flat --epochs 1 --quiet
expect 0 explain flat/last.safetensors "$image" --out flat-maps --quiet
check "three methods" test "$(find flat-maps -type f | wc -l)" -eq 3
expect 2 explain flat/last.safetensors "$image" --out none --method gradcam
errs 'the model has no convolution to look at'

# Images that cannot be read are named, and the others explained.
head -c 100 "$image" >cut.png
expect 4 explain $model cut.png "$image" --out some --method saliency --quiet
errs '^mien explain: .*cut.png'
errs '^mien explain: 1 of 2 could not be read, the others were explained$'
check "the other one" test "$(find some -type f | wc -l)" -eq 1
expect 4 explain $model nosuch.png --out none --json --quiet
says '"images": \[\], "failed": \[{"file": "nosuch.png"'
check "a folder for nothing" test ! -e none

# What is refused, before anything is written.
refuse() {
    code=$1
    pattern=$2
    shift 2
    expect "$code" explain $model "$image" --out none "$@" --quiet
    errs "$pattern"
    one_line
    silent
}
refuse 2 "'gradcm' is none of saliency, gradcam, occlusion, integrated; did you mean gradcam?" --method saliency,gradcm
refuse 2 "'' is none of" --method saliency,
refuse 2 "the model has no class 'hapy'; did you mean happy?" --class hapy
refuse 2 "the model has no layer 'conv9'; did you mean conv" --layer conv9
refuse 2 "dense1 gives no map: 32x1x1" --layer dense1
refuse 2 "flatten1 gives no map" --layer flatten1
refuse 2 "dense2 gives no map" --layer dense2
refuse 2 "[-]-layer is for --method gradcam" --layer conv1 --method saliency
refuse 2 "[-]-samples is for --method saliency" --samples 5 --method occlusion
refuse 2 "[-]-noise is for --samples" --noise 0.2
refuse 2 "[-]-seed is for --samples" --seed 2
refuse 2 "[-]-steps is for --method integrated" --steps 5 --method gradcam
refuse 2 "[-]-window: 49 is more than the model's images have, 48x48" --window 49
refuse 2 "[-]-stride: 5 is more than the window, 4" --window 4 --stride 5
refuse 2 "samples" --samples 1
refuse 2 "size" --size 5
refuse 3 "nosuch" --device nosuch
check "something was written" test ! -e none
expect 2 explain $model "$image"
errs '[-]-out'
expect 1 explain $model "$image" --out faces
errs 'faces: the folder is not empty'
expect 4 explain "$image" $model --out none
one_line

# Without a model, the one that ships; from a pipe.
ran="explain - <image"
"$mien" explain - --method gradcam --size 64 --out piped >"$out" 2>"$err" <"$image" || failed "no explanation of a pipe"
errs '^model: .*/fer-medium.safetensors (no other is named)$'
says '^-  [a-z]*  [0-9.]* %$'
says '^  piped/stdin-[a-z]*-gradcam.png$'
check "no picture of a pipe" test -s piped/stdin-*-gradcam.png
expect 4 explain nosuch.safetensors "$image" --out none
one_line
finish
