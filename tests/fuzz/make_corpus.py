#!/usr/bin/env python3
"""make_corpus.py MIEN - writes the first files of tests/fuzz/corpus, as they are there

Small files of every form that a reader takes and of every form that it refuses by a rule of its own.  The rest of the
corpus was found: by hand, or by libFuzzer, which scripts/fuzz starts from these.  MIEN is the program, for what only it
writes; besides, cjpeg and jpegtran (libjpeg-turbo-progs) are needed.  Every face is a drawing of `mien synth`.
"""
import glob
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
CORPUS = "tests/fuzz/corpus"
MIEN = os.path.abspath(sys.argv[1])


def put(target, name, data):
    os.makedirs(f"{CORPUS}/{target}", exist_ok=True)
    with open(f"{CORPUS}/{target}/{name}", "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def run(*words, **more):
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # the driver leaks
    return subprocess.run(words, check=True, capture_output=True, env=environment, **more).stdout


# PNG ------------------------------------------------------------------------------------------------

def chunk(kind, data, crc=None):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body) if crc is None else crc)


CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def rows(width, height, bits, kind):
    size = (width * bits * CHANNELS[kind] + 7) // 8
    value = 3 if kind == 3 else 255
    return b"".join(bytes([y % 5 if y else 0]) + bytes((x * 37 + y * 11) & value for x in range(size))
                    for y in range(height))


def png(width, height, bits=8, kind=0, before=b"", after=b"", interlaced=False, data=None):
    if data is None and interlaced:
        data = b""
        for x, y, dx, dy in ADAM7:
            w, h = (width - x + dx - 1) // dx, (height - y + dy - 1) // dy
            data += rows(w, h, bits, kind) if w > 0 and h > 0 else b""
    elif data is None:
        data = rows(width, height, bits, kind)
    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 1 if interlaced else 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", zlib.compress(data, 9)) + after +
            chunk(b"IEND", b""))


def write_png():
    palette = chunk(b"PLTE", bytes(range(12)))
    for bits in (1, 2, 4, 8, 16):
        put("png", f"gray-{bits}", png(7, 5, bits))
    for bits in (1, 2, 4, 8):
        put("png", f"palette-{bits}", png(5, 3, bits, 3, palette if bits > 1 else chunk(b"PLTE", bytes(6))))
    put("png", "palette-transparent", png(5, 3, 2, 3, palette + chunk(b"tRNS", b"\0\x80\xff")))
    put("png", "palette-missing", png(5, 3, 8, 3))
    put("png", "palette-index-too-large", png(4, 1, 8, 3, palette, data=b"\0\0\1\2\xff"))
    for bits in (8, 16):
        put("png", f"rgb-{bits}", png(4, 3, bits, 2))
        put("png", f"gray-alpha-{bits}", png(3, 4, bits, 4))
        put("png", f"rgb-alpha-{bits}", png(3, 2, bits, 6))
    put("png", "gray-transparent", png(4, 4, 8, 0, chunk(b"tRNS", b"\0\x25")))
    put("png", "rgb-transparent", png(4, 4, 8, 2, chunk(b"tRNS", bytes(6))))
    put("png", "interlaced", png(9, 7, 8, 0, interlaced=True))
    put("png", "interlaced-rgb-16", png(5, 9, 16, 2, interlaced=True))
    put("png", "one-pixel", png(1, 1))
    put("png", "gamma", png(3, 3, 8, 0, chunk(b"gAMA", struct.pack(">I", 45455))))
    put("png", "gamma-absurd", png(3, 3, 8, 2, chunk(b"gAMA", b"\xff\xff\xff\xff") + chunk(b"sRGB", b"\x07")))
    text = chunk(b"tEXt", b"Title\0face") + chunk(b"zTXt", b"a\0\0" + zlib.compress(b"b" * 200))
    put("png", "text", png(3, 3, after=text))
    put("png", "text-bomb", png(3, 3, before=chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 9000000, 9))))
    put("png", "profile-bomb", png(3, 3, before=chunk(b"iCCP", b"a\0\0" + zlib.compress(b"\0" * 9000000, 9))))
    put("png", "bomb-wide", png(60000, 60000, 8, 0, data=b"\0" * 100000))
    put("png", "bomb-thin", png(2**31 - 1, 1, 1, 0, data=b"\0" * 1000))
    put("png", "bomb-many-rows", png(1, 2**31 - 1, 8, 0, data=b"\0" * 1000))
    put("png", "bomb-rows-behind-the-image", png(3, 3, 8, 0, data=rows(3, 3, 8, 0) + b"\0" * 3000000))
    put("png", "no-width", png(0, 5, data=b""))
    put("png", "no-height", png(5, 0, data=b""))
    put("png", "bits-3", png(5, 5, 3, data=bytes(20)))
    put("png", "kind-5", png(5, 5, 8, 0)[:25] + b"\5" + png(5, 5, 8, 0)[26:])
    put("png", "filter-9", png(3, 2, data=b"\0abc\x09def"))
    put("png", "rows-missing", png(3, 9, data=rows(3, 2, 8, 0)))
    put("png", "crc-wrong", png(3, 3, before=chunk(b"tIME", bytes(7), 1)))
    put("png", "head-twice", png(3, 3, before=chunk(b"IHDR", struct.pack(">IIBBBBB", 300, 300, 8, 2, 0, 0, 0))))
    put("png", "chunk-length-absurd", png(3, 3)[:33] + b"\xff\xff\xff\xffIDAT")
    put("png", "data-not-deflated", png(3, 3)[:33] + chunk(b"IDAT", b"not deflated") + chunk(b"IEND", b""))
    put("png", "signature-only", png(3, 3)[:8])
    put("png", "foreign", b"GIF89a\1\0\1\0\0\0\0;")
    put("png", "empty", b"")


# JPEG -----------------------------------------------------------------------------------------------

def segment(data, marker):
    """Where a marker's segment begins, behind the marker."""
    return data.index(b"\xff" + bytes([marker])) + 2


def patch(data, at, values):
    return data[:at] + bytes(values) + data[at + len(values):]


