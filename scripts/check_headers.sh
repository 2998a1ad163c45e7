#!/bin/sh
# check_headers.sh - fails when a header does not compile alone.  CC and CFLAGS are respected.
set -eu
cd "$(dirname "$0")/.."
packages=$(pkg-config --cflags OpenCL clblast libpng libjpeg zlib libcyaml yaml-0.1 jansson)
status=0
for header in $(find include src -name '*.h' | sort); do
    # shellcheck disable=SC2086 # lists of flags
    if ! echo "#include \"$header\"" |
        ${CC:-cc} ${CFLAGS:-} $packages -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
            -D_GNU_SOURCE -DCL_TARGET_OPENCL_VERSION=120 -I. -Isrc -Iinclude -x c -; then
        echo "$header does not compile alone" >&2
        status=1
    fi
done
exit $status
