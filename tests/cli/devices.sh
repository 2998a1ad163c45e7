#!/bin/sh
# devices.sh - the list of devices, the choice among them, and a machine without any
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
mkdir vendors # the ICD loader finds no driver in an empty folder

# Without a device: said by name, with its own exit code, by every spelling of the wish.
for wish in auto cpu gpu 0:0 nosuchdevice; do
    OCL_ICD_VENDORS=$work/vendors expect 3 devices --device "$wish"
    errs '^mien devices: '
    one_line
    silent
done

"$mien" devices >"$work/list" 2>/dev/null
if [ $? -eq 3 ] && [ -z "${MIEN_REQUIRE_DEVICE:-}" ]; then
    finish
    exit
fi
expect 0 devices
says '^auto takes [0-9]*:[0-9]*: [a-z]'
says '^\* [0-9]*:[0-9]*  [cgpua]*  .'
says '^       memory    [0-9]*\.[0-9] MiB, at most [0-9]*\.[0-9] MiB in one buffer$'
says '^       driver    .'
check "not exactly one is taken" test "$(grep -c '^\*' "$out")" -eq 1
id=$(sed -n 's/^auto takes \([0-9:]*\): .*/\1/p' "$out")
expect 0 devices --device "$id"
says "^$id takes $id: asked for as $id"
MIEN_DEVICE=$id expect 0 devices
says "^$id takes $id: "
MIEN_DEVICE=nosuchdevice expect 0 devices --device "$id" # the option goes before the environment
MIEN_DEVICE='' expect 0 devices
says '^auto takes'
name=$(sed -n 's/^\* [0-9:]*  [a-z]*  //p' "$out")
expect 0 devices --device "$name"
says "takes [0-9:]*: asked for by name"

expect 0 devices --json
says '^{"devices": \[{"id": "0:0", "kind": "'
says '"wanted": "auto", "taken": {"id": "'"$id"'", "reason": "'
check "one JSON object, one line" test "$(wc -l <"$out")" -eq 1

for wish in nosuchdevice 99:0 0:99 0: :0 0:0:0 -1:0 99999999999999999999:0; do
    expect 3 devices --device="$wish"
    errs "^mien devices: .*$wish"
    one_line
    says '^       driver    .' # what could be asked for is listed all the same
done
MIEN_DEVICE=nosuchdevice expect 3 devices --json
errs '^mien devices: MIEN_DEVICE: '
says '"wanted": "nosuchdevice", "taken": null}'
MIEN_DEVICE=$(printf 'no\377such') expect 3 devices --json # bytes that are no UTF-8
says '"wanted": "no?such", "taken": null}'
expect 3 devices --device "$(printf '%05000d' 0)"
one_line
expect 2 devices --device ''
finish
