"""Goldens for tests/train_parity.rs: loss, gradients and AdamW steps of a tiny Qwen2.5-VL, computed by transformers.

Every segment is run as a full sequence of its own (prefix and segment, images and all), so the shared page prefix of the
Rust trainer is checked against a computation that shares nothing. Weights and pixels follow a formula that both sides
know (`hashed`); the files hold results only.

    python3 tests/goldens/make_train_goldens.py        # torch 2.11.0, transformers 5.23.0, f32 on the CPU

Writes train_batch.json (the batch and the scalars) and train_steps.safetensors (gradients, weights after 1 and 3 steps of
AdamW and after 2 steps of Muon with AdamW).
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import Qwen2_5_VLConfig
from transformers import Qwen2_5_VLForConditionalGeneration as Model

HERE = pathlib.Path(__file__).parent
PAD, VSTART, VEND, IM_END, VIDEO = 60, 58, 59, 57, 61
TEXT = dict(vocab=64, hidden=32, layers=2, heads=4, kv_heads=2, intermediate=40, rope_theta=1000.0,
            mrope_section=[1, 1, 2], rms_norm_eps=1e-6, tied=True, max_positions=512)
VISION = dict(hidden=8, depth=3, heads=2, intermediate=12, full_attention=[1])
TOKENS = dict(image_pad=PAD, video_pad=VIDEO, vision_start=VSTART, vision_end=VEND, im_end=IM_END, end_of_text=0)
# The third head is tied to embeddings and has labels of its own here.
HEADS = [dict(name="figure", classes=5, weight=1.0, background=4, background_weight=0.2),
         dict(name="pose", classes=3, weight=0.5),
         dict(name="word", words=["a", "b", "c", "d"], tokens=[10, 21, 32, 43], weight=0.3)]
COUNTS = [5, 3, 4]
AUX_WEIGHT = 0.3
OPTIM = dict(learning_rate=2e-3, betas=[0.9, 0.98], eps=1e-8, weight_decay=0.02, clip=1.0)
FACTORS = [0.5, 1.0, 0.75]
MUON = dict(learning_rate=0.01, momentum=0.95, weight_decay=0.01)


def fnv(name):
    h = 2166136261
    for b in name.encode():
        h = (h ^ b) * 16777619 & 0xFFFFFFFF
    return h


def hashed(name, count):
    """Uniform numbers in [-1, 1) keyed by a name; the Rust test has the same formula."""
    m = np.uint64(0xFFFFFFFF)
    x = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(fnv(name))) & m
    for shift, factor in ((15, 2246822519), (13, 3266489917)):
        x ^= x >> np.uint64(shift)
        x = (x * np.uint64(factor)) & m
    x ^= x >> np.uint64(16)
    return x.astype(np.float64) / 2147483648.0 - 1.0


def weight(name, shape):
    count = int(np.prod(shape))
    u = hashed(name, count)
    if len(shape) == 1:
        v = 0.1 * u if name.endswith("bias") else 1 + 0.1 * u
    elif "embed_tokens" in name or "lm_head" in name:
        v = 0.8 * u
    else:
        v = u * np.sqrt(3.0 / (count // shape[0]))
    return torch.from_numpy(v.astype(np.float32)).reshape(shape)


def build():
    t, v = TEXT, VISION
    cfg = Qwen2_5_VLConfig(
        text_config=dict(
            vocab_size=t["vocab"], hidden_size=t["hidden"], intermediate_size=t["intermediate"],
            num_hidden_layers=t["layers"], num_attention_heads=t["heads"], num_key_value_heads=t["kv_heads"],
            max_position_embeddings=512, rms_norm_eps=1e-6, tie_word_embeddings=True, use_sliding_window=False,
            rope_parameters=dict(rope_type="default", mrope_section=t["mrope_section"], rope_theta=t["rope_theta"]),
            bos_token_id=0, eos_token_id=IM_END, pad_token_id=0),
        vision_config=dict(
            depth=v["depth"], hidden_size=v["hidden"], intermediate_size=v["intermediate"], num_heads=v["heads"],
            in_channels=3, patch_size=14, spatial_merge_size=2, temporal_patch_size=2, tokens_per_second=2,
            window_size=112, fullatt_block_indexes=v["full_attention"], out_hidden_size=t["hidden"]),
        image_token_id=PAD, video_token_id=VIDEO, vision_start_token_id=VSTART, vision_end_token_id=VEND,
        tie_word_embeddings=True)
    model = Model(cfg).float().train()
    named = dict(model.named_parameters())
    with torch.no_grad():
        for name, p in named.items():
            p.copy_(weight(name, tuple(p.shape)))
    heads = torch.nn.ModuleList([torch.nn.Linear(t["hidden"], h["classes"]) for h in HEADS if "classes" in h])
    for head, spec in zip(heads, HEADS):
        with torch.no_grad():
            head.weight.copy_(weight(f"aux.{spec['name']}.weight", tuple(head.weight.shape)))
            head.bias.copy_(weight(f"aux.{spec['name']}.bias", tuple(head.bias.shape)))
        named |= {f"aux.{spec['name']}.weight": head.weight, f"aux.{spec['name']}.bias": head.bias}
    return model, heads, named


def image(name, h, w):
    """Patches of a still: the second frame repeats the first."""
    one = (1.5 * hashed(name, h * w * 588)).astype(np.float32).reshape(h * w, 3, 1, 196)
    return torch.from_numpy(np.repeat(one, 2, axis=2).reshape(h * w, 1176)), [1, h, w]


def words(name, count):
    return [int(x) for x in ((hashed(name, count) + 1) * 27 + 1).astype(int)]


def picture(grid):
    return [VSTART] + [PAD] * (grid[1] * grid[2] // 4) + [VEND]


def make_pages():
    """Two pages of different, ragged grids, one without images, one whose images are not shown (pads only)."""
    pages = []
    for p, (page, crops, wanted, blind) in enumerate([
        ([1, 10, 12], [[1, 8, 8], [1, 4, 6]], [[0], [], [1, 0]], False),
        ([1, 4, 16], [[1, 8, 8]], [[0], []], False),
        (None, [], [[], []], False),
        ([1, 4, 6], [[1, 4, 4]], [[0], []], True),
    ]):
        prefix = words(f"prefix{p}", 5 + p) + (picture(page) if page else [])
        segments = []
        for s, used in enumerate(wanted):
            ids = words(f"a{p}{s}", 6 + 3 * s)
            for i, c in enumerate(used):
                ids += picture(crops[c]) + words(f"b{p}{s}{i}", 7)
            w = [0.0 if i in (PAD, VSTART, VEND) or j % 4 == 1 else (6.0 if j % 5 == 0 else 1.0)
                 for j, i in enumerate(ids)]
            segments.append(dict(ids=ids, weights=w, crops=used))

        def cells(name, grid):
            n = grid[1] * grid[2] // 4
            u = [hashed(f"{name}{h['name']}", n) for h in HEADS]
            return [[int((u[k][i] + 1) / 2 * (COUNTS[k] + 1)) - 1 for k in range(len(HEADS))] for i in range(n)]

        pages.append(dict(
            page=page or [0, 0, 0], crops=crops, prefix=prefix, segments=segments,
            page_cells=cells(f"page{p}", page) if page else [],
            crop_cells=[cells(f"crop{p}{i}", c) for i, c in enumerate(crops)], blind=blind))
    return pages


def loss_of(model, heads, pages):
    num = den = 0.0
    visions, labels = [], []
    for p, page in enumerate(pages):
        has, blind = page["page"][1] > 0, page["blind"]
        first = [image(f"page{p}", *page["page"][1:])] if has else []
        crops = [image(f"crop{p}{i}", *g[1:]) for i, g in enumerate(page["crops"])]
        for seg in page["segments"]:
            used = first + [crops[c] for c in seg["crops"]]
            ids = torch.tensor([page["prefix"] + seg["ids"]])
            extra = {}
            if used and blind:
                # The pads keep an image's positions, but nothing fills them.
                pos, _ = model.model.get_rope_index(ids, (ids == PAD).int(), torch.tensor([g for _, g in used]))
                extra = dict(position_ids=pos)
            elif used:
                extra = dict(pixel_values=torch.cat([x for x, _ in used]),
                             image_grid_thw=torch.tensor([g for _, g in used]),
                             mm_token_type_ids=(ids == PAD).int())
            out = model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False, **extra).logits[0]
            n = len(page["prefix"])
            ce = F.cross_entropy(out[n - 1:-1], torch.tensor(seg["ids"]), reduction="none")
            w = torch.tensor(seg["weights"])
            num, den = num + (ce * w).sum(), den + w.sum()
        for (x, grid), cl in [] if blind else zip(first + crops, ([page["page_cells"]] if has else []) + page["crop_cells"]):
            y = model.model.visual(x, grid_thw=torch.tensor([grid]))
            y = getattr(y, "pooler_output", y)
            visions.append(y[0] if isinstance(y, (tuple, list)) else y)
            labels.append(torch.tensor(cl))
    vision, labels = torch.cat(visions), torch.cat(labels)
    aux = []
    for k, spec in enumerate(HEADS):
        keep = labels[:, k] >= 0
        cls = labels[keep, k]
        w = torch.ones(len(cls))
        if "background" in spec:
            w[cls == spec["background"]] = spec["background_weight"]
        if "tokens" in spec:
            logits = F.rms_norm(vision[keep], (TEXT["hidden"],)) @ model.lm_head.weight[spec["tokens"]].T
        else:
            logits = heads[k](vision[keep])
        ce = F.cross_entropy(logits, cls, reduction="none")
        aux.append((ce * w).sum() / w.sum())
    tokens = num / den
    return tokens + AUX_WEIGHT * sum(h["weight"] * a for h, a in zip(HEADS, aux)), tokens, aux


def kind(name, p):
    """Matrices inside the towers decay (and are moved by Muon); what reads or names tokens, pixels, classes does not."""
    edge = "embed_tokens" in name or "lm_head" in name or "patch_embed" in name or name.startswith("aux.")
    return "vector" if p.ndim == 1 else "edge" if edge else "matrix"


def stacks(named):
    """Matrices as the trainer stacks them: query, key and value; gate and up."""
    out = {}
    for n, p in named.items():
        if kind(n, p) == "matrix":
            key = n
            for part in ("q_proj", "k_proj", "v_proj"):
                key = key.replace(part, "qkv")
            for part in ("gate_proj", "up_proj"):
                key = key.replace(part, "gate_up")
            out.setdefault(key, []).append(p)
    return list(out.values())


def orthogonal(x):
    """torch.optim.Muon's iteration in f32 instead of bf16."""
    y = x.T if x.size(0) > x.size(1) else x
    y = y / y.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = y @ y.T
        y = 3.4445 * y + (-4.7750 * gram + 2.0315 * gram @ gram) @ y
    return y.T if x.size(0) > x.size(1) else y


