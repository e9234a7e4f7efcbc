#!/usr/bin/env python3
"""Times the CPU kernels of `src/model/kernels` beside llama.cpp and transformers, in turns, with made-up weights.

    pip install numpy gguf                 # and torch, transformers for --transformers and --vision
    python scripts/peer_cpu.py --llama-bench /path/to/llama-bench --formats Q4_K_M Q8_0
    python scripts/peer_cpu.py --transformers --formats F32 BF16 --layers 12
    python scripts/peer_cpu.py --vision --formats F32 --depth 4

Shape: the language model of Qwen2.5-VL-3B (hidden 2048, 36 blocks, 16/2 heads of 128, feed-forward 11008, vocabulary
151936, tied), the vision tower of all sizes (1280, 16 heads, 3420), a page of 84 x 60 patches. Weights are made in place;
nothing is downloaded. Every round runs ours, then the peer; the table has medians and their ratio, of wall time on both sides.
Without --formats: Q4_K_M and Q8_0 beside llama.cpp, F32 and BF16 beside transformers. Ours is built by cargo (`--release`, an ignored test): the same code the program runs.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HIDDEN, WIDE, VOCABULARY, HEADS, KV, WIDTH = 2048, 11008, 151936, 16, 2, 128
ROOT = Path(__file__).resolve().parent.parent


def more_bits(layer, layers):
    """Which blocks llama.cpp's Q4_K_M keeps finer."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def write_gguf(kind, path, layers):
    import gguf
    import numpy as np
    from gguf import GGMLQuantizationType as Type, quants

    rng = np.random.default_rng(1)
    # A file under its own name is whole: an interrupted one is written anew.
    part = path.with_suffix(".part")
    writer = gguf.GGUFWriter(str(part), "qwen2")
    writer.add_block_count(layers)
    writer.add_context_length(32768)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(WIDE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("no_vocab")

    def rows(kind, count, columns):
        block, size = gguf.GGML_QUANT_SIZES[kind]
        few = 256
        if kind in (Type.F32, Type.F16, Type.BF16, Type.Q8_0):
            raw = (rng.standard_normal((few, columns)) * 0.02).astype(np.float32)
            raw = quants.quantize(raw, kind).view(np.uint8)
        else:
            raw = rng.integers(0, 256, (few, columns // block, size), dtype=np.uint8)
            half = lambda x: np.full((few, columns // block, 1), x, np.float16).view(np.uint8)
            if kind == Type.Q6_K:
                raw[..., 208:210] = half(1e-5)
            else:
                raw[..., 0:2], raw[..., 2:4] = half(1e-4), half(5e-4)
            raw = raw.reshape(few, -1)
        return np.ascontiguousarray(np.tile(raw, (-(-count // few), 1))[:count])

    def add(name, kind, count, columns):
        raw = rows(kind, count, columns)
        if kind in (Type.F32, Type.F16):
            writer.add_tensor(name, raw.view(np.float32 if kind == Type.F32 else np.float16))
        else:
            writer.add_tensor(name, raw, raw_dtype=kind)

    def vector(name, count, value=None):
        numbers = np.full(count, value) if value is not None else rng.standard_normal(count) * 0.02
        writer.add_tensor(name, numbers.astype(np.float32))

    medium = kind == "Q4_K_M"
    base = Type.Q4_K if medium else Type[kind]
    add("token_embd.weight", Type.Q6_K if medium else base, VOCABULARY, HIDDEN)
    for layer in range(layers):
        high = Type.Q6_K if medium and more_bits(layer, layers) else base
        at = f"blk.{layer}."
        vector(at + "attn_norm.weight", HIDDEN, 1.0)
        vector(at + "ffn_norm.weight", HIDDEN, 1.0)
        for name, kind_of, count in [("q", base, HIDDEN), ("k", base, KV * WIDTH), ("v", high, KV * WIDTH)]:
            add(f"{at}attn_{name}.weight", kind_of, count, HIDDEN)
            vector(f"{at}attn_{name}.bias", count)
        add(at + "attn_output.weight", base, HIDDEN, HIDDEN)
        add(at + "ffn_gate.weight", base, WIDE, HIDDEN)
        add(at + "ffn_up.weight", base, WIDE, HIDDEN)
        add(at + "ffn_down.weight", high, HIDDEN, WIDE)
    vector("output_norm.weight", HIDDEN, 1.0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(part, path)


def build():
    command = ["cargo", "test", "--release", "--lib", "--no-run", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    found = [json.loads(line).get("executable") for line in lines if line.startswith("{")]
    return next(path for path in reversed(found) if path)


def ours(binary, test, pattern, **settings):
    environment = os.environ | {"CPU_TIME": "0"} | {key.upper(): str(value) for key, value in settings.items()}
    command = [binary, test, "--ignored", "--nocapture"]
    text = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = re.search(pattern, text)
    if not found:
        sys.exit(f"{test} said no figures:\n{text}")
    return [float(x) for x in found.groups()]


def llama(bench, path, args):
    def run(*what):
        command = [bench, "-m", str(path), "-t", str(args.threads), "-r", "1", "-o", "json", *what]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.strip()}")
        return json.loads(done.stdout)[0]["avg_ts"]

    prefill = run("-p", str(args.prompt), "-n", "0")
    return prefill, run("-p", "0", "-n", str(args.tokens), "-d", str(args.prompt))


def transformers_text(kind, args):
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.set_num_threads(args.threads)
    dtype = {"F32": torch.float32, "BF16": torch.bfloat16}[kind]
    config = Qwen2Config(
        vocab_size=VOCABULARY, hidden_size=HIDDEN, intermediate_size=WIDE, num_hidden_layers=args.layers,
        num_attention_heads=HEADS, num_key_value_heads=KV, tie_word_embeddings=True, dtype=dtype,
    )
    torch.set_default_dtype(dtype)
    model = Qwen2ForCausalLM(config).eval()

    @torch.inference_mode()
    def once():
        ids = torch.randint(0, VOCABULARY, (1, args.prompt))
        start = time.perf_counter()
        cache = model(ids, use_cache=True, logits_to_keep=1).past_key_values
        middle = time.perf_counter()
        for _ in range(args.tokens):
            cache = model(ids[:, :1], past_key_values=cache, use_cache=True).past_key_values
        return args.prompt / (middle - start), args.tokens / (time.perf_counter() - middle)

    return once


def transformers_vision(kind, args):
    import torch
    from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLVisionConfig
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VisionTransformerPretrainedModel

    torch.set_num_threads(args.threads)
    dtype = {"F32": torch.float32, "BF16": torch.bfloat16}[kind]
    torch.set_default_dtype(dtype)
    config = Qwen2_5_VLVisionConfig(
        depth=args.depth, hidden_size=1280, intermediate_size=3420, num_heads=16, out_hidden_size=HIDDEN,
        fullatt_block_indexes=[7, 15, 23, 31], window_size=112, patch_size=14,
    )
    model = Qwen2_5_VisionTransformerPretrainedModel._from_config(config, attn_implementation="sdpa").eval()
    pixels, grid = torch.randn(84 * 60, 1176, dtype=dtype), torch.tensor([[1, 84, 60]])

    @torch.inference_mode()
    def once():
        start = time.perf_counter()
        model(pixels, grid_thw=grid)
        return (1 / (time.perf_counter() - start),)

    return once


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formats", nargs="+", help="such as Q4_K_M Q8_0, or F32 BF16 beside transformers")
    parser.add_argument("--llama-bench", help="llama.cpp's llama-bench, built for this machine")
    parser.add_argument("--transformers", action="store_true", help="the language model beside transformers")
    parser.add_argument("--vision", action="store_true", help="the vision tower beside transformers")
    parser.add_argument("--layers", type=int, default=36)
    parser.add_argument("--depth", type=int, default=32, help="blocks of the vision tower")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--binary", help="the test binary, if it is built already")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where GGUF files are written and kept")
    args = parser.parse_args()
    plain = args.transformers or args.vision
    if not (plain or args.llama_bench):
        parser.error("a peer is needed: --llama-bench, --transformers or --vision")
    formats = args.formats or (["F32", "BF16"] if plain else ["Q4_K_M", "Q8_0"])
    if plain and not set(formats) <= {"F32", "BF16"}:
        parser.error("transformers is timed with F32 and BF16 only")
    binary = args.binary or build()
    print(f"{'':22}{'ours':>12}{'peer':>12}{'ratio':>8}   (medians of {args.rounds} rounds)")
    for kind in formats:
        if args.vision:
            names, peer = ["images/s"], transformers_vision(kind, args)
            run = lambda: [1 / x for x in ours(
                binary, "vision::speed", r": ([\d.]+) s", format=kind, depth=args.depth, threads=args.threads, rounds=1)]
        else:
            names = ["prefill tokens/s", "decode tokens/s"]
            run = lambda: ours(
                binary, "text::speed", r"prefill of \d+ ([\d.]+) tokens/s; decode ([\d.]+)", format=kind, rounds=1,
                layers=args.layers, depth=args.prompt, tokens=args.tokens, threads=args.threads)
            if args.transformers:
                peer = transformers_text(kind, args)
            else:
                path = Path(args.folder) / f"panelscope-peer-{kind}-{args.layers}.gguf"
                if not path.exists():
                    write_gguf(kind, path, args.layers)
                peer = lambda: llama(args.llama_bench, path, args)
        rounds = [(run(), peer()) for _ in range(args.rounds)]
        for index, name in enumerate(names):
            mine = statistics.median(a[index] for a, _ in rounds)
            theirs = statistics.median(b[index] for _, b in rounds)
            print(f"{kind + ' ' + name:22}{mine:12.3f}{theirs:12.3f}{mine / theirs:8.2f}", flush=True)


if __name__ == "__main__":
    main()
