#!/usr/bin/env python3
"""Writes statistics.json: what scipy and statsmodels say, for `analysis::stats`.

    python3 tests/goldens/make_study_goldens.py      (scipy, statsmodels, numpy; the versions are written into the file)
"""

import json
import pathlib

import numpy as np
import scipy
import statsmodels
import statsmodels.api as sm
from scipy.stats import bootstrap, chi2, kendalltau
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

random = np.random.default_rng(20261123)


def clusters():
    """Pages with right answers out of so many, and the cluster-robust standard error of the share (OLS on a constant)."""
    for pages in (3, 12, 80):
        sizes = random.integers(1, 8, pages)
        chance = random.beta(1.0, 1.0, pages)
        right = [int(random.binomial(n, p)) for n, p in zip(sizes, chance)]
        y = np.concatenate([[1] * r + [0] * (n - r) for r, n in zip(right, sizes)])
        page = np.repeat(np.arange(pages), sizes)
        fit = sm.OLS(y, np.ones(len(y))).fit(cov_type="cluster", cov_kwds={"groups": page, "df_correction": False, "use_correction": False})
        robust = float(fit.bse[0]) ** 2 * pages / (pages - 1)
        yield {"clusters": [[r, int(n)] for r, n in zip(right, sizes)], "variance": robust}


def differences():
    """Page sums of paired differences, and scipy's percentile interval of their ratio to the pairs."""
    for pages in (10, 60):
        sizes = random.integers(1, 5, pages)
        sums = [float(random.choice([-1.0, 0.0, 0.0, 0.5, 1.0], n).sum()) for n in sizes]
        ratio = lambda s, n, axis=-1: s.sum(axis=axis) / n.sum(axis=axis)
        found = bootstrap((np.array(sums), sizes.astype(float)), ratio, paired=True, method="percentile", n_resamples=20_000, rng=1)
        yield {"clusters": [[s, int(n)] for s, n in zip(sums, sizes)], "ci95": [float(x) for x in found.confidence_interval]}


def orders():
    for given in ("A, B, C, D, E", "E, D, C, B, A", "B, A, C, E, D", "C, A", "D", "A, C, B, D"):
        place = {label: i for i, label in enumerate(given.split(", "))}
        ranks = [place.get(label, len(place)) for label in "ABCDE"]
        yield {"given": given, "tau_b": float(kendalltau(range(5), ranks, variant="b").statistic)}


p = [[0.01, 0.04, 0.03, 0.005], [0.5], [0.2, 0.2, 0.0001, 0.9, 0.04, 0.04, 1.0]]
goldens = {
    "made_with": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__},
    "mcnemar": [
        {"only_a": a, "only_b": b, "p": float(mcnemar([[1, a], [b, 1]], exact=True).pvalue)}
        for a, b in ((0, 1), (3, 3), (5, 12), (12, 5), (0, 20), (86, 150), (400, 470), (2, 300))
    ],
    "wilson": [
        {"right": r, "n": n, "ci95": [float(x) for x in proportion_confint(r, n, method="wilson")]}
        for r, n in ((0, 1), (1, 1), (0, 20), (81, 263), (15, 148), (999, 1000))
    ],
    "holm": [{"p": own, "adjusted": [float(x) for x in multipletests(own, method="holm")[1]]} for own in p],
    "chi2": [{"x": x, "df": df, "tail": float(chi2.sf(x, df))} for df in (1, 2, 3, 4, 9, 25) for x in (0.01, 0.7, 3.5, 8.0, 30.0, 90.0)],
    "tau_b": list(orders()),
    "clustered": list(clusters()),
    "bootstrap": list(differences()),
}
path = pathlib.Path(__file__).with_name("statistics.json")
path.write_text(json.dumps(goldens, indent=1) + "\n", encoding="utf-8")
print(path)
