#!/bin/sh
# selftest_avoid.sh - a variant that failed the self-test is not used by other commands, which say so once
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/support/plants.sh
. "$(dirname "$0")/../support/plants.sh"
cd "$work" || exit 1
plant_net
expect 0 synth faces --count 14 --quiet

# wrong FIND WITH: the quick self-test where a kernel is wrong.
wrong() {
    planted "$1" "$2" selftest --quick --quiet
    check "exit code $code, expected 1" test "$code" -eq 1
}

# What is right is remembered as that, and nothing is said of it.
expect 0 selftest --quick --quiet
expect 0 train faces --recipe net.yaml --out before --tuning none
check "a kernel is said to have failed" test "$(grep -c 'self-test' "$err")" -eq 0

# CPU devices take Winograd for such a convolution; others have other variants, which are not planted here.
uses() { # uses FOLDER: how many lines of its checkpoint have a convolution's forward pass by Winograd
    grep -ac 'forward[^}]*winograd' "$1/last.safetensors"
}
if [ "$(uses before)" -eq 0 ]; then
    echo "nothing to fall back from"
    finish
    exit
fi
fresh conv2d_winograd
wrong 'const vec v = out[r] + (first' 'const vec v = out[r] * 1.001f + (first'
says '^conv2d [a-z ]*, winograd .* FAILED$'
kept=$(find cache/selftest -name '*.json')
check "nothing is remembered" test -n "$kept"
expect 0 train faces --recipe net.yaml --out after --tuning none
errs '^conv2d [a-z ]*, winograd failed the self-test on this device: it is not used$'
check "it is said twice" test "$(grep -c '^conv2d forward, winograd' "$err")" -le 1
check "the variant that failed is used" test "$(uses after)" -eq 0
expect 0 train --resume after --epochs 2 --quiet
expect 0 eval after/last.safetensors faces --quiet

# A run that began with it goes on without it.
expect 0 train --resume before --epochs 2 --quiet
check "it goes on with what failed" test "$(uses before)" -eq 0

# Damaged, foreign or unreadable, the file says nothing, and --filter does not touch it.
cp "$kept" good.json
for bad in 's/"mien": "/"mien": "9/' 's/"clblast": "/"clblast": "9/' 's/"kernels": "/"kernels": "0/' 's/"device": "/"device": "Other /' 's/\[/7/' '$d'; do
    sed "$bad" good.json >"$kept"
    expect 0 train faces --recipe net.yaml --out other --tuning none --max-steps 1 --no-selftest
    check "a foreign file counts: $bad" test "$(grep -c 'self-test' "$err")" -eq 0
    rm -rf other
done
cp good.json "$kept"
expect 0 selftest --quick --quiet --filter relayout
check "a part of the table is remembered" cmp -s good.json "$kept"

# A quick self-test that passes takes nothing away from what a whole one found, or one of a network; one that looks at as
# much does.
kept=$work/$kept
grep -q '"whole": false' good.json || failed "the quick form says that it is the whole"
for larger in whole network; do
    fresh
    mkdir -p "$(dirname "$kept")"
    sed "s/\"$larger\": false/\"$larger\": true/" good.json >"$kept"
    expect 0 selftest --quick --quiet
    check "a quick self-test forgets what a larger one found: $larger" grep -q winograd "$kept"
done
expect 0 train faces --recipe net.yaml --out larger --tuning none
errs '^conv2d [a-z ]*, winograd failed the self-test on this device: it is not used$'
check "the variant that failed is used" test "$(uses larger)" -eq 0
expect 0 selftest net.yaml --quick --quiet
check "it does not count that a self-test of a network passed" test "$(grep -c winograd "$kept")" -eq 0
check "a self-test of a network says that it is none" grep -q '"network": true' "$kept"

# A pooling that a convolution gets wrong is left to a kernel of its own, and the convolution is used: the bits are those
# of a run where nothing is wrong.
cat >pooled.yaml <<'END'
name: pooled
input: { channels: 1, height: 48, width: 48 }
layers: [ conv 8 3x3 pad 1 stride 2, relu, maxpool 2, flatten, dense classes ]
train: { batch: 7, epochs: 1, optimizer: { rate: 0.1 } }
END
pooling='const vec v = best[a][b];'
halved='const vec v = best[a][b] * 0.5f;'
fresh
expect 0 train faces --recipe pooled.yaml --out right --tuning none --no-selftest --quiet
fresh conv2d_vector
planted "$pooling" "$halved" train faces --recipe pooled.yaml --out halved --tuning none --no-selftest --quiet
check "no pooling inside of a convolution is used" sh -c '! cmp -s right/last.safetensors halved/last.safetensors'
wrong "$pooling" "$halved"
says '^conv2d maxpool forward, vector .* FAILED$'
check "the convolution fails with its pooling" test "$(grep -c '^conv2d forward, vector .* FAILED$' "$out")" -eq 0
planted "$pooling" "$halved" train faces --recipe pooled.yaml --out avoided --tuning none
check "exit code $code, expected 0" test "$code" -eq 0
errs '^conv2d maxpool forward, vector failed the self-test on this device: it is not used$'
check "the bits are others without the pooling inside" cmp -s right/last.safetensors avoided/last.safetensors
kept=$(find cache/selftest -name '*.json')
cp "$kept" good.json

# What nothing else computes is an error where a network needs it, and only there.
printf '%s' "$(sed '/"wrong"/,$d' good.json)" >"$kept"
printf '\n "wrong": [{"kernel": "globalavgpool", "variant": "", "text": "wrong"}, {"kernel": "avgpool forward", "variant": "", "text": "wrong"}]}\n' >>"$kept"
expect 1 train faces --recipe net.yaml --out none
errs '^mien train: avgpool forward computes wrong numbers on this device, and nothing else computes the same'
check "a run was begun" test ! -e none/last.safetensors
sed -i 's/avgpool forward/gelu forward/' "$kept"
expect 0 train faces --recipe net.yaml --out none --quiet

# So it is where all variants of a convolution's pass failed; what does not run the pass goes on.
bar() { # bar PASS: no variant of it is right
    printf '%s\n "wrong": [{"kernel": "silu forward", "variant": "", "text": "wrong"}' \
        "$(sed '/"wrong"/,$d' good.json)" >"$kept"
    for variant in vector winograd channel tile grouped product batched; do
        printf ',\n {"kernel": "conv2d %s", "variant": "%s", "text": "wrong"}' "$1" "$variant" >>"$kept"
    done
    echo ']}' >>"$kept"
}
bar forward
expect 1 train faces --recipe net.yaml --out barred --quiet
errs '^mien train: .*conv1: conv2d forward, [a-z]* computes wrong numbers on this device, and no other variant takes its shape'
check "a run was begun" test ! -e barred/last.safetensors
expect 1 eval right/last.safetensors faces --quiet
bar 'backward filter'
expect 1 train faces --recipe net.yaml --out barred --quiet
errs '^mien train: .*conv1: conv2d backward filter, [a-z]* computes wrong numbers on this device, and no other variant takes'
expect 0 eval right/last.safetensors faces --quiet
finish
