#!/usr/bin/env python3
"""What transformers reaches on a GPU with the shape that `cargo bench --bench gpu` measures, and the ratios to it.

    python3 scripts/peer_gpu.py [--ours FILE] [--shape 7b|3b|tiny] [--device cuda|cpu] [--no-compile] [--tiny]

Needs torch with CUDA and transformers 5. Random weights in bf16 made in the GPU's memory, no file; sdpa attention; decode at
depth 512 and 4,096 with batch 1, eager (growing cache) and compiled (static cache, mode reduce-overhead: CUDA graphs); the vision
tower and a page of one megapixel to its first token; device copies beside it. FILE is what the bench wrote with --json.
`--device cpu --tiny` runs the same code anywhere.
"""

import argparse
import json
import statistics
import sys
import time

import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.cache_utils import DynamicCache, StaticCache

SHAPES = {
    "7b": dict(hidden_size=3584, intermediate_size=18944, num_hidden_layers=28, num_attention_heads=28,
               num_key_value_heads=4, vocab_size=152064, tie_word_embeddings=False),
    "3b": dict(hidden_size=2048, intermediate_size=11008, num_hidden_layers=36, num_attention_heads=16,
               num_key_value_heads=2, vocab_size=151936, tie_word_embeddings=True),
    "tiny": dict(hidden_size=256, intermediate_size=512, num_hidden_layers=2, num_attention_heads=2,
                 num_key_value_heads=1, vocab_size=2048, tie_word_embeddings=False),
}
IMAGE, START, END = 5, 7, 8


def config(shape):
    tiny = shape == "tiny"
    text = SHAPES[shape] | dict(
        max_position_embeddings=128000, rms_norm_eps=1e-6, use_sliding_window=False, bos_token_id=0, eos_token_id=0,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
    )
    vision = dict(
        depth=2 if tiny else 32, hidden_size=160 if tiny else 1280, intermediate_size=256 if tiny else 3420,
        num_heads=2 if tiny else 16, in_channels=3, patch_size=14, spatial_merge_size=2, temporal_patch_size=2,
        window_size=112, fullatt_block_indexes=[1] if tiny else [7, 15, 23, 31], out_hidden_size=text["hidden_size"],
    )
    return Qwen2_5_VLConfig(
        text_config=text, vision_config=vision, image_token_id=IMAGE, video_token_id=6, vision_start_token_id=START,
        vision_end_token_id=END, tie_word_embeddings=text["tie_word_embeddings"],
    )


def told(error):
    """A failure in a line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def median(work, runs, device):
    """Seconds of one run, the first quarter not counted."""
    seconds = []
    for run in range(runs + (runs + 3) // 4):
        wait(device)
        started = time.perf_counter()
        work(run)
        wait(device)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[(runs + 3) // 4:])


def copy_bandwidth(device, count):
    source = torch.ones(count, dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    best = float("inf")
    for _ in range(10):
        wait(device)
        started = time.perf_counter()
        target.copy_(source)
        wait(device)
        best = min(best, time.perf_counter() - started)
    return 8 * count / best


def decode(model, depth, steps, device, compiled):
    """Seconds a token of the language model, its logits brought to the host."""
    text, head = model.model.language_model, model.lm_head
    total = depth + 2 * steps + 16
    if compiled:
        cache = StaticCache(config=model.config.get_text_config(), max_cache_len=total)
    else:
        cache = DynamicCache()
    ids = (torch.arange(depth, device=device) % 1000 + 9)[None]

    def forward(ids, position):
        positions = position[None, None, :].expand(3, 1, -1)
        hidden = text(input_ids=ids, position_ids=positions, past_key_values=cache, use_cache=True,
                      cache_position=position).last_hidden_state
        return head(hidden[:, -1]).float()

    forward(ids, torch.arange(depth, device=device))
    step = torch.compile(forward, mode="reduce-overhead") if compiled else forward

    def work(run):
        token = torch.full((1, 1), 9 + run, device=device)
        step(token, torch.tensor([depth + run], device=device)).cpu()

    return median(work, steps, device)


def page(model, side, rounds, device, dtype):
    vision = model.config.vision_config
    columns = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
    pixels = ((torch.arange(side * side * columns, device=device) % 255) / 128 - 1).to(dtype).view(side * side, columns)
    grid = torch.tensor([[1, side, side]], device=device)
    tokens = side * side // 4
    words = list(range(9, 41))
    ids = torch.tensor([words + [IMAGE] * tokens + words], device=device)
    kinds = (ids == IMAGE).int()

    def tower(_):
        model.model.visual(pixels, grid_thw=grid)

    def whole(_):
        model(input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=pixels, image_grid_thw=grid,
              mm_token_type_ids=kinds, use_cache=True, logits_to_keep=1).logits.float().cpu()

    return median(tower, rounds, device), median(whole, rounds, device)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", help="figures of the bench (--json)")
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--no-compile", action="store_true", help="eager only")
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args()
    ours = json.load(open(arguments.ours)) if arguments.ours else {}
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("nothing was measured: torch finds no GPU (--device cpu --tiny runs the same code)")
        return
    device = torch.device(arguments.device)
    shape = arguments.shape or ("tiny" if arguments.tiny else ours.get("shape", "7b"))
    tiny = shape == "tiny"
    failed = False
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    print(f"device: {name}; torch {torch.__version__}")
    print(f"device copy: {copy_bandwidth(device, (4 << 20) if tiny else (256 << 20)) / 1e9:.0f} GB/s")
    try:
        with device:
            model = Qwen2_5_VLForConditionalGeneration._from_config(config(shape), dtype=torch.bfloat16).eval()
    except Exception as error:
        sys.exit(f"nothing more was measured: a model of the shape {shape} cannot be made ({told(error)})")
    modes = ["eager"] if arguments.no_compile else ["eager", "compiled"]
    known = {entry["depth"]: entry["tokens_per_second"] for entry in ours.get("decode", [])}
    for depth in (16, 64) if tiny else (512, 4096):
        for mode in modes:
            try:
                rate = 1 / decode(model, depth, 4 if tiny else 64, device, mode == "compiled")
            except Exception as error:  # A failure of one mode is a result; the others go on.
                print(f"decode at {depth}, {mode}: failed ({told(error)})")
                failed = True
                continue
            ratio = f"; ours {known[depth]:.1f}: {known[depth] / rate:.2f} ×" if depth in known else ""
            print(f"decode at {depth}, {mode}: {rate:.1f} tokens/s{ratio}")
    try:
        tower, whole = page(model, 8 if tiny else 72, 2 if tiny else 5, device, torch.bfloat16)
    except Exception as error:
        sys.exit(f"page: failed ({told(error)})")
    print(f"page, eager: vision tower {1e3 * tower:.1f} ms, to the first token {1e3 * whole:.1f} ms")
    if "page" in ours:
        mine = ours["page"]
        print(f"ours: vision tower {mine['vision_seconds'] / tower:.2f} × its time, to the first token "
              f"{mine['first_token_seconds'] / whole:.2f} × (1 and less is the aim)")
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
