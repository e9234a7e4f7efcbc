#!/usr/bin/env python3
"""Writes a small checkpoint with the rows of its language model filled up with zeros to whole blocks of 256: the same function, in a
shape that every quantised format can hold. For measuring what formats cost where only a narrow model is at hand. Needs numpy.

    python3 scripts/padded_checkpoint.py assets/demo-rarl OUT
    panelscope model compare assets/demo-rarl OUT                     # the same to the last bits
    panelscope model compare OUT --quant q4_k_m
"""

import json
import math
import shutil
import struct
import sys
from pathlib import Path

import numpy as np

BLOCK = 256
TYPES = {"F16": np.float16, "F32": np.float32}


def read(path):
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    for name, entry in header.items():
        if name != "__metadata__":
            first, end = entry["data_offsets"]
            numbers = np.frombuffer(raw[8 + size + first : 8 + size + end], TYPES[entry["dtype"]])
            yield name, numbers.reshape(entry["shape"]).astype(np.float32)


def write(path, tensors):
    header, place = {}, 0
    for name, numbers in tensors.items():
        header[name] = {"dtype": "F32", "shape": numbers.shape, "data_offsets": [place, place + numbers.nbytes]}
        place += numbers.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for numbers in tensors.values():
            file.write(np.ascontiguousarray(numbers).tobytes())


def filled(numbers, *sizes):
    return np.pad(numbers, [(0, size - now) for size, now in zip(sizes, numbers.shape)])


def main():
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    config = json.loads((source / "config.json").read_text())
    text = config["text_config"]
    hidden, wide, heads, keys = (text[key] for key in (
        "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads"))
    times = math.ceil(hidden / BLOCK) * BLOCK // hidden
    if hidden * times % BLOCK or hidden % heads:
        sys.exit(f"rows of {hidden} numbers do not fill blocks of {BLOCK} in whole heads")
    new_hidden, new_wide, head = hidden * times, math.ceil(wide / BLOCK) * BLOCK, hidden // heads
    new_keys = keys * times * head

    def put(name, numbers):
        end = name.rsplit(".", 2)[-2]
        if ".visual." in name or name.startswith("visual."):
            last = name.endswith(("merger.mlp.2.weight", "merger.mlp.2.bias"))
            return filled(numbers, new_hidden, *numbers.shape[1:]) if last else numbers
        if "norm" in end:
            # Zeros make the mean of squares smaller, and so does the configuration's epsilon below.
            return filled(numbers / math.sqrt(times), new_hidden)
        rows = {"k_proj": new_keys, "v_proj": new_keys, "gate_proj": new_wide, "up_proj": new_wide}.get(end, new_hidden)
        if numbers.ndim == 1:
            return filled(numbers, rows)
        if end in ("embed_tokens", "lm_head"):
            return filled(numbers, numbers.shape[0], new_hidden)
        return filled(numbers, rows, new_wide if end == "down_proj" else new_hidden)

    out.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        if file.suffix == ".json":
            shutil.copy(file, out)
    text.update(
        hidden_size=new_hidden, intermediate_size=new_wide, num_attention_heads=heads * times,
        num_key_value_heads=keys * times, rms_norm_eps=text["rms_norm_eps"] / times, dtype="float32",
    )
    config.update(dtype="float32", torch_dtype="float32")
    config["vision_config"].update(out_hidden_size=new_hidden, dtype="float32")
    (out / "config.json").write_text(json.dumps(config, indent=2))
    write(out / "model.safetensors", {name: put(name, numbers) for name, numbers in read(source / "model.safetensors")})


if __name__ == "__main__":
    main()
