#!/bin/sh
# check_headers.sh - fails when a header does not compile alone, the public one also as C++.  CC, CXX and
# CFLAGS are respected.
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
if command -v "${CXX:-c++}" >/dev/null 2>&1; then
    echo '#include "mien.h"' |
        "${CXX:-c++}" -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude -x c++ - || {
        echo "mien.h does not compile alone as C++" >&2
        status=1
    }
fi
exit $status
