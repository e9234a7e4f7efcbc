#!/usr/bin/env python3
"""Makes the goldens of tests/model_lens.rs: attention weights and logit lens of single rows.

Pinned as make_goldens.py, which must have been run before. Run from the repository's root:

    nice python3 tests/goldens/make_lens_goldens.py

Reads the checkpoints of tests/goldens/model/<case> and writes lens.safetensors beside them: for a few rows of each prompt
(the last one, and rows between and before images) what transformers' eager attention gives with output_attentions=True and
output_hidden_states=True, in f32 on one thread, always by a full pass over everything up to that row.

    <prompt>.<row>.attention  (blocks, heads, row + 1): softmaxed weights of that row
    <prompt>.<row>.lens       (blocks, vocabulary): log-probabilities of final norm and head on each block's output
"""

import torch
from safetensors.torch import load_file, save_file
from transformers import Qwen2_5_VLForConditionalGeneration

from make_goldens import CASES, IMAGE, ROOT, patches, random_model, config


def rows_of(ids):
    """The last row, the last before the last image, one in the middle of the text between the images."""
    last = len(ids) - 1
    pads = [i for i, token in enumerate(ids) if token == IMAGE]
    rows = {last}
    if pads:
        start = pads[-1]
        while ids[start] == IMAGE:
            start -= 1
        rows |= {start, (pads[0] + start) // 2}
    # A row inside an image is never one that a token is drawn from.
    return sorted(row for row in rows if ids[row] != IMAGE)


def one_row(model, ids, images, row):
    vision = model.config.vision_config
    columns = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
    ids = ids[: row + 1]
    room = sum(token == IMAGE for token in ids)
    kept = []
    for seed, h, w in images:
        if h * w // vision.spatial_merge_size**2 <= room:
            kept.append((seed, h, w))
            room -= h * w // vision.spatial_merge_size**2
    assert room == 0
    tensor = torch.tensor([ids])
    grid = torch.tensor([[1, h, w] for _, h, w in kept]) if kept else None
    pixels = torch.cat([patches(seed, h * w, columns) for seed, h, w in kept]) if kept else None
    with torch.no_grad():
        output = model(
            input_ids=tensor, attention_mask=torch.ones_like(tensor), pixel_values=pixels, image_grid_thw=grid,
            mm_token_type_ids=(tensor == IMAGE).int(), use_cache=False, output_attentions=True, output_hidden_states=True,
        )
        attention = torch.stack([weights[0, :, -1] for weights in output.attentions])
        # The last of the hidden states has been through the final norm already.
        states = [state[0, -1] for state in output.hidden_states[1:-1]]
        states = [model.model.language_model.norm(state) for state in states] + [output.hidden_states[-1][0, -1]]
        lens = torch.stack([model.lm_head(state) for state in states])
        assert torch.allclose(lens[-1], output.logits[0, -1], atol=1e-5)
    return attention.contiguous(), lens.log_softmax(-1).contiguous()


def main():
    for number, (name, case) in enumerate(CASES.items()):
        folder = ROOT / name
        configuration = config(dict(case["text"]), case["vision"], case["tied"])
        configuration._attn_implementation = "eager"
        model = random_model(configuration, number, case["dtype"])
        assert isinstance(model, Qwen2_5_VLForConditionalGeneration)
        model.set_attn_implementation("eager")
        before = load_file(folder / "golden.safetensors")
        golden = {}
        for k in range(len(case["prompts"])):
            ids = before[f"p{k}.ids"].tolist()
            images = [tuple(image) for image in before[f"p{k}.images"].tolist()]
            for row in rows_of(ids):
                attention, lens = one_row(model, ids, images, row)
                golden[f"p{k}.{row}.attention"], golden[f"p{k}.{row}.lens"] = attention, lens
            difference = (lens[-1] - before[f"p{k}.logits"][0].log_softmax(-1)).abs().max().item()
            assert difference < 1e-4, (name, k, difference)
        save_file(golden, folder / "lens.safetensors")
        print(f"{name}: {len(golden) // 2} rows, {(folder / 'lens.safetensors').stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
