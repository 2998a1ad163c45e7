#!/bin/sh
# examples.sh BUILD_FOLDER - installs the build below a temporary prefix, moves it, and compiles every
# docs/examples/*.c against it: through pkg-config, with the shared library and with the archive, and through
# the CMake package.  Then runs them.
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
    share/bash-completion/completions/mien share/zsh/vendor-completions/_mien \
    share/fish/vendor_completions.d/mien.fish; do
    [ -s "$prefix/$file" ] || fail "$file was not installed"
done
"$prefix/bin/mien" --version >/dev/null || fail "the installed program does not start"
# The model that ships is found from the program's place; no device is needed to see that.
"$prefix/bin/mien" predict nosuch.png --device nosuch >"$work/log" 2>&1 || true
grep -q "^model: $(realpath "$prefix")/share/mien/models/fer-medium.safetensors" "$work/log" || {
    cat "$work/log" >&2
    fail "the installed program does not find its model"
}
if command -v bash >/dev/null 2>&1; then
    bash -n "$prefix/share/bash-completion/completions/mien" || fail "the completion is no bash"
fi

# A library built with sanitizers needs their run time in whatever links it.
sanitize=""
[ -z "${MIEN_SANITIZE:-}" ] || sanitize="-fsanitize=$MIEN_SANITIZE"

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name mien.pc)")
export PKG_CONFIG_PATH
library=$(dirname "$(find "$prefix" -name 'libmien.so')")
count=0
for source in "$examples"/*.c; do
    # shellcheck disable=SC2046,SC2086 # lists of flags
    ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror $sanitize "$source" \
        $(pkg-config --cflags --libs mien) -o "$work/$(basename "$source" .c)" ||
        fail "$source does not build with pkg-config"
    # shellcheck disable=SC2046,SC2086 # lists of flags
    ${CC:-cc} -std=c11 $sanitize "$source" $(pkg-config --cflags mien) "$library/libmien.a" \
        $(pkg-config --static --libs mien) -o "$work/static" ||
        fail "$source does not build with the archive"
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

# They do what they say.  Only a missing device keeps them from it.
run() {
    LD_LIBRARY_PATH=$library "$@" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "$(basename "$1") failed"
    }
}
expect() {
    grep -q "$1" "$work/log" || {
        cat "$work/log" >&2
        fail "no '$1' in what the example printed"
    }
}
status=0
"$prefix/bin/mien" devices >"$work/log" 2>&1 || status=$?
if [ "$status" -eq 3 ] && [ -z "${MIEN_REQUIRE_DEVICE:-}" ]; then
    echo "$count examples build against the installed library, both ways; no device to run them on"
    exit 0
fi
# While the version is 0.x the name that programs look for has x in it.
version=$(pkg-config --modversion mien)
case $version in
0.*) soname=libmien.so.${version%.*} ;;
*) soname=libmien.so.${version%%.*} ;;
esac
LD_LIBRARY_PATH=$library ldd "$work/devices" | grep -q "$soname => $library" ||
    fail "the example does not use the shared library"
run "$work/devices"
expect '^taken: '
run "$work/custom" "$work/custom-run"
expect '^accuracy '
run "$prefix/bin/mien" synth "$work/faces" --count 140
run "$work/train" "$prefix/share/mien/recipes/tiny.yaml" "$work/faces" "$work/run" train.epochs=2
expect 'all epochs done after 2 epochs'
run "$prefix/bin/mien" train --resume "$work/run" --epochs 3 # the program goes on where it left off
expect 'all epochs done after 3 epochs'
# Also where the example set validation images aside.
run "$work/train" "$prefix/share/mien/recipes/tiny.yaml" "$work/faces/train" "$work/part" train.epochs=1
run "$prefix/bin/mien" train --resume "$work/part" --epochs 2
expect 'all epochs done after 2 epochs'
image=$(find "$work/faces" -name '*.png' | sort | head -n 1)
run "$work/predict" "$work/run/best.safetensors" "$image" "$image"
expect "^$image  [a-z]* "
if LD_LIBRARY_PATH=$library "$work/predict" "$work/run/best.safetensors" "$work/no.png" >"$work/log" 2>&1; then
    fail "predict succeeded on an image that is not there"
fi
expect 'no.png'
echo "$count examples build against the installed library, both ways, and run"
