#!/bin/sh
# check_layers.sh - fails when a folder of src/ includes one that is not below it, or an unknown folder.
# Each rule: a folder, then all that it may use besides itself.
set -eu
cd "$(dirname "$0")/.."
status=0
known=" "
while read -r folder allowed; do
    known="$known$folder "
    [ -d "src/$folder" ] || continue
    # shellcheck disable=SC2013 # folder names have no blanks
    for used in $(grep -rhoE '^ *# *include +"[a-z_]+/' "src/$folder" | sed 's/.*"//; s,/,,' | sort -u); do
        case " $folder $allowed " in
        *" $used "*) ;;
        *)
            grep -rnE "^ *# *include +\"$used/" "src/$folder" |
                sed "s,^,layering: $folder is not above $used: ," >&2
            status=1
            ;;
        esac
    done
done <<'RULES'
base
cl base
ref base
draw base
ops cl base
data ops cl base
verify ref ops cl base
tune verify ref ops cl base
nn data tune verify ops cl base
train nn data tune verify ops cl draw base
api train nn data tune verify ops cl draw base
explain train nn data tune verify ops cl draw base
export train nn data tune verify ops cl base
report base
cli report explain export train nn data tune verify ops ref cl draw base
RULES
for folder in src/*/; do
    name=$(basename "$folder")
    case $known in
    *" $name "*) ;;
    *)
        echo "layering: src/$name has no rule in scripts/check_layers.sh" >&2
        status=1
        ;;
    esac
done
exit $status
