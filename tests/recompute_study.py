#!/usr/bin/env python3
"""Recomputes every number of `panelscope failures|compare|report --json` from the raw logs, by definitions of its own.

    recompute_study.py failures OUT.json FOLDER…     labels, table, figures (and sessions, where --list was given)
    recompute_study.py compare OUT.json A B          pairs, McNemar, Holm, bootstrap intervals, flips
    recompute_study.py report OUT.json FOLDER…       all of it, run by run

FOLDER holds a run's logs (`.jsonl`, or `.jsonl.zst` where Python can read them) and its manifest.json. Scores, summaries and
labels in files are not looked at. Only the standard library is needed; where scipy and statsmodels are there, McNemar's test,
Wilson's interval, Kendall's tau-b, Holm's method and the chi-square tail are held against theirs as well.
"""

import json
import math
import pathlib
import struct
import sys
from itertools import combinations

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import recompute  # noqa: E402

KEPT_TOKENS, LOOP_TOKENS, MOST_COMPARED, REPLICATES, SEED, BINS = 512, 16, 256, 2000, 7, 10
LOOKED_COVERAGE, LOOKED_TIGHTNESS = 0.5, 0.1
BAD_CALLS = {"broken_json", "wrong_shape", "unknown_tool", "wrong_arity", "nested_tag", "unclosed", "too_long"}
BAD_BOXES = {"not_finite", "inverted", "off_page", "too_small", "too_thin"}
LABELS = (
    "infrastructure bad-format invalid-box frame-error loop out-of-budget premature repeated-zoom looked-wrong partial-look "
    "looked-right-answered-wrong wrong right right-ungrounded unscored unfinished truth-doubtful"
).split()
FAILURES = set(LABELS[1:12])
FAMILIES = ["depth", "tracking", "reordering", "recognition"]
plain, mean, wilson = recompute.plain, recompute.mean, recompute.wilson


# One session -------------------------------------------------------------------------------------------------------------


def f32(x):
    """Logs hold single-precision numbers in their shortest decimal form."""
    return struct.unpack("f", struct.pack("f", x))[0]


def piece_bytes(piece):
    return piece.encode() if isinstance(piece, str) else bytes.fromhex(piece["hex"])


def read_session(path):
    session = recompute.read_session(path)
    session.update(calls=[], turn=[], segments=[], answer_p=None, margin=None, seconds=None)
    for line in recompute.read_text(path).split("\n"):
        if line:
            record = json.loads(line)
            take(session, record["type"], record["data"])
    session["score"] = recompute.score(session)
    session["right"] = None if session["score"] is None else session["score"][0] >= 1
    session.update(facts(session))
    return session


def take(session, kind, data):
    if kind == "session_start":
        session.update(run=data.get("run"), model=data["model"]["name"], benchmark=data.get("benchmark"))
    elif kind == "zoom":
        session["calls"].append(data)
    elif kind == "tokens" and data["by"] == "prompt":
        session["turn"], session["segments"] = [], []
    elif kind == "tokens":
        for i, piece in enumerate(data["pieces"]):
            logprob = f32(data["logprob"][i]) if data.get("logprob") else None
            top = [f32(entry[2]) for entry in data["top"][i]] if data.get("top") else []
            session["turn"].append((data["start"] + i, data["ids"][i], piece_bytes(piece), logprob, top))
        session["turn"] = session["turn"][-KEPT_TOKENS:]
    elif kind == "segment" and data["kind"] == "answer":
        session["segments"].append((data["first"], data["last"]))
    elif kind == "answer":
        session["answer_p"], session["margin"] = answer_probability(session, data)
    elif kind == "session_end":
        session["seconds"] = data["seconds"]


def answer_probability(session, answer):
    """Product over the tokens that write the answer between its tags, and the least margin among them."""
    for first, last in session["segments"]:
        if last == answer["position"]:
            break
    else:
        return None, None
    tokens = [t for t in session["turn"] if first <= t[0] <= last]
    if not tokens or tokens[0][0] != first:
        return None, None
    written, wanted = b"".join(t[2] for t in tokens), answer["raw"].strip().encode()
    behind = written.index(b">") + 1 if written.lstrip().startswith(b"<") and b">" in written else 0
    begin = written.find(wanted, behind)
    if not wanted or begin < 0:
        return None, None
    inside, at = [], 0
    for t in tokens:
        if at < begin + len(wanted) and at + len(t[2]) > begin:
            inside.append(t)
        at += len(t[2])
    p = None
    if all(t[3] is not None for t in inside):
        p = math.exp(min(math.fsum(t[3] for t in inside), 0.0))
    if not all(t[4] for t in inside):
        return p, None
    odds = [[math.exp(min(x, 0.0)) for x in t[4][:2]] + [0.0] for t in inside]
    return p, min(min(max(o[0] - o[1], 0.0), 1.0) for o in odds)


