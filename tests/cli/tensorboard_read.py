#!/usr/bin/env python3
"""tensorboard_read.py - compares event files with a run's history, read by TensorBoard itself.

    tensorboard_read.py DIR HISTORY.CSV
"""
import csv
import math
import pathlib
import sys

from tensorboard.backend.event_processing import event_accumulator

PARTS = {
    "train": {"loss": "train_loss", "accuracy": "train_accuracy", "rate": "rate",
              "images_per_s": "images_per_s"},
    "validation": {"loss": "validation_loss", "accuracy": "validation_accuracy"},
}


def main():
    folder, history = (pathlib.Path(argument) for argument in sys.argv[1:])
    with history.open(newline="") as file:
        rows = list(csv.DictReader(file))
    wrong = []
    for part, tags in PARTS.items():
        events = event_accumulator.EventAccumulator(str(folder / part))
        events.Reload()
        scalars = set(events.Tags()["scalars"]) | set(events.Tags()["tensors"])
        if scalars != set(tags):
            wrong.append(f"{part} has {sorted(scalars)}")
            continue
        for tag, column in tags.items():
            try:
                got = [(e.step, e.value) for e in events.Scalars(tag)]
            except KeyError:  # kept as tensors
                got = [(e.step, e.tensor_proto.float_val[0]) for e in events.Tensors(tag)]
            want = [(int(row["epoch"]), float(row[column])) for row in rows]
            # The history has six digits of what is float32 here, and one of images a second.
            near = len(got) == len(want) and all(
                g[0] == w[0] and math.isclose(g[1], w[1], rel_tol=1e-5, abs_tol=6e-2 if
                                              tag == "images_per_s" else 1e-6)
                for g, w in zip(got, want))
            if not near:
                wrong.append(f"{part}/{tag} is {got}, expected {want}")
    print("\n".join(wrong) or f"{len(rows)} epochs as in {history}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
