#!/usr/bin/env python3
"""Makes the GGUF files that tests/model_gguf.rs reads, and what transformers computes from their numbers.

Pinned as make_goldens.py; also gguf, tokenizers, and llama.cpp's sources (its convert_hf_to_gguf.py) and its llama-quantize:

    LLAMA_CPP=…/llama.cpp LLAMA_QUANTIZE=…/llama-quantize nice python3 tests/goldens/make_gguf.py

Writes tests/goldens/gguf/<case>/: text.gguf and mmproj.gguf as llama.cpp's own programs write them from a tiny random
checkpoint, and golden.safetensors: logits of transformers in f32 with the weights read back from those files by the gguf
package. Also tokens.json: texts and their ids by the tokenizer.json the vocabulary was made from.
"""

import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import AddedToken

sys.path.insert(0, str(Path(__file__).parent))
import make_goldens as base

LLAMA = Path(os.environ["LLAMA_CPP"])
QUANTIZE = os.environ.get("LLAMA_QUANTIZE")
sys.path[:0] = [str(LLAMA / "gguf-py"), str(LLAMA)]
import conversion.base  # noqa: E402
import gguf  # noqa: E402

ROOT = Path(__file__).parent / "gguf"
VOCABULARY = 320
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CORPUS = [
    "In which panel does the hero enter the house? The hero enters in panel 3, and he's happy.",
    'The answer is in the third panel: "No!" They\'ll see what\'s there.\n\nZoom in, then think again.',
]
TEXTS = [
    "", " ", "a", "The hero's house", "HE'S here, they'LL go", "1234 567", "x=3;\ty=4\r\n\r\n  z", "   leading and trailing   ",
    "caf\u00e9 cafe\u0301 \ufb01 \u212b", "\u65e5\u672c\u8a9e \u306e \u6f2b\u753b", "\U0001f600\U0001f469\u200d\U0001f469\u200d\U0001f467", "a\u0000b\u007f\u00a0c",
    "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Who?<|im_end|>\n<|im_start|>assistant\n<think> yes</think>",
    "<|im_start", "think <think><think>", "\n\n\n", "\t\t x", "don't DON'T Don\u2019t", "\u0130stanbul \u00df \u01c5", "e\u0301\u0301 \u1112\u1161\u11ab",
    "in the panel the hero enters " * 5, "...!!!???", "x\r\ny", "\u00bd \u2167 \u0663", "a  b   c    d",
]

# What convert_hf_to_gguf.py knows by a hash of Qwen's vocabulary, which this one is not.
conversion.base.TextModel.get_vocab_base_pre = lambda self, tokenizer: "qwen2"


def no_sentencepiece(self, *_):
    raise FileNotFoundError


conversion.base.TextModel._set_vocab_sentencepiece = no_sentencepiece


def tokenizer():
    made = Tokenizer(models.BPE())
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False, min_frequency=2)
    made.train_from_iterator(CORPUS, trainer)
    made.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in SPECIAL])
    made.add_tokens([AddedToken("<think>", normalized=False, special=False)])
    assert made.get_vocab_size() < VOCABULARY
    return made


def convert(folder, out, *flags):
    sys.argv = ["convert_hf_to_gguf.py", str(folder), "--outfile", str(out), *flags]
    runpy.run_path(str(LLAMA / "convert_hf_to_gguf.py"), run_name="__main__")


def dequantised(file):
    """Tensors as PyTorch has them."""
    reader = gguf.GGUFReader(file)
    for tensor in reader.tensors:
        numbers = gguf.quants.dequantize(np.array(tensor.data), tensor.tensor_type)
        shape = [int(size) for size in reversed(tensor.shape)]
        yield tensor.name, torch.from_numpy(np.ascontiguousarray(numbers, dtype=np.float32).reshape(shape)).clone()


