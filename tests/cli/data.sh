#!/bin/sh
# data.sh - synth and pack: what they make, and what they refuse
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

expect 0 synth faces --count 70
says '^faces: 70 training images and 14 validation images$'
check "nothing but whole images" test "$(find faces -type f ! -name '*.png' | wc -l)" -eq 0
check "70 training images" test "$(find faces/train -name '*.png' | wc -l)" -eq 70
check "14 validation images" test "$(find faces/validation -name '*.png' | wc -l)" -eq 14
check "seven classes" test "$(find faces/train -mindepth 1 -maxdepth 1 | wc -l)" -eq 7
expect 1 synth faces --count 70
errs '^mien synth: faces: the folder is not empty'
one_line
silent
check "the set was left as it was" test "$(find faces -name '*.png' | wc -l)" -eq 84
expect 0 synth again --count 70
check "the same seed draws the same images" diff -r faces again
expect 0 synth other --count 70 --seed 1
check "another seed draws others" test "$(diff -rq faces other | wc -l)" -gt 0
mkdir empty
expect 0 synth empty --count 7 --quiet
silent
expect 0 synth told --count 7 --json
says '^{"folder": "told", "splits": {"train": 7, "validation": 7}}$'
ran="synth full (ulimit -f 0)"
code=0
(limit_files 0 && "$mien" synth full --count 7 >/dev/null 2>&1) || code=$?
check "a full disk is no failure: $code" test "$code" -eq 1
check "images that are none are left" test "$(find full -type f | wc -l)" -eq 0
touch file
expect 1 synth file
errs '^mien synth: cannot open the folder file: Not a directory'
expect 1 synth file/below
one_line

expect 0 pack faces faces.safetensors
says '^faces.safetensors: 84 images of 48x48, gray, 7 classes'
says '^  train *70$'
says '^  validation *14$'
expect 0 pack faces.safetensors again.safetensors
check "packing a packed set changes nothing" cmp -s faces.safetensors again.safetensors
expect 0 pack faces small.safetensors --size 24x32 --channels 3 --json
says '"images": 84,.*"channels": 3, "height": 24, "width": 32'
says '"splits": {"train": 70, "validation": 14, "test": 0}'
says '"resized": 84'
check "one JSON object, one line" test "$(wc -l <"$out")" -eq 1
expect 0 pack faces/train split.safetensors --split 0.2
says '^  validation *14$'

echo "\\documentclass{book}" >thesis.tex
expect 2 pack faces thesis.tex
errs "^mien pack: OUT: 'thesis.tex' does not end in .safetensors"
cp thesis.tex thesis.safetensors
expect 1 pack faces thesis.safetensors
errs '^mien pack: thesis.safetensors is there and no safetensors file'
one_line
check "it was left alone" cmp -s thesis.tex thesis.safetensors
cp -r faces latin
mv latin/train/happy "latin/train/$(printf 'fr\366hlich')"
expect 4 pack latin x.safetensors
errs '^mien pack: latin: the name of the class folder fr?hlich is not UTF-8$'
one_line
expect 4 pack nosuch x.safetensors
errs '^mien pack: nosuch: No such file or directory'
mkdir nothing
expect 4 pack nothing x.safetensors
errs '^mien pack: nothing'
mkdir -p hollow/angry hollow/happy
cp faces/train/happy/*.png hollow/happy
expect 4 pack hollow x.safetensors
errs 'angry'
one_line
head -c 100 faces.safetensors >cut.safetensors
expect 4 pack cut.safetensors x.safetensors
errs '^mien pack: .*cut.safetensors'
: >zero.safetensors
expect 4 pack zero.safetensors x.safetensors
errs 'zero.safetensors'
cp -r faces damaged
head -c 60 "$(find faces/train/sad -name '*.png' | sort | head -n 1)" >damaged/train/sad/cut.png
expect 4 pack damaged x.safetensors
errs 'sad/cut.png'
one_line
# Names of images behind which there is none, each beside good images.
cp -r faces trap
big='\211PNG\r\n\032\n\0\0\0\rIHDR\0\0@\001\0\0\0\001\010\0\0\0\0\3546\202\272'
for kind in link pipe folder short big; do
    bad=trap/train/sad/bad.png
    case $kind in
    link) ln -s nowhere.png $bad; why="$bad is a symbolic link that leads nowhere" ;;
    pipe) mkfifo $bad; why="$bad is not a regular file" ;;
    folder) mkdir $bad; ln -s .. $bad/up.png; why="$bad/up.png: a symbolic link that leads back" ;;
    short) printf ok >$bad; why="$bad: neither PNG nor JPEG (2 bytes: 6f 6b)$" ;;
    big) # its header is all that is looked at
        # shellcheck disable=SC2059 # it is the format
        printf "$big" >$bad
        printf '\0\0\0\0IDAT5\257\006\036' >>$bad
        why="$bad: 16385x1 pixels; expected sides of 1 to 16384 and at most 67108864 pixels in all$" ;;
    esac
    expect 4 pack trap x.safetensors
    errs "^mien pack: $why"
    one_line
    silent
    rm -r $bad
done
expect 4 pack file x.safetensors
errs '^mien pack: file'
check "a refused set left a file" test ! -e x.safetensors

# Where it cannot write, it says so before the long work, and what was there stays.
expect 1 pack faces faces
errs 'faces: is a folder'
expect 1 pack faces nosuch/x.safetensors
errs 'there is no folder nosuch'
mkdir closed
cp faces.safetensors closed/old.safetensors
chmod a-w closed
if ! touch closed/probe 2>/dev/null; then
    expect 1 pack other closed/old.safetensors
    errs 'cannot write in folder: closed: Permission denied'
    expect 1 synth closed/new
    one_line
fi
rm -f closed/probe
cp faces.safetensors kept.safetensors
ran="pack other kept.safetensors (ulimit -f)"
code=0
(
    limit_files 16
    "$mien" pack other kept.safetensors >"$out" 2>"$err"
) || code=$?
checks=$((checks + 1))
[ "$code" -eq 1 ] || failed "exit code $code, expected 1"
errs 'kept.safetensors.*File too large'
check "the old file is intact" cmp -s faces.safetensors kept.safetensors
check "a temporary file is left" test "$(find . -maxdepth 1 -name '*kept*' | wc -l)" -eq 1
finish