def muon_steps(pages, bf16):
    """Two steps; torch.optim.Muon computes in bf16, the same written out computes in f32."""
    model, heads, named = build()
    groups = stacks(named)
    own = [torch.nn.Parameter(torch.cat(g).detach().clone()) for g in groups]
    rest = [p for n, p in named.items() if kind(n, p) != "matrix"]
    adam = torch.optim.AdamW(rest, lr=OPTIM["learning_rate"], betas=OPTIM["betas"], eps=OPTIM["eps"], weight_decay=0.0)
    m = MUON
    torchs = torch.optim.Muon(own, lr=m["learning_rate"], weight_decay=m["weight_decay"], momentum=m["momentum"])
    means = [torch.zeros_like(p) for p in own]
    for factor in FACTORS[:2]:
        total, _, _ = loss_of(model, heads, pages)
        for p in named.values():
            p.grad = None
        total.backward()
        torch.nn.utils.clip_grad_norm_(list(named.values()), OPTIM["clip"])
        adam.param_groups[0]["lr"] = OPTIM["learning_rate"] * factor
        adam.step()
        for p, g in zip(own, groups):
            p.grad = torch.cat([q.grad for q in g])
        if bf16:
            torchs.param_groups[0]["lr"] = m["learning_rate"] * factor
            torchs.step()
        else:
            with torch.no_grad():
                for p, mean in zip(own, means):
                    mean.lerp_(p.grad, 1 - m["momentum"])
                    rate = m["learning_rate"] * factor
                    p.mul_(1 - rate * m["weight_decay"])
                    scale = max(1, p.size(0) / p.size(1)) ** 0.5
                    p.sub_(rate * scale * orthogonal(p.grad.lerp(mean, m["momentum"])))
        with torch.no_grad():
            for p, g in zip(own, groups):
                for q, part in zip(g, p.split([len(q) for q in g])):
                    q.copy_(part)
    return {f"muon2/{n}": p.detach().clone() for n, p in named.items()}


