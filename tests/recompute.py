#!/usr/bin/env python3
"""Recomputes every figure of `panelscope run --json` from the raw logs of the run, by definitions of its own.

    recompute.py FOLDER               prints the figures
    recompute.py FOLDER REPORT.json   compares them with a report; exit 1 and a line each where they differ

FOLDER holds the run's logs (`.jsonl`, or `.jsonl.zst` where `zstandard`, Python 3.14 or the `zstd` program is there).
Of a log only these are used: the question (session_start), the sizes of the page (image), boxes (zoom), the answer's
content (answer), the model's tokens (tokens) and how it ended (session_end). Scores, summaries and labels in files are not
looked at. Only the standard library is needed.
"""

import json
import math
import pathlib
import subprocess
import sys

TASKS = {
    "panel-understanding": "recognition",
    "depth-comparison": "depth",
    "action-recognition": "recognition",
    "character-counting": "tracking",
    "dialog-reordering": "reordering",
    "character-identification": "tracking",
    "panel-reordering": "reordering",
}
UNANSWERED = ("no_answer", "max_tokens", "max_turns")
LEGIBLE = 28.0
TOLERANCE = 1e-9


def read_text(path):
    if path.suffix != ".zst":
        return path.read_text(encoding="utf-8")
    try:
        from compression import zstd

        return zstd.decompress(path.read_bytes()).decode("utf-8")
    except ImportError:
        pass
    try:
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().decode("utf-8")
    except ImportError:
        return subprocess.run(["zstd", "-dcq", str(path)], check=True, capture_output=True).stdout.decode("utf-8")


def read_session(path):
    """The events of one log that count, under short names."""
    session = {"zooms": [], "refused": 0, "tokens": 0, "answer": None, "page": None, "question": None, "reason": None}
    for line in read_text(path).split("\n"):
        if not line:
            continue
        record = json.loads(line)
        kind, data = record["type"], record["data"]
        if kind == "session_start":
            session["question"], session["id"], session["seed"] = data["question"], data["id"], data["seed"]
        elif kind == "image" and data["role"] == "page" and session["page"] is None:
            session["page"] = (data["original"], data["processed"])
        elif kind == "zoom" and "page_box" in data:
            session["zooms"].append(data["page_box"])
        elif kind == "zoom":
            session["refused"] += 1
        elif kind == "tokens" and data["by"] != "prompt":
            session["tokens"] += len(data["ids"])
        elif kind == "answer":
            session["answer"] = data
        elif kind == "session_end":
            session["reason"] = data["reason"]
    return session


def plain(text):
    return " ".join(text.split()).rstrip(" .!,;").lower()


def listed(text):
    """Labels of an order or set; `none` is the empty one."""
    return [] if text == "none" else [plain(label) for label in text.split(", ") if label]


def possible(question):
    return question.get("choices") or question.get("labels") or []


def chance(question):
    n, form = len(possible(question)), question.get("form", "choice")
    if n == 0 or form == "free":
        return None
    return 1 / {"choice": n, "count": n, "order": math.factorial(n), "set": 2**n}[form]


def score_choice(truth, content):
    right = float(content is not None and plain(content) == plain(truth))
    return right, {"exact": right}


def score_count(truth, content):
    if content is None:
        return 0.0, {"exact": 0.0}
    error = abs(float(content) - float(truth))
    return float(error == 0), {"exact": float(error == 0), "error": error}


def score_order(truth, content, question):
    truth, given = listed(truth), listed(content) if content is not None else []
    first = {}
    for place, label in enumerate(given):
        first.setdefault(label, place)
    behind = len(given)
    sign = lambda x: (x > 0) - (x < 0)
    s = ties = pairs = 0
    for i, a in enumerate(truth):
        for b in truth[i + 1 :]:
            direction = sign(first.get(b, behind) - first.get(a, behind))
            s, ties, pairs = s + direction, ties + (direction == 0), pairs + 1
    tau = s / math.sqrt(pairs * (pairs - ties)) if pairs > ties else 0.0
    follows = {(a, b) for a, b in zip(given, given[1:])}
    neighbours = list(zip(truth, truth[1:]))
    if neighbours:
        adjacent = sum(pair in follows for pair in neighbours) / len(neighbours)
    else:
        adjacent = float(all(label in first for label in truth))
    exact = float(given == truth)
    share = sum(label in truth for label in given) / max(len(possible(question)), len(truth), 1)
    value = 1.0 if exact else min(max(tau, 0.0) * share, 0.999)
    return value, {"exact": exact, "tau_b": tau, "adjacent": adjacent}


def score_set(truth, content, question):
    truth = set(listed(truth))
    if content is None:
        return 0.0, {"exact": 0.0, "precision": 0.0, "recall": 0.0, "f1": 0.0}
    given = set(listed(content))
    hits = len(truth & given)
    precision = hits / len(given) if given else float(not truth)
    recall = hits / len(truth) if truth else float(not given)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    track = [plain(label) in truth for label in possible(question) if plain(label) in given]
    switches = sum(a != b for a, b in zip(track, track[1:]))
    exact = float(truth == given)
    parts = {"exact": exact, "precision": precision, "recall": recall, "f1": f1, "switches": float(switches)}
    return f1, parts


def score(session):
    """Value and parts, or None where there is nothing to score or only a judge could."""
    question, answer = session["question"], session["answer"]
    truth, form = question.get("truth"), question.get("form", "choice")
    if truth is None or form == "free" or (answer is None and session["reason"] not in UNANSWERED):
        return None
    content = answer["content"] if answer else None
    if form == "choice":
        return score_choice(truth, content)
    if form == "count":
        return score_count(truth, content)
    return (score_order if form == "order" else score_set)(truth, content, question)


