"""Makes the goldens of tests/processor_parity.rs: resized pixels, patches, smart resize, sampler.

    python tests/goldens/make_processor_goldens.py

Made with Python 3.11, Pillow 13.0.0, numpy 2.4.6, torch 2.11.0, transformers 5.23.0, safetensors. Everything is seeded:
the same versions write the same numbers (PNG files may be packed differently by another zlib).

Writes into tests/goldens/processor/:
  NAME.in.png     a page to read; NAME.out.png what Pillow and Hugging Face make of it before normalisation
  cases.json      which bounds each page was resized with
  patches.safetensors   pixel values of Hugging Face's Pillow processor for a batch of three sizes
  smart_resize.json     sizes and what Hugging Face's smart_resize makes of them (null: refused)
  sampler.json          logits, context, settings, and the probabilities that Hugging Face's processors leave
"""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file
from transformers.generation.logits_process import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

OUT = Path(__file__).parent / "processor"
BIG = 12_845_056  # max_pixels of published checkpoints


def drawing(rng, w, h):
    """Flat areas, hard edges, a gradient, and a corner of noise: what resamplers differ on. (h, w, 3) u8."""
    y, x = np.mgrid[0:h, 0:w]
    image = np.stack([x * 255 // max(w - 1, 1), y * 255 // max(h - 1, 1), (x + y) % 256], -1).astype(np.uint8)
    for _ in range(8):
        x1, x2 = sorted(rng.integers(0, w + 1, 2))
        y1, y2 = sorted(rng.integers(0, h + 1, 2))
        image[y1:y2, x1:x2] = rng.choice([0, 255, 128, 30], 3)
    nh, nw = min(h, 24), min(w, 24)
    image[:nh, :nw] = rng.integers(0, 256, (nh, nw, 3))
    return image


def formula(w, h):
    """Pixels that the Rust test computes too, so that a large page needs no file."""
    y, x = np.mgrid[0:h, 0:w].astype(np.uint32)
    planes = [(x * 7 + y * 3 + c * 85 + (x * y >> 6) + (x // 40 * 97 + y // 40 * 61)) & 255 for c in range(3)]
    return np.stack(planes, -1).astype(np.uint8)


def raw_png(w, h, bits, colour, rows, extra=b""):
    """A PNG of a kind that Pillow reads but does not write. `rows`: (h, bytes of a row) u8."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    data = b"".join(b"\0" + bytes(row) for row in rows)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


def png(image, **options):
    data = io.BytesIO()
    image.save(data, "PNG", optimize=True, **options)
    return data.getvalue()


def sixteen(rng, w, h, channels):
    """(h, w·channels·2) u8: big-endian samples, so the high byte comes first."""
    return rng.integers(0, 65536, (h, w * channels)).astype(">u2").view(np.uint8).reshape(h, -1)


def inputs(rng):
    """(name, PNG bytes, min_pixels, max_pixels)."""
    rgb = lambda w, h: Image.fromarray(drawing(rng, w, h))
    yield "portrait", png(rgb(210, 300)), 3136, 140 * 196
    yield "landscape", png(rgb(300, 210)), 3136, 196 * 140
    yield "one_patch_wide", png(rgb(31, 250)), 784, BIG
    yield "tie_down", png(rgb(70, 70)), 784, BIG  # 2.5 patches: to even, 2
    yield "tie_mixed", png(rgb(98, 126)), 784, BIG  # 3.5 → 4, 4.5 → 4
    yield "upscale", png(rgb(20, 15)), 3136, BIG
    yield "upscale_much", png(rgb(5, 4)), 100 * 100, BIG
    yield "one_pixel", png(rgb(1, 1)), 3136, BIG
    yield "ribbon", png(rgb(200, 1)), 3136, BIG
    yield "across_first", png(rgb(60, 100)), 784, 50 * 60  # to 28×56
    yield "down_first", png(rgb(60, 100)), 784, 28 * 57  # to 28×28: Pillow 13 begins with the vertical pass
    yield "no_change", png(rgb(84, 56)), 784, BIG
    yield "only_width", png(rgb(90, 56)), 784, BIG
    yield "only_height", png(rgb(56, 61)), 784, BIG
    rgba = np.dstack([drawing(rng, 60, 50), rng.integers(0, 256, (50, 60), dtype=np.uint8)])
    yield "rgba", png(Image.fromarray(rgba)), 784, BIG
    yield "grey_alpha", png(Image.fromarray(rgba).convert("LA")), 784, BIG
    yield "grey", png(rgb(60, 50).convert("L")), 784, BIG
    yield "one_bit", png(rgb(60, 50).convert("1")), 784, BIG
    yield "grey_2_bits", raw_png(60, 50, 2, 0, rng.integers(0, 256, (50, 15))), 784, BIG
    yield "palette", png(rgb(60, 50).quantize(17)), 784, BIG
    yield "palette_clear", png(rgb(60, 50).quantize(9), transparency=3), 784, BIG
    key = struct.pack(">I", 6) + b"tRNS" + struct.pack(">3H", 255, 255, 255)
    key += struct.pack(">I", zlib.crc32(key[4:]))
    yield "colour_key", raw_png(60, 50, 8, 2, drawing(rng, 60, 50).reshape(50, -1), key), 784, BIG
    yield "rgb_16_bits", raw_png(30, 29, 16, 2, sixteen(rng, 30, 29, 3)), 784, BIG
    yield "rgba_16_bits", raw_png(30, 29, 16, 6, sixteen(rng, 30, 29, 4)), 784, BIG
    yield "grey_alpha_16_bits", raw_png(30, 29, 16, 4, sixteen(rng, 30, 29, 2)), 784, BIG
    yield "grey_16_bits", raw_png(30, 29, 16, 0, sixteen(rng, 30, 29, 1)), 784, BIG
    turned = Image.Exif()
    turned[0x0112] = 6  # shown turned by a quarter by programs that obey it
    yield "exif_turned", png(rgb(60, 30), exif=turned), 784, BIG


def as_rgb(name, data):
    """Pillow's reading, except for the one kind where ours differs on purpose (see src/page/mod.rs)."""
    image = Image.open(io.BytesIO(data))
    if name == "grey_16_bits":
        assert image.mode == "I;16" and np.array(image.convert("RGB")).min() > 0, "Pillow clips instead of scaling"
        return Image.fromarray((np.array(image) >> 8).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")


def resized(image, low, high):
    h, w = smart_resize(image.height, image.width, 28, low, high)
    return image.resize((w, h), Image.Resampling.BICUBIC)


def pixels():
    rng = np.random.default_rng(2)
    cases = []
    for name, data, low, high in inputs(rng):
        (OUT / f"{name}.in.png").write_bytes(data)
        result = resized(as_rgb(name, data), low, high)
        (OUT / f"{name}.out.png").write_bytes(png(result))
        cases.append({"name": name, "min_pixels": low, "max_pixels": high, "size": list(result.size)})
    for name, (w, h), high in [("formula_page", (840, 1176), 140 * 196), ("formula_crop", (390, 390), 168 * 168)]:
        result = resized(Image.fromarray(formula(w, h)), 3136, high)
        (OUT / f"{name}.out.png").write_bytes(png(result))
        case = {"name": name, "min_pixels": 3136, "max_pixels": high, "size": list(result.size), "formula": [w, h]}
        cases.append(case)
    (OUT / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


def patches():
    names = ["tie_down", "only_width", "grey"]
    images = [Image.open(OUT / f"{name}.in.png").convert("RGB") for name in names]
    processor = Qwen2VLImageProcessorPil(min_pixels=784, max_pixels=BIG)
    out = processor(images=images, return_tensors="np")
    tensors = {"pixel_values": out["pixel_values"], "grid": out["image_grid_thw"]}
    save_file(tensors, OUT / "patches.safetensors", metadata={"names": ",".join(names)})


def sizes():
    rng = np.random.default_rng(3)
    bounds = [(3136, BIG), (784, 27440), (56 * 56, 28 * 28 * 1280), (100_000, 100_001), (1, 784)]
    rows = []
    asked = [(h, w) for h in range(14, 200, 14) for w in (70, 98, 126, 1, 29)]
    asked += [tuple(int(2 ** v) for v in rng.uniform(0, 13, 2)) for _ in range(150)]
    for i, (h, w) in enumerate(asked):
        low, high = bounds[i % len(bounds)]
        try:
            answer = smart_resize(h, w, 28, low, high)
        except ValueError:
            answer = None
        if answer and 0 in answer:
            answer = None  # Pillow would refuse an empty target; here the size itself is refused
        rows.append([h, w, low, high, answer and list(answer)])
    (OUT / "smart_resize.json").write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")


def warped(logits, context, settings):
    steps = LogitsProcessorList()
    if settings["repetition_penalty"] != 1.0:
        steps.append(RepetitionPenaltyLogitsProcessor(settings["repetition_penalty"]))
    steps.append(TemperatureLogitsWarper(settings["temperature"]))
    if settings["top_k"]:
        steps.append(TopKLogitsWarper(settings["top_k"]))
    if settings["top_p"] < 1.0:
        steps.append(TopPLogitsWarper(settings["top_p"]))
    # Which of equal tokens top-p cuts is left open by torch (its sort is not stable): the test compares sorted values.
    return steps(torch.tensor([context], dtype=torch.long), logits[None].clone())[0].softmax(-1)


def sampler():
    torch.manual_seed(4)
    rows = []
    settings = [
        (1.0, 0, 1.0, 1.0), (0.7, 0, 1.0, 1.0), (1.3, 5, 1.0, 1.0), (1.0, 0, 0.9, 1.0), (0.6, 20, 0.95, 1.05),
        (1.0, 3, 0.5, 1.5), (1.0, 1, 1.0, 1.2), (2.0, 0, 0.01, 0.8), (0.05, 50, 0.8, 1.1), (1.0, 4, 0.999, 1.0),
    ]  # fmt: skip
    for i, (temperature, top_k, top_p, penalty) in enumerate(settings):
        for kind in ("spread", "ties"):
            logits = torch.randn(48) * 3
            if kind == "ties":
                logits = logits.round()
            context = torch.randint(0, 48, (12,)).tolist()
            context += context[:3]
            s = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "repetition_penalty": penalty}
            logprobs = logits.double().log_softmax(-1)
            rows.append({
                "kind": kind, "sampling": s, "context": context, "logits": logits.tolist(),
                "probabilities": warped(logits, context, s).tolist(),
                "entropy": float(-(logprobs.exp() * logprobs).sum()),
                "logprobs": logprobs.tolist(),
            })  # fmt: skip
    (OUT / "sampler.json").write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    pixels()
    patches()
    sizes()
    sampler()
    print(sum(f.stat().st_size for f in OUT.iterdir()), "bytes")
