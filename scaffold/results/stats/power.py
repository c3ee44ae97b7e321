"""How large a difference must be to be seen, and how many seeds it takes."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

from scaffold.results.stats.distributions import ALPHA, t_critical, t_test_power
from scaffold.results.stats.summary import has_spread, moments

TARGET_POWER = 0.8
MAX_SEEDS = 10_000
# the normal quantile of the target power, and degrees of freedom with which Student's t is as good as normal
_POWER_QUANTILE, _AS_GOOD_AS_NORMAL = 0.8416212, 1e9


def noise_floor(baseline: Sequence[float], n_a: int, n_b: int) -> float | None:
    """The difference that means of `n_a` and `n_b` runs of one and the same configuration stay within in 95 of 100 cases.

    From the spread of at least 3 runs of the baseline: t(n - 1) * sd * sqrt(1/n_a + 1/n_b), in the unit of the values. None for
    fewer runs, or without a spread.
    """
    n, _, sd = moments(baseline)
    if n < 3 or sd is None or not has_spread(baseline):
        return None
    return t_critical(n - 1) * sd * math.sqrt(1 / n_a + 1 / n_b)


def seeds_needed(effect: float, sd: float, *, paired: bool, alpha: float = ALPHA) -> int | None:
    """Seeds (pairs, or runs on each side) with which a t-test at the level `alpha` finds `effect` with a power of 80 %; None beyond 10,000.

    `sd` is of the differences where paired, else of each side. The search begins at what the normal distribution would need
    (Guenther 1981, The American Statistician 35), which is a seed or two off: power is dear to compute.
    """
    size = abs(effect) / sd if sd > 0 else 0.0
    if size == 0.0:
        return None

    def is_enough(n: int) -> bool:
        return _power(size, n, alpha, paired=paired) >= TARGET_POWER

    z = t_critical(_AS_GOOD_AS_NORMAL, alpha)
    ratio = (z + _POWER_QUANTILE) / size
    guess = ratio * ratio + z * z / 2 if paired else 2 * ratio * ratio + z * z / 4
    n = round(max(2.0, min(guess, MAX_SEEDS)))
    if is_enough(n):
        while n > 2 and is_enough(n - 1):
            n -= 1
        return n
    while n < MAX_SEEDS:
        n += 1
        if is_enough(n):
            return n
    return None


def _power(size: float, n: int, alpha: float, *, paired: bool) -> float:
    shift, df = (size * math.sqrt(n), n - 1) if paired else (size * math.sqrt(n / 2), 2 * n - 2)
    return t_test_power(shift, df, alpha)


def detectable_effect(error: float, df: float, alpha: float = ALPHA) -> float | None:
    """The true difference that a test with this standard error finds at the level `alpha` with a power of 80 %; None without a spread."""
    return _detectable_in_errors(df, alpha) * error if error > 0 else None


@functools.lru_cache(maxsize=1024)
def _detectable_in_errors(df: float, alpha: float) -> float:
    """`detectable_effect` in standard errors, which is the same for every test with as many degrees of freedom."""
    low, high = 0.0, 4.0
    miss_low, miss_high = alpha - TARGET_POWER, t_test_power(high, df, alpha) - TARGET_POWER
    while miss_high < 0:
        low, miss_low, high = high, miss_high, high * 2
        miss_high = t_test_power(high, df, alpha) - TARGET_POWER
    moved = 0  # the end that moved last: -1 the low one, 1 the high one
    while high - low > 1e-14 * high:
        # the false position; an end that stays twice counts half the second time (Illinois): a tenth of what halving takes
        middle = min(max(low + (high - low) * miss_low / (miss_low - miss_high), low), high)
        miss = t_test_power(middle, df, alpha) - TARGET_POWER
        if middle in (low, high) or abs(miss) < 1e-15:
            return middle
        if miss < 0:
            low, miss_low, miss_high, moved = middle, miss, miss_high / 2 if moved < 0 else miss_high, -1
        else:
            high, miss_high, miss_low, moved = middle, miss, miss_low / 2 if moved > 0 else miss_low, 1
    return high
