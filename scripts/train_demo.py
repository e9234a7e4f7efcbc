#!/usr/bin/env python3
"""Trains the demo checkpoint: the recipe of `panelscope train sft-r`, in PyTorch, for machines where that is faster.

The pages come from `cargo run --release --example export_train`, so both trainers see the same data. The model is
Qwen2.5-VL's architecture, written plainly; `tests/goldens/make_train_goldens.py` and `tests/train_parity.rs` hold the Rust
trainer's gradients and optimiser steps against PyTorch's.

    python scripts/train_demo.py tokenizer EXPORT assets/demo-rarl/tokenizer.json
    python scripts/train_demo.py train EXPORT OUT --steps 1500 [--init OUT/last.pt] [--text-steps 100]
    torchrun --nproc-per-node 2 scripts/train_demo.py train …      (two single-thread processes)
    python scripts/train_demo.py export OUT/last.pt assets/demo-rarl

EXPORT is the built `export_train` program. Needs torch 2.11, tokenizers, safetensors, numpy.
"""
import argparse, json, math, os, pathlib, queue, re, subprocess, threading, time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

ROOT = pathlib.Path(__file__).resolve().parent.parent
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
ADDED = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<answer>", "</answer>"]
NAMES = ["Pip", "Moss", "Juno", "Bram", "Tilly", "Oro", "Fen", "Wick"]
ACTIONS = ["running", "sitting", "sleeping", "cheering", "reading", "fishing", "juggling", "carrying"]
PLACES = ["a village", "a wood", "the sea", "the mountains"]
SOUNDS = ["BOOM", "CRASH", "SPLASH", "DING", "POW", "TOK", "WHOOSH", "RIP"]
MOMENTS = ["first", "second", "third"]
# What balloons say, then what bursts do: the first word of each, which tells it from all others.
LETTERED = """HELLO OH LOOK HM WAIT YES WHY HA OUCH COME WOW SH GO NOT REALLY SOON RUN TEA MAYBE I UP THANKS SORRY NEVER AGAIN HURRY STOP
WHERE LUNCH GOOD TOO A MY IT WHO FINE BYE ALL HOME TWO""".split() + SOUNDS
# Classes of the heads of a page's cells: panel, letter in a story; 0 is "none", and quiet for letters.
PAGE_CLASSES = (13, 4)
# Classes of the heads of a crop's cells: who, action, nearness, words, place, moment, order; the last of the quiet ones is "none".
CROP_CLASSES = (9, 9, 3, 49, 4, 19, 4)
QUIET = (True, True, True, True, False, True, True)
# Layer and head that are shown where a word that is compared stands in the crop.
LOOKS = (1, 3)
# Layer and head that are shown how the last piece of such a word looks back at its first.
BACK = (2, 0)
VOCAB = 896


class Config:
    vocab = VOCAB
    hidden, layers, heads, kv_heads, ffn = 128, 5, 4, 2, 384
    head_dim, theta, sections = 32, 100.0, (2, 6, 8)
    v_hidden, v_layers, v_heads, v_ffn, v_full = 128, 4, 4, 384, (1, 3)


# ---------------------------------------------------------------- data


def stream(export, first, pages, segments=8, direct=12):
    """Pages from the exporter: dictionaries with pixel arrays."""
    process = subprocess.Popen([export, str(first), str(pages), str(segments), str(direct)], stdout=subprocess.PIPE, bufsize=1 << 20)
    out = process.stdout
    for line in out:
        page = json.loads(line)
        sizes = [page["page"]] + page["crops"]
        page["pixels"] = [np.frombuffer(out.read(h * w * 3), np.uint8).reshape(h, w, 3) for h, w in sizes]
        yield page


def prefetch(iterator, depth=48):
    buffer = queue.Queue(depth)

    def work():
        for item in iterator:
            buffer.put(item)
        buffer.put(None)

    threading.Thread(target=work, daemon=True).start()
    while (item := buffer.get()) is not None:
        yield item


def profile_prompts():
    import tomllib

    prompt = tomllib.load(open(ROOT / "assets/profiles/rarl.toml", "rb"))["prompt"]
    wrap = "<|im_start|>system\n{}<|im_end|>\n<|im_start|>user\n"
    return [wrap.format(prompt["system"]), wrap.format(prompt["system_without_tool"])]


