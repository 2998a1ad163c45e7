#!/bin/sh
# oclgrind.sh PROGRAM [ARGUMENT...] - runs one test program under Oclgrind; fails when it fails or when
# Oclgrind had something to say (it exits 0 even then).  Tests see MIEN_SMALL_SHAPES and keep to small ones.
set -eu
log=$(mktemp)
trap 'rm -f "$log"' EXIT
MIEN_SMALL_SHAPES=1 oclgrind --log "$log" --check-api --data-races "$@"
if [ -s "$log" ]; then
    head -n 40 "$log" >&2
    exit 1
fi
