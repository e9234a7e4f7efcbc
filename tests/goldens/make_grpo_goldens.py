"""Goldens for tests/grpo_parity.rs: one GRPO step of the tiny Qwen2.5-VL of make_train_goldens.py, by torch's autograd.

The objective is written as in the papers, with min, clamp and exp, and differentiated by torch; the Rust side weighs a
cross-entropy with derivatives in closed form. Rewards become advantages with torch.mean and torch.std.

    python3 tests/goldens/make_grpo_goldens.py        # torch 2.11.0, transformers 5.23.0, f32 on the CPU

Writes grpo_step.json (rollouts, drawn log-probabilities, scalars) and grpo_step.safetensors (gradients, weights after the
step of AdamW).
"""

import json

import torch
from make_train_goldens import HERE, OPTIM, PAD, TEXT, TOKENS, VEND, VISION, VSTART, build, hashed, image, kind, make_pages
from safetensors.torch import save_file

SETTINGS = dict(clip_low=0.2, clip_high=0.28, kl=0.05)
TEMPERATURE = 0.8
# Two groups; the third page's rollouts are rewarded alike and fall out.
REWARDS = [[3.25, 1.0, 0.0], [2.5, 1.0], [1.0, 1.0]]


def perturb(named):
    """Weights of the reference: the policy's, a little aside."""
    with torch.no_grad():
        for name, p in named.items():
            p.add_(0.02 * torch.from_numpy(hashed("reference " + name, p.numel()).astype("float32")).reshape(p.shape))


def written(ids):
    """Which tokens of a segment the policy wrote: no images, and not everything else."""
    return [i for i, id in enumerate(ids) if id not in (PAD, VSTART, VEND) and i % 4 != 1]


def logps(model, pages):
    out = []
    for p, page in enumerate(pages):
        has = page["page"][1] > 0
        first = [image(f"page{p}", *page["page"][1:])] if has else []
        crops = [image(f"crop{p}{i}", *g[1:]) for i, g in enumerate(page["crops"])]
        for seg in page["segments"]:
            used = first + [crops[c] for c in seg["crops"]]
            ids = torch.tensor([page["prefix"] + seg["ids"]])
            extra = {}
            if used:
                extra = dict(pixel_values=torch.cat([x for x, _ in used]), image_grid_thw=torch.tensor([g for _, g in used]),
                             mm_token_type_ids=(ids == PAD).int())
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False, **extra).logits[0]
            n = len(page["prefix"])
            at = torch.tensor(written(seg["ids"]))
            logp = (logits[n - 1:-1][at] / TEMPERATURE).log_softmax(-1)
            out.append(logp.gather(1, torch.tensor(seg["ids"])[at][:, None])[:, 0])
    return out


def main():
    torch.set_num_threads(1)
    pages = make_pages()[:3]
    model, _, named = build()
    named = {n: p for n, p in named.items() if not n.startswith("aux.")}
    reference, _, theirs = build()
    perturb(theirs)
    now = logps(model, pages)
    with torch.no_grad():
        start = logps(reference, pages)
    drawn = [lp.detach() + 0.35 * torch.from_numpy(hashed(f"drawn{i}", len(lp)).astype("float32")) for i, lp in enumerate(now)]
    gains = []
    for rewards in REWARDS:
        r = torch.tensor(rewards, dtype=torch.float64)
        spread = r.std()
        gains += [None] * len(r) if spread < 1e-6 else ((r - r.mean()) / (spread + 1e-4)).float().tolist()
    chosen = [i for i, a in enumerate(gains) if a is not None]
    lp, old, ref = (torch.cat([x[i] for i in chosen]) for x in (now, drawn, start))
    a = torch.cat([torch.full((len(now[i]),), gains[i]) for i in chosen])
    ratio = (lp - old).exp()
    clamped = ratio.clamp(1 - SETTINGS["clip_low"], 1 + SETTINGS["clip_high"])
    objective = torch.minimum(ratio * a, clamped * a)
    d = ref - lp
    kl = d.exp() - d - 1
    loss = -(objective - SETTINGS["kl"] * kl).mean()
    decays = lambda n, p: kind(n, p) == "matrix"
    groups = [dict(params=[p for n, p in named.items() if decays(n, p)], weight_decay=OPTIM["weight_decay"]),
              dict(params=[p for n, p in named.items() if not decays(n, p)], weight_decay=0.0)]
    opt = torch.optim.AdamW(groups, lr=OPTIM["learning_rate"], betas=OPTIM["betas"], eps=OPTIM["eps"])
    loss.backward()
    tensors = {f"gradient/{n}": p.grad.clone() for n, p in named.items()}
    norm = torch.nn.utils.clip_grad_norm_(list(named.values()), OPTIM["clip"]).item()
    opt.step()
    tensors |= {f"after/{n}": p.detach().clone() for n, p in named.items()}
    key = "gradient/model.visual.patch_embed.proj.weight"
    tensors[key] = tensors[key][:, :, :1]
    save_file({k: v.contiguous() for k, v in tensors.items()}, HERE / "grpo_step.safetensors")
    clipped = ((ratio * a) > (clamped * a)).float().sum().item()
    spec = dict(made_with=f"torch {torch.__version__}, transformers", text=TEXT, vision=VISION, tokens=TOKENS, settings=SETTINGS,
                temperature=TEMPERATURE, optim=OPTIM, rewards=REWARDS, advantages=gains, objective=objective.mean().item(),
                kl=kl.mean().item(), clipped=clipped, norm=norm, drawn=[x.tolist() for x in drawn],
                written=[written(s["ids"]) for p in pages for s in p["segments"]], pages=pages)
    (HERE / "grpo_step.json").write_text(json.dumps(spec, separators=(",", ":")))
    print({k: spec[k] for k in ("objective", "kl", "clipped", "norm", "advantages")}, len(lp))


if __name__ == "__main__":
    main()
