#!/usr/bin/env python3
"""Writes a checkpoint of random numbers in the true shape of a Qwen2.5-VL, for measuring loading and speed: what it says is
noise. Needs numpy only; a minute, mostly the disk's.

    python3 scripts/random_checkpoint.py 3b OUT          # 7.5 GB in bf16; 7b takes 16.6 GB
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np

SHAPES = {
    "3b": dict(hidden=2048, layers=36, heads=16, kv=2, wide=11008, vocabulary=151936, tied=True),
    "7b": dict(hidden=3584, layers=28, heads=28, kv=4, wide=18944, vocabulary=152064, tied=False),
    "tiny": dict(hidden=512, layers=4, heads=4, kv=2, wide=1024, vocabulary=1024, tied=True),
}
VISION = dict(depth=32, hidden=1280, heads=16, wide=3420)


def tensors(shape, vision):
    hidden, head, wide = shape["hidden"], shape["hidden"] // shape["heads"], shape["wide"]
    keys = head * shape["kv"]
    yield "model.embed_tokens.weight", [shape["vocabulary"], hidden]
    for i in range(shape["layers"]):
        layer = f"model.layers.{i}."
        yield layer + "input_layernorm.weight", [hidden]
        yield layer + "post_attention_layernorm.weight", [hidden]
        for name, rows in (("q", hidden), ("k", keys), ("v", keys)):
            yield layer + f"self_attn.{name}_proj.weight", [rows, hidden]
            yield layer + f"self_attn.{name}_proj.bias", [rows]
        yield layer + "self_attn.o_proj.weight", [hidden, hidden]
        yield layer + "mlp.gate_proj.weight", [wide, hidden]
        yield layer + "mlp.up_proj.weight", [wide, hidden]
        yield layer + "mlp.down_proj.weight", [hidden, wide]
    yield "model.norm.weight", [hidden]
    if not shape["tied"]:
        yield "lm_head.weight", [shape["vocabulary"], hidden]
    inner, deep = vision["hidden"], vision["wide"]
    yield "visual.patch_embed.proj.weight", [inner, 3, 2, 14, 14]
    for i in range(vision["depth"]):
        block = f"visual.blocks.{i}."
        yield block + "norm1.weight", [inner]
        yield block + "norm2.weight", [inner]
        for name, rows, columns in (
            ("attn.qkv", 3 * inner, inner), ("attn.proj", inner, inner), ("mlp.gate_proj", deep, inner),
            ("mlp.up_proj", deep, inner), ("mlp.down_proj", inner, deep),
        ):
            yield block + name + ".weight", [rows, columns]
            yield block + name + ".bias", [rows]
    yield "visual.merger.ln_q.weight", [inner]
    for name, rows in (("0", 4 * inner), ("2", hidden)):
        yield f"visual.merger.mlp.{name}.weight", [rows, 4 * inner]
        yield f"visual.merger.mlp.{name}.bias", [rows]


def main():
    size, out = sys.argv[1], Path(sys.argv[2])
    shape = SHAPES[size]
    vision = VISION if size != "tiny" else dict(depth=4, hidden=256, heads=4, wide=512)
    out.mkdir(parents=True)
    rng = np.random.default_rng(1)
    noise = (rng.standard_normal(1 << 24, dtype=np.float32) * np.float32(0.02)).view(np.uint32)
    noise = (noise >> 16).astype("<u2").tobytes()
    ones = struct.pack("<H", 0x3F80)
    header, offset = {}, 0
    for name, sizes in tensors(shape, vision):
        count = int(np.prod(sizes)) * 2
        header[name] = {"dtype": "BF16", "shape": sizes, "data_offsets": [offset, offset + count]}
        offset += count
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(out / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for place, (name, sizes) in enumerate(tensors(shape, vision)):
            left = int(np.prod(sizes)) * 2
            if name.endswith("norm.weight") or "norm1" in name or "norm2" in name or "ln_q" in name:
                file.write(ones * (left // 2))
                continue
            start = place * 7919 * 2 % len(noise)
            while left:
                piece = noise[start : start + left]
                file.write(piece)
                left -= len(piece)
                start = 0
    heads = shape["heads"]
    pairs = shape["hidden"] // heads // 2
    (out / "config.json").write_text(json.dumps({
        "architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl", "torch_dtype": "bfloat16",
        "hidden_size": shape["hidden"], "intermediate_size": shape["wide"], "num_hidden_layers": shape["layers"],
        "num_attention_heads": heads, "num_key_value_heads": shape["kv"], "vocab_size": shape["vocabulary"],
        "max_position_embeddings": 128000, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "hidden_act": "silu",
        "rope_scaling": {"type": "mrope", "mrope_section": [pairs - 2 * (pairs * 3 // 8), pairs * 3 // 8, pairs * 3 // 8]},
        "tie_word_embeddings": shape["tied"], "use_sliding_window": False,
        "image_token_id": min(151655, shape["vocabulary"] - 5), "video_token_id": min(151656, shape["vocabulary"] - 4),
        "vision_start_token_id": min(151652, shape["vocabulary"] - 7),
        "vision_end_token_id": min(151653, shape["vocabulary"] - 6), "eos_token_id": min(151645, shape["vocabulary"] - 8),
        "vision_config": {
            "depth": vision["depth"], "hidden_size": vision["hidden"], "num_heads": vision["heads"],
            "intermediate_size": vision["wide"], "out_hidden_size": shape["hidden"], "in_chans": 3, "patch_size": 14,
            "temporal_patch_size": 2, "spatial_merge_size": 2, "window_size": 112, "hidden_act": "silu",
            "fullatt_block_indexes": [i for i in range(vision["depth"]) if i % 8 == 7] or [vision["depth"] - 1],
        },
    }, indent=1))
    print(f"{out}: {(out / 'model.safetensors').stat().st_size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
