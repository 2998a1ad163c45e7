"""export_onnx.py NAME PREDICTIONS.json PIXELS.safetensors PLAIN.onnx WHOLE.onnx

What onnxruntime gives for the images of PREDICTIONS (mien predict --json), whose pixels are in PIXELS
(mien pack), beside what mien gives: one line with the largest differences.  Exits with 1 where they are
more than rounding.
"""
import json
import sys

import numpy as np
import onnxruntime

LOGITS, PROBABILITIES = 1e-4, 1e-5  # the most that rounding may do


def read_packed(path):
    """Images [n][h][w][c] and their names, of a packed data set."""
    data = open(path, "rb").read()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])

    def tensor(name):
        first, end = header[name]["data_offsets"]
        return np.frombuffer(data[start + first : start + end], np.uint8).reshape(header[name]["shape"])

    return tensor("images"), tensor("names").tobytes().decode().split("\0")[:-1]


def run(path, x):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,), (taken,) = session.get_inputs(), session.get_outputs()
    assert given.shape[0] == "batch" and taken.shape[0] == "batch", "the batch is not free"
    parts = [session.run(None, {given.name: x[i : i + 50]})[0] for i in range(0, len(x), 50)]
    return np.concatenate(parts), session.get_modelmeta().custom_metadata_map


name, predictions, packed, plain, whole = sys.argv[1:]
predictions = json.load(open(predictions))
images, names = read_packed(packed)
place = {n: i for i, n in enumerate(names)}
files = [p["file"] for p in predictions["predictions"]]
chosen = [next(place[f[k:]] for k in range(len(f)) if f[k:] in place) for f in files]
pixels = images[chosen].transpose(0, 3, 1, 2).astype(np.float32)
ours = np.array([p["probabilities"] for p in predictions["predictions"]])

theirs, metadata = run(whole, pixels)
mean, std = float(metadata["normalize_mean"]), float(metadata["normalize_std"])
margin = int(metadata["margin"])
middle = pixels[:, :, margin : pixels.shape[2] - margin, margin : pixels.shape[3] - margin]
logits, _ = run(plain, ((middle / 255 - mean) / std).astype(np.float32))
assert json.loads(metadata["classes"]) == predictions["classes"], "other classes"
assert name in metadata["recipe"], "another recipe"

# Softmax forgets what all logits of an image have in common; the logits themselves are compared below.
centred = logits - logits.mean(1, keepdims=True)
expected = np.log(ours) - np.log(ours).mean(1, keepdims=True)
apart = np.abs(centred - expected).max()
probabilities = np.abs(theirs - ours).max()
print(f"{name}: {len(files)} images, largest logit {np.abs(logits).max():.2f}, "
      f"largest difference: logits {apart:.1e}, probabilities {probabilities:.1e}")
sys.exit(not (apart < LOGITS and probabilities < PROBABILITIES and len(files) > 0))
