"""A table -> what each factor does: every one against a reference (ablation), or one parameter over its values (sensitivity)."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scaffold.errors import ScaffoldError
from scaffold.results.metrics import configurations
from scaffold.results.metrics.model import Comparison, Row, Summary, Table
from scaffold.results.stats import statistics
from scaffold.results.stats.distributions import ALPHA
from scaffold.results.tables import compare, table, wording
from scaffold.results.tables.compare import Pair
from scaffold.runs.model import Scalar

UNSET = "(not set)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One factor that was changed against the reference, alone: its value there and here; `row` is its row in the table."""

    factor: str
    before: str
    after: str
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """Each factor against the reference: changes, and a comparison for each metric and change (metrics outermost)."""

    reference: str
    changes: tuple[Change, ...]
    comparisons: tuple[Comparison, ...]
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One value of a parameter, and the metric there; `missing` runs have no value."""

    value: Scalar
    summary: Summary | None
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """A metric over the values of one parameter, all other parameters held (`held` says where they vary).

    `effect` is the largest difference between two means; `p` of the analysis of variance, None where a value has one run or no
    spread; `p_holm` after Holm's correction for `comparisons` tests.
    """

    metric: str
    parameter: str
    held: str
    scale: Literal["linear", "log", "words"]
    spots: tuple[Spot, ...]
    effect: float | None
    p: float | None
    p_holm: float | None
    comparisons: int
    verdict: str


def changed(reference: Row, row: Row) -> tuple[str, str, str] | None:
    """The one factor in which a row differs from the reference, with both values; None for none or several.

    An experiment's name is a factor only where nothing else differs: ablations are often experiments of their own.
    """
    names = configurations.varying([reference.config, row.config])
    if len(names) > 1 or (not names and reference.experiment == row.experiment):
        return None
    if not names:
        return "experiment", reference.experiment, row.experiment
    before, after = (
        configurations.word(r.config[names[0]]) if names[0] in r.config else UNSET for r in (reference, row)
    )
    return names[0], before, after


def hub(rows: Sequence[Row]) -> Row | None:
    """The row that most others differ from in one factor only (as `changed` has it); None where several could be it."""
    near = _neighbours(rows)
    most = max(near, default=0)
    return rows[near.index(most)] if most > 1 and near.count(most) == 1 else None


def _neighbours(rows: Sequence[Row]) -> list[int]:
    """Of each row how many others differ in one factor: counted by what is left without it, since pairs of 2,000 rows take a minute."""
    names = configurations.varying([row.config for row in rows])
    keys = [configurations.key(row.config, only=names) for row in rows]
    rests = [[tuple(pair for pair in key if pair[0] != name) for name in names] for key in keys]
    alike, twins = Counter(keys), Counter((row.experiment, key) for row, key in zip(rows, keys, strict=True))
    rest_alike = [Counter(column) for column in zip(*rests, strict=True)]
    return [
        sum(counts[rest] - alike[key] for counts, rest in zip(rest_alike, own, strict=True))
        + alike[key]
        - twins[row.experiment, key]
        for row, key, own in zip(rows, keys, rests, strict=True)
    ]


def ablation(whole: Table, reference: Row, metrics: Sequence[str]) -> Ablation:
    """Compare every row that differs from the reference in one factor with it; p-values are corrected for all of them."""
    changes = [Change(factor=f[0], before=f[1], after=f[2], row=r) for r in whole.rows if (f := changed(reference, r))]
    changes.sort(key=lambda c: (c.factor, configurations.order({"": c.after}), c.row.experiment))
    name = table.label(reference, whole.by)
    pairs = [Pair(a=reference, b=c.row, name_a=name, name_b=_change(c, reference)) for c in changes]
    return Ablation(
        reference=name,
        changes=tuple(changes),
        comparisons=tuple(compare.compare(pairs, metrics, whole.directions)),
        others=len(whole.rows) - len(changes) - 1,
    )


def _change(change: Change, reference: Row) -> str:
    elsewhere = change.factor != "experiment" and change.row.experiment != reference.experiment
    said = f"{change.factor} {change.before} -> {change.after}"
    return f"{said} ({change.row.experiment})" if elsewhere else said


def scale(values: Sequence[Scalar]) -> Literal["linear", "log", "words"]:
    """How to draw a parameter's values: `log` where all are positive, span a factor of 10, and are evener so."""
    ordered = sorted(number for value in values if (number := configurations.finite(value)) is not None)
    if len(ordered) < len(values) or not ordered:
        return "words"
    if ordered[0] <= 0 or ordered[-1] / ordered[0] < 10:
        return "linear"
    return "log" if _unevenness([math.log(v) for v in ordered]) < _unevenness(ordered) else "linear"