def build_tokenizer(export, path):
    """Byte-level BPE; a number is one token, with or without a blank before it."""
    lines = profile_prompts() * 60
    for page in stream(export, 7_000_000_000, 600):
        for s in page["segments"]:
            lines += [p["text"][0] for p in s["parts"] if p != "crop"]
    lines += ["[%d, %d, %d, %d]" % tuple(4 * ((7 * i + 13 * k * k + k) % 50) for k in range(4)) for i in range(3000)]
    lines += ["<think> %s %s" % (n, a) for n in NAMES for a in ACTIONS] * 20
    lines += [" %s %s" % (w, w) for w in PLACES + SOUNDS + MOMENTS] * 40
    # What stands in balloons and bursts, and coordinates after a bracket: one token each, with and without a blank before.
    capitals = sorted({w for line in lines for w in re.findall(r"[A-Z']{2,}", line)})
    lines += [form for w in capitals + SOUNDS + [str(4 * i) for i in range(50)] for form in (w, " " + w)] * 80
    lines += ["Error: the box is off the page. Try again. The crop is too small. more than one panel figure hat"] * 20
    for token in SPECIAL + ADDED:
        lines = [l.replace(token, "\n\n") for l in lines]
    tok = Tokenizer(models.BPE())
    split = r" ?\p{N}{1,3}|[^\r\n\p{L}\p{N}]?\p{L}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(split), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    size = VOCAB - len(SPECIAL) - len(ADDED)
    tok.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=[], show_progress=False))
    tok.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    tok.add_tokens([AddedToken(t, normalized=False) for t in ADDED])
    tok.save(str(path))
    words = [" " + w for w in NAMES + ACTIONS + MOMENTS] + SOUNDS + NAMES + ACTIONS + [str(4 * i) for i in range(50)] + [" %d" % (4 * i) for i in range(50)]
    print("vocabulary", tok.get_vocab_size(), "words of several tokens:", [w for w in words if len(tok.encode(w).ids) != 1])