def area(box):
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def overlap(a, b):
    return area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def measure(box, targets):
    """IoU and coverage of the target a box lies on best."""
    found = [(0.0, 0.0)]
    for target in targets:
        shared = overlap(box, target)
        union = area(box) + area(target) - shared
        found.append((shared / union if union else 0.0, shared / area(target) if area(target) else 0.0))
    return max(found)


def zoom_needed(session):
    detail = session["question"].get("detail")
    if detail is None or session["page"] is None:
        return False
    original, processed = session["page"]
    return detail * min(processed[0] / original[0], processed[1] / original[1]) < LEGIBLE


def mean(values):
    values = list(values)
    return math.fsum(values) / len(values) if values else None


def wilson(right, n):
    if n == 0:
        return [0.0, 1.0]
    z = 1.959963984540054
    # Roots of (p - right/n)^2 = z^2 p (1 - p) / n.
    a, b, c = 1 + z * z / n, -(2 * right / n + z * z / n), (right / n) ** 2
    root = math.sqrt(max(b * b - 4 * a * c, 0.0))
    return [max((-b - root) / (2 * a), 0.0), min((-b + root) / (2 * a), 1.0)]


def accuracy(sessions):
    right = sum(s["score"][0] >= 1 for s in sessions)
    n = len(sessions)
    return {"n": n, "right": right, "accuracy": right / n if n else None, "ci95": wilson(right, n)}


def macro_f1(sessions):
    pairs = []
    for s in sessions:
        if s["question"].get("form", "choice") == "choice":
            content = s["answer"]["content"] if s["answer"] else None
            pairs.append((plain(s["question"]["truth"]), None if content is None else plain(content)))
    found = []
    for kind in {truth for truth, _ in pairs}:
        hits = sum(truth == kind == answer for truth, answer in pairs)
        called = sum(answer == kind for _, answer in pairs)
        precision, recall = hits / called if called else 0.0, hits / sum(truth == kind for truth, _ in pairs)
        found.append(2 * precision * recall / (precision + recall) if hits else 0.0)
    return mean(found)


def task_figures(all_sessions):
    ended = [s for s in all_sessions if s["reason"] != "error"]
    scored = [s for s in ended if s["score"]]
    columns = {}
    for s in scored:
        for name, value in [("value", s["score"][0]), *s["score"][1].items()]:
            columns.setdefault(name, []).append(value)
    scores = {name: mean(column) for name, column in columns.items()}
    f1 = macro_f1(scored)
    if f1 is not None:
        scores["macro_f1"] = f1
    coverage, iou = [], []
    for s in ended:
        targets = s["question"]["targets"]
        if targets:
            measured = [measure(box, targets) for box in s["zooms"]]
            coverage.append(sum(c for _, c in measured) / len(measured) if measured else 0.0)
            if measured:
                iou.append(max(i for i, _ in measured))
    return {
        **accuracy(scored),
        "failed": len(all_sessions) - len(ended),
        "unscored": len(ended) - len(scored),
        "chance": mean(c for c in (chance(s["question"]) for s in scored) if c is not None),
        "score": scores,
        "zoom_rate": mean(float(bool(s["zooms"])) for s in ended),
        "coverage": mean(coverage),
        "iou": mean(iou),
        "refused": sum(s["refused"] for s in ended),
        "tokens": mean(s["tokens"] for s in ended),
        "zoom_needed": accuracy([s for s in scored if zoom_needed(s)]),
    }


def figures(folder):
    paths = sorted(p for p in folder.iterdir() if p.name.endswith((".jsonl", ".jsonl.zst")) and p.name != "summary.jsonl")
    sessions = [read_session(path) for path in paths]
    for s in sessions:
        s["score"] = score(s)
    tasks = {t: [s for s in sessions if s["question"]["task"] == t] for t in TASKS}
    pooled = {}
    for task, of in tasks.items():
        if of:
            pooled.setdefault(TASKS[task], []).extend(s for s in of if s["score"] and s["reason"] != "error")
    return {
        "n": len(sessions),
        "failed": sum(s["reason"] == "error" for s in sessions),
        "tasks": {task: task_figures(of) for task, of in tasks.items() if of},
        "families": {family: accuracy(of) for family, of in pooled.items()},
    }


def differences(mine, theirs, where):
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in mine.keys() | theirs.keys():
            if key not in mine or key not in theirs:
                yield f"{where}.{key}: only in the {'report' if key in theirs else 'logs'}"
            else:
                yield from differences(mine[key], theirs[key], f"{where}.{key}")
    elif isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        for i, (a, b) in enumerate(zip(mine, theirs)):
            yield from differences(a, b, f"{where}[{i}]")
    elif isinstance(mine, (int, float)) and isinstance(theirs, (int, float)):
        if not abs(mine - theirs) <= TOLERANCE:
            yield f"{where}: {mine!r} by the logs, {theirs!r} in the report"
    elif mine != theirs:
        yield f"{where}: {mine!r} by the logs, {theirs!r} in the report"


def count(value):
    if isinstance(value, dict):
        return sum(count(v) for v in value.values())
    return sum(count(v) for v in value) if isinstance(value, list) else 1


def main():
    mine = figures(pathlib.Path(sys.argv[1]))
    if len(sys.argv) < 3:
        print(json.dumps(mine, indent=1))
        return 0
    report = json.loads(pathlib.Path(sys.argv[2]).read_text(encoding="utf-8"))
    found = list(differences(mine, {key: report.get(key) for key in mine}, "report"))
    print("\n".join(found) if found else f"{count(mine)} figures agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
