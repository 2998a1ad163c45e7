#!/bin/sh
# determinism.sh - two runs of a recipe, and one that is cut and goes on, end in the same bits, with one thread and
# with two
#
# $DETERMINISM_RECIPES names recipes, or all; else those that are soon compiled.  PoCL counts its threads by a
# variable; on other devices one count is as good as another.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(pwd)/recipes
every=$(pwd)/tests/support/every.yaml # what recipes that are soon compiled leave out, and all that training can switch on
cd "$work" || exit 1

needs_device
if [ "${DETERMINISM_RECIPES:-}" = all ]; then
    set -- "$recipes"/*.yaml
else
    # shellcheck disable=SC2086 # a list of names
    set -- $(printf "$recipes/%s.yaml " ${DETERMINISM_RECIPES:-linear tiny})
fi

# Three steps an epoch of 35 images, the last one of 3.
expect 0 synth folder --count 35 --quiet
targets_of folder >targets.csv
expect 0 pack folder faces.safetensors --targets targets.csv --quiet

same() { # same FOLDER FOLDER WHAT
    for file in last best; do
        check "$name: $3 differ in $file.safetensors" cmp -s "$1/$file.safetensors" "$2/$file.safetensors"
    done
}

# cut STEP WHOLE: a run that is cut behind that step and goes on.
cut() {
    rm -rf cut
    # shellcheck disable=SC2086
    expect 0 train faces.safetensors $options --out cut --max-steps "$1"
    expect 0 train --resume cut --quiet
    same "$2" cut "whole and cut after step $1"
}

for recipe in "$@" "$every"; do
    name=$(basename "$recipe" .yaml)
    options="--recipe $recipe --batch 16 --epochs 2 --tuning none --quiet"
    [ "$name" != every ] || options="--recipe $every --tuning none --quiet"
    for threads in 1 2; do
        POCL_MAX_PTHREAD_COUNT=$threads POCL_CPU_MAX_CU_COUNT=$threads
        export POCL_MAX_PTHREAD_COUNT POCL_CPU_MAX_CU_COUNT
        rm -rf "whole$threads" again
        # shellcheck disable=SC2086
        {
            expect 0 train faces.safetensors $options --out "whole$threads"
            expect 0 train faces.safetensors $options --out again
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