class Text:
    """Token ids and positions of prefixes and segments."""

    def __init__(self, path):
        self.tok = Tokenizer.from_file(str(path))
        self.cache = {}
        self.vs, self.ve, self.pad, self.end = (self.tok.token_to_id(t) for t in ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|endoftext|>"))
        self.prefix_text = [self.ids(p) for p in profile_prompts()]
        self.one = lambda w: self.ids(w)[0]
        self.verdicts = {self.one(w): i for i, w in enumerate((" first", " second", " third", " yes", " no"))}
        self.names = {self.one(" " + w): i for i, w in enumerate(NAMES)}
        self.lettered = {self.one(" " + w): i for i, w in enumerate(LETTERED)}

    def ids(self, text):
        if text not in self.cache:
            self.cache[text] = self.tok.encode(text, add_special_tokens=False).ids
        return self.cache[text]

    def image(self, ids, pos, p, rows, cols):
        ids.append(self.vs)
        pos.append((p, p, p))
        p += 1
        ids += [self.pad] * (rows * cols)
        pos += [(p, p + r, p + c) for r in range(rows) for c in range(cols)]
        p += max(rows, cols)
        ids.append(self.ve)
        pos.append((p, p, p))
        return p + 1

    def prefix(self, direct, rows, cols):
        ids = list(self.prefix_text[direct])
        pos = [(i, i, i) for i in range(len(ids))]
        p = self.image(ids, pos, len(ids), rows, cols)
        return ids, pos, p

    def segment(self, s, p, crops, cells, text_only):
        """ids, positions, weights, roles, looks; weight i is that of predicting ids[i]."""
        ids, pos, weights, roles, looks = [], [], [], [], []
        compares, seen = s["task"] in ("dialog-reordering", "panel-understanding"), None
        is_set, names = s["task"] == "character-identification" and s["parts"].count("crop") > 1, []
        used = iter(s["crops"])
        for part in s["parts"]:
            if part == "crop":
                crop = next(used)
                h, w = crops[crop]
                seen = (len(ids) + 1, [c[3] for c in cells[crop]])
                names = []
                p = self.image(ids, pos, p, h // 28, w // 28)
                weights += [0.0] * (len(ids) - len(weights))
                roles += ["prompt"] * (len(ids) - len(roles))
                continue
            text, role = part["text"]
            more = self.ids(text)
            if compares and seen and role == "copied" and more[0] in self.lettered:
                looks.append((len(ids), len(ids) + len(more) - 1, *seen, self.lettered[more[0]]))
            if is_set and more[0] in self.names:
                name = self.names[more[0]]
                if role == "copied" and names:
                    # The figure asked for, after those that are in the panel.
                    first = names[0][0]
                    at = dict(names)
                    looks.append((len(ids), len(ids), first, [at.get(i, 99) for i in range(first, len(ids))], name))
                elif role == "seen":
                    names.append((len(ids), name))
            pos += [(p + i, p + i, p + i) for i in range(len(more))]
            p += len(more)
            ids += more
            unseen = text_only and role in ("seen", "coordinate")
            weights += [0.0 if unseen else {"prompt": 0.0, "plain": 1.0, "seen": 6.0, "copied": 4.0, "coordinate": 3.0}[role]] * len(more)
            roles += [role] * len(more)
        return ids, pos, weights, roles, looks


def looks_of(items, length, verdicts):
    """First and last rows of words that are compared, where each may look (at itself, or past all lettering where it is not in the crop), and the verdict."""
    rows = [(k, row, last, verdicts.get(x["ids"][last + 1], -1), first, cells, word) for k, x in enumerate(items) for row, last, first, cells, word in x["looks"]]
    there = torch.ones(len(rows), length, dtype=torch.bool)
    found = torch.zeros(len(rows), dtype=torch.bool)
    for n, (*_, first, cells, word) in enumerate(rows):
        found[n] = word in cells
        if found[n]:
            there[n] = False
        for i, c in enumerate(cells):
            if c < len(LETTERED):
                there[n, first + i] = c == word
    at = torch.tensor([r[:4] for r in rows], dtype=torch.long).view(-1, 4)
    return *at.unbind(1), there, found


def collate(pages, text, text_only):
    """One batch: pages share a size, segments are padded within three length groups."""
    rows, cols = pages[0]["page"][0] // 28, pages[0]["page"][1] // 28
    items, crops, crop_cells = [], {}, {}
    prefixes = [text.prefix(int(p["direct"]), rows, cols) for p in pages]
    for i, page in enumerate(pages):
        slots = []
        for j, size in enumerate(page["crops"]):
            group = crops.setdefault(tuple(size), [])
            slots.append((tuple(size), len(group)))
            group.append(page["pixels"][1 + j])
            crop_cells.setdefault(tuple(size), []).append(page["crop_cells"][j])
        for s in page["segments"]:
            ids, pos, weights, roles, looks = text.segment(s, prefixes[i][2], page["crops"], page["crop_cells"], text_only)
            items.append(dict(page=i, ids=ids, pos=pos, weights=weights, roles=roles, looks=looks, task=s["task"], direct=page["direct"], slots=[slots[c] for c in s["crops"]]))
    items.sort(key=lambda x: len(x["ids"]))
    groups = []
    # Three zooms make a segment three times as long: groups of like lengths are padded less.
    cuts = [0, int(0.45 * len(items)), int(0.75 * len(items)), len(items)]
    for part in (items[a:b] for a, b in zip(cuts, cuts[1:])):
        if part:
            length = max(len(x["ids"]) for x in part)
            ids = torch.full((len(part), length), text.end)
            pos = torch.zeros(3, len(part), length, dtype=torch.long)
            weights = torch.zeros(len(part), length)
            for k, x in enumerate(part):
                n = len(x["ids"])
                ids[k, :n] = torch.tensor(x["ids"])
                pos[:, k, :n] = torch.tensor(x["pos"]).T
                weights[k, :n] = torch.tensor(x["weights"])
            groups.append(dict(ids=ids, pos=pos, weights=weights, page=torch.tensor([x["page"] for x in part]), items=part, looks=looks_of(part, length, text.verdicts)))
    # Prefixes differ in length with and without the tool: pad on the left, mask.
    length = max(len(p[0]) for p in prefixes)
    pids = torch.full((len(pages), length), text.end)
    ppos = torch.zeros(3, len(pages), length, dtype=torch.long)
    pmask = torch.zeros(len(pages), length, dtype=torch.bool)
    for i, (ids, pos, _) in enumerate(prefixes):
        pids[i, -len(ids) :] = torch.tensor(ids)
        ppos[:, i, -len(ids) :] = torch.tensor(pos).T
        pmask[i, -len(ids) :] = True
    stack = lambda a: torch.from_numpy(np.stack(a))
    return dict(
        pids=pids, ppos=ppos, pmask=pmask, groups=groups, page=stack([p["pixels"][0] for p in pages]),
        crops={k: stack(v) for k, v in crops.items()}, page_cells=torch.tensor([p["page_cells"] for p in pages]),
        crop_cells={k: torch.tensor(v) for k, v in crop_cells.items()},
    )


def lettered(pages, crops=48):
    """Batches of crops in which something is lettered, for steps that only read; what lies below the lettering is cut off."""
    batch, many = dict(crops={}, crop_cells={}), 0
    for page in pages:
        for size, pixels, cells in zip(page["crops"], page["pixels"][1:], page["crop_cells"]):
            columns = size[1] // 28
            rows = max((i // columns for i, c in enumerate(cells) if c[3] < len(LETTERED)), default=-1) + 1
            if rows:
                # From a part of a panel its place cannot be told.
                cells = [c[:4] + [-1] + c[5:] for c in cells[: rows * columns]]
                key = (28 * max(rows, 2), size[1])
                cells += [[-1] * len(CROP_CLASSES)] * (key[0] // 28 * columns - len(cells))
                batch["crops"].setdefault(key, []).append(pixels[: key[0]])
                batch["crop_cells"].setdefault(key, []).append(cells)
                many += 1
        if many >= crops:
            stack = lambda a: torch.from_numpy(np.stack(a))
            yield dict(crops={k: stack(v) for k, v in batch["crops"].items()}, crop_cells={k: torch.tensor(v) for k, v in batch["crop_cells"].items()})
            batch, many = dict(crops={}, crop_cells={}), 0


# ---------------------------------------------------------------- model


class Norm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return F.rms_norm(x.float(), (x.shape[-1],), self.weight, 1e-6)


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


def attend(q, k, v, bias):
    """Plain attention; bias is additive, 0 or -1e4, broadcast over heads."""
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2) + bias.to(q.dtype)
    return scores.softmax(-1).to(v.dtype) @ v


class VisionBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c.v_hidden
        self.heads = c.v_heads
        self.norm1, self.norm2 = Norm(d), Norm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.gate_up, self.down = nn.Linear(d, 2 * c.v_ffn), nn.Linear(c.v_ffn, d)

    def forward(self, x, cos, sin, bias):
        n, p, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, p, 3, self.heads, -1).unbind(2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        o = attend(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), bias)
        x = x + self.proj(o.transpose(1, 2).reshape(n, p, d))
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class TextBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.norm1, self.norm2 = Norm(c.hidden), Norm(c.hidden)
        self.qkv = nn.Linear(c.hidden, (c.heads + 2 * c.kv_heads) * c.head_dim)
        self.o = nn.Linear(c.heads * c.head_dim, c.hidden, bias=False)
        self.gate_up = nn.Linear(c.hidden, 2 * c.ffn, bias=False)
        self.down = nn.Linear(c.ffn, c.hidden, bias=False)

    def heads(self, x, cos, sin):
        c = self.c
        a = self.qkv(self.norm1(x)).view(x.shape[0], -1, c.head_dim)
        qk = rotate(a[:, : c.heads + c.kv_heads], cos, sin)
        return qk[:, : c.heads], qk[:, c.heads :], a[:, c.heads + c.kv_heads :]

    def finish(self, x, o):
        x = x + self.o(o)
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.patch = nn.Linear(588, c.v_hidden, bias=False)
        self.vision_blocks = nn.ModuleList(VisionBlock(c) for _ in range(c.v_layers))
        self.ln_q = Norm(c.v_hidden)
        self.merge0, self.merge2 = nn.Linear(4 * c.v_hidden, 4 * c.v_hidden), nn.Linear(4 * c.v_hidden, c.hidden)
        self.embed = nn.Embedding(c.vocab, c.hidden)
        self.blocks = nn.ModuleList(TextBlock(c) for _ in range(c.layers))
        self.norm = Norm(c.hidden)
        # Scaffolding, not exported: what a cell of the page or of a crop shows.
        self.page_head, self.crop_head = nn.Linear(c.hidden, sum(PAGE_CLASSES)), nn.Linear(c.hidden, sum(CROP_CLASSES))
        # What the word that looks has found: first, second, third, yes, no.
        self.look_head = nn.Linear(c.hidden, 5)
        for name, p in self.named_parameters():
            if p.ndim == 2:
                nn.init.normal_(p, std=0.02 if "embed" in name or "merge2" in name else 0.6 / math.sqrt(p.shape[1]))
            elif "bias" in name:
                nn.init.zeros_(p)
        for block in [*self.vision_blocks, *self.blocks]:
            out = block.proj if hasattr(block, "proj") else block.o
            for w in (block.down.weight, out.weight):
                nn.init.normal_(w, std=0.2 / math.sqrt(w.shape[1]))
        half = c.v_hidden // c.v_heads // 2
        self.register_buffer("v_freq", 1 / (1e4 ** (torch.arange(0, half, 2).float() / half)), persistent=False)
        self.register_buffer("freq", 1 / (c.theta ** (torch.arange(0, c.head_dim, 2).float() / c.head_dim)), persistent=False)
        self.register_buffer("axis", torch.tensor(sum(([i] * n for i, n in enumerate(c.sections)), [])), persistent=False)
        self.register_buffer("mean", torch.tensor([0.48145466, 0.4578275, 0.40821073]) * 255, persistent=False)
        self.register_buffer("std", torch.tensor([0.26862954, 0.26130258, 0.27577711]) * 255, persistent=False)
        self.tables = {}

    def grid(self, h, w):
        """Rotary tables and window bias of a size; patches in 2×2-merge order."""
        if (h, w) not in self.tables:
            r, c = torch.meshgrid(torch.arange(h // 14), torch.arange(w // 14), indexing="ij")
            order = lambda t: t.view(h // 28, 2, w // 28, 2).permute(0, 2, 1, 3).reshape(-1)
            r, c = order(r), order(c)
            f = torch.cat([r[:, None] * self.v_freq, c[:, None] * self.v_freq], 1)
            f = torch.cat([f, f], 1)[None, :, None]
            window = (r // 8) * 1000 + c // 8
            bias = torch.where(window[:, None] == window[None], 0.0, -1e4)
            self.tables[(h, w)] = (f.cos(), f.sin(), bias)
        return self.tables[(h, w)]

    def see(self, images):
        """uint8 (n, h, w, 3) → (n, merged cells, hidden)."""
        n, h, w, _ = images.shape
        x = ((images.float() - self.mean) / self.std).view(n, h // 28, 2, 14, w // 28, 2, 14, 3)
        x = self.patch(x.permute(0, 1, 4, 2, 5, 7, 3, 6).reshape(n, -1, 588))
        cos, sin, bias = self.grid(h, w)
        for i, block in enumerate(self.vision_blocks):
            x = block(x, cos, sin, torch.zeros(1) if i in self.c.v_full else bias)
        return self.merge2(F.gelu(self.merge0(self.ln_q(x).reshape(n, -1, 4 * self.c.v_hidden))))

    def rotary(self, pos):
        f = pos.float()[self.axis].T * self.freq
        f = torch.cat([f, f], 1)[:, None]
        return f.cos(), f.sin()

    def read(self, xp, ppos, pmask, groups, looks):
        """Hidden states of the segments, and how far off their looks are; every page's prefix is computed once."""
        off, back, found = [], [], []
        c = self.c
        b, lp, d = xp.shape
        flat = torch.cat([xp.reshape(-1, d)] + [x.reshape(-1, d) for x, _, _ in groups])
        pos = torch.cat([ppos.reshape(3, -1)] + [p.reshape(3, -1) for _, p, _ in groups], 1)
        cos, sin = self.rotary(pos)
        sizes = [b * lp] + [x.shape[0] * x.shape[1] for x, _, _ in groups]
        causal = torch.ones(lp, lp).tril().bool()
        pbias = torch.where(causal[None] & pmask[:, None], 0.0, -1e4)[:, None]
        biases = []
        for x, _, page in groups:
            s, ls = x.shape[:2]
            own = torch.where(torch.ones(ls, ls).tril().bool(), 0.0, -1e4).expand(s, ls, ls)
            biases.append(torch.cat([torch.where(pmask[page], 0.0, -1e4)[:, None].expand(s, ls, lp), own], 2)[:, None])
        many = c.heads // c.kv_heads
        shape = lambda t, s, n: t.view(s, n, -1, c.head_dim).transpose(1, 2)
        for depth, block in enumerate(self.blocks):
            q, k, v = (t.split(sizes) for t in block.heads(flat, cos, sin))
            kp, vp = shape(k[0], b, lp), shape(v[0], b, lp)
            wide = lambda t: t.repeat_interleave(many, 1)
            outs = [attend(shape(q[0], b, lp), wide(kp), wide(vp), pbias).transpose(1, 2).reshape(b * lp, -1)]
            for i, (x, _, page) in enumerate(groups):
                s, ls = x.shape[:2]
                kk = torch.cat([kp[page], shape(k[i + 1], s, ls)], 2)
                vv = torch.cat([vp[page], shape(v[i + 1], s, ls)], 2)
                if depth == LOOKS[0] and len(looks[i][0]):
                    off.append(self.look(shape(q[i + 1], s, ls), kk, biases[i], looks[i], lp))
                if depth == BACK[0] and len(looks[i][0]):
                    back.append(self.look_back(shape(q[i + 1], s, ls), kk, biases[i], looks[i], lp))
                outs.append(attend(shape(q[i + 1], s, ls), wide(kk), wide(vv), biases[i]).transpose(1, 2).reshape(s * ls, -1))
            flat = block.finish(flat, torch.cat(outs))
            if depth == LOOKS[0]:
                for (x, _, _), part, (item, row, _, verdict, *_) in zip(groups, flat.split(sizes)[1:], looks):
                    found.append((self.look_head(F.rms_norm(part.view(*x.shape)[item, row].float(), (d,))).float(), verdict))
        return [o.view(*x.shape) for o, (x, _, _) in zip(flat.split(sizes)[1:], groups)], off, back, found

    def look(self, q, k, bias, looks, lp):
        """Per word that is compared: minus the log of the attention that one head pays where the word stands."""
        item, row, _, _, there, found = looks
        key = k[item, LOOKS[1] * self.c.kv_heads // self.c.heads].float()
        scores = (q[item, LOOKS[1], row].float()[:, None] @ key.transpose(1, 2))[:, 0] * self.c.head_dim**-0.5 + bias[item, 0, row]
        may = torch.cat([~found[:, None].expand(-1, lp), there], 1)
        return -(scores.log_softmax(-1).masked_fill(~may, -1e4)).logsumexp(-1), found

    def look_back(self, q, k, bias, looks, lp):
        """Per word of several pieces: minus the log of the attention that its last piece pays its first."""
        item, row, last = (x[looks[1] < looks[2]] for x in looks[:3])
        key = k[item, BACK[1] * self.c.kv_heads // self.c.heads].float()
        scores = (q[item, BACK[1], last].float()[:, None] @ key.transpose(1, 2))[:, 0] * self.c.head_dim**-0.5 + bias[item, 0, last]
        return -scores.log_softmax(-1).gather(1, lp + row[:, None])[:, 0]


# ---------------------------------------------------------------- loss


def cell_loss(model, batch, page, crops, words):
    """Auxiliary heads: panels on the page, what crops show; cells of figures and of lettering also tied to word embeddings."""
    loss, right = 0.0, {}
    if page is not None:
        number, letter = model.page_head(page).float().reshape(-1, sum(PAGE_CLASSES)).split(PAGE_CLASSES, 1)
        numbers, letters = batch["page_cells"].reshape(-1, 2).unbind(1)
        loss = F.cross_entropy(number, numbers) + F.cross_entropy(letter, letters, torch.tensor([0.2, 1.0, 1.0, 1.0]))
        some = letters > 0
        right["head letter"] = [(letter[some].argmax(1) == letters[some]).sum().item(), some.sum().item()]
    z = torch.cat([model.crop_head(x).float().reshape(-1, sum(CROP_CLASSES)) for x in crops.values()])
    labels = torch.cat([batch["crop_cells"][k].reshape(-1, len(CROP_CLASSES)) for k in crops])
    for column, (logits, quiet) in enumerate(zip(z.split(CROP_CLASSES, 1), QUIET)):
        weight = torch.ones(logits.shape[1])
        if quiet:
            weight[-1] = 0.2
        if (labels[:, column] >= 0).any():
            loss = loss + F.cross_entropy(logits, labels[:, column], weight, ignore_index=-1)
    cells = torch.cat([x.float().reshape(-1, x.shape[-1]) for x in crops.values()])
    cells = F.rms_norm(cells, (cells.shape[-1],))
    for column, ids, weight in words:
        there = (labels[:, column] >= 0) & (labels[:, column] < len(ids))
        loss = loss + weight * F.cross_entropy(cells[there] @ model.embed.weight[ids].float().T, labels[there, column])
    for name, column, of in (("pose", 1, range(8)), ("spoken", 3, range(40)), ("heard", 3, range(40, 48)), ("order", 6, range(3))):
        some = (labels[:, column] >= of[0]) & (labels[:, column] <= of[-1])
        guess = z[some, sum(CROP_CLASSES[:column]) : sum(CROP_CLASSES[: column + 1])].argmax(1)
        right["head " + name] = [(guess == labels[some, column]).sum().item(), some.sum().item()]
    return loss, right


def add_up(stats, right):
    for key, (good, of) in right.items():
        tally = stats.setdefault(key, [0, 0])
        tally[0] += good
        tally[1] += of


def read_only(model, batch, words, stats):
    """What crops show, without a word about it: a fifth of the time of a step with text."""
    loss, right = cell_loss(model, batch, None, {k: model.see(v) for k, v in batch["crops"].items()}, words)
    add_up(stats, right)
    return loss


def forward(model, batch, text, words, text_only, aux_weight, stats):
    xp = model.embed(batch["pids"])
    crops = {}
    aux = xp.new_zeros(())
    if not text_only:
        page = model.see(batch["page"])
        xp = xp.clone()
        xp[batch["pids"] == text.pad] = page.reshape(-1, page.shape[-1]).to(xp.dtype)
        crops = {k: model.see(v) for k, v in batch["crops"].items()}
        if crops and aux_weight:
            aux, right = cell_loss(model, batch, page, crops, words)
            add_up(stats, right)
    groups = []
    for g in batch["groups"]:
        x = model.embed(g["ids"])
        slots = [s for item in g["items"] for s in item["slots"]]
        if slots and not text_only:
            x = x.clone()
            x[g["ids"] == text.pad] = torch.cat([crops[size][i] for size, i in slots]).to(x.dtype)
        groups.append((x, g["pos"], g["page"]))
    hidden, off, back, said = model.read(xp, batch["ppos"], batch["pmask"], groups, [g["looks"] for g in batch["groups"]])
    if off and not text_only and aux_weight:
        miss, found = (torch.cat(x) for x in zip(*off))
        back = torch.cat(back)
        guess, verdict = (torch.cat(x) for x in zip(*said))
        aux = aux + 2.0 * miss.mean() + 2.0 * F.cross_entropy(guess, verdict, ignore_index=-1)
        if len(back):
            aux = aux + 2.0 * back.mean()
            add_up(stats, {"look back": [back.neg().exp().sum().item(), len(back)]})
        add_up(stats, {"look verdict": [(guess.argmax(1) == verdict).sum().item(), len(verdict)]})
        for name, some in (("look there", found), ("look past", ~found)):
            add_up(stats, {name: [miss[some].neg().exp().sum().item(), some.sum().item()]})
    total, weight = 0.0, 0.0
    for g, h in zip(batch["groups"], hidden):
        w = g["weights"][:, 1:]
        keep = w > 0
        logits = F.linear(model.norm(h[:, :-1][keep]), model.embed.weight).float()
        target = g["ids"][:, 1:][keep]
        ce = F.cross_entropy(logits, target, reduction="none")
        total = total + (ce * w[keep]).sum()
        weight += w[keep].sum().item()
        if stats is not None:
            count(stats, g, keep, logits, target)
    return total / weight, aux


def count(stats, group, keep, logits, target):
    """Teacher-forced accuracy a role and task."""
    right = (logits.argmax(-1) == target).tolist()
    where = keep.nonzero().tolist()
    for (i, j), ok in zip(where, right):
        item = group["items"][i]
        role = item["roles"][j + 1]
        if role == "plain":
            continue
        key = ("direct " if item["direct"] else "") + item["task"] + " " + role
        tally = stats.setdefault(key, [0, 0])
        tally[0] += ok
        tally[1] += 1


# ---------------------------------------------------------------- training


def optimisers(model, lr, matrix_lr):
    names = dict(model.named_parameters())
    matrix = [p for n, p in names.items() if p.ndim == 2 and not n.startswith(("embed", "patch", "page_head", "crop_head", "look_head"))]
    known = {id(p) for p in matrix}
    rest = [p for p in names.values() if id(p) not in known]
    return [torch.optim.Muon(matrix, lr=matrix_lr, weight_decay=0.01, momentum=0.95), torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.98), weight_decay=0.0)]


def adopt(model, state, text, old):
    """Takes over a checkpoint. Tokens that its vocabulary spells in several pieces begin as their mean; classes that its heads lack begin anew."""
    own = model.state_dict()
    table = own["embed.weight"]
    if state["embed.weight"].shape != table.shape or old.tok.get_vocab() != text.tok.get_vocab():
        names = {i: t for t, i in text.tok.get_vocab().items()}
        known = old.tok.get_vocab()
        with torch.no_grad():
            for i in range(table.shape[0]):
                ids = [known[names[i]]] if names[i] in known else old.ids(text.tok.decode([i], skip_special_tokens=False))
                table[i] = state["embed.weight"][ids].mean(0) if ids else 0.0
        state["embed.weight"] = table
    for name, tensor in own.items():
        if name not in state or state[name].shape != tensor.shape:
            print("begins anew:", name, flush=True)
            if name in state and "_head" in name and len(state[name]) < len(tensor):
                tensor[: len(state[name])] = state[name]
            state[name] = tensor
    model.load_state_dict(state)


def train(a):
    torch.set_num_threads(a.threads)
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if world > 1:
        import torch.distributed as dist

        dist.init_process_group("gloo")
    torch.manual_seed(a.seed)
    out = pathlib.Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    text = Text(a.tokenizer)
    # Column of labels, tokens of its classes, weight.
    words = [(column, torch.tensor([text.one(" " + w) for w in of]), weight) for column, of, weight in ((0, NAMES, 0.3), (1, ACTIONS, 0.3), (3, LETTERED, 0.6))]
    model = Model(Config())
    if a.init:
        adopt(model, torch.load(a.init)["model"], text, Text(a.init_tokenizer or a.tokenizer))
    opts = optimisers(model, a.lr, a.matrix_lr)
    rates = [[g["lr"] for g in o.param_groups] for o in opts]
    params = list(model.parameters())
    if rank == 0:
        print("parameters", sum(p.numel() for n, p in model.named_parameters() if "_head" not in n), flush=True)
    first = a.seed_base + rank * 500_000_000
    pages = prefetch(stream(a.export, first, 10_000_000, direct=a.direct))
    reading = lettered(prefetch(stream(a.export, first + 200_000_000, 10_000_000, segments=24, direct=0))) if a.reading else None
    log = open(out / "metrics.jsonl", "a")
    start, stats, mean = time.time(), {}, None
    for step in range(1, a.steps + 1):
        text_only = step <= a.text_steps
        batch = collate([next(pages) for _ in range(a.pages)], text, text_only)
        progress = step / a.steps
        if a.seconds:
            progress = max(progress, (time.time() - start) / a.seconds)
        factor = min(1, step / a.warmup) * (1 if progress < 0.6 else max(0.02, 1 - (progress - 0.6) / 0.4))
        for o, base in zip(opts, rates):
            for g, lr in zip(o.param_groups, base):
                g["lr"] = lr * factor
        for _ in range(round(a.reading * max(1.0, a.reading_first * (1 - progress / 0.25)))) if reading else ():
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bool(a.bf16)):
                loss = read_only(model, next(reading), words, stats)
            loss.backward()
            nn.utils.clip_grad_norm_([p for p in params if p.grad is not None], 1.0)
            for o in opts:
                o.step()
                o.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bool(a.bf16)):
            ce, aux = forward(model, batch, text, words, text_only, a.aux, stats)
            loss = ce + a.aux * aux
        loss.backward()
        if world > 1:
            flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).view(-1) for p in params])
            dist.all_reduce(flat)
            flat /= world
            at = 0
            for p in params:
                p.grad = flat[at : at + p.numel()].view_as(p).clone()
                at += p.numel()
        norm = nn.utils.clip_grad_norm_([p for p in params if p.grad is not None], 1.0).item()
        for o in opts:
            o.step()
            o.zero_grad(set_to_none=True)
        mean = ce.item() if mean is None else 0.95 * mean + 0.05 * ce.item()
        stop = progress >= 1
        if rank == 0 and (step % 25 == 0 or step < 4 or stop):
            seconds = time.time() - start
            record = {"step": step, "seconds": round(seconds), "loss": round(mean, 4), "aux": round(float(aux.detach()), 3), "norm": round(norm, 2), "segments_per_s": round(step * a.pages * 8 * world / seconds, 1), "lr_factor": round(factor, 3)}
            record["right"] = {k: round(v[0] / v[1], 3) for k, v in sorted(stats.items()) if v[1]}
            stats = {}
            print(json.dumps(record), flush=True)
            log.write(json.dumps(record) + "\n")
            log.flush()
        if rank == 0 and (step % 100 == 0 or stop):
            torch.save({"model": model.state_dict(), "step": step}, out / "next.pt")
            os.replace(out / "next.pt", out / "last.pt")
        if world > 1:
            flag = torch.tensor([float(stop)])
            dist.all_reduce(flag)
            stop = flag.item() > 0
        if stop:
            break


# ---------------------------------------------------------------- export


def export_folder(a):
    """A Hugging Face folder: safetensors in f16, config, generation config."""
    from safetensors.torch import save_file

    c, s = Config(), torch.load(a.checkpoint)["model"]
    text = Text(a.tokenizer)
    v, l, w = "model.visual.", "model.language_model.", {}
    w[v + "patch_embed.proj.weight"] = (s["patch.weight"] / 2).view(c.v_hidden, 3, 1, 14, 14).repeat(1, 1, 2, 1, 1)
    for i in range(c.v_layers):
        b, p = f"vision_blocks.{i}.", f"{v}blocks.{i}."
        for name, ours in (("norm1", "norm1"), ("norm2", "norm2"), ("attn.qkv", "qkv"), ("attn.proj", "proj"), ("mlp.down_proj", "down")):
            for kind in ("weight", "bias"):
                if b + ours + "." + kind in s:
                    w[f"{p}{name}.{kind}"] = s[f"{b}{ours}.{kind}"]
        for kind in ("weight", "bias"):
            w[f"{p}mlp.gate_proj.{kind}"], w[f"{p}mlp.up_proj.{kind}"] = s[f"{b}gate_up.{kind}"].chunk(2)
    w[v + "merger.ln_q.weight"] = s["ln_q.weight"]
    for ours, name in (("merge0", "0"), ("merge2", "2")):
        for kind in ("weight", "bias"):
            w[f"{v}merger.mlp.{name}.{kind}"] = s[f"{ours}.{kind}"]
    q, kv = c.heads * c.head_dim, c.kv_heads * c.head_dim
    for i in range(c.layers):
        b, p = f"blocks.{i}.", f"{l}layers.{i}."
        w[p + "input_layernorm.weight"], w[p + "post_attention_layernorm.weight"] = s[b + "norm1.weight"], s[b + "norm2.weight"]
        for kind in ("weight", "bias"):
            for name, t in zip("qkv", s[b + "qkv." + kind].split([q, kv, kv])):
                w[f"{p}self_attn.{name}_proj.{kind}"] = t
        w[p + "self_attn.o_proj.weight"], w[p + "mlp.down_proj.weight"] = s[b + "o.weight"], s[b + "down.weight"]
        w[p + "mlp.gate_proj.weight"], w[p + "mlp.up_proj.weight"] = s[b + "gate_up.weight"].chunk(2)
    w[l + "embed_tokens.weight"], w[l + "norm.weight"] = s["embed.weight"], s["norm.weight"]
    folder = pathlib.Path(a.folder)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: t.to(torch.float16).contiguous().clone() for k, t in w.items()}, str(folder / "model.safetensors"), metadata={"format": "pt"})
    im_end = text.tok.token_to_id("<|im_end|>")
    config = dict(
        architectures=["Qwen2_5_VLForConditionalGeneration"], model_type="qwen2_5_vl", torch_dtype="float16", tie_word_embeddings=True,
        image_token_id=text.pad, video_token_id=text.tok.token_to_id("<|video_pad|>"), vision_start_token_id=text.vs, vision_end_token_id=text.ve,
        text_config=dict(
            model_type="qwen2_5_vl_text", vocab_size=c.vocab, hidden_size=c.hidden, intermediate_size=c.ffn, num_hidden_layers=c.layers,
            num_attention_heads=c.heads, num_key_value_heads=c.kv_heads, hidden_act="silu", max_position_embeddings=4096, rms_norm_eps=1e-6,
            rope_theta=c.theta, rope_scaling=dict(type="mrope", rope_type="default", mrope_section=list(c.sections)),
            rope_parameters=dict(rope_type="default", rope_theta=c.theta, mrope_section=list(c.sections)), tie_word_embeddings=True,
            use_sliding_window=False, bos_token_id=text.end, eos_token_id=im_end, pad_token_id=text.end,
        ),
        vision_config=dict(
            model_type="qwen2_5_vl", depth=c.v_layers, hidden_size=c.v_hidden, intermediate_size=c.v_ffn, num_heads=c.v_heads, hidden_act="silu",
            in_channels=3, patch_size=14, spatial_merge_size=2, temporal_patch_size=2, tokens_per_second=2, window_size=112,
            fullatt_block_indexes=list(c.v_full), out_hidden_size=c.hidden,
        ),
    )
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    generation = dict(bos_token_id=text.end, pad_token_id=text.end, eos_token_id=[im_end, text.end], do_sample=False)
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    print("tensors", len(w), "bytes", os.path.getsize(folder / "model.safetensors"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    t = commands.add_parser("tokenizer")
    t.add_argument("export")
    t.add_argument("path")
    t = commands.add_parser("train")
    t.add_argument("export")
    t.add_argument("out")
    t.add_argument("--tokenizer", default=ROOT / "assets/demo-rarl/tokenizer.json")
    t.add_argument("--steps", type=int, default=1500)
    t.add_argument("--text-steps", type=int, default=0)
    t.add_argument("--pages", type=int, default=8, help="pages a step and process, 8 segments each")
    t.add_argument("--seconds", type=float, default=0, help="end the schedule by the clock")
    t.add_argument("--direct", type=int, default=12, help="percent of pages asked without the tool")
    t.add_argument("--warmup", type=int, default=50)
    t.add_argument("--lr", type=float, default=2e-3)
    t.add_argument("--matrix-lr", type=float, default=0.01)
    t.add_argument("--reading", type=int, default=0, help="steps over lettered crops alone before each step (one process)")
    t.add_argument("--reading-first", type=float, default=4, help="so many times as many at the beginning")
    t.add_argument("--aux", type=float, default=0.3)
    t.add_argument("--init")
    t.add_argument("--init-tokenizer", help="the vocabulary of --init, where it is another")
    t.add_argument("--seed", type=int, default=0)
    t.add_argument("--seed-base", type=int, default=1_000_000_000)
    t.add_argument("--threads", type=int, default=1)
    t.add_argument("--bf16", type=int, default=1)
    t = commands.add_parser("export")
    t.add_argument("checkpoint")
    t.add_argument("folder")
    t.add_argument("--tokenizer", default=ROOT / "assets/demo-rarl/tokenizer.json")
    a = parser.parse_args()
    if a.command == "tokenizer":
        build_tokenizer(a.export, a.path)
    else:
        (train if a.command == "train" else export_folder)(a)
