#!/bin/sh
# pytorch_step.sh - bench/pytorch_step.py knows every layer that a recipe can have
# Needs Python with PyTorch and PyYAML; skipped (77) without.  MIEN_PYTHON names the interpreter.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$work" || exit 1

python=
for candidate in "${MIEN_PYTHON:-python3}" /usr/bin/python3; do
    if [ -z "$python" ] && "$candidate" -c 'import torch, yaml' 2>/dev/null; then
        python=$candidate
    fi
done
if [ -z "$python" ]; then
    echo "needs Python with PyTorch and PyYAML"
    exit 77
fi

cat >every.yaml <<'END'
name: every
input: { channels: 3, height: 12, width: 12 }
layers:
  - mark a
  - conv 8 3x3 pad 1 bias no
  - batchnorm
  - gelu
  - add a conv 8 1x1 batchnorm
  - mark b
  - conv 8 3x1 groups 4 stride 2
  - silu
  - add b conv 8 3x1 stride 2 groups 2 bias no
  - maxpool 2x3 stride 1
  - avgpool 2 pad 1
  - leakyrelu
  - leakyrelu 0.2
  - mark gated
  - globalavgpool
  - dense 8
  - sigmoid
  - multiply gated
  - batchnorm
  - globalavgpool
  - dense 6 bias no
  - batchnorm
  - relu
  - mark c
  - dropout 0.3
  - add c
  - dense classes
END
cp "$root/recipes/resnet-9.yaml" .
for recipe in every resnet-9; do
    expect 0 summary $recipe.yaml --classes 7 --json
    sed 's/.*"classes": 7, "parameters": \([0-9]*\),.*/\1/' "$out" >parameters
    "$python" "$root/bench/pytorch_step.py" $recipe.yaml --batch 3 --repeat 1 --warmup 0 >torch.json ||
        failed "no steps of $recipe"
    check "PyTorch has other parameters in $recipe" grep -q "\"parameters\": $(cat parameters)," torch.json
done
finish
