#!/bin/sh
# lost_rights.sh - somebody without rights: what cannot be read or written is one line and no file, and old files stay
#
# Root may do everything, so that the program runs as nobody; where the tests do not run as root there is no other user to be.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
needs_device
chmod 755 "$work" # nobody may look in
nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
if [ "$(id -u)" -ne 0 ] || ! $nobody test -x "$mien" 2>/dev/null; then
    echo "not root, no setpriv, or nobody may not run $mien: there is no other user to be"
    exit 77
fi
cd "$work" || exit 1
cat >net.yaml <<'END'
input: { channels: 1, height: 48, width: 48 }
layers: [ maxpool 4, flatten, dense classes ]
train: { batch: 7, epochs: 1, optimizer: { rate: 0.1 } }
END
expect 0 synth faces --count 14 --quiet
expect 0 train faces --recipe net.yaml --out run --quiet --tuning none
image=$(find faces/validation -name '*.png' | head -n 1)

# A cache that can be read and not written: copied, as nobody may not get to the tests' own.
mkdir cache pocl
cp -r "${MIEN_CACHE:-$HOME/.cache/mien}/." cache
[ -z "${POCL_CACHE_DIR:-}" ] || cp -r "$POCL_CACHE_DIR/." pocl
MIEN_CACHE=$work/cache
POCL_CACHE_DIR=$work/pocl
HOME=$work
export MIEN_CACHE POCL_CACHE_DIR HOME
chmod -R go=rX cache faces run net.yaml
chmod -R go=rwX pocl

# refused CODE TEXT ARGUMENT...: nobody's mien ends with the code and one line; nothing that is root's changed.
real=$mien
mien=$work/nobody
printf '#!/bin/sh\nexec %s %s "$@"\n' "$nobody" "$real" >nobody
chmod 755 nobody
state() {
    find cache faces run net.yaml -type f -exec cksum {} + | sort
}
state >.before
refused() {
    status=$1
    pattern=$2
    shift 2
    expect "$status" "$@" --quiet
    one_line
    errs "$pattern"
    state >.after
    check "a file changed" cmp -s .before .after
}
expect 0 eval run/best.safetensors faces --quiet
refused 1 'Permission denied' train faces --recipe net.yaml --out new
check "a folder was made" test ! -e new
refused 1 'Permission denied' train --resume run --epochs 2
refused 1 'Permission denied' export run/best.safetensors --c out
refused 1 'Permission denied' pack faces faces.safetensors
refused 1 'Permission denied' import run/best.safetensors --recipe net.yaml --out run/last.safetensors --classes a,b,c,d,e,f,g
chmod 600 run/best.safetensors net.yaml "$image"
refused 4 'Permission denied' eval run/best.safetensors faces
refused 4 'Permission denied' predict run/best.safetensors "$image"
refused 4 'Permission denied' summary net.yaml
refused 4 'Permission denied' predict run/last.safetensors "$image"
chmod 644 run/best.safetensors net.yaml "$image"

# What is tuned or proven cannot be kept: a note, and the training goes on.
mkdir -m 777 free
rm -rf cache/selftest
expect 0 train faces --recipe net.yaml --out free/run --tuning none
errs '^the self-test is not remembered, and comes again (--no-selftest leaves it out): .*Permission denied'
check "no checkpoint" test -s free/run/last.safetensors
finish
