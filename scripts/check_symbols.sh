#!/bin/sh
# check_symbols.sh ARCHIVE SHARED - fails when the archive defines a global symbol that does not begin with
# mien_ (whoever links it would have that name taken away), or when the shared library gives away anything but
# the functions of mien.h, each with a version.
set -eu
symbols=$(nm -g --defined-only "$1")
# Sanitizers add marks of their own, with a dot in the name, which C can not have.
names=$(printf '%s\n' "$symbols" | awk 'NF == 3 && $3 !~ /[.]/ { print $3 }' | sort -u)
[ "$(printf '%s\n' "$names" | grep -c '^mien_')" -gt 100 ] || {
    echo "$1: hardly any symbol found" >&2
    exit 1
}
foreign=$(printf '%s\n' "$names" | grep -v '^mien_' || true)
if [ -n "$foreign" ]; then
    printf '%s\n' "$foreign" | sed "s,^,$1: does not begin with mien_: ," >&2
    exit 1
fi

# The functions that mien.h declares, comments taken out.
declared=$(sed 's,//.*,,' include/mien.h | tr '\n' ' ' | sed 's,/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/,,g' |
    grep -oE '\bmien_[a-z0-9_]+\(' | tr -d '(' | sort -u)
given=$(nm -D --defined-only --with-symbol-versions "$2" | awk '$2 != "A" { print $3 }' | sort -u)
bare=$(printf '%s\n' "$given" | grep -v '@@MIEN_[0-9]' || true)
if [ -n "$bare" ]; then
    printf '%s\n' "$bare" | sed "s,^,$2: has no version: ," >&2
    exit 1
fi
given=$(printf '%s\n' "$given" | sed 's/@@.*//')
if [ "$declared" != "$given" ]; then
    echo "$2 does not give away what mien.h declares (cmake/mien.map lists it):" >&2
    for name in $declared; do
        printf '%s\n' "$given" | grep -qx "$name" || echo "  missing: $name" >&2
    done
    for name in $given; do
        printf '%s\n' "$declared" | grep -qx "$name" || echo "  too much: $name" >&2
    done
    exit 1
fi
