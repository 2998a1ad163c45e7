#!/bin/sh
# stdout.sh - results that cannot be written: a closed, full or broken standard output
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

# ended TEXT: the program that ran before exited 1 ($code) with one line that has TEXT.
ended() {
    checks=$((checks + 1))
    [ "$code" -eq 1 ] || failed "exit code $code, expected 1"
    errs "^mien help: cannot write the result to the standard output: $1"
    one_line
}

ran="help >&-"
: >"$out"
code=0
"$mien" help >&- 2>"$err" || code=$?
ended 'Bad file descriptor'

if [ -w /dev/full ]; then
    ran="help >/dev/full"
    code=0
    "$mien" help >/dev/full 2>"$err" || code=$?
    ended 'No space left on device'
fi

# The reader is gone before the program starts.
ran="help | (closed)"
mkfifo pipe
# shellcheck disable=SC2217 # it only holds the pipe open
sleep 30 <pipe &
reader=$!
exec 3>pipe
kill "$reader"
wait "$reader" 2>/dev/null
code=0
"$mien" help >&3 2>"$err" || code=$?
exec 3>&-
ended 'Broken pipe'

# ulimit -f is not a signal but an error of the write.
ran="man (ulimit -f 1) >file"
code=0
(
    limit_files 1
    i=0
    while [ "$i" -lt 8 ]; do # some shells count in 512 bytes, some in 1024: go on until it is full
        "$mien" man || exit $?
        i=$((i + 1))
    done >>file 2>"$err"
) || code=$?
checks=$((checks + 1))
[ "$code" -eq 1 ] || failed "exit code $code, expected 1"
errs '^mien man: cannot write the result to the standard output: File too large'

# Errors nobody can see are still errors.
ran="sinth 2>&-"
code=0
"$mien" sinth >"$out" 2>&- || code=$?
checks=$((checks + 1))
[ "$code" -eq 2 ] || failed "exit code $code, expected 2"
silent

# With all three streams closed, a file that is written must not become one of them.
ran="synth faces <&- >&- 2>&-"
code=0
"$mien" synth faces --count 7 <&- >&- 2>&- || code=$?
checks=$((checks + 1))
[ "$code" -eq 1 ] || failed "exit code $code, expected 1"
check "a result was written into a file of the data set" \
    test -z "$(grep -rl 'training images' faces 2>/dev/null)"
finish
