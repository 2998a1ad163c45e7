#!/bin/sh
# ensemble.sh DATA FOLDER - trains the networks of an ensemble, each in a folder of its own in FOLDER, and evaluates the
# mean of what they say with ten crops.  Started again, it goes on where it was stopped.  $MIEN is the program
# [mien], such as build/release/mien.
#
# Five networks of 8.27 million parameters in all: medium, medium-long, medium-calm, wide-calm and wide-long (wide is only what
# wide-calm begins from).  On two AVX-512 cores at half their usual speed an epoch of the wide ones, 112 in all, takes 85 to 95 s, one of
# the medium ones, 168 in all, half of that: five hours.
# On FER2013 71.5 % of PublicTest with ten crops, where the best one alone has 70.4 % (docs/results); without training:
#   mien eval models/fer-*.safetensors DATA --views 10
set -eu
if [ $# -ne 2 ]; then
    echo "usage: $0 DATA FOLDER" >&2
    exit 2
fi
mien=${MIEN:-mien}
recipes=$(dirname "$0")
data=$1
folder=$2
mkdir -p "$folder"

# member NAME SEED [TRAIN-OPTION ...]: the network of NAME.yaml, trained to its end
member() {
    name=$1
    seed=$2
    shift 2
    if [ -e "$folder/$name/last.safetensors" ]; then
        "$mien" train --resume "$folder/$name"
    else # of a run that was stopped in its first epoch: its own files, and nothing else that may lie there
        rm -f "$folder/$name/recipe.yaml" "$folder/$name/run.json" "$folder/$name/history.csv" "$folder/$name/best.safetensors"
        "$mien" train "$data" --recipe "$recipes/$name.yaml" --out "$folder/$name" --seed "$seed" "$@"
    fi
}

member medium 1
member wide 11
member wide-calm 12 --init "$folder/wide/last.safetensors"
member medium-long 41
member medium-calm 42 --init "$folder/medium-long/last.safetensors"
member wide-long 71 --init "$folder/wide-calm/last.safetensors"
for name in medium wide-calm medium-long medium-calm wide-long; do
    set -- "$@" "$folder/$name/last.safetensors"
done
shift 2
"$mien" eval "$@" "$data" --views 10
