#!/usr/bin/env python3
"""stranger_file.py IN OUT CHANGE ... - a safetensors file as mien would not write it

A CHANGE is KEY=VALUE, another text in the JSON object under "replay", written as Python's strings are (\\n, \\x1b); or
-NAME, the last tensor, which is left out.
"""
import json
import struct
import sys

with open(sys.argv[1], "rb") as file:
    data = file.read()
length = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + length])
metadata = header["__metadata__"]
for change in sys.argv[3:]:
    if change.startswith("-"):
        begin = header.pop(change[1:])["data_offsets"][0]
        data = data[:8 + length + begin]
    else:
        key, value = change.split("=", 1)
        metadata["replay"] = json.dumps({**json.loads(metadata["replay"]), key: value.encode().decode("unicode_escape")})
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[2], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data[8 + length:])
