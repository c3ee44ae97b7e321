"""Writes reference_margins.json: what scipy and statsmodels say of margins and of power at corrected levels, for test_margins.py. By hand:

uv run --no-project --with scipy --with statsmodels python tests/results/make_reference_margins.py > tests/results/reference_margins.json
"""

from __future__ import annotations

import json
import random
import sys

import numpy
import scipy
import statsmodels
from scipy import integrate, stats
from statsmodels.stats import weightstats


def margins() -> list[dict[str, object]]:
    """Two samples and a margin: the p-values of equivalence, of not being worse, and of being better by more than it."""
    draw, entries = random.Random(11), []
    for n_a, n_b, shift in ((3, 3, 0.0), (3, 5, 0.004), (5, 5, 0.01), (8, 8, -0.01), (12, 4, 0.02)):
        for margin in (0.005, 0.02, 0.1):
            a = [draw.gauss(0.9, 0.01) for _ in range(n_a)]
            b = [draw.gauss(0.9 + shift, 0.02) for _ in range(n_b)]
            entry: dict[str, object] = {"a": a, "b": b, "margin": margin}
            entry["welch"] = [
                weightstats.ttost_ind(numpy.array(b), numpy.array(a), -margin, margin, usevar="unequal")[0],
                stats.ttest_ind([v + margin for v in b], a, equal_var=False, alternative="greater").pvalue,
                stats.ttest_ind([v - margin for v in b], a, equal_var=False, alternative="greater").pvalue,
            ]
            if n_a == n_b:
                entry["paired"] = [
                    weightstats.ttost_paired(numpy.array(b), numpy.array(a), -margin, margin)[0],
                    stats.ttest_rel([v + margin for v in b], a, alternative="greater").pvalue,
                    stats.ttest_rel([v - margin for v in b], a, alternative="greater").pvalue,
                ]
            entries.append(entry)
    return entries


def power(shift: float, df: float, alpha: float) -> float:
    """The power of a two-sided t-test, integrated over the spread: scipy's noncentral t is NaN in its far tails."""
    critical, chi = stats.t.isf(alpha / 2, df), stats.chi(df)

    def found(s: float) -> float:
        edge = critical * s / df**0.5
        return float((stats.norm.sf(edge - shift) + stats.norm.cdf(-edge - shift)) * chi.pdf(s))

    return float(integrate.quad(found, 0, numpy.inf, epsabs=1e-13, limit=500, points=None)[0])


def seeds_needed(size: float, alpha: float, *, paired: bool) -> int:
    """The first number of seeds with a power of 80 %. (statsmodels' solve_power fails with scipy's noncentral t: 5 where it takes 7.)"""
    return next(
        n
        for n in range(2, 10_000)
        if power(size * (n if paired else n / 2) ** 0.5, n - 1 if paired else 2 * n - 2, alpha) >= 0.8
    )


def main() -> None:
    """Print everything."""
    levels = [0.05 / k for k in (2, 7, 30)]
    powers = [(s, df, a, power(s, df, a)) for a in levels for df in (2, 4, 9.5) for s in (1.0, 4.0, 12.0, 35.0)]
    seeds = [
        (size, paired, a, seeds_needed(size, a, paired=paired))
        for a in levels
        for size in (0.5, 1.0, 3.0)
        for paired in (True, False)
    ]
    versions = {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "python": sys.version.split()[0]}
    json.dump(
        {"versions": versions, "margins": margins(), "power": powers, "seeds": seeds},
        sys.stdout,
        indent=1,
        default=float,
    )
    print()


if __name__ == "__main__":
    main()
