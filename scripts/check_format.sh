#!/bin/sh
# check_format.sh - fails when clang-format would change a file.  Exit code 77 (skipped) where the
# installed version is not the one that .clang-format was written for: versions differ in what they do.
set -eu
cd "$(dirname "$0")/.."
if ! command -v clang-format >/dev/null 2>&1; then
    echo "clang-format is not installed"
    exit 77
fi
case $(clang-format --version) in
*" version 14."*) ;;
*)
    echo "needs clang-format 14, found $(clang-format --version)"
    exit 77
    ;;
esac
for folder in include src kernels tests bench docs; do
    [ -d "$folder" ] && find "$folder" -type f \( -name '*.c' -o -name '*.h' -o -name '*.cl' \)
done | sort | xargs clang-format --dry-run -Werror
