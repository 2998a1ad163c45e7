#!/bin/sh
# check.sh - check: a set with every fault, the list of what to leave out, and commands that take it
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1

# A clean set says so.
expect 0 synth faces --count 140
expect 0 check faces
says '^faces: 168 images, 7 classes$'
says '^class  *train  *validation$'
says '^angry  *20  *4$'
says '^all  *140  *28$'
says '^sizes  *48x48 (168)$'
says '^colour  *gray (168)$'
for what in unreadable blank duplicates; do
    says "^$what  *none$"
done
says '^near  *none with a correlation of 0.96 or more$'
check "a line on stderr" test ! -s "$err"

# One of each fault.
first() {
    find "faces/$1" -name '*.png' | sort | head -n 1
}
cp -r faces bad
cp "$(first train/sad)" bad/train/sad/copy.png
cp "$(first train/fear)" bad/train/angry/other.png
cp "$(first train/happy)" bad/validation/happy/twin.png
cp "$(first train/neutral)" bad/train/neutral/again.png
cp "$(first train/neutral)" bad/train/neutral/again2.png
head -c 60 "$(first train/sad)" >bad/train/sad/cut.png
echo "no image" >bad/validation/fear/text.png
echo "notes" >bad/train/notes.txt
echo "notes" >bad/train/sad/notes.txt
# 2 x 2 pixels of 0, as PNG.
# shellcheck disable=SC2016 # nothing in it is to be expanded
printf '\211PNG\r\n\032\n\000\000\000\rIHDR\000\000\000\002\000\000\000\002' >bad/train/disgust/black.png
printf '\010\000\000\000\000W\335R\370\000\000\000\013IDATx\234c`\000\001' >>bad/train/disgust/black.png
printf '\000\000\006\000\001\376\214g\310\000\000\000\000IEND\256B`\202' >>bad/train/disgust/black.png
expect 0 check bad
says '^bad: 176 images, 7 classes$'
says '^sizes  *48x48 (173), 2x2 (1)$'
says '^skipped  *1 files'
says '^unreadable  *2$'
says 'bad/train/sad/cut.png: '
says 'bad/validation/fear/text.png: neither PNG nor JPEG'
says '^blank  *1 of a single tone, 1 of them black$'
says '^  *train/disgust/black.png$'
says '^duplicates  *5 redundant copies in 4 groups of equal images$'
says '^  *train/angry/other.png = train/fear/[0-9]*.png$'
says '^conflicts  *1 of these groups have different labels (2 images)$'
says '^twins  *1 validation images are also in train$'
says '^  *train/happy/[0-9]*.png = validation/happy/twin.png$'
expect 0 check bad --examples 0
check "examples that nobody asked for" test "$(grep -c '^   ' "$out")" -eq 0

expect 0 check bad --json --quiet
check "one JSON object, one line" test "$(wc -l <"$out")" -eq 1
says '"images": 176, '
says '"train": {"images": 146, "per_class": \[21, 21, 20, 20, 22, 22, 20\]}'
says '"sizes": \[{"height": 48, "width": 48, "images": 173}, {"height": 2, "width": 2, "images": 1}\]'
says '"unreadable": \[{"file": "train/sad/cut.png", "error": "'
says '"blank": \[{"file": "train/disgust/black.png", "level": 0}\], "black": 1'
says '"duplicates": {"groups": 4, "redundant": 5, "conflicts": 1, "conflict_images": 2, "list": \[{"conflict": true, "images": \[{"file": "train/angry/other.png", "split": "train", "class": "angry"}'
says '"twins": \[{"split": "train", "in": "validation", "images": 1}, {"split": "validation", "in": "train", "images": 1}\]'
says '"near": {"limit": 0.96, "images": 0, "across_splits": 0, "list": \[\]}'