def tail_repeats(ids):
    """The most often that a piece stands at the end, one behind the other, over at least LOOP_TOKENS tokens."""
    most = 1 if ids else 0
    for period in range(1, len(ids)):
        same = 0
        while same + period < len(ids) and ids[-1 - same] == ids[-1 - same - period]:
            same += 1
        if same + period >= LOOP_TOKENS:
            most = max(most, same // period + 1)
    return most


def iou(a, b):
    shared = recompute.overlap(a, b)
    union = recompute.area(a) + recompute.area(b) - shared
    return shared / union if union else 0.0


def measures(box, targets):
    """(coverage, tightness) against the target with the highest IoU, then coverage."""
    found = []
    for target in targets:
        shared = recompute.overlap(box, target)
        covered = shared / recompute.area(target) if recompute.area(target) else 0.0
        tight = shared / recompute.area(box) if recompute.area(box) else 0.0
        found.append((iou(box, target), covered, tight))
    return max(found)[1:] if found else (0.0, 0.0)


def looks(covered, tight):
    return covered >= LOOKED_COVERAGE and tight >= LOOKED_TIGHTNESS


def other_frame(session):
    targets, best = session["question"]["targets"], None
    if session["page"] is None or not targets:
        return None
    (w, h), (pw, ph) = session["page"]
    scales = {"page": (1, 1), "processed": (w / pw, h / ph), "relative1": (w, h), "relative1000": (w / 1000, h / 1000)}
    for call in session["calls"]:
        raw = call.get("raw")
        if raw is None:
            continue
        best = best or 0.0
        for frame, (sx, sy) in scales.items():
            if frame == call["frame"]:
                continue
            x1, y1, x2, y2 = raw[0] * sx, raw[1] * sy, raw[2] * sx, raw[3] * sy
            box = [min(max(x1, 0), w), min(max(y1, 0), h), min(max(x2, 0), w), min(max(y2, 0), h)]
            for target in targets:
                covered, tight = measures(box, [target])
                if tight >= LOOKED_TIGHTNESS:
                    best = max(best, covered)
    return best


def facts(session):
    question, crops = session["question"], [c["page_box"] for c in session["calls"] if "page_box" in c]
    targets = question["targets"]
    measured = [measures(box, targets) for box in crops]
    refusals = [c["refused"] for c in session["calls"] if "refused" in c]
    ranked = sorted(measured, key=lambda m: (m[1] >= LOOKED_TIGHTNESS, m[0]), reverse=True)
    answer, detail = session["answer"], question.get("detail")
    content = answer["content"] if answer else None
    shortcut, truth = question.get("shortcut"), question.get("truth")
    needed = None
    if detail is not None and session["page"] is not None:
        needed = recompute.zoom_needed(session)
    places = [plain(choice) for choice in question.get("choices") or []]
    listed = bool(places) and question.get("form", "choice") == "choice"

    def place(text):
        return places.index(plain(text)) if listed and text is not None and plain(text) in places else None

    return {
        "best": ranked[0] if ranked and targets else None,
        "looked_right": any(looks(*m) for m in measured) if targets else None,
        "hits": sum(looks(*m) for m in measured),
        "found": sum(any(looks(*measures(box, [target])) for box in crops) for target in targets),
        "repeat": max((iou(a, b) for a, b in combinations(crops[:MOST_COMPARED], 2)), default=None),
        "bad_calls": sum(r in BAD_CALLS for r in refusals),
        "bad_boxes": sum(r in BAD_BOXES for r in refusals),
        "other_frame": other_frame(session),
        "loops": tail_repeats([t[1] for t in session["turn"]]),
        "needed": needed,
        "resolved": content is not None,
        "content": None if content is None else plain(content),
        "option": place(content),
        "truth_option": place(truth),
        "options": len(places) if listed else None,
        "heuristic": None if shortcut is None or content is None else plain(shortcut) == plain(content),
        "heuristic_right": None if shortcut is None or truth is None else plain(shortcut) == plain(truth),
    }


def label(s, lines):
    reason, answered, n = s["reason"], s["answer"] is not None, len(s["zooms"])
    if reason == "error":
        return "infrastructure"
    if not answered and reason in (None, "stopped", "break"):
        return "unfinished"
    looked = s["best"] is not None and s["best"][0] >= lines["partial_look"] and s["best"][1] >= lines["tightness"]
    if s["right"]:
        grounded = not s["question"]["targets"] or looked or s["needed"] is False
        return "right" if grounded else "right-ungrounded"
    if s["right"] is None and answered:
        return "unscored"
    ran_out = reason in ("max_tokens", "max_turns")
    free = s["question"].get("form") == "free"
    readable = answered and (s["resolved"] or free)
    explained = not looked and (s["other_frame"] or 0.0) > 0 and s["other_frame"] >= lines["frame_error"]
    if not ran_out and (not readable or (n == 0 and s["bad_calls"])):
        return "bad-format"
    if s["refused"] and n == 0 and s["bad_boxes"] == s["refused"] and not explained:
        return "invalid-box"
    if explained:
        return "frame-error"
    if s["loops"] >= lines["loops"]:
        return "loop"
    if ran_out and not answered:
        return "out-of-budget"
    if n == 0 and s["needed"]:
        return "premature"
    if s["repeat"] is not None and s["repeat"] >= lines["repeated_zoom"]:
        return "repeated-zoom"
    if looked:
        return "looked-right-answered-wrong"
    if s["best"] is None:
        return "wrong"
    return "looked-wrong" if s["best"][0] < lines["looked_wrong"] else "partial-look"


def read_run(folder):
    folder = pathlib.Path(folder)
    paths = sorted(p for p in folder.iterdir() if p.name.endswith((".jsonl", ".jsonl.zst")) and p.name != "summary.jsonl")
    return [read_session(path) for path in paths]


# Statistics --------------------------------------------------------------------------------------------------------------


def mcnemar(only_a, only_b):
    n = only_a + only_b
    if n == 0:
        return 1.0
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n)