TEXT = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}
VISION = {
    "ln1": "norm1", "ln2": "norm2", "attn_out": "attn.proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def state(folder):
    """The files' numbers under the names of transformers' model."""
    top = {
        "token_embd.weight": "model.language_model.embed_tokens.weight", "output.weight": "lm_head.weight",
        "output_norm.weight": "model.language_model.norm.weight", "v.post_ln.weight": "model.visual.merger.ln_q.weight",
        "mm.0.weight": "model.visual.merger.mlp.0.weight", "mm.0.bias": "model.visual.merger.mlp.0.bias",
        "mm.2.weight": "model.visual.merger.mlp.2.weight", "mm.2.bias": "model.visual.merger.mlp.2.bias",
    }
    weights, parts = {}, {}
    for name, tensor in [*dequantised(folder / "text.gguf"), *dequantised(folder / "mmproj.gguf")]:
        words = name.split(".")
        if name in top:
            weights[top[name]] = tensor
        elif name.startswith("v.patch_embd"):
            parts.setdefault("patch", {})[name] = tensor
        elif words[0] == "blk":
            weights[f"model.language_model.layers.{words[1]}.{TEXT[words[2]]}.{words[3]}"] = tensor
        elif words[3] in ("attn_q", "attn_k", "attn_v"):
            parts.setdefault((words[2], words[4]), {})[words[3]] = tensor
        else:
            weights[f"model.visual.blocks.{words[2]}.{VISION[words[3]]}.{words[4]}"] = tensor
    patch = parts.pop("patch")
    halves = [patch["v.patch_embd.weight"], patch["v.patch_embd.weight.1"]]
    weights["model.visual.patch_embed.proj.weight"] = torch.stack(halves, 2)
    for (block, end), split in parts.items():
        fused = torch.cat([split[name] for name in ("attn_q", "attn_k", "attn_v")])
        weights[f"model.visual.blocks.{block}.attn.qkv.{end}"] = fused
    return weights


# What the format does not say: windows of 112 pixels, two by two patches a token.
IMAGE = dict(patch_size=14, window_size=112)

# (The converter finds no name for the merger of a tower of fewer than three blocks.)
CASES = {
    # A separate head, f16 as converted; windows that divide and that do not.
    "f16": dict(
        text=dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2),
        vision={}, tied=False, type="f16", image_type="f16", quantise=None,
    ),
    # The same in bf16, tied, and in Q8_0.
    "bf16": dict(
        text=dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2),
        vision=dict(depth=3, fullatt_block_indexes=[2]), tied=True, type="bf16", image_type="bf16", quantise=None,
    ),
    "q8_0": dict(
        text=dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2),
        vision=dict(depth=3, fullatt_block_indexes=[2]), tied=True, type="q8_0", image_type="f16", quantise=None,
    ),
    # Rows of 256: llama.cpp's mixture, and a file of every type there is a reader for.
    "q4_k_m": dict(
        text=dict(hidden_size=256, intermediate_size=256, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1),
        vision=dict(depth=3, fullatt_block_indexes=[2]), tied=True, type="f32", image_type="f16", quantise=["Q4_K_M"],
    ),
    "mixed": dict(
        text=dict(hidden_size=256, intermediate_size=256, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1),
        vision=dict(depth=3, fullatt_block_indexes=[2]), tied=False, type="f32", image_type="f16",
        quantise=[
            "--token-embedding-type", "q5_0", "--output-tensor-type", "q5_1", "--tensor-type", "attn_q=q4_0",
            "--tensor-type", "attn_k=q4_1", "--tensor-type", "attn_v=q2_k", "--tensor-type", "attn_output=q3_k",
            "--tensor-type", "ffn_gate=q5_k", "--tensor-type", "ffn_up=q6_k", "--tensor-type", "ffn_down=q8_0", "Q4_K_M",
        ],
    ),
}


def main():
    only = sys.argv[1:]
    ROOT.mkdir(exist_ok=True)
    vocabulary = tokenizer()
    ids = {token: vocabulary.token_to_id(token) for token in SPECIAL}
    texts = [{"text": text, "ids": vocabulary.encode(text, add_special_tokens=False).ids} for text in TEXTS]
    (ROOT / "tokens.json").write_text(json.dumps({"special": ids, "texts": texts}, indent=0) + "\n")
    for number, (name, case) in enumerate(CASES.items()):
        if only and name not in only:
            continue
        folder = ROOT / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        configuration = base.config(case["text"] | {"vocab_size": VOCABULARY}, case["vision"] | IMAGE, case["tied"])
        configuration.image_token_id, configuration.video_token_id = ids["<|image_pad|>"], ids["<|video_pad|>"]
        configuration.vision_start_token_id = ids["<|vision_start|>"]
        configuration.vision_end_token_id = ids["<|vision_end|>"]
        for end in ("bos_token_id", "eos_token_id"):
            setattr(configuration.text_config, end, ids["<|im_end|>"])
        base.START, base.END, base.IMAGE = ids["<|vision_start|>"], ids["<|vision_end|>"], ids["<|image_pad|>"]
        model = base.random_model(configuration, 50 + number, torch.float32)
        with tempfile.TemporaryDirectory() as hugging:
            hugging = Path(hugging)
            base.write_checkpoint(model, hugging, torch.float32, "old", "flat", False)
            vocabulary.save(str(hugging / "tokenizer.json"))
            (hugging / "tokenizer_config.json").write_text(json.dumps({
                "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>",
            }))
            (hugging / "preprocessor_config.json").write_text(json.dumps({
                "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
                "min_pixels": 3136, "max_pixels": 12845056, "patch_size": 14,
            }))
            converted = hugging / "text.gguf" if case["quantise"] else folder / "text.gguf"
            convert(hugging, converted, "--outtype", case["type"])
            convert(hugging, folder / "mmproj.gguf", "--mmproj", "--outtype", case["image_type"])
            if case["quantise"]:
                *flags, kind = case["quantise"]
                subprocess.run([QUANTIZE, *flags, converted, folder / "text.gguf", kind], check=True)
        model.load_state_dict(state(folder), strict=not case["tied"])
        generator = torch.Generator().manual_seed(200 + number)
        golden = {}
        for k, parts in enumerate([[7, (1, 12, 6), 5], [4, (2, 6, 14), 3, (3, 8, 8), 6]]):
            prompt, images = base.prompt_ids(parts, 2, generator)
            full = {}
            base.run(model, prompt, images, full, f"p{k}")
            keep = ("ids", "images", "logits")
            golden |= {key: value for key, value in full.items() if key.split(".", 1)[1] in keep}
        save_file(golden, folder / "golden.safetensors")
        print(f"{name}: {sum(f.stat().st_size for f in folder.iterdir()) // 1024} KiB")


if __name__ == "__main__":
    main()
