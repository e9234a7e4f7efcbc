#!/usr/bin/env python3
"""Makes the checkpoints and goldens that tests/model_parity.rs compares with.

Pinned: python 3.11, torch==2.11.0, transformers==5.23.0, safetensors. Run from the repository's root:

    nice python3 tests/goldens/make_goldens.py

Writes tests/goldens/model/<case>/: a tiny random Qwen2.5-VL checkpoint of the true architecture in the layout the case is
about, and golden.safetensors with what transformers computes from it in f32 on one thread (stage by stage, always by a
full pass, never from a cache). Images are not stored: their patches follow from a seed by the integer hash in `patches`,
which the test repeats.
"""

import copy
import json
import shutil
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.vision_utils import get_vision_window_index

assert torch.__version__.split("+")[0] == "2.11.0", torch.__version__
assert transformers.__version__ == "5.23.0", transformers.__version__
torch.set_num_threads(1)

ROOT = Path(__file__).parent / "model"
IMAGE, VIDEO, START, END, EOS = 250, 251, 252, 253, 254
VOCABULARY = 300


def patches(seed, rows, columns):
    """The patches of image `seed`: numbers in [-2, 2) that need no file."""
    x = (torch.arange(rows * columns, dtype=torch.int64) + seed * 7919) * 2654435761 & 0xFFFFFFFF
    x = (x ^ x >> 16) * 0x45D9F3B & 0xFFFFFFFF
    x ^= x >> 16
    return ((x >> 8).float() / 2**24 * 4 - 2).view(rows, columns)


