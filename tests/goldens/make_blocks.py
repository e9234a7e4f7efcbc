"""Random blocks of GGML's formats and what its Python package (`pip install gguf`) reads from them.

    python tests/goldens/make_blocks.py      # writes blocks.safetensors beside itself
"""

from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Type, quants
from safetensors.numpy import save_file

rng = np.random.default_rng(7)


def halves(count):
    return (rng.standard_normal(count) * 0.01).astype(np.float16).view(np.uint8).reshape(count, 2)


def noise(count, bytes):
    return rng.integers(0, 256, (count, bytes), dtype=np.uint8)


def blocks(name, count=3):
    match name:
        case "F32":
            return rng.standard_normal(64).astype(np.float32).view(np.uint8)
        case "F16":
            return rng.standard_normal(64).astype(np.float16).view(np.uint8)
        case "BF16":
            return (rng.standard_normal(64).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
        case "Q8_0":
            return np.hstack([halves(count), noise(count, 32)])
        case "Q4_K":
            return np.hstack([halves(count), halves(count), noise(count, 140)])
        case "Q5_K":
            return np.hstack([halves(count), halves(count), noise(count, 172)])
        case "Q6_K":
            return np.hstack([noise(count, 208), halves(count)])


tensors = {}
for name in ["F32", "F16", "BF16", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]:
    raw = np.ascontiguousarray(blocks(name)).reshape(-1)
    read = {"F32": lambda raw: raw.view(np.float32), "F16": lambda raw: raw.view(np.float16).astype(np.float32)}
    read = read.get(name, lambda raw: quants.dequantize(raw.reshape(1, -1), Type[name]).reshape(-1))
    tensors[f"{name}.bytes"] = raw
    tensors[f"{name}.numbers"] = np.ascontiguousarray(read(raw), dtype=np.float32)
row = (rng.standard_normal(256) * 0.02).astype(np.float32)
tensors["Q8_0.row"] = row
tensors["Q8_0.row.bytes"] = np.ascontiguousarray(quants.quantize(row.reshape(1, -1), Type.Q8_0)).reshape(-1)
save_file(tensors, Path(__file__).parent / "blocks.safetensors")
