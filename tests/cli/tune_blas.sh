#!/bin/sh
# tune_blas.sh - CLBlast's parameters: searched for, kept, taken by a run, kept by the run, checked by the self-test
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
needs_device
unoptimised
# A cache of its own, but for the programs.
programs=${MIEN_CACHE:-$HOME/.cache/mien}/programs
mkdir -p cache
[ ! -d "$programs" ] || cp -al "$programs" cache/programs 2>/dev/null || cp -r "$programs" cache/programs
MIEN_CACHE=$work/cache
export MIEN_CACHE

cat >small.yaml <<'END_RECIPE'
name: small
input: { channels: 1, height: 16, width: 16 }
layers: [ flatten, dense 20, relu, dense classes ]
train: { batch: 12, epochs: 2, optimizer: { kind: sgd, rate: 0.05 } }
END_RECIPE
expect 0 synth faces --count 70 --quiet

# The search looks at all dense layers together; what it does not reach in a second it says.
expect 2 tune small.yaml --blas fast
expect 0 tune small.yaml --blas clblast --seconds 1 --limit 110 --export table.json
says '^CLBlast, dense layers  *[0-9.]* *[0-9.]* *[1-9][0-9]*  [a-z0-9]'
says '^kept in '
kept=$(find "$work/cache/tuning" -name '*.json')
check "the table has no line of CLBlast's parameters" \
    grep -q '{"op": "clblast", "variant": "[a-z]*", "version": "[0-9]*\.[0-9]*\.[0-9]*", .*"default_ms": ' table.json
check "the exported table is another one" cmp -s "$kept" table.json
expect 0 tune small.yaml --blas clblast --seconds 1 --limit 110 --json --quiet
says '{"name": "CLBlast, dense layers", .*"default": {"variant": "usual", "version": "[0-9.]*"}, "chosen": {"variant": '
if "$mien" tune small.yaml --blas own --seconds 1 --reset --export own.json --quiet >own.txt 2>"$err"; then
    check "--blas own looks at CLBlast" test "$(grep -c CLBlast own.txt)" -eq 0
    check "--blas own keeps parameters of CLBlast" test "$(grep -c '"clblast"' own.json)" -eq 0
    cpu=yes
else
    errs 'own matrix kernels are for CPU devices'
    cpu=no
fi

# blas VARIANT [MWG] >FILE: the table with a line of CLBlast's parameters alone.
version=$(sed -n 's/.*"version": "\([0-9.]*\)".*/\1/p' table.json | head -n 1)
blas() {
    sed '/^  {/d; /^\]}/d' table.json
    printf '  {"op": "clblast", "variant": "%s", "version": "%s"' "$1" "$version"
    [ "$1" = usual ] || {
        printf ', "Xgemm": {"GEMMK": 0, "KREG": 1, "KWG": 16, "KWI": 4, "MDIMA": 2, "MDIMC": 2, "MWG": %s, "NDIMB": 2, ' "$2"
        printf '"NDIMC": 2, "NWG": 16, "SA": 0, "SB": 0, "STRM": 0, "STRN": 0, "VWM": 8, "VWN": 8}, '
        printf '"XgemmDirect": {"KWID": 1, "MDIMAD": 8, "MDIMCD": 8, "NDIMBD": 8, "NDIMCD": 8, "PADA": 1, "PADB": 1, '
        printf '"VWMD": 1, "VWND": 1, "WGD": 8}, "GemmRoutine": {"XGEMM_MIN_INDIRECT_SIZE": 1}'
    }
    printf '}\n]}\n'
}
blas usual >usual.json
blas set 16 >set.json
blas set 48 >wrong.json
has() { # has FOLDER: how many sets its checkpoint has
    grep -ac 'clblast[^{}]*variant[^{}]*set.*[^A-Z]MWG[^0-9]*16,' "$1/last.safetensors"
}
train() { # train FOLDER OPTION...
    folder=$1
    shift
    expect 0 train faces --recipe small.yaml --out "$folder" --blas clblast --quiet "$@"
}

# A run takes the table's set and keeps it; going on with it does not ask the table again.
cp set.json "$kept"
train whole
check "the checkpoint does not have the set" test "$(has whole)" -eq 1
train cut --max-steps 7
cp usual.json "$kept"
expect 0 train --resume cut --quiet
check "the set is lost when the run goes on" test "$(has cut)" -eq 1
check "another result after another tuning" cmp -s whole/last.safetensors cut/last.safetensors

# One that was made without goes on without.
train without
check "a set that is not in the table is used" test "$(has without)" -eq 0
train cut-without --max-steps 7
cp set.json "$kept"
expect 0 train --resume cut-without --quiet
check "the set that was found meanwhile is used" test "$(has cut-without)" -eq 0
check "another result without a set" cmp -s without/last.safetensors cut-without/last.safetensors
train none --tuning none --epochs 1
check "--tuning none takes the set" test "$(has none)" -eq 0
train file --tuning set.json --epochs 1
check "--tuning FILE does not take the set" test "$(has file)" -eq 1
if [ "$cpu" = yes ]; then # own kernels compute it, and CLBlast nothing
    expect 0 train faces --recipe small.yaml --out own --quiet --epochs 1
    check "a run without CLBlast keeps parameters of it" test "$(has own)" -eq 0
fi

# The self-test checks CLBlast with them.
expect 0 selftest small.yaml --quick --filter dense --quiet
for pass in forward 'backward data' 'backward filter'; do
    says "^dense $pass, clblast  .*passed\$"
    says "^dense $pass, clblast tuned  .*passed\$"
done
cp usual.json "$kept"
expect 0 selftest --quick --filter dense --quiet
check "the self-test checks a set that is none" test "$(grep -c 'clblast tuned' "$out")" -eq 0

# A set that CLBlast must not get: the device's own table is passed over, a given one is an error.
cp wrong.json "$kept"
expect 0 bench step small.yaml --blas clblast --repeat 2 --warmup 1
errs '^tuning is not used: .*MWG is 48'
expect 4 bench step small.yaml --blas clblast --repeat 2 --warmup 1 --tuning wrong.json --quiet
one_line
# Of another version of CLBlast: not used, and no fault.
sed 's/"version": "[0-9.]*"/"version": "99.0.1"/' set.json >"$kept"
train version --epochs 1
check "a set of another CLBlast is used" test "$(has version)" -eq 0
finish
