#!/bin/sh
# tune.sh - the search for the fastest kernels, the file it keeps, and who takes it
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1
own_cache "$work/cache" # what is found here must not change other tests

expect 2 tune
expect 2 tune "$recipes/tiny.yaml" --seconds 0
expect 2 tune "$recipes/tiny.yaml" --set nosuch=1
one_line
silent
expect 4 tune nosuch.yaml
one_line
expect 1 tune "$recipes/tiny.yaml" --export nosuch/folder/file.json
one_line

if no_device; then
    finish
    exit
fi
cat >small.yaml <<'END'
name: small
input: { channels: 1, height: 16, width: 16 }
layers:
  - conv 8 3x3 pad 1
  - relu
  - maxpool 2
  - flatten
  - dense classes
train: { batch: 12, epochs: 2, optimizer: { kind: sgd, rate: 0.05 } }
END
expect 0 synth faces --count 70 --quiet

# A device with one way to do everything has nothing to find; PoCL has several.
expect 0 tune small.yaml --seconds 6 --export table.json
if grep -q 'nothing to choose' "$out"; then
    finish
    exit
fi
says "^conv1+*[a-z0-9]* [a-z ]*[0-9.]* *[0-9.]* *[1-9][0-9]*  [a-z]"
says '^step of 12 images: [0-9.]* ms before, [0-9.]* ms after\|^nothing faster than the defaults'
says "^kept in $work/cache/tuning/.*\\.json$"
check "no table in the cache folder" test "$(find cache/tuning -name '*.json' | wc -l)" -eq 1
kept=$(find "$work/cache/tuning" -name '*.json')
check "the exported table is another one" cmp -s "$kept" table.json
check "a file is left beside it" test "$(find cache/tuning -type f | wc -l)" -eq 1

expect 0 tune small.yaml --seconds 1 --json --quiet
says '^{"network": "small", "batch": 12, "step_before_ms": [0-9.nul]*, "step_after_ms": [0-9.nul]*, "shapes": \[{"name": "conv1[+ ]'
says '"default": {"variant": "[a-z]*".*"chosen": {"variant": "[a-z]*".*"complete": '
says '"file": "..*", "device": "..*", "driver": "'

# A run takes the table and keeps what it took; going on with it does not ask the table again.
printf '%s' '"op": "conv2d", "n": 12, "c": 1, "h": 16, "w": 16, "oc": 8, "kh": 3, "kw": 3, "stride": 1, "pad": 1' >shape
lanes=$(lanes_of small.yaml)
table() { # table VARIANT CHANNELS >FILE: every pass of conv1 with it
    sed '/^  {/d; /^\]}/d' table.json
    for pass in forward "backward data" "backward filter"; do
        [ "$pass" = forward ] || echo ,
        printf '  {%s, "lanes": %s, "pass": "%s", "variant": "%s", "channels": %s}\n' "$(cat shape)" "$lanes" "$pass" "$1" "$2"
    done
    echo "]}"
}
if [ "$lanes" -gt 1 ]; then
    table vector 2 >two.json
    table vector 8 >eight.json
    cp two.json "$kept"
    expect 0 train faces --recipe small.yaml --out whole --quiet
    check "the checkpoint does not say what it used" grep -q 'forward.*variant.*vector.*channels.*2' whole/last.safetensors
    expect 0 train faces --recipe small.yaml --out cut --max-steps 7 --quiet
    cp eight.json "$kept"
    expect 0 train --resume cut --quiet
    check "the tuning that was found meanwhile is used" grep -q 'forward.*variant.*vector.*channels.*2' cut/last.safetensors
    check "another result after another tuning" cmp -s whole/last.safetensors cut/last.safetensors
    expect 0 train faces --recipe small.yaml --out other --tuning eight.json --quiet --epochs 1
    check "--tuning is not used" grep -q 'forward.*variant.*vector.*channels.*8' other/last.safetensors
    expect 2 train --resume cut --tuning eight.json
    errs 'takes the kernels that the run began with'
    expect 0 eval cut/last.safetensors faces --quiet
    expect 0 bench step small.yaml --repeat 2 --warmup 1 --tuning two.json --quiet
    expect 2 bench kernels --tuning two.json
    # What summary plans is what a tuned step takes, whether the table is given or the device's own.
    sed 's/^  - maxpool 2/  - conv 8 3x3 pad 1\n&/' small.yaml >deep.yaml
    printf '%s' '"op": "conv2d", "n": 12, "c": 8, "h": 16, "w": 16, "oc": 8, "kh": 3, "kw": 3, "stride": 1, "pad": 1' >shape
    table vector 2 >deep.json
    expect 0 summary deep.yaml --tuning none --json
    untuned=$(number total_bytes)
    cp deep.json "$kept"
    for given in "--tuning $kept" ''; do
        # shellcheck disable=SC2086
        expect 0 summary deep.yaml $given --json
        planned=$(number total_bytes)
        images=$((4 * 12 * $(number data_image_bytes)))
        check "with the table as without it, $planned bytes are planned" test "$planned" != "$untuned"
        # shellcheck disable=SC2086
        expect 0 bench step deep.yaml $given --repeat 1 --warmup 1 --json --quiet
        check "$planned bytes were planned, and $images of images" test "$(number device_bytes)" = $((planned + images))
    done
    cp two.json "$kept"
    expect 1 summary small.yaml --tuning nosuch.json
    one_line
fi

# Files that are damaged or foreign: the device's own is passed over, a given one is an error.
sed 's/"mien": "/"mien": "9/' table.json >version.json
sed 's/"device": "/"device": "Another /' table.json >device.json
head -c 100 table.json >cut.json
: >empty.json
sed 's/"lanes": [0-9]*/"lanes": 7/' table.json >lanes.json
for bad in version device cut empty lanes; do
    cp "$bad.json" "$kept"
    expect 0 bench step small.yaml --repeat 2 --warmup 1
    errs '^tuning is not used: .*cache/tuning/'
    expect 4 bench step small.yaml --repeat 2 --warmup 1 --tuning "$bad.json" --quiet
    errs "$bad.json: "
    one_line
done
expect 0 bench step small.yaml --repeat 2 --warmup 1 --tuning none --quiet
check "a bench without tuning speaks of it" test ! -s "$err"

# Without a table, training says what would help; with one it does not.
rm "$kept"
expect 0 train faces --recipe small.yaml --out untold --epochs 1
errs 'not tuned for this network on this device: mien tune small.yaml'
cp table.json "$kept"
expect 0 train faces --recipe small.yaml --out told --epochs 1
check "a tuned network is told to be tuned" test "$(grep -c 'mien tune' "$err")" -eq 0
expect 0 tune small.yaml --seconds 1 --reset --quiet
finish
