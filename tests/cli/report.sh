#!/bin/sh
# report.sh - report: a page and its numbers from a run, a model, or numbers collected before
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1

has() {
    checks=$((checks + 1))
    grep -q -e "$2" "$1" || failed "$1 has nothing like: $2"
}
lacks() {
    checks=$((checks + 1))
    ! grep -q -e "$2" "$1" || failed "$1 has something like: $2"
}

expect 0 synth faces --count 140
mv faces/train/happy/"$(find faces/train/happy -name '*.png' -exec basename {} \; | sort | head -n 1)" \
    "faces/train/happy/000000<b>&\".png" # an image that is not quite one for HTML
expect 0 train faces --recipe "$recipes/tiny.yaml" --out run --epochs 3 --quiet
model=run/best.safetensors
[ -f $model ] || { finish; exit 1; } # nothing below can work

# All of a run: its own data is found.
expect 0 report run --quiet
says '^run/report.html  accuracy [0-9.]* %$'
page=run/report.html
check "no numbers beside the page" test -s run/report.json
for id in curves samples network confusion classes calibration mistakes filters maps origin; do
    has $page "<section id=\"$id\">"
done
has $page 'mien train faces --recipe .*tiny.yaml --out run --epochs 3 --quiet'
has $page '000000&lt;b&gt;&amp;&quot;.png'
lacks $page '000000<b>'
lacks $page '://'
lacks $page 'http-equiv="refresh"'
has run/report.json '^{"format": "mien-report 1", "version": "[0-9.]*", "name": "tiny", '
has run/report.json '"history": \[{"epoch": 1, '
has run/report.json '"calibration": \[{"from": 0.0, '
check "a file too many" test "$(find run -name 'report*' | wc -l)" -eq 2

# Mistakes are mistakes, the surest first.
grep -o '"truth": "[a-z]*", "truth_probability": [0-9.e-]*, "predicted": "[a-z]*", "probability": [0-9.]*' \
    run/report.json >mistakes
check "twelve mistakes" test "$(wc -l <mistakes)" -eq 12
sed 's/.*: //' mistakes >sure
check "not the surest first" sort -c -g -r sure
check "right is no mistake" test "$(tr -d '",' <mistakes | awk '$2 == $6' | wc -l)" -eq 0

# The same answers as mien eval's.
expect 0 eval $model faces --json --quiet
loss=$(sed 's/.*"loss": \([0-9.]*\), "macro_f1".*/\1/' "$out")
has run/report.json "\"loss\": $loss, \"macro_f1\""
expect 0 report run --json --quiet
check "one JSON object, one line" test "$(wc -l <"$out")" -eq 1
says '^{"page": "run/report.html", "report": "run/report.json", "accuracy": [0-9.]*}$'

# Written again from its numbers: the same page, without data, device or model.
cp run/report.json kept.json
cp $page kept.html
mv faces away
MIEN_DEVICE=nosuch
export MIEN_DEVICE
expect 0 report kept.json --out again.html --quiet
check "not the same page" cmp -s again.html kept.html
check "numbers written over" test ! -e again.json
unset MIEN_DEVICE

# Data that is gone is left out, with a word about it; named again it is the run's still.
expect 0 report run --out without.html
errs "faces, the run's data, cannot be read: the report does without; give DATA"
says '^without.html$'
has without.html '<section id="curves">'
lacks without.html '<section id="confusion">'
expect 0 report run away --out with.html --samples 2 --mistakes 1 --split train
has with.html 'train images'
lacks "$err" 'is not the data'
check "one mistake" test "$(grep -o '"overlay"' with.json | wc -l)" -eq 1
check "two images of a class" test "$(grep -o '{"name": "train/angry/' with.json | wc -l)" -eq 2
expect 0 synth others --count 35 --seed 9
expect 0 report run others --out others.html
errs 'others is not the data that the run was trained on'

# A model alone; an image of one's own.
cp $model alone.safetensors
expect 0 report alone.safetensors --json --quiet
says '^{"page": "alone.html", "report": "alone.json", "accuracy": null}$'
has alone.html '<section id="network">'
lacks alone.html '<section id="curves">'
image=$(find away/validation/sad -name '*.png' | sort | head -n 1)
expect 0 report alone.safetensors away --image "$image" --quiet
has alone.json "\"maps\": {\"name\": \"$image\""

# Layers without maps, or without filters.
expect 0 train away --recipe "$recipes/linear.yaml" --out flat --epochs 1 --quiet
expect 0 report flat --quiet
has flat/report.html '<section id="mistakes">'
lacks flat/report.html '<section id="filters">'
lacks flat/report.html '<section id="maps">'
lacks flat/report.html 'Grad-CAM'

# What is refused, with nothing written.
refuse() {
    code=$1
    pattern=$2
    shift 2
    expect "$code" report "$@" --quiet
    errs "$pattern"
    one_line
    silent
}
mkdir empty
echo '{"format": "mien-report 2"}' >other.json
echo '{"format": ' >cut.json
head -c 100 "$image" >cut.png
refuse 2 "[-]-out: 'none.htm' does not end in .html" run --out none.htm
refuse 4 'empty holds no run' empty --out none.html
refuse 4 "other.json: no report: its format is 'mien-report 2', expected 'mien-report 1'" other.json --out none.html
refuse 4 'cut.json: line 2: ' cut.json --out none.html
refuse 2 'DATA: a report.json has its results already' kept.json away --out none.html
for more in '--samples 8' '--mistakes 12' '--blas auto' '--device cpu'; do
    # shellcheck disable=SC2086 # an option and its value
    {
        refuse 2 "^mien report: ${more%% *}: a report.json has its results already" kept.json $more --out none.html
        refuse 2 "^mien report: ${more%% *}: there is no data to evaluate on: give DATA" alone.safetensors $more --out none.html
    }
done
refuse 2 '[-]-image: there is no data to evaluate on: give DATA' alone.safetensors --image "$image" --out none.html
refuse 4 'cut.png' alone.safetensors away --image cut.png --out none.html
refuse 4 'nosuch' nosuch --out none.html
refuse 4 'test' run away --split test --out none.html
refuse 3 'nosuch' run away --device nosuch --out none.html
check "something was written" test ! -e none.html -a ! -e none.json
cp run/history.csv history
echo '4,x' >>run/history.csv
refuse 4 'run/history.csv: line 5 is not mien' run away --out none.html
cp history run/history.csv
echo '[1]' >run/run.json
refuse 4 'run/run.json is not what mien wrote' run away --out none.html
finish
