#!/bin/sh
# watch.sh - train --watch: a page that stays current, and curves where the terminal can show them
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1
unset LC_ALL LC_CTYPE NO_COLOR
export LANG=C.UTF-8 TERM=xterm

expect 0 synth faces --count 70

# Through a pipe: the page, and not a byte for a terminal.
expect 0 train faces --recipe "$recipes/tiny.yaml" --out run --epochs 2 --watch
errs '^page: run/report.html$'
check "something for a terminal" sh -c "! grep -q '$(printf '\033')' .out .err"
check "three lines" test "$(wc -l <"$out")" -eq 3
check "no whole page" grep -q '<section id="mistakes">' run/report.html
check "a run that is done loads itself again" sh -c "! grep -q http-equiv=.refresh run/report.html"
cp run/report.json as-train
expect 0 report run --quiet
for part in history evaluation samples mistakes filters maps; do # as mien report says it
    sed "s/.*\"$part\": //; s/\"seconds\": [0-9.]*, \"device\"/\"device\"/" run/report.json | head -c 400 >one
    sed "s/.*\"$part\": //; s/\"seconds\": [0-9.]*, \"device\"/\"device\"/" as-train | head -c 400 >two
    check "$part is not what mien report finds" cmp -s one two
done
expect 0 train faces --recipe "$recipes/tiny.yaml" --out quiet --epochs 1 --watch --json --quiet
check "one JSON object" test "$(wc -l <"$out")" -eq 1
check "no page with --json" test -s quiet/report.html

# While it goes on the page loads itself again; when it is stopped no more.
ran="train --epochs 100000 --watch, stopped"
"$mien" train faces --recipe "$recipes/tiny.yaml" --out stopped --epochs 100000 --watch >"$out" 2>"$err" &
pid=$!
tries=0
while [ ! -s stopped/report.html ] && [ $tries -lt 600 ] && kill -0 $pid; do
    sleep 0.1
    tries=$((tries + 1))
done
cp stopped/report.html early.html
kill -INT $pid
code=0
wait $pid || code=$?
check "exit code $code" test $code -eq 130
check "it does not load itself again" grep -q '<meta http-equiv="refresh" content="2">' early.html
check "no state" grep -q 'class="state running">running<' early.html
check "it ends in the middle" grep -q '</html>' early.html
check "stopped, it loads itself again" sh -c "! grep -q http-equiv=.refresh stopped/report.html"
check "no end" grep -q '>interrupted<' stopped/report.html
epochs=$(($(wc -l <stopped/history.csv) - 1))
expect 0 train --resume stopped --epochs $((epochs + 1)) --watch --quiet
check "not all epochs" test "$(grep -o '"epoch": [0-9]*' stopped/report.json | wc -l)" -eq $((epochs + 1))

# A page that cannot be written is told once, and the run goes on.
mkdir -p full/report.html
echo '{"mien": "0.1.0", "state": "running"}' >full/run.json
expect 0 train faces --recipe "$recipes/tiny.yaml" --out full --epochs 2 --watch
check "told $(grep -c 'the page is not current: ' "$err") times" \
    test "$(grep -c 'the page is not current: .*report.html' "$err")" -eq 2 # on the way, and at the end
check "no run" test -s full/last.safetensors

# On a terminal: curves, where it is wide and high enough and shows them.
number=0
on_terminal() { # COLUMNS LINES ENVIRONMENT OPTION...; the output is in $out
    columns=$1
    lines=$2
    settings=$3
    shift 3
    number=$((number + 1))
    ran="train on a terminal of $columns x $lines with $settings $*"
    script -qec "stty cols $columns rows $lines; env $settings '$mien' train faces \
        --recipe '$recipes/tiny.yaml' --out terminal$number --epochs 2 $*" "$out" </dev/null >/dev/null 2>&1
}
blank=$(printf '\342\240\200') # U+2800
blue=$(printf '\033\\[34m')
back=$(printf '\033\\[8A')
if ! command -v script >/dev/null; then
    echo "script is not installed: no terminal to draw on (apt-get install bsdutils)"
else
    on_terminal 100 40 LANG=C.UTF-8 --watch
    says "$blank"
    says "loss  .*training  .*validation .*accuracy "
    says "$blue"
    says "$back" # once, and the last curves stay
    check "drawn more than twice" test "$(grep -c 'loss  .*accuracy' "$out")" -eq 2
    on_terminal 100 40 NO_COLOR=1 --watch
    says "$blank"
    check "colours against NO_COLOR" sh -c "! grep -q '$(printf '\033')\[[0-9]*m' .out"
    on_terminal 100 40 NO_COLOR= --watch
    says "$blue"
    for other in "100 40 LANG=C" "70 40 LANG=C.UTF-8" "100 11 LANG=C.UTF-8" "100 40 TERM=dumb"; do
        # shellcheck disable=SC2086 # three words
        on_terminal $other --watch
        says 'epoch   2  train loss'
        check "curves where they cannot be" sh -c "! grep -q '$blank' .out"
    done
    on_terminal 100 40 LANG=C.UTF-8
    check "curves without --watch" sh -c "! grep -q '$blank' .out"
    check "a page without --watch" test ! -e "terminal$number/report.html"
fi
finish
