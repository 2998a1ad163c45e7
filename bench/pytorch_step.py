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


class Mark(nn.Module):
    """Keeps what it takes, for additions and products behind it."""

    def __init__(self, name):
        super().__init__()
        self.name = name


class Add(nn.Module):
    """Adds what a mark kept, or the projection of it."""

    def __init__(self, name, projection):
        super().__init__()
        self.name = name
        self.projection = projection


class Multiply(nn.Module):
    """Multiplies what a mark kept by one number for each channel."""

    def __init__(self, name):
        super().__init__()
        self.name = name


class Network(nn.Module):
    def __init__(self, modules):
        super().__init__()
        self.layers = nn.ModuleList(modules)

    def forward(self, x):
        kept = {}
        for layer in self.layers:
            if isinstance(layer, Mark):
                kept[layer.name] = x
            elif isinstance(layer, Add):
                x = x + layer.projection(kept[layer.name])
            elif isinstance(layer, Multiply):
                skip = kept[layer.name]
                x = skip * x.reshape(x.shape[:2] + (1,) * (skip.dim() - 2))
            else:
                x = layer(x)
        return x


def options_of(words):
    """{"pad": "1"} of ["pad", "1"]."""
    return dict(zip(words[::2], words[1::2]))


def pair_of(word):
    """(3, 5) of "3x5", (2, 2) of "2"."""
    sizes = [int(size) for size in word.split("x")]
    return (sizes[0], sizes[-1])


def has_bias(more):
    return more.get("bias", "yes") == "yes"


def conv_of(words):
    more = options_of(words[2:])
    return nn.LazyConv2d(int(words[0]), pair_of(words[1]), int(more.get("stride", 1)), int(more.get("pad", 0)),
                         groups=int(more.get("groups", 1)), bias=has_bias(more))


def add_of(words):
    """An addition; its projection is "conv" with its options, "batchnorm" among them."""
    projection = nn.Identity()
    if len(words) > 1:
        projection = conv_of([word for word in words[2:] if word != "batchnorm"])
        if "batchnorm" in words[2:]:
            projection = nn.Sequential(projection, nn.LazyBatchNorm2d())
    return Add(words[0], projection)


def pool_of(pool, words):
    window, more = pair_of(words[0]), options_of(words[1:])
    return pool(window, int(more.get("stride", window[0])), int(more.get("pad", 0)))


def dense_of(words, classes):
    """Flat numbers to flat ones, also those of a globalavgpool straight before it."""
    width = classes if words[0] == "classes" else int(words[0])
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(width, bias=has_bias(options_of(words[1:]))))


def layer_of(kind, words, flat, classes):
    """The module of a recipe's line; it learns the channels that come in from the first batch."""
    return {
        "conv": lambda: conv_of(words),
        "dense": lambda: dense_of(words, classes),
        "relu": nn.ReLU,
        "leakyrelu": lambda: nn.LeakyReLU(*map(float, words)),
        "sigmoid": nn.Sigmoid,
        "silu": nn.SiLU,
        "gelu": nn.GELU,
        "batchnorm": nn.LazyBatchNorm1d if flat else nn.LazyBatchNorm2d,
        "dropout": lambda: nn.Dropout(float(words[0])),
        "maxpool": lambda: pool_of(nn.MaxPool2d, words),
        "avgpool": lambda: pool_of(nn.AvgPool2d, words),
        "globalavgpool": lambda: nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten,
        "mark": lambda: Mark(words[0]),
        "add": lambda: add_of(words),
        "multiply": lambda: Multiply(words[0]),
    }[kind]()


def network_of(recipe, classes):
    modules, flat, marks = [], False, {}
    for line in recipe["layers"]:
        kind, *words = line.split()
        modules.append(layer_of(kind, words, flat, classes))
        flat = flat or kind in ("flatten", "dense")
        if kind == "mark":
            marks[words[0]] = flat
        elif kind == "multiply":
            flat = marks[words[0]]
    return Network(modules)


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
    return times, sum(parameter.numel() for parameter in model.parameters())


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
        (times, parameters), layout = min(runs, key=lambda run: statistics.median(run[0][0]))
        step_ms = statistics.median(times)
        print(json.dumps({
            "network": recipe["name"], "program": "PyTorch " + torch.__version__, "device": args.device,
            "threads": args.threads, "batch": args.batch, "layout": layout, "parameters": parameters,
            "step_ms": round(step_ms, 3), "min_ms": round(min(times), 3), "images_per_s": round(args.batch / step_ms * 1e3, 1)}), flush=True)


if __name__ == "__main__":
    main()
