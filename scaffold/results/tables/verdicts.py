"""A comparison of two configurations, and the one sentence that says what may be claimed of it, in the same words for the same case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scaffold.results.stats.corrections import ASKED, EVERY_PAIR
from scaffold.results.stats.distributions import ALPHA
from scaffold.results.tables.text_format import format_interval, format_number, format_p, format_signed_number

if TYPE_CHECKING:
    from scaffold.metric_directions import Direction
    from scaffold.results.tables.expectation import ExpectationResult

NOT_DISTINGUISHABLE = "not distinguishable"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricComparison:
    """B against A in one metric.

    `effect` is mean(B) - mean(A), over the pairs where they are paired; `low`, `high` its 95 % interval (None: one run); `p` before
    and `p_holm` after Holm's correction for `comparisons` tests; `p_exact` of the permutation test where it could reach 5 %;
    `noise_floor` from repeated baselines, None where there are fewer than 3; `detectable` the difference that this many runs find
    with a power of 80 %; `seeds_needed` how many each side needs to find `effect` so; `verdict` is a sentence.
    """

    metric: str
    a: str
    b: str
    n_a: int
    n_b: int
    mean_a: float | None
    mean_b: float | None
    paired: bool
    test: str
    effect: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    p_exact: float | None
    comparisons: int
    noise_floor: float | None
    detectable: float | None
    distinguishable: bool
    better: str | None
    seeds_needed: int | None
    verdict: str
    warnings: tuple[str, ...] = ()
    family: str | None = None
    level: float | None = None
    noise_runs: tuple[str, ...] = ()
    expected: ExpectationResult | None = None


def is_improvement(effect: float, direction: Direction | None) -> bool | None:
    """Whether B, which differs from A by `effect`, is better; None where that is not known."""
    if direction is None or effect == 0:
        return None
    return (effect < 0) == (direction == "minimize")


def verdict_sentence(c: MetricComparison, direction: Direction | None, *, seed_only: bool) -> str:
    """What may be said of B against A; `seed_only` where both are one configuration of the same code."""
    if c.effect is None:
        empty = [name for name, n in ((c.a, c.n_a), (c.b, c.n_b)) if not n]
        return f"not comparable: {' and '.join(empty)} {'has' if len(empty) == 1 else 'have'} no value of {c.metric}"
    if seed_only:
        return f"only the seed differs: {format_number(c.effect)} is luck, whatever its size"
    if c.n_a < 2 or c.n_b < 2:
        return _single_run_sentence(c, c.effect)
    if c.p is None or c.p_holm is None:
        if c.effect == 0:
            return "identical: every value is the same on both sides"
        return (
            f"differs by {format_number(c.effect)} and no value varies with the seed: there is nothing to test against; "
            "check that the seed is used"
        )
    return _tested_sentence(c, direction, c.effect, c.p, c.p_holm)


def _single_run_sentence(c: MetricComparison, effect: float) -> str:
    if c.n_a < 2 and c.n_b < 2:
        return f"one run each: no interval; {format_number(effect)} may be luck"
    beginning = f"one run of {c.a if c.n_a < 2 else c.b}: no interval"
    if c.noise_floor is None:
        return f"{beginning}; {format_number(effect)} may be luck"
    size, floor = format_number(abs(effect)), format_number(c.noise_floor)
    if abs(effect) <= c.noise_floor:
        return f"{beginning}; {size} is within the noise floor {floor}"
    return f"{beginning}; {size} is above the noise floor {floor}: worth more seeds, no proof"


def _tested_sentence(c: MetricComparison, direction: Direction | None, effect: float, p: float, p_holm: float) -> str:
    assert c.low is not None and c.high is not None  # where there is a p, there is an interval
    spread = (c.high - c.low) / 2
    difference, interval = format_signed_number(effect, spread), format_interval(c.low, c.high, spread)
    both_p = f"{format_p(p)} alone, {format_p(p_holm)}" if c.comparisons > 1 and p < p_holm else format_p(p_holm)
    tested = f"{both_p}{format_correction_scope(c)}"
    if p_holm <= ALPHA:
        improves = is_improvement(effect, direction)
        word = ("higher" if effect > 0 else "lower") if improves is None else ("better" if improves else "worse")
        return f"{c.b} is {word}: {difference} {interval}, {tested}"
    if p <= ALPHA:
        return f"{NOT_DISTINGUISHABLE}: {tested}"
    if c.noise_floor is not None and abs(effect) <= c.noise_floor:
        size, floor = format_number(abs(effect), spread), format_number(c.noise_floor, spread)
        return f"{NOT_DISTINGUISHABLE}: {size} within the noise floor {floor}"
    return f"{NOT_DISTINGUISHABLE}: the interval {interval} of the difference {difference} includes 0"


def format_correction_scope(c: MetricComparison) -> str:
    """` among the 7 that were run against init3 (Holm)`: for what a p-value is corrected; empty for a single test."""
    family = c.family or ASKED
    if family.startswith("plan "):
        named = f"one of {c.comparisons} that" if c.comparisons > 1 else "which"
        return f" ({named} {family.removeprefix('plan ')} of the plan named before it ran)"
    if c.comparisons < 2:
        return ""
    if family == ASKED:
        return f" among {c.comparisons} comparisons (Holm)"
    if family.endswith(EVERY_PAIR):
        return f" among the {c.comparisons} pairs that were run, since {c.a} was chosen by its outcome (Holm)"
    scope = "" if family == "all" else f" in {family}"
    return f" among the {c.comparisons} that were run against {c.a}{scope} (Holm)"


def contradiction_sentence(c: MetricComparison, difference_of_all: float | None) -> str:
    """What to add to a verdict on pairs where all runs, those without a partner too, point the other way; else empty."""
    if c.effect is None or difference_of_all is None or c.effect * difference_of_all >= 0:
        return ""
    size = format_signed_number(difference_of_all)
    return f"; but all runs, not only the {c.n_a} pairs, point the other way: {size}"


def noise_floor_sentence(c: MetricComparison) -> str:
    """The noise floor with the runs that it comes from, or why there is none."""
    runs = len(c.noise_runs)
    names = ", ".join(c.noise_runs[:3]) + (f" and {runs - 3} more" if runs > 3 else "")
    of_runs = f"{runs} run{'s' if runs != 1 else ''}{f' ({names})' if names else ''}"
    if c.noise_floor is None:
        return f"noise floor of {c.metric}: not known, from {of_runs}; it takes 3 that differ"
    sides = f"means of {c.n_a} and {c.n_b} runs"
    return f"noise floor of {c.metric}: {format_number(c.noise_floor)} between {sides}, from {of_runs}"


def needed_seeds_sentence(c: MetricComparison) -> str | None:
    """How many seeds such a difference would take, and what these can tell; None where it does not matter."""
    if c.distinguishable or c.p is None or c.detectable is None:
        return None
    corrected = f" at {c.level:.2g}, as the correction asks" if c.level is not None and c.level < ALPHA else ""
    power = f"{min(c.n_a, c.n_b)} seeds find differences from {format_number(c.detectable)} on (power 80 %{corrected})"
    if c.seeds_needed is None:
        return power
    return f"{power}; if the true difference is {format_number(abs(c.effect or 0.0))}, it takes {c.seeds_needed} seeds each"