def _unevenness(ordered: Sequence[float]) -> float:
    """The largest gap's share of the whole."""
    gaps = [b - a for a, b in itertools.pairwise(ordered)]
    return max(gaps) / (ordered[-1] - ordered[0]) if len(gaps) > 1 else 0.0 if ordered[0] > 0 else 1.0


def sensitivity(whole: Table, parameter: str, metrics: Sequence[str]) -> list[Sensitivity]:
    """A metric over one parameter, a curve for every setting of the others. Raises ScaffoldError for a parameter that never varies."""
    values = {configurations.word(row.config[parameter]) for row in whole.rows if parameter in row.config}
    if len(values) < 2:
        varies = ", ".join(name for name in whole.by if name != parameter) or "none"
        raise ScaffoldError(
            f"`{parameter}` has {'one value' if values else 'no value'} in these runs",
            hint=f"parameters that vary: {varies}",
        )
    curves: dict[tuple[str, configurations.Key], list[Row]] = {}
    for row in whole.rows:
        if parameter in row.config:
            rest = configurations.key(row.config, without=(parameter,))
            curves.setdefault((row.experiment, rest), []).append(row)
    held = [name for name in whole.by if name != parameter]
    drafts = [
        (metric, table.label(rows[0], held), sorted(rows, key=lambda r: configurations.order(r.config, [parameter])))
        for metric in metrics
        for rows in curves.values()
        if len(rows) > 1
    ]
    if not drafts:
        raise ScaffoldError(
            f"no two configurations differ in `{parameter}` alone, so what it does cannot be told from these runs",
            hint="sweep it with everything else held, or fold the others: --ignore NAME",
        )
    ps = [statistics.anova([_finite(row, metric) for row in rows]) for metric, _, rows in drafts]
    corrected, tests = statistics.holm(ps), sum(p is not None for p in ps)
    return [_curve(draft, parameter, p, p_holm, tests) for draft, p, p_holm in zip(drafts, ps, corrected, strict=True)]


def _finite(row: Row, metric: str) -> list[float]:
    return [v for _, v in row.values(metric) if math.isfinite(v)]


def _curve(
    draft: tuple[str, str, list[Row]], parameter: str, p: float | None, p_holm: float | None, tests: int
) -> Sensitivity:
    metric, held, rows = draft
    spots = tuple(
        Spot(value=row.config[parameter], summary=row.summaries.get(metric), missing=row.lacking(metric))
        for row in rows
    )
    means = [(s.summary.mean, s.value) for s in spots if s.summary and s.summary.mean is not None]
    low, high = (min(means, key=lambda m: m[0]), max(means, key=lambda m: m[0])) if means else (None, None)
    effect = high[0] - low[0] if low and high else None
    ends = f"{wording.number(effect or 0.0)} between {parameter}={_word(low)} and {parameter}={_word(high)}"
    many = f" among {tests} curves (Holm)" if tests > 1 else ""
    if len(means) < 2:
        verdict = f"not comparable: fewer than two values of {parameter} have a value of {metric}"
    elif p is None or p_holm is None:
        verdict = f"moves by {ends}; without two runs and a spread at every value nothing can be tested"
    elif p_holm <= ALPHA:
        verdict = f"{parameter} matters: it moves {metric} by {ends}, {wording.probability(p_holm)}{many}"
    else:
        verdict = f"{wording.RATHER_NOT}: {ends}, {wording.probability(p_holm)}{many}"
    return Sensitivity(
        metric=metric,
        parameter=parameter,
        held=held,
        scale=scale([s.value for s in spots]),
        spots=spots,
        effect=effect,
        p=p,
        p_holm=p_holm,
        comparisons=tests,
        verdict=verdict,
    )


def _word(end: tuple[float, Scalar] | None) -> str:
    return configurations.word(end[1]) if end else "?"