def holm(p):
    adjusted, least = [1.0] * len(p), 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        least = min(max(least, p[i] * (len(p) - rank)), 1.0)
        adjusted[i] = least
    return adjusted


def wilson_of(p, n):
    """Roots of (x - p)^2 = z^2 x (1 - x) / n, for an n that need not be whole."""
    if not n > 0:
        return [0.0, 1.0]
    z = 1.959963984540054
    a, b, c = 1 + z * z / n, -(2 * p + z * z / n), p * p
    root = math.sqrt(max(b * b - 4 * a * c, 0.0))
    return [max((-b - root) / (2 * a), 0.0), min((-b + root) / (2 * a), 1.0)]


def clustered(groups):
    n, right = sum(of for _, of in groups), sum(r for r, _ in groups)
    if n == 0:
        return {"clusters": 0, "design_effect": 1.0, "ci95": [0.0, 1.0]}
    p, count = right / n, len(groups)
    simple, effect = p * (1 - p) / n, 1.0
    if count > 1 and simple > 0:
        robust = count / (count - 1) * math.fsum((r - p * of) ** 2 for r, of in groups) / n**2
        effect = max(1.0, robust / simple)
    return {"clusters": count, "design_effect": effect, "ci95": wilson_of(p, n / effect)}


def splitmix(state):
    mask = (1 << 64) - 1
    while True:
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield z ^ (z >> 31)


def bootstrap(clusters):
    """95 % percentile interval of the mean difference, whole pages drawn with replacement."""
    if len(clusters) < 2:
        return None
    random, means = splitmix(SEED), []
    for _ in range(REPLICATES):
        drawn = [clusters[((next(random) >> 32) * len(clusters)) >> 32] for _ in clusters]
        means.append(sum(d for d, _ in drawn) / max(sum(n for _, n in drawn), 1))
    means.sort()
    outside = REPLICATES // 40
    return [means[outside], means[REPLICATES - 1 - outside]]


