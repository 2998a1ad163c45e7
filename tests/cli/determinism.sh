#!/bin/sh
# determinism.sh - two runs of a recipe, and one that is cut and goes on, end in the same bits, with one thread and
# with two
#
# $DETERMINISM_RECIPES names recipes, or all; else those that are soon compiled.  PoCL counts its threads by a
# variable; on other devices one count is as good as another.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
cd "$work" || exit 1

needs_device
if [ "${DETERMINISM_RECIPES:-}" = all ]; then
    set -- "$recipes"/*.yaml
else
    # shellcheck disable=SC2086 # a list of names
    set -- $(printf "$recipes/%s.yaml " ${DETERMINISM_RECIPES:-linear tiny})
fi

# What the recipes that are soon compiled leave out: pooling inside of a convolution, accumulation, clipping, dropout,
# mixup, averaging, groups, residuals, Adam.
cat >every.yaml <<'END'
name: every
input: { channels: 1, height: 16, width: 16, margin: 2 }
layers:
  - conv 5 3x3 pad 1
  - relu
  - maxpool 2
  - conv 6 3x3 pad 1 bias no
  - batchnorm
  - silu
  - mark a
  - conv 6 3x3 pad 1 groups 6
  - add a
  - leakyrelu 0.1
  - avgpool 2
  - dropout 0.4
  - conv 8 3x3 stride 2
  - gelu
  - globalavgpool
  - flatten
  - dense classes
train:
  { batch: 8, accumulate: 2, epochs: 2, ema: 0.9, clip_norm: 0.5, label_smoothing: 0.1, class_weights: balanced,
    optimizer: { kind: adamw, rate: 0.01, weight_decay: 0.1 }, schedule: { kind: cosine, warmup: 0.5 } }
augment: { mirror: yes, rotate: 10, scale: 0.1, shift: 0.1, brightness: 0.2, contrast: 0.2, erase: 0.3, mixup: 0.2 }
END

# Three steps an epoch of 35 images, the last one of 3.
expect 0 synth faces --count 35 --quiet

same() { # same FOLDER FOLDER WHAT
    for file in last best; do
        check "$name: $3 differ in $file.safetensors" cmp -s "$1/$file.safetensors" "$2/$file.safetensors"
    done
}

# cut STEP WHOLE: a run that is cut behind that step and goes on.
cut() {
    rm -rf cut
    # shellcheck disable=SC2086
    expect 0 train faces $options --out cut --max-steps "$1"
    expect 0 train --resume cut --quiet
    same "$2" cut "whole and cut after step $1"
}

for recipe in "$@" every.yaml; do
    name=$(basename "$recipe" .yaml)
    options="--recipe $recipe --batch 16 --epochs 2 --tuning none --quiet"
    [ "$name" != every ] || options="--recipe every.yaml --tuning none --quiet"
    for threads in 1 2; do
        POCL_MAX_PTHREAD_COUNT=$threads POCL_CPU_MAX_CU_COUNT=$threads
        export POCL_MAX_PTHREAD_COUNT POCL_CPU_MAX_CU_COUNT
        rm -rf "whole$threads" again
        # shellcheck disable=SC2086
        {
            expect 0 train faces $options --out "whole$threads"
            expect 0 train faces $options --out again
        }
        same "whole$threads" again "two runs with $threads threads"
        case $name$threads in
        tiny2 | every1) for step in 1 2 3 4 5; do cut $step "whole$threads"; done ;;
        *) cut 4 "whole$threads" ;;
        esac
    done
    same whole1 whole2 "one thread and two"
done
finish
