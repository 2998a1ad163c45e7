#!/bin/sh
# usage.sh - help, version, unknown words, values out of range: text and exit code of each
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

expect 0 help --quiet
expect 0 help
says '^Usage: mien COMMAND'
says '^Training:$'
says '^  synth '
cp "$out" "$work/help"
expect 0 --help
check "--help and help differ" cmp -s "$out" "$work/help"
expect 0 -h
check "-h and help differ" cmp -s "$out" "$work/help"
expect 0 --version
says '^mien [0-9][0-9.]*$'
expect 2
one_line
silent
errs "^mien: no command given; 'mien help'"

# Each command that is listed explains itself, in both ways, and takes no unknown option.
commands=$(sed -n 's/^  \([a-z-]*\) .*/\1/p' "$work/help")
check "help lists no commands" test -n "$commands"
for command in $commands; do
    expect 0 "$command" --help
    says "^Usage: mien $command"
    cp "$out" "$work/one"
    expect 0 help "$command"
    check "help $command and $command --help differ" cmp -s "$out" "$work/one"
    expect 0 "$command" -h
    expect 2 "$command" --no-such-option
    errs "^mien $command: unknown option '--no-such-option'"
    one_line
    silent
    expect 2 "$command" -x
    errs "^mien $command: unknown option '-x'"
    one_line
    check "$command takes no --quiet" grep -q -e '^  --quiet ' "$work/one"
    case $command in help | completion) ;; *)
        check "$command takes no --json" grep -q -e '^  --json ' "$work/one" ;;
    esac
    expect 2 "$command" --help=yes
    errs "takes no value"
done

expect 2 sinth
errs "^mien: unknown command 'sinth', did you mean synth?"
one_line
expect 2 qqqqqqqq
errs "unknown command 'qqqqqqqq'; "
expect 2 help sinth
errs "did you mean synth?"
expect 2 ''
errs "unknown command ''"
expect 2 --nonsense
expect 2 "$(printf 'a\nb\033[31m')"
errs "unknown command 'a?b?\[31m'"
one_line
expect 2 "$(printf '%05000d' 0)"
one_line

expect 2 synth
errs '^mien synth: DIR is missing'
expect 2 synth a b
errs "unexpected argument 'b'"
expect 2 synth ''
errs 'DIR is empty'
expect 2 synth d --cuont 5
errs "unknown option '--cuont', did you mean --count?"
expect 2 synth d --cou=5
errs "did you mean --count?"
expect 2 synth d --count
errs '\--count needs a value: N'
for value in 5x x '' ' 5' 0 -1 1e3 99999999999999999999 6; do
    expect 2 synth d --count "$value"
    errs "--count: '$value' is not a whole number from 7 to 1000000"
    one_line
    expect 2 synth d "--count=$value"
    errs "--count: '$value' is not a whole number from 7 to 1000000"
done
expect 2 synth d --seed -1
errs "from 0 to 9007199254740991"
for value in nan inf -0.1 0.91 0.1x ''; do
    expect 2 pack a b --split "$value"
    errs "--split: '$value' is not a number from 0 to 0.9"
done
for value in 48x 48x48x48 x 0 48x0 4097 48X48 99999999999999999999; do
    expect 2 pack a b --size "$value"
    errs "--size: '$value' is not a size HxW with both from 1 to 4096"
done
expect 2 pack a b --channels 2
errs "--channels: '2' is none of 1, 3"
check "a usage error made something" test "$(find . -type f -o -type d | grep -c '/[^.]')" -eq 2

expect 0 completion bash
cp "$out" "$work/completion"
if command -v bash >/dev/null 2>&1; then
    check "the completion is no bash" bash -n "$work/completion"
    # Ask the completion for the words after `mien sy` and `mien synth --co`.
    check "completion of a command" test "$(bash -c '. ./completion
        COMP_WORDS=(mien sy) COMP_CWORD=1; _mien; echo "${COMPREPLY[*]}"')" = synth
    check "completion of an option" test "$(bash -c '. ./completion
        COMP_WORDS=(mien synth --co) COMP_CWORD=2; _mien; echo "${COMPREPLY[*]}"')" = --count
    check "completion of a value" test "$(bash -c '. ./completion
        COMP_WORDS=(mien pack --channels "") COMP_CWORD=3; _mien; echo "${COMPREPLY[*]}"')" = "1 3"
fi
expect 0 completion zsh
cp "$out" "$work/completion"
says "^    synth)$"
says "'\*--set\[put a value over the recipe'"
if command -v zsh >/dev/null 2>&1; then
    check "the completion is no zsh" zsh -n "$work/completion"
fi
expect 0 completion fish
cp "$out" "$work/completion"
says "__fish_seen_subcommand_from pack' -l channels -x -a '1 3'"
if command -v fish >/dev/null 2>&1; then
    check "the completion is no fish" fish -n "$work/completion"
fi
expect 2 completion fisch
errs "'fisch' is none of bash, zsh, fish, did you mean fish?"
expect 2 completion powershell
errs "'powershell' is none of bash, zsh, fish$"

# A file of nearly that name.
mkdir near
: >near/faces.safetensors
expect 4 pack near/facse.safetensors x.safetensors
errs '^mien pack: near/facse.safetensors: No such file or directory, did you mean near/faces.safetensors?$'
expect 4 pack near/people x.safetensors
errs '^mien pack: near/people: No such file or directory$'
expect 4 pack nofolder/faces.safetensors x.safetensors
errs ': No such file or directory$'
expect 0 man
says '^.TH MIEN 1'
says '^.SS mien synth DIR'
if command -v groff >/dev/null 2>&1; then
    check "the manual page has faults" test -z "$(groff -man -ww -Tutf8 -z "$out" 2>&1)"
fi
finish