def write_jpeg():
    width, height = 19, 13
    gray = b"P5 %d %d 255\n" % (width, height) + bytes((x * 9 + y * y) & 255 for y in range(height) for x in range(width))
    colour = b"P6 %d %d 255\n" % (width, height) + bytes(
        (x * 9 + y * 5 + c * 60) & 255 for y in range(height) for x in range(width) for c in range(3))
    plain = run("cjpeg", "-quality", "60", "-optimize", input=gray)
    put("jpeg", "gray", plain)
    put("jpeg", "rgb", run("cjpeg", "-quality", "50", "-optimize", input=colour))
    put("jpeg", "rgb-444", run("cjpeg", "-quality", "50", "-sample", "1x1", "-optimize", input=colour))
    put("jpeg", "rgb-422", run("cjpeg", "-quality", "50", "-sample", "2x1", "-optimize", input=colour))
    put("jpeg", "rgb-as-it-is", run("cjpeg", "-rgb", "-quality", "50", "-optimize", input=colour))
    put("jpeg", "gray-of-rgb", run("cjpeg", "-grayscale", "-quality", "50", "-optimize", input=colour))
    progressive = run("cjpeg", "-progressive", "-quality", "50", input=colour)
    put("jpeg", "progressive", progressive)
    put("jpeg", "progressive-gray", run("cjpeg", "-progressive", "-quality", "50", input=gray))
    put("jpeg", "arithmetic", run("cjpeg", "-arithmetic", "-quality", "50", input=gray))
    put("jpeg", "restarts", run("cjpeg", "-restart", "1", "-quality", "50", "-optimize", input=colour))
    put("jpeg", "16-bit-tables", run("cjpeg", "-quality", "1", "-optimize", input=gray))
    exif = b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
    put("jpeg", "exif-turned", plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:])
    put("jpeg", "comment", plain[:2] + b"\xff\xfe\0\6face" + plain[2:])
    frame = segment(plain, 0xC0)
    put("jpeg", "bomb-65500", patch(plain, frame + 3, [0xFF, 0xDC, 0xFF, 0xDC]))
    scans = progressive.rindex(b"\xff\xda")
    slow = segment(progressive, 0xC2)
    put("jpeg", "bomb-many-scans", patch(progressive[:-2], slow + 3, [16, 0, 16, 0]) + progressive[scans:-2] * 60)
    put("jpeg", "no-height", patch(plain, frame + 3, [0, 0]))
    put("jpeg", "no-width", patch(plain, frame + 5, [0, 0]))
    put("jpeg", "12-bit", patch(plain, frame + 2, [12]))
    put("jpeg", "lossless", patch(plain, frame - 1, [0xC3]))
    put("jpeg", "four-channels", patch(plain, frame + 7, [4]))
    put("jpeg", "sampling-absurd", patch(plain, frame + 9, [0xFF]))
    put("jpeg", "table-missing", patch(plain, frame + 10, [3]))
    four = bytearray(run("cjpeg", "-rgb", "-sample", "1x1", "-quality", "50", "-optimize", input=colour))
    put("jpeg", "adobe-cmyk", bytes(four[:2]) + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\2" + bytes(four[2:]))
    put("jpeg", "cut", plain[: len(plain) * 2 // 3])
    put("jpeg", "no-end", plain[:-2])
    put("jpeg", "two-images", plain + plain)
    put("jpeg", "markers-only", b"\xff\xd8\xff\xd9")
    put("jpeg", "foreign", b"BM\0\0\0\0")
    put("jpeg", "empty", b"")


# safetensors ----------------------------------------------------------------------------------------

def container(header, data=b"", length=None, pad=True):
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8) if pad else b""
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def changed(header, tensors, metadata):
    """A copy of a header: parts of some tensors other ones, those that are None left out, and metadata over its own."""
    copy = {k: dict(v) for k, v in header.items()}
    for key, value in (tensors or {}).items():
        if value is None:
            del copy[key]
        else:
            copy[key].update(value)
    copy["__metadata__"].update(metadata)
    return copy


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def write_safetensors():
    f32 = struct.pack("<6f", 0, 1, -1, 0.5, float("inf"), float("nan"))
    good = {"__metadata__": {"format": "mien-weights 1", "a": "\u00e4"}, "w": tensor("F32", [2, 3], 0, 24)}
    put("safetensors", "one", container(good, f32))
    put("safetensors", "one-without-padding", container(good, f32, pad=False))
    sizes = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4, "U32": 4,
             "F32": 4, "F64": 8, "I64": 8, "U64": 8}
    header, at = {}, 0
    for dtype, size in sizes.items():
        header[dtype.lower()] = tensor(dtype, [3], at, at + 3 * size)
        at += 3 * size
    put("safetensors", "every-dtype", container(header, bytes(at)))
    put("safetensors", "scalar", container({"s": tensor("I64", [], 0, 8)}, bytes(8)))
    put("safetensors", "no-elements", container({"s": tensor("F32", [0, 5], 0, 0)}))
    put("safetensors", "no-tensors", container({}))
    put("safetensors", "metadata-only", container({"__metadata__": {"k": ""}}))
    put("safetensors", "empty", b"")
    put("safetensors", "shorter-than-a-length", b"\1\0\0")
    put("safetensors", "length-absurd", container(good, f32, length=2**64 - 1))
    put("safetensors", "length-beyond-limit", container(good, f32, length=2**31))
    put("safetensors", "length-behind-end", container(good, b"", length=4096))
    put("safetensors", "length-zero", container(good, f32, length=0))
    for name, shape, begin, end in (
            ("overflow", [2**32, 2**32, 2**32], 0, 24), ("overflow-to-fit", [2**62, 6], 0, 24),
            ("negative", [-2, -3], 0, 24), ("fraction", [2.5], 0, 10), ("too-many", [1] * 40, 0, 4),
            ("too-large", [2, 4], 0, 24), ("end-before-begin", [6], 24, 0), ("end-behind-file", [600], 0, 2400),
            ("offset-absurd", [6], 2**63 - 1, 2**63 - 1), ("begin-negative", [6], -24, 0), ("gap", [5], 4, 24)):
        put("safetensors", f"shape-{name}", container({"w": tensor("F32", shape, begin, end)}, f32))
    put("safetensors", "overlap", container({"a": tensor("U8", [4], 0, 4), "b": tensor("U8", [4], 2, 6)}, bytes(6)))
    put("safetensors", "shared", container({"a": tensor("U8", [4], 0, 4), "b": tensor("U8", [4], 0, 4)}, bytes(4)))
    put("safetensors", "name-twice",
        container(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"12"))
    put("safetensors", "key-twice", container(b'{"a":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,1]}}', b"1"))
    put("safetensors", "key-missing", container(b'{"a":{"dtype":"U8","shape":[1]}}', b"1"))
    put("safetensors", "dtype-unknown", container({"a": tensor("Q4", [2], 0, 1)}, b"1"))
    put("safetensors", "metadata-not-text", container({"__metadata__": {"a": 1}}))
    put("safetensors", "name-with-zero", container(b'{"a\\u0000b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"1"))
    put("safetensors", "name-empty", container({"": tensor("U8", [1], 0, 1)}, b"1"))
    put("safetensors", "not-utf-8", container(b'{"\xff":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"1"))
    put("safetensors", "nested", container(b'{"a":' + b"[" * 3000 + b"]" * 3000 + b"}"))
    put("safetensors", "list", container(b"[]"))
    put("safetensors", "text-behind-header", container(b"{} {}"))
    put("safetensors", "header-not-json", container(b"hello"))


# text -----------------------------------------------------------------------------------------------

def write_csv():
    rows_ = [f"{i},{' '.join(str((i * 7 + k * 13) % 256) for k in range(9))},{use}"
             for i, use in enumerate(("Training", "Training", "PublicTest", "PrivateTest", "Training", "Training", "PublicTest"))]
    head = "emotion,pixels,Usage"
    put("csv", "fer2013", "\n".join([head] + rows_) + "\n")
    put("csv", "windows", "\r\n".join([head] + rows_[:3]) + "\r\n")
    put("csv", "byte-order-mark", "\ufeff" + "\n".join([head] + rows_[:2]))
    put("csv", "quoted", 'emotion,"pixels","Usage"\n0,"1 2 3 4","Training"\n6,"255 0  7 9 ","PublicTest"\n')
    put("csv", "columns-moved", "x, Usage ,  PIXELS,emotion\n9,Training,5,3\n,Training,6,4\n")
    put("csv", "without-usage", "emotion,pixels\n" + "".join(f"{i % 7},{i}\n" for i in range(20)))
    put("csv", "pixel-256", "emotion,pixels\n0,1 2 3 256\n")
    put("csv", "pixel-negative", "emotion,pixels\n0,1 2 3 -4\n")
    put("csv", "pixel-absurd", "emotion,pixels\n0,99999999999999999999 2 3 4\n")
    put("csv", "not-square", "emotion,pixels\n0,1 2 3\n")
    put("csv", "pixel-missing", "emotion,pixels\n0,1 2 3 4\n1,1 2 3\n")
    put("csv", "pixel-too-many", "emotion,pixels\n0,1 2 3 4\n1,1 2 3 4 5\n")
    for name, value in (("7", "7"), ("negative", "-1"), ("absurd", "4294967296"), ("none", ""), ("word", "happy")):
        put("csv", f"emotion-{name}", f"emotion,pixels\n{value},1 2 3 4\n")
    put("csv", "usage-unknown", "emotion,pixels,Usage\n0,1,Practice\n")
    put("csv", "header-only", "emotion,pixels,Usage\n")
    put("csv", "header-twice", "emotion,pixels,pixels\n0,1,2\n")
    put("csv", "header-without-pixels", "emotion,Usage\n0,Training\n")
    put("csv", "field-missing", "emotion,pixels,Usage\n0,1 2 3 4\n")
    put("csv", "fields-300", ",".join(["a"] * 300) + "\n" + "," * 299 + "\n")
    put("csv", "zero-bytes", b"emotion,pixels\n0,1\0 2 3 4\n")
    put("csv", "quote-open", 'emotion,pixels\n0,"1 2 3 4\n')
    put("csv", "empty", b"")
    put("csv", "one-newline", "\n")


LAYERS = """name: every layer
input: { channels: 3, height: 20, width: 24, margin: 2 }
layers:
  - conv 8 5x3 pad 2 stride 2 bias no
  - batchnorm
  - relu
  - mark a
  - conv 8 3x3 pad 1 groups 2
  - add a
  - silu
  - mark b
  - conv 16 3x3 stride 2 pad 1
  - add b conv 16 1x1 stride 2
  - leakyrelu 0.1
  - avgpool 2
  - dropout 0.3
  - gelu
  - mark c
  - globalavgpool
  - sigmoid
  - multiply c
  - globalavgpool
  - flatten
  - dense 12
  - relu
  - dense classes
"""


def write_recipe():
    for path in sorted(glob.glob("recipes/*.yaml")):
        with open(path, "rb") as file:
            put("recipe", os.path.basename(path)[:-5], file.read())
    put("recipe", "every-layer", LAYERS)
    base = "input: { channels: 1, height: 6, width: 6 }\nlayers: [%s]\n"
    put("recipe", "method", base % "flatten, dense classes" + """normalize: { mean: 0.5, std: 0.25 }
augment: { mirror: yes, rotate: 10, scale: 0.1, shift: 0.1, brightness: 0.2, contrast: 0.2, erase: 0.25, mixup: 0.2 }
train:
  batch: 7
  accumulate: 3
  epochs: 9
  stop_at_train_accuracy: 0.9
  seed: 18446744073709551615
  label_smoothing: 0.1
  class_weights: balanced
  ema: 0.99
  clip_norm: 1e3
  sam: 0.5
  optimizer: { kind: adamw, rate: 1e-3, weight_decay: 0.01 }
  schedule: { kind: step, epochs: 3, factor: 0.1, warmup: 1 }
""")
    for kind in ("constant", "cosine", "plateau", "onecycle", "step"):
        put("recipe", f"schedule-{kind}", base % "flatten, dense classes" + f"train: {{ schedule: {{ kind: {kind} }} }}\n")
    for name, layers in (("kernel-absurd", "conv 4 99999999999x3"), ("width-absurd", "flatten, dense 2147483647, dense 2147483647"),
                         ("pad-absurd", "conv 4 3x3 pad 2147483647"), ("stride-zero", "conv 4 3x3 stride 0"),
                         ("kernel-too-large", "conv 4 7x7"), ("pool-zero", "maxpool 0"), ("no-layers", ""),
                         ("word-unknown", "convolve 3"), ("mark-missing", "add x"), ("mark-twice", "mark a, mark a"),
                         ("groups-odd", "conv 4 3x3 groups 3"), ("number-trailing", "conv 4x 3x3"),
                         ("dropout-two", "dropout 2"), ("nan", "dropout nan"), ("dense-unflat", "dense classes"),
                         ("flatten-first", "flatten, batchnorm, dense classes"),
                         ("mark-first", "mark a, batchnorm, add a, flatten, dense classes")):
        put("recipe", name, base % layers)
    put("recipe", "key-unknown", base % "flatten, dense classes" + "colour: red\n")
    put("recipe", "key-twice", base % "flatten, dense classes" + "input: { channels: 1, height: 6, width: 6 }\n")
    put("recipe", "number-absurd", "input: { channels: 1, height: 1e99, width: 0x7fffffffffffffff }\nlayers: [ flatten ]\n")
    put("recipe", "number-hex", "input: { channels: 0x1, height: 010, width: +6 }\nlayers: [ flatten, dense classes ]\n")
    put("recipe", "anchors", "a: &a [x, x]\nb: &b [*a, *a]\nlayers: [*b, *b]\n")
    put("recipe", "anchor-of-itself", "layers: &a [*a]\n")
    put("recipe", "merge", "x: &x { channels: 1 }\ninput: { <<: *x, height: 6, width: 6 }\nlayers: [flatten, dense classes]\n")
    put("recipe", "nested", "layers: " + "[" * 2000)
    put("recipe", "documents-two", base % "flatten, dense classes" + "---\n" + base % "flatten")
    put("recipe", "tag", "!!binary input: !!int { channels: 1 }\n")
    put("recipe", "tabs", "input:\n\tchannels: 1\n")
    put("recipe", "list", "- a\n- b\n")
    put("recipe", "utf-16", (base % "flatten, dense classes").encode("utf-16"))
    put("recipe", "not-utf-8", b"name: \xff\xfe\xfd\n")
    put("recipe", "zero-bytes", b"name: a\0b\ninput: { }\n")
    put("recipe", "empty", b"")
    put("recipe", "comment-only", "# nothing\n")


def write_classes():
    faces = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
    put("classes", "fer2013", "".join(f"{name}/{i}.png\n" for i, name in enumerate(faces)))
    put("classes", "other-words", "Anger/1\nDisgusted/1\nafraid/1\njoy/1\nNeutrality/1\nSadness/1\nSURPRISED/1\n")
    put("classes", "numbered", "".join(f"{i}/{i}.png\n" for i in range(7)))
    put("classes", "numbers-in-front", "0 angry/1\n3_happy/1\n0-fear/1\n-/1\n12 /1\n")
    put("classes", "numbers-beyond", "7/a\n-1/b\n007/c\n99999999999999999999/d\n")
    put("classes", "merged", "sad/1\nSad/2\n5 sadness/3\n")
    put("classes", "splits-in-names", "sad/Training_1.jpg\nsad/PublicTest_2.jpg\nhappy/PrivateTest_3.jpg\nhappy/Training_\n")
    put("classes", "splits-partly", "sad/Training_1.jpg\nsad/2.jpg\n")
    put("classes", "strange", b"\xff\xfe/\x01\n /..\n.../a//b\n\n/\n%s%n/%d\n")
    put("classes", "long", "a" * 3000 + "/" + "b" * 3000 + "\n")
    put("classes", "empty", b"")


def write_exclude():
    put("exclude", "plain", "# left out\ntrain/sad/1.png\ntrain/sad/2.png\t# twin\n\n  a\n")
    put("exclude", "escaped", "./#1.png\na\\tb\\n\\\\.png\t# x\n./b\n")
    put("exclude", "twice", "a\na\n")
    put("exclude", "escape-unknown", "a\\x41\n\\")
    put("exclude", "windows", "a\r\nb\r\n")
    put("exclude", "absolute", "/etc/passwd\n../../x\n")
    put("exclude", "zero-bytes", b"a\0b\n")
    put("exclude", "not-utf-8", b"\xff\xfe\n")
    put("exclude", "long", "a" * 5000 + "\n")
    put("exclude", "no-newline", "a")
    put("exclude", "empty", b"")


def write_options():
    lines = {
        "train": "train data --recipe recipes/report.yaml --out run --epochs 5 --set train.optimizer.rate=0.05 --quiet",
        "train-resume": "train --resume run --device 0:0",
        "eval": "eval run/best.safetensors data --json --split validation",
        "predict": "predict model.safetensors a.png b.jpg --top 3",
        "explain": "explain model.safetensors a.png --out maps",
        "devices": "devices --json", "tune": "tune recipe.yaml --seconds 10", "bench": "bench step recipe --batch 150 --json",
        "pack": "pack data out.safetensors --size 48x48 --channels 3 --split 0.1", "check": "check data --json",
        "synth": "synth dir --count 700 --seed 18446744073709551615", "summary": "summary report --batch 1",
        "export": "export model.safetensors out.onnx --softmax", "import": "import w.safetensors --recipe r --classes a,b --out m",
        "equals": "train --epochs=3 --rate=1e-3 --seed=0x10", "value-missing": "train --epochs", "value-not-wanted": "devices --json=1",
        "unknown": "train --epoch 3", "dashes": "train -- --epochs 3", "dash": "predict m -", "short": "train -h -v -x",
        "number-absurd": "train --epochs 99999999999999999999 --rate 1e999", "number-trailing": "train --epochs 3x",
        "number-nan": "train --rate nan", "size-absurd": "pack a b --size 99999999999x0", "size-half": "pack a b --size 48x",
        "twice": "train --epochs 3 --epochs 4", "set-wrong": "train --set =1 --set a --set a.b.c=", "command-unknown": "trian data",
        "help": "help train", "version": "--version", "help-option": "synth --help", "words-too-many": "synth a b c",
    }
    for name, line in lines.items():
        put("options", name, line.replace(" ", "\n"))
    put("options", "empty", b"")
    put("options", "blanks", "train\n\n \n--out\n\n")
    put("options", "strange", b"train\n--out\n\xff\xfe\n--\xff=\n%s%n\n\x1b[31m\n")


def write_tuning():
    conv = {"op": "conv2d", "pass": "fwd", "n": 150, "c": 1, "h": 48, "w": 48, "oc": 64, "kh": 5, "kw": 5, "stride": 1, "pad": 0,
            "lanes": 8, "variant": "vector", "ms": 1.5, "default_ms": 2.5}
    dense = {"op": "dense", "n": 150, "in": 1000, "out": 120, "lanes": 8, "variant": "clblast", "ms": 0.5, "default_ms": 1}
    def save(name, entries):
        put("tuning", name, entries if isinstance(entries, (str, bytes)) else json.dumps(entries))
    save("conv", [conv])
    save("dense", [dense])
    save("two", [conv, dense])
    save("twice", [conv, conv])
    save("none", [])
    for key, value in (("n", 0), ("n", -1), ("n", 2**31), ("n", 1e300), ("c", 2**30), ("kh", 49), ("stride", 0), ("pad", 2**31 - 1),
                       ("lanes", 3), ("variant", "fast"), ("variant", 3), ("pass", "sideways"), ("op", "softmax"), ("ms", -1),
                       ("ms", "1"), ("ms", 1e308)):
        save(f"{key}-{value}", [{**conv, key: value}])
    save("key-missing", [{"op": "conv2d"}])
    usual = {"op": "clblast", "variant": "usual", "version": "1.5.3", "ms": 1.5, "default_ms": 1.5}
    gemm = {"GEMMK": 0, "KREG": 1, "KWG": 16, "KWI": 2, "MDIMA": 8, "MDIMC": 8, "MWG": 64, "NDIMB": 8, "NDIMC": 8, "NWG": 64, "SA": 1,
            "SB": 1, "STRM": 0, "STRN": 0, "VWM": 4, "VWN": 4}
    direct = {"KWID": 2, "MDIMAD": 8, "MDIMCD": 8, "NDIMBD": 8, "NDIMCD": 8, "PADA": 1, "PADB": 1, "VWMD": 2, "VWND": 2, "WGD": 32}
    blas = {**usual, "variant": "set", "Xgemm": gemm, "XgemmDirect": direct, "GemmRoutine": {"XGEMM_MIN_INDIRECT_SIZE": 256}}
    save("clblast-usual", [usual])
    save("clblast-set", [blas])
    save("clblast-skip", [{**blas, "skip": "hung"}])
    save("clblast-with-dense", [dense, blas])
    for name, version in (("short", "1.5"), ("zero", "1.5.03"), ("huge", "9999.1.1"), ("blank", "1.5.3 "), ("number", 1.5)):
        save(f"clblast-version-{name}", [{**usual, "version": version}])
    for key, value in (("GEMMK", 1), ("MWG", 48), ("MWG", 0), ("MWG", -64), ("MWG", 2**32 + 64), ("MWG", 1e300), ("MWG", "64"), ("MDIMC", 0),
                       ("VWM", 16), ("KWG", 4)):
        save(f"clblast-{key}-{value}", [{**blas, "Xgemm": {**gemm, key: value}}])
    save("clblast-border-huge", [{**blas, "GemmRoutine": {"XGEMM_MIN_INDIRECT_SIZE": 2**31 - 1}}])
    save("clblast-unknown-parameter", [{**blas, "GemmRoutine": {"SIZE": 256}}])
    save("clblast-one-more", [{**blas, "XgemmDirect": {**direct, "X": 1}}])
    save("clblast-kernel-missing", [{**usual, "variant": "set", "Xgemm": gemm}])
    save("file", {"format": "mien-tuning 1", "mien": "0.1.0", "device": "; ; ; ; ; ", "shapes": [conv, dense]})
    save("file-of-another-device", {"format": "mien-tuning 1", "mien": "0.1.0", "device": "x", "shapes": []})
    save("object", {"a": [conv]})
    save("nested", "[" * 3000)
    save("not-json", "hello")
    save("zero-bytes", b'[{"op":"conv2d\0"}]')
    save("key-twice", '[{"op":"conv2d","op":"dense"}]')
    save("empty", b"")


def write_history():
    head = "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,rate,images_per_s,seconds\n"
    rows_ = "1,1.9,0.2,1.8,0.25,0.01,100.0,1.00\n2,1.8,0.3,,,0.01,100.0,1.00\n3,1.7,0.4,1.7,0.35,0.01,100.0,1.00\n"
    # The first byte is the number of rows that are wanted less one.
    put("history", "three", b"\2" + (head + rows_).encode())
    put("history", "two-of-three", b"\1" + (head + rows_).encode())
    put("history", "too-few", b"\7" + (head + rows_).encode())
    put("history", "no-rows", b"\0" + head.encode())
    put("history", "foreign", b"\1hello\n1,2\n")
    put("history", "row-cut", b"\2" + (head + rows_)[:-4].encode())
    put("history", "row-renamed", b"\1" + (head + "1,0\n99999999999999999999,0\n").encode())
    put("history", "zero-bytes", b"\1" + head.encode() + b"1\0,\n2,\0\n")
    put("history", "empty", b"\1")


# what mien writes -----------------------------------------------------------------------------------

TINY = """name: small
input: { channels: 1, height: 3, width: 3 }
layers: [ conv 2 2x2, batchnorm, relu, flatten, dense classes ]
train: { batch: 4, epochs: 1, ema: 0.5, optimizer: { kind: adam, rate: 0.01 } }
"""


def split_file(data):
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:8 + length]), data[8 + length:]


def write_models(folder):
    os.makedirs(f"{CORPUS}/checkpoint", exist_ok=True)
    run(MIEN, "synth", f"{folder}/faces", "--count", "14")
    run(MIEN, "pack", f"{folder}/faces", f"{folder}/faces.safetensors", "--size", "3x3")
    with open(f"{folder}/recipe.yaml", "w") as file:
        file.write(TINY)
    run(MIEN, "train", f"{folder}/faces.safetensors", "--recipe", f"{folder}/recipe.yaml", "--out", f"{folder}/run")
    files = {}
    for name in ("last", "best"):
        with open(f"{folder}/run/{name}.safetensors", "rb") as file:
            files[name] = file.read()
    put("model", "weights", files["best"])
    put("model", "checkpoint", files["last"])
    put("model", "cut", files["best"][:700])
    run(MIEN, "export", f"{folder}/run/best.safetensors", f"{folder}/half.safetensors", "--half")
    with open(f"{folder}/half.safetensors", "rb") as file:
        put("model", "halves", file.read())

    def change(target, name, tensors=None, **metadata):
        header, data = split_file(files["best" if target == "model" else "last"])
        changed = {**header, **(tensors or {}), "__metadata__": {**header["__metadata__"], **metadata}}
        put(target, name, container({k: v for k, v in changed.items() if v is not None}, data))
    text = split_file(files["best"])[0]["__metadata__"]["recipe"]
    change("model", "classes-other", classes='["a","b"]')
    change("model", "classes-none", classes="[]")
    change("model", "classes-not-text", classes="[1,2,3,4,5,6,7]")
    change("model", "classes-twice", classes='["a","a","b","c","d","e","f"]')
    change("model", "classes-not-json", classes="[")
    change("model", "recipe-other", recipe=text.replace("conv 2", "conv 3"))
    change("model", "recipe-huge", recipe="input: { channels: 1, height: 4096, width: 4096 }\n"
           "layers: [ flatten, dense 100, dense classes ]\n")
    change("model", "recipe-not-yaml", recipe="{")
    change("model", "format-other", format="mien-weights 9")
    change("model", "tensor-missing", {"conv1.bias": None})
    change("model", "tensor-of-another-shape", {"conv1.bias": tensor("F32", [1, 2], 32, 40)})
    change("model", "tensor-of-another-type", {"conv1.bias": tensor("U32", [2], 32, 40)})
    first = {"data_fingerprint": "0000000000000001"}  # what the target's data has
    change("checkpoint", "whole", **first)
    change("checkpoint", "of-other-data")
    change("checkpoint", "inside-an-epoch", epoch="0", step="1", **first)
    change("checkpoint", "step-absurd", step="18446744073709551616", **first)
    change("checkpoint", "epoch-negative", epoch="-1", **first)
    change("checkpoint", "accuracy-nan", best_accuracy="nan", **first)
    change("checkpoint", "variants-absurd", variants='[{"op":"conv2d","n":-1}]', **first)
    change("checkpoint", "state-missing", {"state.adam_mean": None}, **first)


def write_packed(folder):
    run(MIEN, "pack", f"{folder}/faces", f"{folder}/small.safetensors", "--size", "3x3")
    run(MIEN, "pack", f"{folder}/faces", f"{folder}/rgb.safetensors", "--size", "2x3", "--channels", "3", "--split", "0.2")
    for name in ("small", "rgb"):
        with open(f"{folder}/{name}.safetensors", "rb") as file:
            put("packed", name, file.read())
    with open(f"{folder}/small.safetensors", "rb") as file:
        header, data = split_file(file.read())

    def change(name, tensors=None, text=data, **metadata):
        put("packed", name, container(changed(header, tensors, metadata), text))
    images = header["images"]["shape"]
    change("names-missing", {"names": None} if "names" in header else {})
    change("labels-missing", {"labels": None})
    change("images-missing", {"images": None})
    change("images-other-count", {"images": {"shape": [images[0] * 3] + [1] + images[2:]}})
    change("images-no-height", {"images": {"shape": [images[0], 0, images[2], images[3]]}})
    change("images-flat", {"images": {"shape": [images[0] * images[1] * images[2] * images[3]]}})
    change("images-of-four", {"images": {"dtype": "F32"}})
    change("labels-absurd", text=b"\xff" * len(data))
    change("labels-zero", text=b"\0" * len(data))
    change("labels-127", text=b"\x7f" * len(data))
    at = header["labels"]["data_offsets"][0]
    for label in (-1, 7, 2**31 - 1, -(2**31)):
        change(f"label-{label}", text=data[:at + 4] + struct.pack("<i", label) + data[at + 8:])
    shares = struct.pack("<7f", 0.5, 0.25, 0.25, 0, 0, 0, 0) * images[0]

    def with_targets(name, text=shares, dtype="F32", shape=(images[0], 7)):
        more = {**header, "targets": tensor(dtype, list(shape), len(data), len(data) + len(text))}
        put("packed", name, container(more, data + text))
    with_targets("targets")
    with_targets("targets-fewer", shares[:-28], shape=(images[0] - 1, 7))
    with_targets("targets-flat", shape=(images[0] * 7,))
    with_targets("targets-of-integers", dtype="I32")
    with_targets("targets-not-finite", shares[:-4] + struct.pack("<f", float("nan")))
    with_targets("targets-of-one-half", struct.pack("<7f", 0.5, 0, 0, 0, 0, 0, 0) * images[0])
    change("classes-none", classes="[]")
    change("classes-not-json", classes="{")
    change("classes-twice", classes='["a","a"]')
    change("format-other", format="mien-dataset 9")


def write_import(folder):
    # The length of the map in two bytes, the map, the weights.
    with open(f"{folder}/run/best.safetensors", "rb") as file:
        header, data = split_file(file.read())
    del header["__metadata__"]
    def save(name, text, renamed=None):
        text = text.encode()
        put("import", name, struct.pack("<H", len(text)) + text + container(renamed or header, data))
    save("own-names", "")
    parts = {"conv1": "features.0", "batchnorm1": "features.1", "dense1": "classifier.3"}
    theirs = {f"{parts[k.split('.')[0]]}.{k.split('.')[1]}": v for k, v in header.items()}
    save("other-names", "", theirs)
    save("map", "# PyTorch's\n" + "".join(f"{b} {a} # x\n" for a, b in parts.items()), theirs)
    save("map-of-tensors", "".join(f"{a} {b}\n" for a, b in zip(theirs, header)), theirs)
    save("map-unknown", "a b\n", theirs)
    save("map-twice", "features.0 conv1\nfeatures.0 dense1\n", theirs)
    save("map-three-words", "a b c\n")
    save("map-one-word", "a#b\n")
    save("scalars", "", {k: {**v, "shape": []} for k, v in header.items()})
    short = dict(list(theirs.items())[1:])
    save("one-missing", "", short)
    save("names-of-numbers", "", {f"{99999999999999999999 + i}.weight": v for i, v in enumerate(header.values())})
    with open(f"{folder}/half.safetensors", "rb") as file:
        halves, half_data = split_file(file.read())
    del halves["__metadata__"]
    put("import", "halves", struct.pack("<H", 0) + container(halves, half_data))
    brain = {k: {**v, "dtype": v["dtype"].replace("F16", "BF16")} for k, v in halves.items()}
    put("import", "brain-floats", struct.pack("<H", 0) + container(brain, half_data))
    put("import", "empty", b"")
    put("import", "map-behind-end", b"\xff\xff")


# A step that was lost, and one that only says so. -----------------------------------------------------

def write_replay(folder):
    lost = (TINY.replace("batchnorm, relu, ", "").replace("epochs: 1, ema: 0.5", "epochs: 9")
            .replace("kind: adam, rate: 0.01", "rate: 1000, weight_decay: 10"))
    with open(f"{folder}/lost.yaml", "w") as file:
        file.write(lost)
    try:
        run(MIEN, "train", f"{folder}/faces.safetensors", "--recipe", f"{folder}/lost.yaml", "--out", f"{folder}/lost")
    except subprocess.CalledProcessError:
        pass  # which is what is wanted
    with open(f"{folder}/lost/replay.safetensors", "rb") as file:
        whole = file.read()
    put("replay", "whole", whole)
    put("replay", "cut", whole[:1500])
    header, data = split_file(whole)
    about = json.loads(header["__metadata__"]["replay"])

    def change(name, tensors=None, text=data, about=about, **metadata):
        metadata = {"replay": json.dumps(about), **metadata}
        put("replay", name, container(changed(header, tensors, metadata), text))
    for key in about:
        change(f"no-{key}", about={k: v for k, v in about.items() if k != key})
    for key in ("epoch", "step", "steps", "batch", "draw"):
        change(f"{key}-negative", about={**about, key: -1})
        change(f"{key}-absurd", about={**about, key: 2**40})
    change("batch-of-one", about={**about, "batch": 1})
    change("texts-for-the-terminal", about={**about, "device": "a\n\x1b[31mb", "driver": "\x9b2J", "found": "\x07\r\n"})
    change("blas-unknown", about={**about, "blas": "x"})
    change("not-json", replay="{")
    change("no-object", replay="[]")
    change("variants-absurd", variants='[{"op":"conv2d","n":-1}]')
    names = ("images", "labels", "second_labels", "second_share", "batch_share")
    for name in names:
        change(f"{name}-missing", {f"replay.{name}": None})
    images = header["replay.images"]["shape"]
    change("images-flat", {"replay.images": {"shape": [images[0] * 9]}})
    change("images-of-another-shape", {"replay.images": {"shape": [images[0], 9, 1, 1]}})
    change("images-fewer", {"replay.images": {"shape": [images[0] // 2] + [2, 3, 3]}})
    change("share-of-another-type", {"replay.batch_share": {"dtype": "I32"}})
    at = header["replay.labels"]["data_offsets"][0]
    for label in (-1, 7, 2**31 - 1):
        change(f"label-{label}", text=data[:at] + struct.pack("<i", label) + data[at + 4:])
    change("weights-finite", text=b"\0" * len(data))
    with_weights = {**header, "replay.class_weights": tensor("F32", [7], len(data), len(data) + 28)}
    put("replay", "class-weights", container(with_weights, data + struct.pack("<7f", *range(7))))
    put("replay", "class-weights-fewer", container(
        {**header, "replay.class_weights": tensor("F32", [1], len(data), len(data) + 4)}, data + bytes(4)))
    count = header["replay.labels"]["shape"][0]
    for name, classes in (("class-shares", 7), ("class-shares-fewer", 6)):
        size = 4 * count * classes
        put("replay", name, container({**header, "replay.class_shares": tensor(
            "F32", [count, classes], len(data), len(data) + size)}, data + struct.pack("<f", 1 / classes) * count * classes))


# JSON that mien reads again; a letter says what it is. -------------------------------------------------

def write_json(folder):
    def save(kind, name, value):
        letter = {"sweep": "s", "run": "r", "report": "p", "bench": "b", "selftest": "t"}[kind]
        put("json", f"{kind}-{name}", letter + (value if isinstance(value, str) else json.dumps(value, indent=1)))
    for kind in ("sweep", "run", "report", "bench", "selftest"):
        save(kind, "empty", "")
        save(kind, "cut", '{"a": [1, {"b": "')
        save(kind, "list", [])
        save(kind, "deep", "[" * 3000 + "]" * 3000)
        save(kind, "key-twice", '{"a": 1, "a": 2}')
        save(kind, "not-utf-8", '{"a": "\udcff"}'.encode("utf-8", "surrogateescape").decode("latin-1"))

    asked = {"epochs": 1}
    def trials(*rows):
        return {"asked": asked, "trials": [{"run": r, "settings": {"train.batch": "4"}, "accuracies": a, "failed": f}
                                           for r, a, f in rows]}
    save("sweep", "whole", trials(("run-002", [0.5, 0.625, 1], False), ("run-001", [0.5], False),
                                  ("run-004", [0.25], True), ("run-003", [], False)))
    save("sweep", "of-another", {"asked": {"epochs": 2}, "trials": []})
    save("sweep", "trial-unknown", trials(("run-005", [0.5], False)))
    save("sweep", "trial-twice", trials(("run-001", [0.5], False), ("run-001", [0.5], False)))
    save("sweep", "rungs-too-many", trials(("run-001", [0.5] * 4, False)))
    save("sweep", "accuracy-none", trials(("run-001", ["x"], False)))
    save("sweep", "accuracy-above-one", trials(("run-001", [1e308], False)))
    save("sweep", "trials-no-list", {"asked": asked, "trials": {}})

    with open(f"{folder}/run/run.json") as file:
        info = json.load(file)
    info["data"]["path"] = "/faces.safetensors"
    info["command"] = "mien train faces.safetensors"
    save("run", "whole", info)
    save("run", "resumed", {**info, "resumed_by": ["mien train --resume run", 1, None]})
    save("run", "resumed-by-none", {**info, "resumed_by": {}})
    save("run", "options-absurd", {**info, "options": {"split": 1e308, "keep_every": 2**62, "blas": "x", "exclude": ["a"]}})
    save("run", "options-negative", {**info, "options": {"split": -1, "keep_every": -1, "blas": 1, "exclude": ""}})
    save("run", "no-data", {**info, "data": "x"})
    save("run", "texts-for-the-terminal", {**info, "device": {"name": "a\n\x1b[31m", "driver": "\x9b"}})

    run(MIEN, "report", f"{folder}/run", f"{folder}/faces.safetensors", "--samples", "1", "--mistakes", "1")
    with open(f"{folder}/run/report.json") as file:
        report = json.load(file)
    save("report", "whole", json.dumps(report))
    for key in report:
        save("report", f"{key}-other", json.dumps({"format": report["format"], key: [{"a": {}}, 1, "x", None]}))
        save("report", f"{key}-alone", json.dumps({"format": report["format"], key: report[key]}))
    save("report", "format-other", {"format": "mien-report 9"})
    save("report", "format-alone", {"format": report["format"]})
    save("report", "script", {"format": report["format"], "name": "</script><script>alert(1)</script>"})

    lines = [{"name": "conv", "median_ms": 2.0, "min_ms": 1.0, "q1_ms": 1.5, "q3_ms": 2.5},
             {"network": "small", "batch": 150, "step_ms": 3}]
    save("bench", "whole", "".join(json.dumps(line) + "\n" for line in lines))
    save("bench", "no-line-feed", json.dumps(lines[0]))
    save("bench", "line-empty", json.dumps(lines[0]) + "\n\n")
    save("bench", "no-name", json.dumps({"median_ms": 1}))
    save("bench", "no-times", json.dumps({"name": "a"}))
    save("bench", "times-negative", json.dumps({"name": "a", "median_ms": -1}))
    save("bench", "times-absurd", '{"name": "a", "median_ms": 1e999}')
    save("bench", "name-long", json.dumps({"name": "a" * 600, "median_ms": 1}))
    save("bench", "batch-absurd", json.dumps({"network": "a" * 510, "batch": 2**62, "step_ms": 1}))
    save("bench", "text-for-the-terminal", json.dumps({"name": "a\n\x1b[31m", "median_ms": 1}))

    save("selftest", "whole", {"whole": True, "network": False, "wrong": []})
    several = [{"kernel": "conv2d fwd", "variant": "winograd", "text": "wrong"},
               {"kernel": "sgd", "variant": "", "text": "a\n\x1b[31m" * 99}]
    save("selftest", "wrong", {"whole": True, "network": False, "wrong": several})
    others = [1, {}, {"kernel": 1, "variant": []}, None]
    save("selftest", "wrong-of-other-types", {"whole": True, "network": False, "wrong": others})
    long = [{"kernel": "k" * 3000, "variant": "v" * 3000, "text": "t" * 3000}]
    save("selftest", "texts-long", {"whole": True, "network": False, "wrong": long})
    save("selftest", "wrong-no-list", {"whole": True, "network": True, "wrong": {}})
    save("selftest", "scope-unknown", {"whole": 1, "wrong": []})


# The cache of programs: base/hash.c in Python. ---------------------------------------------------------

def hash_hex(data):
    mask = 2**64 - 1
    a_in, a_out, b_in, b_out = 0x243f6a8885a308d3, 0xb7e151628aed2a6b, 0x6a09e667f3bcc909, 0xbb67ae8584caa73b
    a, b = b_out, a_out
    def rotate(x, by):
        return (x << by | x >> (64 - by)) & mask
    def spread(x):
        x ^= x >> 33
        x = x * 0xff51afd7ed558ccd & mask
        x ^= x >> 33
        x = x * 0xc4ceb9fe1a85ec53 & mask
        return x ^ x >> 33
    padded = data + bytes(8 - len(data) % 8)
    for word in [*struct.unpack(f"<{len(padded) // 8}Q", padded), len(data)]:
        a = rotate(a ^ word * a_in & mask, 31) * a_out & mask
        b = (rotate(b, 27) + rotate(word, 32) * b_in) * b_out & mask
    first = spread((a + rotate(b, 17)) & mask)
    return b"%016x%016x" % (first, spread(b ^ first))


def write_program():
    key, binary = b"a key\0", b"a binary of 21 bytes."
    def save(name, magic=b"mien program 1", key=key, binary=binary, key_bytes=None, bytes_=None, digest=None):
        head = struct.pack("<16s40sQQ", magic, digest or hash_hex(binary), len(key) if key_bytes is None else key_bytes,
                           len(binary) if bytes_ is None else bytes_)
        put("program", name, head + key + binary)
    save("whole")
    save("binary-of-eight", binary=b"12345678")
    save("no-binary", binary=b"")
    save("magic-other", magic=b"mien program 2")
    save("key-other", key=b"b key\0")
    save("key-longer", key=b"a key and more\0")
    save("key-without-end", key=b"a keyx")
    save("key-bytes-absurd", key_bytes=2**64 - 1)
    save("bytes-absurd", bytes_=2**64 - 1)
    save("hash-other", digest=b"0" * 32)
    put("program", "empty", b"")


def main():
    with tempfile.TemporaryDirectory() as folder:
        write_png()
        write_jpeg()
        write_safetensors()
        write_csv()
        write_recipe()
        write_classes()
        write_exclude()
        write_options()
        write_tuning()
        write_history()
        write_models(folder)
        write_packed(folder)
        write_import(folder)
        write_replay(folder)
        write_json(folder)
        write_program()


main()
