#!/bin/sh
# tensorboard_read.sh - event files as TensorBoard's own reader reads them
#
# Needs Python with tensorboard; skipped (77) without.  MIEN_PYTHON names the interpreter.
python=${MIEN_PYTHON:-python3}
if ! "$python" -c 'import tensorboard.backend.event_processing.event_accumulator' 2>/dev/null; then
    echo "$python has no tensorboard (pip install tensorboard setuptools); MIEN_PYTHON may name another"
    exit 77
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(pwd)
cd "$work" || exit 1

expect 0 synth faces --count 70
expect 0 train faces --recipe "$here/recipes/tiny.yaml" --out run --epochs 3 --tensorboard board --quiet
cp -r run third
check "three epochs are read otherwise" "$python" "$here/tests/cli/tensorboard_read.py" board run/history.csv
sleep 1 # a file of the next second
expect 0 train --resume run --epochs 6 --tensorboard board --quiet
sleep 1
# Epochs 4 and 5 once more, as after a kill: each counts once, and 6 is void.
expect 0 train --resume third --epochs 5 --tensorboard board --quiet
check "five epochs are read otherwise" "$python" "$here/tests/cli/tensorboard_read.py" board third/history.csv
finish
