"""A comparison -> one sentence that says what may be claimed, in the same words for the same case."""

from __future__ import annotations

from scaffold.metric_directions import Direction
from scaffold.results.stats.distributions import ALPHA
from scaffold.results.tables.model import MetricComparison
from scaffold.results.tables.text_format import format_interval, format_number, format_p, format_signed

NOT_DISTINGUISHABLE = "not distinguishable"


def is_better(effect: float, direction: Direction | None) -> bool | None:
    """Whether B, which differs from A by `effect`, is better; None where that is not known."""
    if direction is None or effect == 0:
        return None
    return (effect < 0) == (direction == "minimize")


def verdict_sentence(c: MetricComparison, direction: Direction | None, *, seed_only: bool) -> str:
    """What may be said of B against A."""
    if c.effect is None:
        without = [name for name, n in ((c.a, c.n_a), (c.b, c.n_b)) if not n]
        return (
            f"not comparable: {' and '.join(without)} {'has' if len(without) == 1 else 'have'} no value of {c.metric}"
        )
    if seed_only:
        return f"only the seed differs: {format_number(c.effect)} is luck, whatever its size"
    if c.n_a < 2 or c.n_b < 2:
        return _one_run(c)
    if c.p is None or c.p_holm is None:
        return _no_spread(c)
    return _tested(c, direction)


def _one_run(c: MetricComparison) -> str:
    if c.n_a < 2 and c.n_b < 2:
        return f"one run each: no interval; {format_number(c.effect or 0.0)} may be luck"
    alone = c.a if c.n_a < 2 else c.b
    said = f"one run of {alone}: no interval"
    if c.noise_floor is None:
        return f"{said}; {format_number(c.effect or 0.0)} may be luck"
    if abs(c.effect or 0.0) <= c.noise_floor:
        return f"{said}; {format_number(abs(c.effect or 0.0))} is within the noise floor {format_number(c.noise_floor)}"
    size, floor = format_number(abs(c.effect or 0.0)), format_number(c.noise_floor)
    return f"{said}; {size} is above the noise floor {floor}: worth more seeds, no proof"


def _no_spread(c: MetricComparison) -> str:
    if c.effect == 0:
        return "identical: every value is the same on both sides"
    return (
        f"differs by {format_number(c.effect or 0.0)} and no value varies with the seed: there is nothing to test against; "
        "check that the seed is used"
    )


def _tested(c: MetricComparison, direction: Direction | None) -> str:
    assert (
        c.effect is not None and c.p is not None and c.p_holm is not None and c.low is not None and c.high is not None
    )
    spread = (c.high - c.low) / 2
    effect, ends = format_signed(c.effect, spread), format_interval(c.low, c.high, spread)
    many = f" among {c.comparisons} comparisons (Holm)" if c.comparisons > 1 else ""
    if c.p_holm <= ALPHA:
        improves = is_better(c.effect, direction)
        word = ("higher" if c.effect > 0 else "lower") if improves is None else ("better" if improves else "worse")
        return f"{c.b} is {word}: {effect} {ends}, {format_p(c.p_holm)}{many}"
    if c.p <= ALPHA:
        return f"{NOT_DISTINGUISHABLE}: {format_p(c.p)} alone, {format_p(c.p_holm)}{many}"
    size = format_number(abs(c.effect), spread)
    if c.noise_floor is not None and abs(c.effect) <= c.noise_floor:
        return f"{NOT_DISTINGUISHABLE}: {size} within the noise floor {format_number(c.noise_floor, spread)}"
    return f"{NOT_DISTINGUISHABLE}: the interval {ends} of the difference {effect} includes 0"


def seeds_sentence(c: MetricComparison) -> str | None:
    """How many seeds such a difference would take, and what these can tell; None where it does not matter."""
    if c.distinguishable or c.p is None or c.detectable is None:
        return None
    told = f"{min(c.n_a, c.n_b)} seeds find differences from {format_number(c.detectable)} on (power 80 %)"
    if c.seeds_needed is None:
        return told
    return (
        f"{told}; if the true difference is {format_number(abs(c.effect or 0.0))}, it takes {c.seeds_needed} seeds each"
    )
