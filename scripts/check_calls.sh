#!/bin/sh
# check_calls.sh - fails where C calls a function that has no place there.
# Each rule: an extended regular expression for the files; the functions; why not.  "lib" stands for the files of the
# library, which is all of src/ but the command line.
set -eu
cd "$(dirname "$0")/.."
status=0
files=$(find include src tests bench docs kernels -type f \( -name '*.c' -o -name '*.h' -o -name '*.cl' \) | sort)
while IFS=';' read -r where names why; do
    where=$(echo "$where" | tr -d ' ')
    [ "$where" != lib ] || where='^(include|src/([^c]|c[^l]|cl/))'
    pattern=$(echo "$names" | sed 's/^ *//; s/ *$//; s/  */|/g')
    # What follows -> or . is a member; a line that is a comment or a text calls nothing.
    found=$(echo "$files" | grep -E "$where" | xargs grep -nE "(^|[^A-Za-z0-9_>.\"])($pattern) *\(" |
        grep -vE '^[^:]*:[0-9]+: *(//|/?\*|")' || true)
    if [ -n "$found" ]; then
        printf '%s\n' "$found" "    ^$why" >&2
        status=1
    fi
done <<'RULES'
.               ; strcpy strcat strncpy strncat stpcpy stpncpy gets sprintf vsprintf ; writes without a bound or leaves no end: snprintf, memcpy
.               ; atoi atol atoll atof strtok              ; has no way to say that it failed: base/number.h
.               ; scanf fscanf                             ; reads without a bound
.               ; alloca strdupa                           ; the stack cannot refuse: mien_calloc
.               ; tmpnam tempnam mktemp                    ; another program may take the name first
^(src|bench)    ; rand srand random srandom drand48 lrand48 ; differs between machines: base/random.h
^(src|bench)    ; system popen vfork                       ; runs a program
^(src|include)  ; strerror localtime gmtime asctime ctime getlogin setenv putenv unsetenv ; is not for several threads
lib             ; setlocale                                ; belongs to the program that links the library
lib             ; exit _exit abort quick_exit printf puts putchar perror signal sigaction ; the library never prints, exits or takes signals
^(src/([^c]|c[^l]|cli/)) ; clCreate[A-Za-z]+ clEnqueue[A-Za-z]+ clSet[A-Za-z]+ clGet[A-Za-z]+ clRelease[A-Za-z]+ clRetain[A-Za-z]+ clBuildProgram clFinish clFlush clWaitForEvents CLBlast[A-Za-z]+ ; src/cl is the one door to OpenCL
^kernels        ; get_group_id get_num_groups get_global_size ; starts again in each slice of a launch: get_global_id
RULES
exit $status
