"""Values -> what their permutations and resamples say: no assumption of a distribution, and so nothing at three seeds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from scaffold.results.stats.distributions import ALPHA
from scaffold.results.stats.summary import has_spread

_MAX_PAIRS = 16
_MAX_SPLITS = 50_000
_MIN_FOR_BOOTSTRAP = 10


def sign_flip_p(differences: Sequence[float]) -> float | None:
    """The exact two-sided p of the sign-flip permutation test on paired differences.

    None where it could not reach 5 % (under 6 pairs its smallest p is 2/2^n > 0.05) and where there are too many to go through.
    """
    n = len(differences)
    if not 6 <= n <= _MAX_PAIRS:
        return None
    sums = [0.0]
    for d in differences:
        sums = [s + d for s in sums] + [s - d for s in sums]
    # less what sums of floats are off by: the observed signs are one of the cases, and must count
    observed = abs(math.fsum(differences)) - 1e-12 * math.fsum(map(abs, differences))
    return sum(1 for s in sums if abs(s) >= observed) / len(sums)


def independent_permutation_p(a: Sequence[float], b: Sequence[float]) -> float | None:
    """The exact two-sided p of the permutation test on the difference of two independent means.

    None where it could not reach 5 % (3 against 3: at least 0.1) and where there are too many splits to go through.
    """
    n, pooled = len(a), [*a, *b]
    count = math.comb(len(pooled), n)
    if count > _MAX_SPLITS or (2 if n == len(b) else 1) / count > ALPHA:
        return None
    mean = math.fsum(pooled) / len(pooled)
    centred = [v - mean for v in pooled]
    rounding = 1e-12 * math.fsum(map(abs, centred)) + 1e-15 * len(pooled) * max(map(abs, pooled))
    observed = abs(math.fsum(centred[:n])) - rounding
    return sum(1 for side in itertools.combinations(centred, n) if abs(sum(side)) >= observed) / count


def bootstrap_interval(values: Sequence[float], resamples: int = 9999) -> tuple[float, float] | None:
    """The 95 % bias-corrected and accelerated bootstrap interval of the mean (Efron 1987); always the same for the same values.

    None under 10 values: at 3 it would hold the truth in 73 of 100 cases, not in 95.
    """
    import random  # here: the two take as long to load as a comparison to compute
    from statistics import NormalDist

    n = len(values)
    if n < _MIN_FOR_BOOTSTRAP or not has_spread(values):
        return None
    draw, ordered = random.Random(0), sorted(values)
    mean, total = math.fsum(ordered) / n, math.fsum(ordered)
    means = sorted(math.fsum(draw.choices(ordered, k=n)) / n for _ in range(resamples))
    below = sum((m < mean) + (m <= mean) for m in means) / (2 * resamples)
    left_out = [(total - v) / (n - 1) for v in ordered]
    gaps = [math.fsum(left_out) / n - v for v in left_out]
    acceleration = math.fsum(g**3 for g in gaps) / (6 * math.fsum(g**2 for g in gaps) ** 1.5)
    normal = NormalDist()
    bias = normal.inv_cdf(min(max(below, 0.5 / resamples), 1 - 0.5 / resamples))

    def end(z: float) -> float:
        share = normal.cdf(bias + (bias + z) / (1 - acceleration * (bias + z)))
        return means[round(share * (resamples - 1))]

    edge = normal.inv_cdf(1 - ALPHA / 2)
    return end(-edge), end(edge)
