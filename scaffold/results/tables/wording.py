"""Numbers and verdicts -> words. One sentence says what may be claimed, in the same words for the same case."""

from __future__ import annotations

import math

from scaffold.results.metrics.model import Comparison, Direction, Summary
from scaffold.results.stats.distributions import ALPHA

RATHER_NOT = "not distinguishable"


def digits(value: float, spread: float | None) -> str:
    """How to format a value: with the digits that its spread leaves (two of the spread), else five in all."""
    if spread is None or not 0 < spread < math.inf:
        return ".5g"
    decimals = 1 - math.floor(math.log10(spread))
    if decimals <= 8 and -1e9 < value < 1e9:
        return f".{decimals}f" if decimals > 0 else ".0f"
    whole = math.floor(math.log10(abs(value))) if value else 0
    return f".{max(1, min(15, whole + decimals))}e"


def number(value: float, spread: float | None = None) -> str:
    """A value, rounded to what its spread leaves of it. NaN and infinities are `nan`, `inf`, `-inf`."""
    return format(value, digits(value, spread)) if math.isfinite(value) else str(value)


def signed(value: float, spread: float | None = None) -> str:
    """A difference, with its sign."""
    return ("+" if value > 0 else "") + number(value, spread)


def interval(low: float | None, high: float | None, spread: float | None = None) -> str:
    """`[0.902, 0.938]`; `one run: no interval` where there is none."""
    if low is None or high is None:
        return "one run: no interval"
    return f"[{number(low, spread)}, {number(high, spread)}]"


def probability(p: float) -> str:
    """A p-value: `p = 0.034`, `p < 0.0001`."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def count(summary: Summary | None, missing: int) -> str:
    """How many runs a mean rests on: `3`, `2 of 3`, `2 of 3 (1 not finite)`."""
    n, lost = (summary.n, summary.not_finite) if summary else (0, 0)
    total = n + lost + missing
    return f"{n}" + (f" of {total}" if total != n else "") + (f" ({lost} not finite)" if lost else "")


def better(effect: float, direction: Direction | None) -> bool | None:
    """Whether B, which differs from A by `effect`, is better; None where that is not known."""
    if direction is None or effect == 0:
        return None
    return (effect < 0) == (direction == "minimize")


def verdict(c: Comparison, direction: Direction | None, *, seed_only: bool) -> str:
    """What may be said of B against A."""
    if c.effect is None:
        without = [name for name, n in ((c.a, c.n_a), (c.b, c.n_b)) if not n]
        return (
            f"not comparable: {' and '.join(without)} {'has' if len(without) == 1 else 'have'} no value of {c.metric}"
        )
    if seed_only:
        return f"only the seed differs: {number(c.effect)} is luck, whatever its size"
    if c.n_a < 2 or c.n_b < 2:
        return _one_run(c)
    if c.p is None or c.p_holm is None:
        return _no_spread(c)
    return _tested(c, direction)


def _one_run(c: Comparison) -> str:
    if c.n_a < 2 and c.n_b < 2:
        return f"one run each: no interval; {number(c.effect or 0.0)} may be luck"
    alone = c.a if c.n_a < 2 else c.b
    said = f"one run of {alone}: no interval"
    if c.noise_floor is None:
        return f"{said}; {number(c.effect or 0.0)} may be luck"
    if abs(c.effect or 0.0) <= c.noise_floor:
        return f"{said}; {number(abs(c.effect or 0.0))} is within the noise floor {number(c.noise_floor)}"
    return f"{said}; {number(abs(c.effect or 0.0))} is above the noise floor {number(c.noise_floor)}: worth more seeds, no proof"


def _no_spread(c: Comparison) -> str:
    if c.effect == 0:
        return "identical: every value is the same on both sides"
    return (
        f"differs by {number(c.effect or 0.0)} and no value varies with the seed: there is nothing to test against; "
        "check that the seed is used"
    )


def _tested(c: Comparison, direction: Direction | None) -> str:
    assert (
        c.effect is not None and c.p is not None and c.p_holm is not None and c.low is not None and c.high is not None
    )
    spread = (c.high - c.low) / 2
    effect, ends = signed(c.effect, spread), interval(c.low, c.high, spread)
    many = f" among {c.comparisons} comparisons (Holm)" if c.comparisons > 1 else ""
    if c.p_holm <= ALPHA:
        is_better = better(c.effect, direction)
        word = ("higher" if c.effect > 0 else "lower") if is_better is None else ("better" if is_better else "worse")
        return f"{c.b} is {word}: {effect} {ends}, {probability(c.p_holm)}{many}"
    if c.p <= ALPHA:
        return f"{RATHER_NOT}: {probability(c.p)} alone, {probability(c.p_holm)}{many}"
    size = number(abs(c.effect), spread)
    if c.noise_floor is not None and abs(c.effect) <= c.noise_floor:
        return f"{RATHER_NOT}: {size} within the noise floor {number(c.noise_floor, spread)}"
    return f"{RATHER_NOT}: the interval {ends} of the difference {effect} includes 0"


def seeds(c: Comparison) -> str | None:
    """How many seeds such a difference would take, and what these can tell; None where it does not matter."""
    if c.distinguishable or c.p is None or c.detectable is None:
        return None
    told = f"{min(c.n_a, c.n_b)} seeds find differences from {number(c.detectable)} on (power 80 %)"
    if c.seeds_needed is None:
        return told
    return f"{told}; if the true difference is {number(abs(c.effect or 0.0))}, it takes {c.seeds_needed} seeds each"
