#!/bin/sh
# selftest.sh PROGRAM - the quick self-test, once before the scripts that train, into the cache that they share; and the
# programs that it and the recipe take which most of them train, so that they start at once (tests/cli/keep_programs.c)
# A device is not judged here but by cli/selftest: only a self-test that was not made at all is a failure.
set -u
mien=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
code=0
"$mien" selftest --quick --quiet || code=$?
[ "$code" -eq 3 ] && [ -z "${MIEN_REQUIRE_DEVICE:-}" ] && exit 0
[ "$code" -le 1 ] || exit 1
"$mien" synth "$work/faces" --count 70 --quiet &&
    "$mien" train "$work/faces" --recipe recipes/tiny.yaml --batch 35 --epochs 1 --tuning none --quiet --out "$work/run" &&
    "$mien" eval "$work/run/last.safetensors" "$work/faces" --quiet