def main():
    torch.set_num_threads(1)
    model, heads, named = build()
    pages = make_pages()
    decays = lambda n, p: kind(n, p) == "matrix"
    groups = [dict(params=[p for n, p in named.items() if decays(n, p)], weight_decay=OPTIM["weight_decay"]),
              dict(params=[p for n, p in named.items() if not decays(n, p)], weight_decay=0.0)]
    opt = torch.optim.AdamW(groups, lr=OPTIM["learning_rate"], betas=OPTIM["betas"], eps=OPTIM["eps"])
    tensors, losses = {}, []
    for step, factor in enumerate(FACTORS):
        for g in opt.param_groups:
            g["lr"] = OPTIM["learning_rate"] * factor
        total, tokens, aux = loss_of(model, heads, pages)
        opt.zero_grad(set_to_none=True)
        total.backward()
        if step == 0:
            tensors |= {f"gradient/{n}": p.grad.clone() for n, p in named.items()}
        norm = torch.nn.utils.clip_grad_norm_(list(named.values()), OPTIM["clip"])
        losses.append(dict(total=total.item(), tokens=tokens.item(), aux=[a.item() for a in aux], norm=norm.item()))
        opt.step()
        if step in (0, 2):
            tensors |= {f"after{step + 1}/{n}": p.detach().clone() for n, p in named.items()}
    muon = muon_steps(pages, bf16=False)
    real = muon_steps(pages, bf16=True)
    print("torch's bf16 Muon differs from the f32 one by", max((muon[k] - real[k]).abs().max().item() for k in muon))
    tensors |= muon
    # Both frames of a still get the same gradient: keep one.
    for key in [k for k in tensors if "patch_embed" in k and k.startswith("gradient")]:
        assert torch.allclose(tensors[key][:, :, 0], tensors[key][:, :, 1], atol=1e-7)
        tensors[key] = tensors[key][:, :, :1]
    save_file({k: v.contiguous() for k, v in tensors.items()}, HERE / "train_steps.safetensors")
    spec = dict(made_with=f"torch {torch.__version__}, transformers", text=TEXT, vision=VISION, tokens=TOKENS,
                heads=[{k: v for k, v in h.items() if k != "tokens"} for h in HEADS],
                aux_weight=AUX_WEIGHT, optim=OPTIM, muon=MUON, factors=FACTORS, losses=losses, pages=pages)
    (HERE / "train_batch.json").write_text(json.dumps(spec, separators=(",", ":")))
    print(losses)


if __name__ == "__main__":
    main()
