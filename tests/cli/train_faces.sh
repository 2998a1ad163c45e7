#!/bin/sh
# train_faces.sh - what the synthetic faces are made for: a linear classifier does poorly on them, the
# report's network, with pooling, does not
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(cd "$(dirname "$0")/../../recipes" && pwd)
cd "$work" || exit 1

# accuracy MODEL: on the validation images, in whole per cent, as $percent.
accuracy() {
    expect 0 eval "$1" faces --json
    percent=$(sed 's/.*"accuracy": \([0-9.]*\).*/\1/' "$out" | awk '{ printf "%d", $1 * 100 }')
    checks=$((checks + 1))
}

expect 0 synth faces --count 3500 --quiet
expect 0 train faces --recipe "$recipes/linear.yaml" --out linear --epochs 20 --quiet
accuracy linear/best.safetensors
check "linear reaches $percent %" test "$percent" -lt 60
check "linear learns nothing: $percent %" test "$percent" -gt 15 # a seventh is a guess
check "20 epochs" test "$(wc -l <linear/history.csv)" -eq 21
expect 0 train faces --recipe "$recipes/report-pooled.yaml" --out report --quiet --epochs 5 --batch 50 \
    --rate 0.02 --set train.optimizer.momentum=0.9
check "the momentum is that of --set" grep -q '^ *momentum: 0.9$' report/recipe.yaml
check "the rate is that of --rate" grep -q '^ *rate: 0.02$' report/recipe.yaml
accuracy report/best.safetensors
check "the report's network reaches $percent %" test "$percent" -ge 90
finish
