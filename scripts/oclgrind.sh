#!/bin/sh
# oclgrind.sh PROGRAM [ARGUMENT...] - runs one test program under Oclgrind; fails when it fails or when
# Oclgrind had something to say (it exits 0 even then).  Tests see MIEN_SMALL_SHAPES and keep to small ones.
set -eu
# Oclgrind 21.10 does not know the intrinsic that inlining a function with restrict leaves behind; programs in
# the cache were built without this option.
log=$(mktemp)
cache=$(mktemp -d)
trap 'rm -rf "$log" "$cache"' EXIT
MIEN_CACHE=$cache MIEN_SMALL_SHAPES=1 oclgrind --log "$log" --check-api --data-races \
    --build-options "-Drestrict=" --local-mem-size 1048576 "$@"
if [ -s "$log" ]; then
    head -n 40 "$log" >&2
    exit 1
fi