# The list, and what takes it.
expect 4 pack bad x.safetensors
expect 0 check bad --exclude-out list.txt
says '^list.txt: 9 images to leave out, of training alone (2 unreadable, 1 blank, 2 conflicts, 1 twins, 3 duplicates)$'
check "nine names and a title" test "$(wc -l <list.txt)" -eq 10
check "a reason behind each" test "$(grep -c "^[a-z/0-9]*\.png	# [a-z]*: " list.txt)" -eq 9
expect 0 pack bad clean.safetensors --exclude list.txt
errs '^list.txt: 9 of 176 images are left out$'
says '^clean.safetensors: 167 images'
expect 0 check clean.safetensors
says '^unreadable  *none$'
says '^duplicates  *none$'
expect 0 check bad --exclude list.txt
says '^bad: 167 images'
expect 0 check bad --exclude-out all.txt --exclude-what conflicts,blank --exclude-from all --json
says '"list": {"file": "all.txt", "unreadable": 0, "blank": 1, "conflicts": 2, "twins": 0, "duplicates": 0, "near": 0, "images": 3}'
check "three names" test "$(grep -cv '^#' all.txt)" -eq 3
expect 0 pack faces faces.safetensors
expect 0 check faces.safetensors --exclude-out none.txt
says '^none.txt: 0 images to leave out'
check "a title alone" test "$(wc -l <none.txt)" -eq 1
expect 0 pack faces again.safetensors --exclude none.txt
check "an empty list changes something" cmp -s faces.safetensors again.safetensors

# Training and evaluation: the fingerprint tells the sets apart, and a run goes on without its images.
expect 4 train bad --recipe "$recipes/linear.yaml" --out run --epochs 1 --quiet
errs 'cut.png'
expect 0 train bad --recipe "$recipes/linear.yaml" --out run --epochs 1 --exclude list.txt
errs '/list.txt: 9 of 176 images are left out$'
errs '138 training and 29 validation images'
check "the run does not know its list" grep -q '"exclude": "/.*/list.txt"' run/run.json
mkdir elsewhere
(cd elsewhere && "$mien" train --resume ../run --epochs 2 >"$out" 2>"$err") || failed "cannot go on"
errs 'list.txt: 9 of 176 images are left out$'
expect 4 train --resume run --epochs 3 --exclude none.txt
one_line
find faces/train/sad -name '*.png' | sort | head -n 1 | sed 's,faces/,,' >one.txt
expect 0 train faces --recipe "$recipes/linear.yaml" --out whole --epochs 1 --quiet
expect 4 train --resume whole --epochs 2 --exclude one.txt --quiet
errs 'fingerprint\|other data'
one_line
expect 4 eval run/best.safetensors bad --quiet
expect 0 eval run/best.safetensors bad --exclude list.txt
errs '^list.txt: 9 of 176 images are left out$'
says '(.* of 29)$'

# Rows of a CSV.
{
    echo "emotion,pixels,Usage"
    echo "3,1 2 3 4,Training"
    echo "8,1 2 3 4,Training"
    echo "4,1 2 3 4,PublicTest"
    echo "4,1 2 3,PrivateTest"
    echo "4,7 7 7 7,PrivateTest"
} >fer2013.csv
expect 0 check fer2013.csv --exclude-out rows.txt --exclude-what unreadable
says '^unreadable  *2$'
says 'fer2013.csv:3: the emotion is "8"; expected 0 to 6$'
says '^  *0 = 2$\|^  *0 (happy) = 2 (sad)$'
says '^rows.txt: 2 images'
expect 4 pack fer2013.csv x.safetensors
expect 0 pack fer2013.csv rows.safetensors --exclude rows.txt
says '^rows.safetensors: 3 images'

# Bad input.
expect 4 check nosuch
one_line
silent
mkdir empty
expect 4 check empty
errs '^mien check: empty: no class folders'
one_line
expect 2 check faces --exclude-what near
errs '^mien check: --exclude-what and --exclude-from say what is on the list of --exclude-out'
for words in nears '' ',' near, near,,blank 'near blank'; do
    expect 2 check faces --exclude-out l.txt --exclude-what "$words"
    one_line
done
expect 2 check faces --exclude-out l.txt --exclude-what near,duplicate
errs "'duplicate' is none of unreadable, blank, conflicts, twins, duplicates, near; did you mean duplicates?"
expect 2 check faces --near 0.9
errs "'0.9' is not a number from 0.95 to 1"
expect 1 check faces --exclude-out nosuch/l.txt
errs 'there is no folder nosuch'
expect 1 check faces --exclude-out empty
one_line
check "a list was written" test ! -e l.txt
expect 4 pack faces x.safetensors --exclude nosuch.txt
errs 'nosuch.txt: No such file or directory'
expect 4 pack faces x.safetensors --exclude "$(first train/sad)"
one_line
expect 4 pack faces x.safetensors --exclude rows.txt
errs 'rows.txt: none of its 2 names is in the data, the first is 1$'
find faces -name '*.png' | sed 's,faces/,,' >everything.txt
expect 4 pack faces x.safetensors --exclude everything.txt
errs 'everything.txt: every one of the 168 images is on it$'
check "a refused set left a file" test ! -e x.safetensors
finish
