#!/usr/bin/env python3
"""pytorch_step.py - the training steps of mien's recipes in PyTorch, for a comparison on one machine

    apt-get install python3-torch python3-yaml libopenblas0-pthread
    /usr/bin/python3 bench/pytorch_step.py recipes/report.yaml ... > torch.json
    build/release/mien bench step recipes/report.yaml ... --json > mien.json
    scripts/bench-compare torch.json mien.json

Without libopenblas0-pthread Debian's PyTorch uses the reference BLAS and is several times slower: no fair peer. Each
network runs in both memory formats, and the faster one counts.
"""
import argparse
import json
import statistics
import time
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F
import yaml


def options_of(words):
    """{"pad": 1} of ["pad", "1"]."""
    return {key: value for key, value in zip(words[::2], words[1::2])}


def layer_of(line, channels, classes):
    """The module of a recipe's line, and the channels behind it (None where they stay)."""
    kind, *words = line.split()
    if kind == "conv":
        width, kernel, more = int(words[0]), tuple(map(int, words[1].split("x"))), options_of(words[2:])
        return nn.Conv2d(channels, width, kernel, int(more.get("stride", 1)), int(more.get("pad", 0)),
                         bias=more.get("bias", "yes") == "yes"), width
    if kind == "dense":
        width = classes if words[0] == "classes" else int(words[0])
        return nn.LazyLinear(width), width
    if kind in ("maxpool", "avgpool"):
        more = options_of(words[1:])
        pool = nn.MaxPool2d if kind == "maxpool" else nn.AvgPool2d
        return pool(int(words[0]), int(more.get("stride", words[0])), int(more.get("pad", 0))), None
    modules = {"relu": nn.ReLU, "flatten": nn.Flatten, "globalavgpool": lambda: nn.AdaptiveAvgPool2d(1),
               "batchnorm": lambda: nn.BatchNorm2d(channels)}
    return modules[kind](), None


def network_of(recipe, classes):
    modules, channels = [], recipe["input"].get("channels", 1)
    for line in recipe["layers"]:
        module, width = layer_of(line, channels, classes)
        channels = width or channels
        modules.append(module)
    return nn.Sequential(*modules)


def step_times(recipe, args, memory_format):
    torch.manual_seed(0)
    side = recipe["input"]
    model = network_of(recipe, args.classes).to(args.device)
    x = torch.rand(args.batch, side.get("channels", 1), side["height"], side["width"], device=args.device)
    y = torch.randint(0, args.classes, (args.batch,), device=args.device)
    model(x)  # gives the lazy layers their shapes
    model, x = model.to(memory_format=memory_format), x.to(memory_format=memory_format)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    times = []
    for i in range(args.warmup + args.repeat):
        start = time.perf_counter()
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        if args.device == "cuda":
            torch.cuda.synchronize()
        if i >= args.warmup:
            times.append((time.perf_counter() - start) * 1e3)
    return times


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("recipes", nargs="+")
    ap.add_argument("--device", default="cpu")
    ap.add_argument("--batch", type=int, default=150)
    ap.add_argument("--classes", type=int, default=7)
    ap.add_argument("--repeat", type=int, default=10)
    ap.add_argument("--warmup", type=int, default=2)
    ap.add_argument("--threads", type=int, default=2)
    args = ap.parse_args()
    warnings.filterwarnings("ignore", message="Lazy modules")
    torch.set_num_threads(args.threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    for path in args.recipes:
        with open(path, encoding="utf-8") as file:
            recipe = yaml.safe_load(file)
        runs = [(step_times(recipe, args, f), name) for f, name in
                ((torch.contiguous_format, "NCHW"), (torch.channels_last, "channels_last"))]
        times, layout = min(runs, key=lambda run: statistics.median(run[0]))
        step_ms = statistics.median(times)
        print(json.dumps({
            "network": recipe["name"], "program": "PyTorch " + torch.__version__, "device": args.device,
            "threads": args.threads, "batch": args.batch, "layout": layout, "step_ms": round(step_ms, 3),
            "min_ms": round(min(times), 3), "images_per_s": round(args.batch / step_ms * 1e3, 1)}), flush=True)


if __name__ == "__main__":
    main()
