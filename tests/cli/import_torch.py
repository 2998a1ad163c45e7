"""import_torch.py save WEIGHTS | compare PIXELS PREDICTIONS

The network of recipes/vgg-32-64-128-256.yaml in PyTorch, as people write it, with weights of its own: saves
its state_dict; or computes it for the validation images of a packed set and compares with what
`mien predict --json` printed.
"""
import json
import struct
import sys

import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [], 1
        for width in (32, 64, 128, 256):
            for _ in range(2):
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
            layers += [nn.MaxPool2d(2)] if width < 256 else []
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(256, 7)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))


def make():
    torch.manual_seed(3)
    net = Net()
    with torch.no_grad():
        net(torch.randn(32, 1, 44, 44))  # gives batch norm its running values
        net.head.weight *= 300  # logits of some size
    return net.eval()


def save(path, tensors):
    """As the safetensors package does it, which sorts by type and name."""
    types = {torch.float32: "F32", torch.int64: "I64"}
    header, blobs, at = {}, [], 0
    for name, t in sorted(tensors.items(), key=lambda item: (types[item[1].dtype], item[0])):
        raw = t.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": types[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + len(raw)]}
        blobs.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def compare(packed, predictions):
    data = open(packed, "rb").read()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    first, end = header["images"]["data_offsets"]
    n, h, w, c = header["images"]["shape"]
    images = torch.frombuffer(bytearray(data[start + first : start + end]), dtype=torch.uint8).view(n, c, h, w)
    first, end = header["splits"]["data_offsets"]
    chosen = [i for i, split in enumerate(data[start + first : start + end]) if split == 1]
    ours = torch.tensor([p["probabilities"] for p in json.load(open(predictions))["predictions"]])
    with torch.no_grad():
        logits = make()((images[chosen].float() / 255 - 0.5077) / 0.2551)
    apart = (torch.softmax(logits, 1) - ours).abs().max().item()
    print(f"PyTorch and mien: {len(chosen)} images, largest logit {logits.abs().max():.2f}, "
          f"probabilities at most {apart:.1e} apart")
    return apart < 1e-5 and len(chosen) == len(ours)


if sys.argv[1] == "save":
    save(sys.argv[2], make().state_dict())
elif not compare(*sys.argv[2:]):
    sys.exit(1)