def config(text, vision, tied):
    head = text["hidden_size"] // text["num_attention_heads"]
    sections = text.pop("sections", [head // 2 - 2 * (head // 6), head // 6, head // 6])
    rope = {"rope_type": "default", "mrope_section": sections, "rope_theta": text.pop("theta", 1000.0)}
    text = dict(
        vocab_size=VOCABULARY, max_position_embeddings=4096, rms_norm_eps=1e-6, rope_parameters=rope,
        use_sliding_window=False, bos_token_id=EOS, eos_token_id=EOS, tie_word_embeddings=tied,
    ) | text
    vision = dict(
        depth=4, hidden_size=32, intermediate_size=40, num_heads=2, in_channels=3, patch_size=4, spatial_merge_size=2,
        temporal_patch_size=2, window_size=32, fullatt_block_indexes=[1, 3], out_hidden_size=text["hidden_size"],
    ) | vision
    return Qwen2_5_VLConfig(
        text_config=text, vision_config=vision, image_token_id=IMAGE, video_token_id=VIDEO,
        vision_start_token_id=START, vision_end_token_id=END, tie_word_embeddings=tied,
    )


def random_model(configuration, seed, dtype):
    """Parameters that a file of that type can hold exactly: what is compared is arithmetic, not rounding."""
    torch.manual_seed(seed)
    model = Qwen2_5_VLForConditionalGeneration(configuration).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn_like(parameter)
            if parameter.ndim > 1:
                parameter.copy_(0.12 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.1 * noise)
            else:
                parameter.copy_(1 + 0.2 * noise)
            # Not model.to(dtype): that would round the rotary frequencies too.
            parameter.copy_(parameter.to(dtype).float())
    return model


def renamed(name, names):
    """Either of the two layouts of names; save_pretrained writes the older one whatever was loaded."""
    name = name.replace("model.visual.", "visual.").replace("model.language_model.", "model.")
    if names == "old":
        return name
    if name.startswith("visual."):
        return "model." + name
    return name.replace("model.", "model.language_model.", 1) if name.startswith("model.") else name


def flat(written):
    """The configuration as checkpoints of early 2025 have it."""
    text = written.pop("text_config")
    rope = text.pop("rope_parameters")
    text["rope_theta"] = rope["rope_theta"]
    text["rope_scaling"] = {"type": "mrope", "mrope_section": rope["mrope_section"]}
    for key in ("model_type", "layer_types"):
        text.pop(key, None)
    vision = written["vision_config"]
    vision["in_chans"] = vision.pop("in_channels")
    vision.pop("rope_parameters", None)
    return text | written | {"model_type": "qwen2_5_vl"}


def write_checkpoint(model, folder, dtype, names, layout, shards):
    """Saves through transformers, then puts names and configuration into the layout of the case."""
    copy.deepcopy(model).to(dtype).save_pretrained(folder, max_shard_size="60KB" if shards else "1GB")
    for extra in folder.glob("generation_config.json"):
        extra.unlink()
    for file in folder.glob("*.safetensors"):
        tensors = {renamed(name, names): tensor for name, tensor in load_file(file).items()}
        save_file(tensors, file, metadata={"format": "pt"})
    index = folder / "model.safetensors.index.json"
    if shards:
        text = json.loads(index.read_text())
        text["weight_map"] = {renamed(name, names): file for name, file in text["weight_map"].items()}
        index.write_text(json.dumps(text, indent=1))
    file = folder / "config.json"
    written = json.loads(file.read_text())
    file.write_text(json.dumps(flat(written) if layout == "flat" else written, indent=1))
    assert bool(list(folder.glob("model-*-of-*.safetensors"))) == shards


def prompt_ids(parts, merge, generator):
    """Numbers are that many random text tokens, (seed, h, w) an image of h × w patches."""
    ids, images = [], []
    for part in parts:
        if isinstance(part, int):
            ids += torch.randint(0, 250, (part,), generator=generator).tolist()
        else:
            images.append(part)
            ids += [START] + [IMAGE] * (part[1] * part[2] // merge**2) + [END]
    return ids, images


def run(model, ids, images, golden, key):
    vision = model.config.vision_config
    columns = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
    ids = torch.tensor([ids])
    kinds = (ids == IMAGE).int()
    grid = torch.tensor([[1, h, w] for _, h, w in images]) if images else None
    pixels = torch.cat([patches(seed, h * w, columns) for seed, h, w in images]) if images else None
    golden[f"{key}.ids"] = ids[0]
    golden[f"{key}.images"] = torch.tensor(images).view(-1, 3)
    positions, delta = model.model.get_rope_index(ids, mm_token_type_ids=kinds, image_grid_thw=grid)
    golden[f"{key}.position_ids"] = positions[:, 0]
    golden[f"{key}.next_position"] = delta.view(1) + ids.shape[1]
    handles, seen = [], {}

    def keep(name):
        def hook(_module, _inputs, output):
            seen[name] = (output[0] if isinstance(output, tuple) else output).reshape(-1, output[0].shape[-1]).clone()
        return hook

    for i, block in enumerate(model.model.visual.blocks):
        handles.append(block.register_forward_hook(keep(f"vision.block.{i}")))
    for i, layer in enumerate(model.model.language_model.layers):
        handles.append(layer.register_forward_hook(keep(f"text.block.{i}")))
    with torch.no_grad():
        output = model(
            input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=pixels, image_grid_thw=grid,
            mm_token_type_ids=kinds, use_cache=False,
        )
        if images:
            index, _ = get_vision_window_index(grid, vision.spatial_merge_size, vision.window_size, vision.patch_size)
            seen["vision.window_index"] = index
            features = model.model.get_image_features(pixels, grid, return_dict=True)
            seen["vision.merger"] = torch.cat(list(features.pooler_output))
    for handle in handles:
        handle.remove()
    seen["logits"] = output.logits[0, -1:]
    for name, tensor in seen.items():
        golden[f"{key}.{name}"] = tensor.contiguous().clone()


CASES = {
    # GQA 2, tied, newer names; portrait and landscape; windows that divide and that do not; two images.
    "tied-new": dict(
        text=dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2),
        vision={}, tied=True, dtype=torch.float32, names="new", layout="nested", shards=False,
        prompts=[[7, (1, 12, 6), 5], [3, (2, 6, 14), 4], [4, (3, 8, 16), 3, (4, 10, 6), 6], [9]],
    ),
    # GQA 1, separate head, older names, flat configuration, bf16; one patch pair wide, a single cell; three images.
    "untied-old-flat-bf16": dict(
        text=dict(hidden_size=64, intermediate_size=80, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=4,
                  sections=[2, 3, 3], theta=1e6),
        vision=dict(depth=3, fullatt_block_indexes=[1]), tied=False, dtype=torch.bfloat16, names="old", layout="flat",
        shards=False, prompts=[[5, (5, 18, 2), 4], [2, (6, 2, 2), 3, (7, 2, 10), 1, (8, 8, 8), 2]],
    ),
    # GQA 7, tied, older names, shards, f16, patches of 14 pixels in windows of 112.
    "gqa7-sharded-f16": dict(
        text=dict(hidden_size=56, intermediate_size=64, num_hidden_layers=2, num_attention_heads=7, num_key_value_heads=1,
                  sections=[1, 1, 2]),
        vision=dict(hidden_size=24, num_heads=3, intermediate_size=28, depth=2, fullatt_block_indexes=[0], patch_size=14,
                    window_size=112),
        tied=True, dtype=torch.float16, names="old", layout="nested", shards=True,
        prompts=[[6, (9, 10, 4), 3, (10, 4, 6), 2]],
    ),
    # A crop that arrives after 50 generated tokens: a full pass over all of it.
    "append-crop": dict(
        text=dict(hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2,
                  sections=[1, 1, 2]),
        vision=dict(depth=2, hidden_size=16, intermediate_size=24, fullatt_block_indexes=[1]), tied=False,
        dtype=torch.bfloat16, names="new", layout="nested", shards=False, prompts=[[6, (11, 6, 10), 55, (12, 8, 8), 4]],
    ),
}


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    for number, (name, case) in enumerate(CASES.items()):
        folder = ROOT / name
        folder.mkdir(parents=True)
        configuration = config(case["text"], case["vision"], case["tied"])
        model = random_model(configuration, number, case["dtype"])
        write_checkpoint(model, folder, case["dtype"], case["names"], case["layout"], case["shards"])
        generator = torch.Generator().manual_seed(100 + number)
        golden = {}
        for k, parts in enumerate(case["prompts"]):
            ids, images = prompt_ids(parts, configuration.vision_config.spatial_merge_size, generator)
            run(model, ids, images, golden, f"p{k}")
        save_file(golden, folder / "golden.safetensors")
        spread = golden["p0.logits"].std().item()
        print(f"{name}: {sum(f.stat().st_size for f in folder.iterdir()) // 1024} KiB, logits std {spread:.2f}")


if __name__ == "__main__":
    main()
