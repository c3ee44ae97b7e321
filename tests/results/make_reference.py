"""Writes reference.json: what scipy and statsmodels say, for test_statistics.py. Neither is a dependency of anything here; run it
by hand in an environment of their own (the versions are written down too):

    uv run --no-project --with scipy --with statsmodels python tests/results/make_reference.py > tests/results/reference.json

then make_reference.R, which takes its samples from there.
"""

from __future__ import annotations

import json
import random
import sys

import numpy
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.oneway import anova_oneway
from statsmodels.stats.power import TTestIndPower, TTestPower


def samples() -> list[list[list[float]]]:
    """Groups of values of 2 to 12 runs: normal, unequal spreads, far from 0, heavy tails, tiny."""
    draw = random.Random(7)
    made = []
    for n_a, n_b in ((2, 2), (3, 3), (3, 5), (6, 6), (10, 10), (12, 4)):
        a = [draw.gauss(0.9, 0.01) for _ in range(n_a)]
        made.append([a, [draw.gauss(0.91, 0.03) for _ in range(n_b)]])
        made.append([[1e6 + v for v in a], [1e6 + draw.expovariate(1.0) for _ in range(n_b)]])
        made.append([[v * 1e-9 for v in a], [draw.gauss(0.905, 0.01) * 1e-9 for _ in range(n_b)]])
    return made


def one(a: list[float], b: list[float]) -> dict[str, object]:
    """All that is computed for two samples."""
    low, high = stats.t.interval(0.95, len(a) - 1, loc=numpy.mean(a), scale=stats.sem(a))
    welch = stats.ttest_ind(b, a, equal_var=False)
    interval = welch.confidence_interval(0.95)
    found: dict[str, object] = {
        "a": a,
        "b": b,
        "mean": float(numpy.mean(a)),
        "sd": float(numpy.std(a, ddof=1)),
        "interval": [float(low), float(high)],
        "welch": [float(welch.pvalue), float(interval.low), float(interval.high), float(welch.df)],
    }
    if len(a) == len(b):
        paired = stats.ttest_rel(b, a)
        ends = paired.confidence_interval(0.95)
        found["paired"] = [float(paired.pvalue), float(ends.low), float(ends.high)]
        if len(a) in (6, 10):
            exact = stats.permutation_test(
                (b, a),
                lambda x, y: numpy.mean(x - y),
                vectorized=False,
                permutation_type="samples",
                n_resamples=numpy.inf,
            )
            found["sign_flips"] = float(exact.pvalue)
    if (len(a), len(b)) in ((3, 5), (6, 6)):
        exact = stats.permutation_test(
            (b, a), lambda x, y: numpy.mean(x) - numpy.mean(y), vectorized=False, n_resamples=numpy.inf
        )
        found["splits"] = float(exact.pvalue)
    return found


def power(effect: float, sd: float, *, paired: bool) -> float:
    """The (fractional) number of seeds for a power of 80 %."""
    made = TTestPower() if paired else TTestIndPower()
    name = "nobs" if paired else "nobs1"
    return float(
        made.solve_power(effect_size=effect / sd, alpha=0.05, power=0.8, alternative="two-sided", **{name: None})
    )


def main() -> None:
    """Print everything as JSON."""
    draw = random.Random(11)
    groups = [[[draw.gauss(m * 0.5, 1 + m) for _ in range(n)] for m in range(k)] for k, n in ((2, 3), (4, 3), (5, 8))]
    ps = [0.04, 0.001, 0.03, 0.2, 0.03, 0.9]
    made = {
        "versions": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__},
        "t_critical": [[df, a, float(stats.t.isf(a / 2, df))] for df in (1, 2, 2.5, 4, 9, 30, 200) for a in (0.05, 0.01, 1e-6)],
        "t_tails": [[t, df, float(2 * stats.t.sf(t, df))] for df in (1, 2, 3.7, 9, 100) for t in (0.1, 1, 3, 12.7, 300)],
        "f_tail": [[f, a, b, float(stats.f.sf(f, a, b))] for a in (1, 2, 7) for b in (2, 5.5, 40) for f in (0.1, 1, 4, 90)],
        "power_t": [
            [d, df, float(stats.nct.sf(stats.t.isf(0.025, df), df, d) + stats.nct.cdf(-stats.t.isf(0.025, df), df, d))]
            for df in (2, 4, 9, 58) for d in (0.5, 2.0, 3.5)
        ],
        "two": [one(a, b) for a, b in samples()],
        "holm": [ps, [float(p) for p in multipletests(ps, method="holm")[1]]],
        "anova": [
            [g, float(anova_oneway(g, use_var="unequal").pvalue), float(stats.f_oneway(*g).pvalue)] for g in groups
        ],
        "seeds": [
            [e, s, paired, power(e, s, paired=paired)]
            for e, s in ((0.01, 0.01), (0.004, 0.01), (0.05, 0.02)) for paired in (True, False)
        ],
    }  # fmt: skip
    json.dump(made, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
