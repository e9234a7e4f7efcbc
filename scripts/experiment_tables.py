#!/usr/bin/env python3
"""Markdown tables of an experiment's folder: accuracy by task with 95 % intervals, where the zooms went, what it cost.

    python3 scripts/experiment_tables.py runs/experiment

Reads eval/*.json (what `panelscope run --json` printed) and */metrics.jsonl. Nothing but the standard library.
"""
import json
import pathlib
import sys

TASKS = ["depth-comparison", "action-recognition", "character-counting", "panel-understanding", "character-identification",
         "dialog-reordering", "panel-reordering"]
SHORT = ["depth", "action", "counting", "underst.", "identif.", "dialogs", "stories"]
ROWS = [("base-blank-off", "base, blank page, no zoom"), ("base-blank", "base, blank page"), ("base-off", "base, no zoom"), ("base", "base"), ("cold-start-off", "cold start, no zoom"),
        ("cold-start", "cold start"), ("sft-s", "SFT-S"), ("sft-r", "SFT-R"), ("sft-r-seed2", "SFT-R, seed 2"), ("sft-r-seed3", "SFT-R, seed 3"),
        ("sft-r-exact", "SFT-R, exact boxes"), ("rl", "RL"), ("rarl", "**RARL**"), ("rarl-seed2", "RARL, seed 2"), ("rarl-seed3", "RARL, seed 3"),
        ("rarl-off", "RARL, zoom off"), ("rarl-swapped", "RARL, swapped crops"), ("rarl-greyed", "RARL, greyed crops"),
        ("quick", "quick: all terms"), ("quick-no-region", "quick: no region term"), ("quick-no-count", "quick: no count term"),
        ("quick-no-gate", "quick: no gate")]
COST = ["cold-start", "sft-s", "sft-r", "sft-r-exact", "rl", "rarl", "quick"]
REWARDED = ["rl", "rarl", "quick", "quick-no-region", "quick-no-count", "quick-no-gate"]


def wilson(right, n):
    z, p = 1.959964, right / max(n, 1)
    half = z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5 / (1 + z * z / n)
    return half


def reports(folder):
    for name, title in ROWS:
        path = folder / "eval" / f"{name}.json"
        if path.exists():
            yield title, json.loads(path.read_text())


def accuracy(folder):
    print("| % right (± 95 %) | " + " | ".join(SHORT) + " | all |")
    print("|---" * (len(TASKS) + 2) + "|")
    first = True
    for title, report in reports(folder):
        tasks = [report["tasks"][t] for t in TASKS]
        if first:
            cells = [f"{100 * t['chance']:.1f}" for t in tasks]
            print("| chance | " + " | ".join(cells) + f" | {100 * sum(t['chance'] for t in tasks) / len(tasks):.1f} |")
            first = False
        cells = [f"{100 * t['accuracy']:.1f} ± {100 * wilson(t['right'], t['n']):.1f}" for t in tasks]
        right, n = sum(t["right"] for t in tasks), sum(t["n"] for t in tasks)
        print(f"| {title} | " + " | ".join(cells) + f" | {100 * right / n:.1f} ± {100 * wilson(right, n):.1f} |")


def zooms(folder):
    print("| zoom rate / coverage / IoU | " + " | ".join(SHORT) + " |")
    print("|---" * (len(TASKS) + 1) + "|")
    for title, report in reports(folder):
        cell = lambda t: f"{t['zoom_rate']:.2f} / {t['coverage'] or 0:.2f} / {t['iou'] or 0:.2f}"
        if any(report["tasks"][t]["zoom_rate"] for t in TASKS):
            print(f"| {title} | " + " | ".join(cell(report["tasks"][t]) for t in TASKS) + " |")


def cost(folder):
    print("| training | steps | segments or rollouts | minutes |")
    print("|---|---|---|---|")
    for name in COST:
        path = folder / name / "metrics.jsonl"
        if not (folder / name / "model").exists():
            continue
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        taught = sum(line.get("rollouts", 0) for line in lines)
        if not taught:
            # Lines of supervised trainings are means over the steps since the line before.
            seconds = [0] + [line["seconds"] for line in lines]
            taught = round(sum(line["samples_per_second"] * (b - a) for line, a, b in zip(lines, seconds, seconds[1:])))
        print(f"| {name} | {lines[-1]['step']} | {taught} | {lines[-1]['seconds'] / 60:.1f} |")


def interval(values):
    """Mean and half of its 95 % interval."""
    n, mean = len(values), sum(values) / len(values)
    return mean, 1.96 * (sum((v - mean) ** 2 for v in values) / max(n - 1, 1) / n) ** 0.5


def rise(folder):
    """First and last ten steps, sampled; the unit of the intervals is the question, since its rollouts are not independent."""
    print("| rollouts, first → last ten steps | reward | answer | count | region | coverage |")
    print("|---|---|---|---|---|---|")
    for name in REWARDED:
        path = folder / name / "rollouts.jsonl"
        if not (folder / name / "model").exists():
            continue
        lines = [json.loads(line) for line in path.open()]
        last = max(line["step"] for line in lines)
        cells = []
        for key in ("total", "answer", "count", "region", "coverage"):
            ends = []
            for part in ([l for l in lines if l["step"] <= 10], [l for l in lines if l["step"] > last - 10]):
                groups = {}
                for line in part:
                    groups.setdefault((line["step"], line["group"]), []).append(line[key] or 0.0)
                mean, half = interval([sum(g) / len(g) for g in groups.values()])
                ends.append(f"{mean:.2f} ± {half:.2f}")
            cells.append(" → ".join(ends))
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    for table in (accuracy, zooms, rise, cost):
        table(pathlib.Path(sys.argv[1]))
        print()
