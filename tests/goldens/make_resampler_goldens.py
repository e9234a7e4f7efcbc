"""Makes tests/goldens/processor/torchvision.json: what the torchvision form of Hugging Face's image processor gives.

    python tests/goldens/make_resampler_goldens.py

Made with Python 3.11, torch 2.11.0, torchvision 0.26.0, transformers 5.23.0, numpy 2.4.6, on a processor with AVX2 (ATen's
portable code gives the same wherever the result is wider than one pixel, which it always is here:
ATEN_CPU_CAPABILITY=default writes the same file).

A row is [width, height, kind, min_pixels, max_pixels, grid, sha256]: `pixels` of that size and kind through
Qwen2VLImageProcessor, and the hash of pixel_values as little-endian f32. Images are computed on both sides, so no file is
needed for them.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor

OUT = Path(__file__).parent / "processor" / "torchvision.json"
BIG = 12_845_056


def pixels(w, h, kind):
    """(h, w, 3) u8. "noise": all values; "edges": 0 and 255 alone, where cubics overshoot most; "page": smooth and flat."""
    y, x = np.mgrid[0:h, 0:w].astype(np.uint32)
    planes = []
    for c in range(3):
        v = x * np.uint32(2654435761) + y * np.uint32(2246822519) + np.uint32(c * 3266489917 & 0xFFFFFFFF)
        v = (v ^ (v >> 15)) * np.uint32(2246822519)
        v = (v ^ (v >> 13)) >> 24
        if kind == "edges":
            v = np.where(v & 1, 255, 0)
        elif kind == "page":
            v = (x * 3 + y * 2 + c * 60 + (x // 37 * 91 + y // 29 * 57)) & 255
        planes.append(v)
    return np.stack(planes, -1).astype(np.uint8)


def asked():
    rng = np.random.default_rng(7)
    kinds = ["noise", "edges", "page"]
    sizes = [(1, 1), (1, 200), (200, 1), (2, 3), (70, 70), (98, 98), (126, 70), (70, 98), (84, 56), (56, 90), (90, 56)]
    sizes += [(28 * i + 14, 28 * (i + 1) + 14) for i in range(8)]  # halves: rounded to even
    sizes += [(29, 5000), (4000, 21), (1000, 1000), (1400, 700)]
    for i, (w, h) in enumerate(sizes):
        yield w, h, kinds[i % 3], 3136 if i % 2 else 784, BIG if i % 4 else 200_704
    for i in range(160):
        w = int(2 ** rng.uniform(0, 9.5))
        h = int(min(max(w * 2 ** rng.uniform(-3, 3), 1), 1500))
        low, high = [(3136, BIG), (784, 27440), (40_000, 50_000), (784, 784 * 4), (120_000, BIG)][i % 5]
        yield w, h, kinds[i % 3], low, high


def main():
    rows = []
    for w, h, kind, low, high in asked():
        processor = Qwen2VLImageProcessor(min_pixels=low, max_pixels=high)
        assert type(processor).__mro__[1].__name__ == "TorchvisionBackend"
        image = Image.fromarray(pixels(w, h, kind))
        try:
            out = processor(images=[image], return_tensors="pt")
        except ValueError:
            continue  # an aspect above 200
        values = out["pixel_values"].numpy().astype("<f4")
        rows.append([w, h, kind, low, high, out["image_grid_thw"][0].tolist(), hashlib.sha256(values.tobytes()).hexdigest()])
    OUT.write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")
    print(len(rows), "rows,", OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
