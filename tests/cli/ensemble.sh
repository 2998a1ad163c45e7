#!/bin/sh
# ensemble.sh - recipes/ensemble.sh with small networks: trains, goes on after a stop, evaluates, and repeats nothing
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
ensemble=$(pwd)/recipes/ensemble.sh
cd "$work" || exit 1

needs_device
expect 0 synth faces --count 28 --quiet
mkdir recipes
cp "$ensemble" recipes
members=$(sed -n 's/^member \([a-z0-9-]*\) .*/\1/p' recipes/ensemble.sh)
check "members are found in the script" [ "$(echo "$members" | wc -w)" -ge 3 ]
for name in $members; do # networks of tests/cli/train.sh's shape
    cat >"recipes/$name.yaml" <<END
name: $name
input: { channels: 1, height: 8, width: 8, margin: 1 }
layers: [ conv 4 3x3 pad 1, relu, flatten, dense classes ]
train: { batch: 7, epochs: 2 }
END
done

run() { # run CODE ARGUMENT ...
    want=$1
    shift
    code=0
    MIEN=$mien recipes/ensemble.sh "$@" >"$out" 2>"$err" || code=$?
    check "ensemble.sh $*: exit code $code, not $want" [ "$code" -eq "$want" ]
}

run 2 faces
errs "usage: .* DATA FOLDER"
run 2 faces runs more
run 4 nowhere runs
first=$(echo "$members" | head -n 1)
mkdir -p "runs/$first" # of a run that was stopped before its first checkpoint
: >"runs/$first/recipe.yaml"
run 0 faces runs
says "^accuracy "
says "the mean of [0-9]* models"
for name in $members; do
    check "$name was trained" [ "$(wc -l <"runs/$name/history.csv")" -eq 3 ]
    cksum "runs/$name/last.safetensors" >>before
done
rm -rf "runs/$first"
mkdir "runs/$first"
echo mine >"runs/$first/notes" # which is nobody's to remove
run 1 faces runs
check "a file of somebody else stays" grep -q mine "runs/$first/notes"
rm -r "runs/$first"
run 0 faces runs
says "^accuracy "
for name in $members; do
    cksum "runs/$name/last.safetensors" >>after
done
check "what was there is as it was, and what was not is the same" cmp -s before after
finish
