#!/usr/bin/env python3
"""Makes the goldens of short types that tests/dtype_parity.rs and tests/gpu_parity.rs compare with.

Pinned: python 3.11, torch==2.11.0, transformers==5.23.0, safetensors. Run from the repository's root, after
make_goldens.py (whose checkpoints these are):

    nice python3 tests/goldens/make_dtype_goldens.py

Writes tests/goldens/dtypes/<case>.safetensors: what transformers computes from a checkpoint of tests/goldens/model in f32,
bf16 and f16 with eager attention on the CPU, one thread, always by a full pass: the logits after every token of text, for
prompts with no image, one, and two, and one whose second image comes after forty tokens.
"""

from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import Qwen2_5_VLForConditionalGeneration

from make_goldens import IMAGE, patches, prompt_ids

assert torch.__version__.split("+")[0] == "2.11.0", torch.__version__
assert transformers.__version__ == "5.23.0", transformers.__version__
torch.set_num_threads(1)

HERE = Path(__file__).parent
TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
CASES = ["tied-new", "untied-old-flat-bf16", "gqa7-sharded-f16", "append-crop"]
PROMPTS = [
    [24],
    [5, (21, 8, 6), 12],
    [3, (22, 6, 14), 2, (23, 10, 4), 14],
    [4, (24, 8, 8), 40, (25, 6, 6), 8],
]


def logits(model, ids, images):
    vision = model.config.vision_config
    columns = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
    ids = torch.tensor([ids])
    kinds = (ids == IMAGE).int()
    grid = torch.tensor([[1, h, w] for _, h, w in images]) if images else None
    pixels = torch.cat([patches(seed, h * w, columns) for seed, h, w in images]) if images else None
    with torch.no_grad():
        output = model(
            input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=pixels, image_grid_thw=grid,
            mm_token_type_ids=kinds, use_cache=False,
        )
    # After the tokens of text, those around images among them; not after an image's own rows.
    return output.logits[0][ids[0] != IMAGE]


def main():
    (HERE / "dtypes").mkdir(exist_ok=True)
    for number, case in enumerate(CASES):
        golden = {}
        for name, dtype in TYPES.items():
            model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
                HERE / "model" / case, dtype=dtype, attn_implementation="eager"
            ).eval()
            assert model.model.language_model.rotary_emb.inv_freq.dtype == torch.float32
            assert model.model.visual.blocks[0].attn.qkv.weight.dtype == dtype
            generator = torch.Generator().manual_seed(500 + number)
            for k, parts in enumerate(PROMPTS):
                ids, images = prompt_ids(parts, model.config.vision_config.spatial_merge_size, generator)
                golden[f"p{k}.ids"] = torch.tensor(ids)
                golden[f"p{k}.images"] = torch.tensor(images).view(-1, 3)
                golden[f"p{k}.{name}"] = logits(model, ids, images).contiguous()
        save_file(golden, HERE / "dtypes" / f"{case}.safetensors")
        wide = torch.cat([golden[f"p{k}.f32"] for k in range(len(PROMPTS))]).double().log_softmax(-1)
        for name in ("bf16", "f16"):
            short = torch.cat([golden[f"p{k}.{name}"] for k in range(len(PROMPTS))]).double().log_softmax(-1)
            loss = (wide.exp() * (wide - short)).sum(-1)
            same = (wide.argmax(-1) == short.argmax(-1)).double().mean()
            print(f"{case} {name}: KL from f32 {loss.mean():.1e} at most {loss.max():.1e}, top-1 {same:.3f}, {len(loss)} places")


if __name__ == "__main__":
    main()