def chi_square_tail(x, df):
    """Upper incomplete gamma, regularised: series below, continued fraction above (Press et al., 6.2)."""
    a, x = df / 2, x / 2
    if df == 0 or x <= 0:
        return 1.0
    scale = math.exp(-x + a * math.log(x) - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        k = a
        while abs(term) > 1e-17 * abs(total):
            k += 1
            term *= x / k
            total += term
        return 1 - total * scale
    b, c, d = x + 1 - a, 1e300, 1 / (x + 1 - a)
    h = d
    for i in range(1, 10_000):
        an = -i * (i - a)
        b += 2
        d = 1 / (an * d + b)
        c = b + an / c
        h *= d * c
        if abs(d * c - 1) < 1e-16:
            break
    return h * scale


# Figures -----------------------------------------------------------------------------------------------------------------


def share(count, n):
    return {"count": count, "share": count / n if n else 0.0, "ci95": wilson(count, n)}


def looked(sessions):
    def count(look, right):
        return sum(s["reason"] != "error" and s["looked_right"] is look and s["right"] is right for s in sessions)

    cells = {
        "right_right": count(True, True),
        "right_wrong": count(True, False),
        "wrong_right": count(False, True),
        "wrong_wrong": count(False, False),
    }
    n = sum(cells.values())
    return {"n": n, "unknown": len(sessions) - n, **{name: share(count, n) for name, count in cells.items()}}


def spread(values):
    values = sorted(values)
    if not values:
        return None
    at = lambda tenths: values[(len(values) - 1) * tenths // 10]
    return {"mean": mean(values), "least": at(0), "median": at(5), "p90": at(9), "most": at(10)}


def calibration(scored):
    pairs = [(s["answer_p"], s["right"]) for s in scored if s["answer_p"] is not None]
    if not pairs:
        return None
    bins, off = [], []
    for i in range(BINS):
        own = [(p, right) for p, right in pairs if min(int(p * BINS), BINS - 1) == i]
        p, accuracy = mean(p for p, _ in own), mean(float(right) for _, right in own)
        right = sum(right for _, right in own)
        bins.append(
            {"from": i / BINS, "to": (i + 1) / BINS, "n": len(own), "right": right, "p": p, "accuracy": accuracy, "ci95": wilson(right, len(own))}
        )
        if own:
            off.append(abs(p - accuracy) * len(own))
    brier = mean((p - right) ** 2 for p, right in pairs)
    return {"n": len(pairs), "ece": math.fsum(off) / len(pairs), "brier": brier, "bins": bins}


def letters(ended):
    told = [s for s in ended if s["option"] is not None and 2 <= s["options"] <= 26]
    if not told:
        return None
    widths = sorted({s["options"] for s in told})
    chi2 = 0.0
    for width in widths:
        own = [s["option"] for s in told if s["options"] == width]
        expected = len(own) / width
        chi2 += math.fsum((own.count(i) - expected) ** 2 / expected for i in range(width))
    df = sum(width - 1 for width in widths)
    count = lambda key: [sum(s[key] == i for s in told) for i in range(widths[-1])]
    return {"answered": count("option"), "right": count("truth_option"), "chi2": chi2, "df": df, "p": chi_square_tail(chi2, df)}


def confusion(scored):
    pairs = [
        (plain(s["question"]["truth"]), s["content"]) for s in scored if s["question"].get("form", "choice") == "choice"
    ]
    classes = sorted({c for pair in pairs for c in pair if c is not None})
    if not classes or len(classes) > 40:
        return None
    counts = [[sum(pair == (truth, answer) for pair in pairs) for answer in classes] for truth in classes]
    return {"classes": classes, "counts": counts, "none": [sum(pair == (truth, None) for pair in pairs) for truth in classes]}


def heuristic(scored):
    told = [s for s in scored if s["heuristic"] is not None and s["heuristic_right"] is not None]
    if not told:
        return None
    agreed = sum(s["heuristic"] for s in told)
    split = {True: [0, 0], False: [0, 0]}
    for s in told:
        split[s["heuristic_right"]][0] += 1
        split[s["heuristic_right"]][1] += s["right"]
    return {"n": len(told), "agreed": agreed, "share": agreed / len(told), "with": split[True], "against": split[False]}


def seeds(scored):
    questions = {}
    for s in scored:
        questions.setdefault((s["run"] or "", s["model"], s["question"]["id"]), []).append(s)
    questions = [of for of in questions.values() if len(of) > 1]
    if not questions:
        return None
    fewest = min(map(len, questions))
    rights = [(len(of), sum(s["right"] for s in of)) for of in questions]

    def passes(k):
        # Every way of drawing k answers: the share of those without a right one.
        return mean(1 - math.comb(n - right, k) / math.comb(n, k) for n, right in rights)

    pairs = lambda of: list(combinations([s["content"] for s in of], 2))
    return {
        "questions": len(questions),
        "fewest": fewest,
        "pass": [passes(k) for k in range(1, min(fewest, 16) + 1)],
        "agreement": mean(sum(a == b for a, b in pairs(of)) / len(pairs(of)) for of in questions),
        "always": sum(n == right for n, right in rights) / len(rights),
        "never": sum(right == 0 for _, right in rights) / len(rights),
    }


def page_key(s):
    benchmark = s["benchmark"]
    return (benchmark is not None, benchmark or "", s["question"].get("page") or s["question"]["id"])


def task_figures(sessions, lines):
    report = recompute.task_figures(sessions)
    ended = [s for s in sessions if s["reason"] != "error"]
    scored = [s for s in ended if s["right"] is not None]
    pages = {}
    for s in scored:
        pages.setdefault(page_key(s), []).append(s["right"])
    known = [s for s in ended if s["question"]["targets"]]
    crops, targets = sum(len(s["zooms"]) for s in known), sum(len(s["question"]["targets"]) for s in known)
    several = [s["repeat"] for s in ended if s["repeat"] is not None]
    accuracy, chance = report["accuracy"], report["chance"]
    corrected = None
    if accuracy is not None and chance is not None and chance < 1:
        corrected = (accuracy - chance) / (1 - chance)
    return {
        **report,
        "clustered": clustered([(sum(of), len(of)) for of in pages.values()]),
        "corrected": corrected,
        "looked": looked(sessions),
        "zooms": {
            "crops": crops,
            "precision": share(sum(s["hits"] for s in known), crops),
            "targets": targets,
            "recall": share(sum(s["found"] for s in known), targets),
            "repeated": share(sum(iou >= lines["repeated_zoom"] for iou in several), len(several)),
            "bad_calls": sum(s["bad_calls"] for s in ended),
            "bad_boxes": sum(s["bad_boxes"] for s in ended),
        },
        "tokens_spread": spread([s["tokens"] for s in ended]),
        "seconds": spread([s["seconds"] for s in ended]),
        "calibration": calibration(scored),
        "letters": letters(ended),
        "confusion": confusion(scored),
        "heuristic": heuristic(scored),
        "seeds": seeds(scored),
    }


def groups(sessions):
    """Name, kind, filter and sessions of every row."""
    yield "all", "all", "", sessions
    for family in FAMILIES:
        tasks = [task for task, own in recompute.TASKS.items() if own == family]
        tasks = [task for task in tasks if any(s["question"]["task"] == task for s in sessions)]
        if tasks:
            yield family, "family", f"family:{family}", [s for s in sessions if s["question"]["task"] in tasks]
        for task in tasks:
            yield task, "task", f"task:{task}", [s for s in sessions if s["question"]["task"] == task]
    typed = [s for s in sessions if s["question"]["task"] is None]
    if typed:
        yield "typed", "typed", "-task:*", typed


def by_kind(found):
    """The JSON of figures and comparisons: {"all", "families", "tasks"}."""
    out = {"families": {}, "tasks": {}}
    for name, kind, value in found:
        place = {"family": out["families"], "task": out["tasks"]}.get(kind, out)
        place[name] = value
    return out


def figures(sessions, lines):
    return by_kind((name, kind, task_figures(of, lines)) for name, kind, _, of in groups(sessions))


def failures(sessions, lines):
    shown = [label(s, lines) for s in sessions]
    for s, own in zip(sessions, shown):
        s["label"] = own
    labels = [name for name in LABELS if name in shown]

    def row(name, kind, asked, of):
        counts = {own: sum(s["label"] == own for s in of) for own in labels}
        two = looked(of)
        words = {True: "yes", False: "no"}
        for look, first in ((True, "right"), (False, "wrong")):
            for right, second in ((True, "right"), (False, "wrong")):
                parts = [asked, f"looked-right:{words[look]} right:{words[right]} -ended:error"]
                two[f"{first}_{second}"]["filter"] = " ".join(filter(None, parts))
        cells = {own: {**share(n, len(of)), "filter": " ".join(filter(None, [asked, f"label:{own}"]))} for own, n in counts.items()}
        failed = sum(s["label"] in FAILURES for s in of)
        return {
            "group": name, "kind": kind, "n": len(of), "filter": asked, "failures": share(failed, len(of)), "other": 0,
            "labels": cells, "looked": two,
        }  # fmt: skip

    rows = [row(*group) for group in groups(sessions)]
    return {"v": 1, "n": len(sessions), "labels": [{"name": own, "failure": own in FAILURES} for own in labels], "rows": rows}


# Two runs ----------------------------------------------------------------------------------------------------------------


def scored_by_question(sessions):
    questions = {}
    for s in sessions:
        if s["right"] is not None and s["reason"] != "error":
            questions.setdefault(s["question"]["id"], []).append(s)
    return questions


def pairs_of(a, b):
    of_a, of_b = scored_by_question(a), scored_by_question(b)
    pairs = []
    for question in sorted(of_a.keys() & of_b.keys()):
        one, other = of_a[question], of_b[question]
        if len(one) == len(other) == 1:
            pairs.append((one[0], other[0]))
        else:
            by_seed = {s["seed"]: s for s in other}
            pairs += [(s, by_seed[s["seed"]]) for s in sorted(one, key=lambda s: s["seed"]) if s["seed"] in by_seed]
    unpaired = [sum(map(len, of.values())) - len(pairs) for of in (of_a, of_b)]
    return pairs, unpaired


def pairing(pairs):
    n, value = len(pairs), lambda s: s["score"][0]
    count = lambda x, y: sum(a["right"] is x and b["right"] is y for a, b in pairs)
    both, only_a, only_b, neither = count(True, True), count(True, False), count(False, True), count(False, False)
    pages = {}
    for a, b in pairs:
        page = pages.setdefault(page_key(a), [0.0, 0.0, 0])
        page[0] += b["right"] - a["right"]
        page[1] += value(b) - value(a)
        page[2] += 1
    ordered = [pages[key] for key in sorted(pages)]
    over = lambda x: x / n if n else None
    score_a, score_b = mean(value(a) for a, _ in pairs), mean(value(b) for _, b in pairs)
    return {
        "n": n, "pages": len(pages), "both": both, "only_a": only_a, "only_b": only_b, "neither": neither,
        "accuracy_a": over(both + only_a), "accuracy_b": over(both + only_b), "difference": over(only_b - only_a),
        "difference_ci95": bootstrap([(page[0], page[2]) for page in ordered]), "p": mcnemar(only_a, only_b), "p_holm": None,
        "score_a": score_a, "score_b": score_b, "score_difference": None if score_a is None else score_b - score_a,
        "score_ci95": bootstrap([(page[1], page[2]) for page in ordered]),
    }  # fmt: skip


def compare(a, b, lines):
    pairs, unpaired = pairs_of(a, b)
    partner = {id(x): y for x, y in pairs}
    found = []
    for name, kind, _, of in groups([x for x, _ in pairs]):
        found.append((name, kind, pairing([(x, partner[id(x)]) for x in of])))
    tasks = [value for _, kind, value in found if kind == "task"]
    for value, p in zip(tasks, holm([value["p"] for value in tasks])):
        value["p_holm"] = p

    def side(s):
        answer = s["answer"]
        content = None if answer is None else answer["content"] if answer["content"] is not None else answer["raw"]
        return {"session": s["id"], "right": s["right"], "score": s["score"][0], "label": label(s, lines), "answer": content}

    order = list(recompute.TASKS)
    flips = [
        {
            "question_id": x["question"]["id"], "task": x["question"]["task"], "page": x["question"].get("page"), "seed": x["seed"],
            "a": side(x), "b": side(y),
        }  # fmt: skip
        for x, y in pairs
        if x["right"] != y["right"]
    ]
    flips.sort(key=lambda f: (not f["a"]["right"], order.index(f["task"]), f["question_id"], f["seed"]))
    return {**by_kind(found), "flips": flips, "unpaired_a": unpaired[0], "unpaired_b": unpaired[1]}


# Commands ----------------------------------------------------------------------------------------------------------------


def without(value, *keys):
    return {key: own for key, own in value.items() if key not in keys}


def told_failures(theirs):
    """Meanings are words, not numbers."""
    return {**theirs, "labels": [without(own, "meaning") for own in theirs["labels"]]}


def check_failures(theirs, folders):
    lines = theirs["thresholds"]
    sessions = [s for folder in folders for s in read_run(folder)]
    mine = {**failures(sessions, lines), "thresholds": lines, "figures": figures(sessions, lines)}
    if "sessions" in theirs:
        theirs = {**theirs, "sessions": [without(s, "evidence") for s in theirs["sessions"]]}
        keys = lambda s: {"id": s["id"], "run": s["run"], "task": s["question"]["task"], "question_id": s["question"]["id"]}
        mine["sessions"] = [{**keys(s), "right": s["right"], "label": s["label"], "automatic": s["label"]} for s in sessions]
    return mine, told_failures(theirs)


DEFAULT_LINES = {"looked_wrong": 0.1, "partial_look": 0.5, "tightness": 0.1, "repeated_zoom": 0.8, "frame_error": 0.5, "loops": 4}


def check_compare(theirs, folders):
    runs = [read_run(folder) for folder in folders]
    if len(runs) > 2:
        mine = [{"model": run[0]["model"], **figures(run, DEFAULT_LINES)} for run in runs]
        return {"v": 1, "runs": mine}, {"v": 1, "runs": [without(run, "run") for run in theirs["runs"]]}
    return compare(*runs, DEFAULT_LINES), without(theirs, "v", "a", "b")


def check_report(theirs, folders):
    lines, runs = theirs["thresholds"], [read_run(folder) for folder in folders]
    mine = []
    for folder, sessions in zip(folders, runs):
        manifest = json.loads((pathlib.Path(folder) / "manifest.json").read_text(encoding="utf-8"))
        kept = ("model", "benchmark", "profile", "program", "started", "machine", "settings")
        table = failures(sessions, lines)
        mine.append(
            {**{key: manifest[key] for key in kept}, "planned": manifest["items"], "n": len(sessions), "failures": table,
             "figures": figures(sessions, lines)}
        )  # fmt: skip
    told = []
    for run, sessions in zip(theirs["runs"], runs):
        told.append({**without(run, "run", "examples"), "failures": told_failures(run["failures"])})
        by_id = {s["id"]: s for s in sessions}
        for example in run["examples"]:
            s = by_id[example["id"]]
            if example["label"] != s["label"] or len(example["zooms"]) != len(s["calls"]):
                raise SystemExit(f"the example {example['id']} is not what its log says")
    compared = compare(*runs, lines) if len(runs) == 2 else None
    return {"v": 1, "runs": mine, "thresholds": lines, "comparison": compared}, {**theirs, "runs": told}


def cross_check():
    """The statistics above against scipy's and statsmodels', where they are there."""
    try:
        from scipy.stats import chi2, kendalltau
        from statsmodels.stats.contingency_tables import mcnemar as sm_mcnemar
        from statsmodels.stats.multitest import multipletests
        from statsmodels.stats.proportion import proportion_confint
    except ImportError:
        return "scipy and statsmodels are not here"
    near = lambda a, b: math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    for a, b in [(0, 0), (0, 1), (5, 12), (30, 30), (86, 150)]:
        assert near(mcnemar(a, b), sm_mcnemar([[1, a], [b, 1]], exact=True).pvalue if a + b else 1.0), (a, b)
    for right, n in [(0, 20), (81, 263), (10, 10)]:
        assert all(map(near, wilson(right, n), proportion_confint(right, n, method="wilson"))), (right, n)
    p = [0.01, 0.04, 0.03, 0.005, 0.2]
    assert all(map(near, holm(p), multipletests(p, method="holm")[1]))
    for x, df in [(0.5, 1), (3.2, 1), (7.8, 3), (40.0, 9), (2.0, 12)]:
        assert near(chi_square_tail(x, df), chi2.sf(x, df)), (x, df)
    question = {"labels": ["a", "b", "c", "d"]}
    for given in ["a, b, c, d", "d, c, b, a", "b, a, d", "c"]:
        ranks = [given.split(", ").index(x) if x in given.split(", ") else 9 for x in "abcd"]
        tau = kendalltau(range(4), ranks, variant="b").statistic
        mine = recompute.score_order("a, b, c, d", given, question)[1]["tau_b"]
        assert near(mine, 0.0 if math.isnan(tau) else tau), given
    return "scipy and statsmodels agree"


def main():
    command, out, *folders = sys.argv[1:]
    theirs = json.loads(pathlib.Path(out).read_text(encoding="utf-8"))
    mine, theirs = {"failures": check_failures, "compare": check_compare, "report": check_report}[command](theirs, folders)
    found = list(recompute.differences(mine, theirs, command))
    print("\n".join(found) if found else f"{recompute.count(mine)} figures agree; {cross_check()}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
