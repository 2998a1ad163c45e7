#!/bin/sh
# examples.sh BUILD_FOLDER - installs the build below a temporary prefix, moves it, and compiles every
# docs/examples/*.c against it: once through pkg-config, once through the CMake package.
set -eu
build=$1
examples=$(pwd)/docs/examples
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "install/examples: $*" >&2
    exit 1
}

cmake --install "$build" --prefix "$work/first" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "cmake --install failed"
}
mv "$work/first" "$work/moved" # nothing may have kept the path
prefix=$work/moved
for file in bin/mien include/mien.h share/man/man1/mien.1 share/mien/recipes/report.yaml \
    share/bash-completion/completions/mien; do
    [ -s "$prefix/$file" ] || fail "$file was not installed"
done
"$prefix/bin/mien" --version >/dev/null || fail "the installed program does not start"
if command -v bash >/dev/null 2>&1; then
    bash -n "$prefix/share/bash-completion/completions/mien" || fail "the completion is no bash"
fi

# A library built with sanitizers needs their run time in whatever links it.
sanitize=""
[ -z "${MIEN_SANITIZE:-}" ] || sanitize="-fsanitize=$MIEN_SANITIZE"

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name mien.pc)")
export PKG_CONFIG_PATH
count=0
for source in "$examples"/*.c; do
    # shellcheck disable=SC2046,SC2086 # lists of flags
    ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror $sanitize "$source" \
        $(pkg-config --cflags --libs mien) -o "$work/$(basename "$source" .c)" ||
        fail "$source does not build with pkg-config"
    count=$((count + 1))
done

mkdir "$work/consumer"
{
    echo 'cmake_minimum_required(VERSION 3.21)'
    echo 'project(consumer LANGUAGES C)'
    echo 'find_package(mien REQUIRED)'
    for source in "$examples"/*.c; do
        name=$(basename "$source" .c)
        echo "add_executable($name $source)"
        echo "target_link_libraries($name PRIVATE mien::mien)"
    done
} >"$work/consumer/CMakeLists.txt"
{
    cmake -S "$work/consumer" -B "$work/consumer/build" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_C_FLAGS="$sanitize" && cmake --build "$work/consumer/build"
} >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "the examples do not build with the CMake package"
}
echo "$count examples build against the installed library, both ways"
