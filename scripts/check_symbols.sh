#!/bin/sh
# check_symbols.sh LIBRARY - fails when a static library defines a global symbol that does not begin with
# mien_: whoever links it would have that name taken away.
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
