"""A table -> a metric over the values of one parameter, everything else held."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from scaffold.errors import ScaffoldError
from scaffold.results.metrics.configurations import (
    ConfigurationKey,
    configuration_key,
    configuration_sort_key,
    finite_number,
    format_value,
)
from scaffold.results.stats.distributions import ALPHA
from scaffold.results.stats.hypothesis_tests import anova_p, holm_correction
from scaffold.results.stats.summary import MetricSummary, has_spread
from scaffold.results.tables.fold import fold_seeds, row_label
from scaffold.results.tables.text_format import format_number, format_p
from scaffold.results.tables.verdicts import NOT_DISTINGUISHABLE

if TYPE_CHECKING:
    from scaffold.results.metrics.query import QueryResult
    from scaffold.results.tables.model import ResultRow
    from scaffold.runs.model import Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityPoint:
    """One value of a parameter, and the metric there; `missing` runs have no value."""

    value: Scalar
    summary: MetricSummary | None
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityCurve:
    """A metric over the values of one parameter, all other parameters held (`held` says where they vary).

    `effect` is the largest difference between two means; `p` of the analysis of variance of all values but the `untested` ones (no run
    with the metric, one run, no spread), None where it leaves fewer than two; `p_holm` after Holm's correction for `comparisons` tests.
    """

    metric: str
    parameter: str
    held: str
    scale: Literal["linear", "log", "words"]
    spots: tuple[SensitivityPoint, ...]
    effect: float | None
    p: float | None
    p_holm: float | None
    comparisons: int
    verdict: str
    untested: tuple[Scalar, ...] = ()


def choose_parameter_scale(values: Sequence[Scalar]) -> Literal["linear", "log", "words"]:
    """How to draw a parameter's values: `log` where all are positive, span a factor of 10, and are evener so."""
    ordered = sorted(number for value in values if (number := finite_number(value)) is not None)
    if len(ordered) < len(values) or not ordered:
        return "words"
    if ordered[0] <= 0 or ordered[-1] / ordered[0] < 10:
        return "linear"
    # 0.001, 0.01, 0.1 are even on a log axis, and 10, 50, 100 on a linear one
    return "log" if _unevenness([math.log(v) for v in ordered]) < _unevenness(ordered) else "linear"


def _unevenness(ordered: Sequence[float]) -> float:
    """The largest gap's share of the whole."""
    gaps = [b - a for a, b in itertools.pairwise(ordered)]
    return max(gaps) / (ordered[-1] - ordered[0]) if len(gaps) > 1 else 0.0 if ordered[0] > 0 else 1.0


def sensitivity_curves(result: QueryResult, parameter: str) -> list[SensitivityCurve]:
    """Each compared metric over one parameter, a curve for every setting of the others.

    Raises ScaffoldError where the parameter never varies, or never alone.
    """
    metrics, table = result.metrics_to_compare(), fold_seeds(result, mark_best=False)
    rows = [row for row in table.rows if parameter in row.config]
    values = {format_value(row.config[parameter]) for row in rows}
    held = [name for name in table.by if name != parameter]
    if len(values) < 2:
        raise ScaffoldError(
            f"`{parameter}` has {'one value' if values else 'no value'} in these runs",
            hint=f"parameters that vary: {', '.join(held) or 'none'}",
        )
    groups: dict[tuple[str, ConfigurationKey], list[ResultRow]] = {}
    for row in rows:
        others = configuration_key({name: row.config[name] for name in held if name in row.config})
        groups.setdefault((row.experiment, others), []).append(row)
    curves = [
        _curve(metric, parameter, held, group) for metric in metrics for group in groups.values() if len(group) > 1
    ]
    if not curves:
        raise ScaffoldError(
            f"no two configurations differ in `{parameter}` alone, so what it does cannot be told from these runs",
            hint="sweep it with everything else held, or fold the others: --ignore NAME (--ignore experiment, where its values are in two)",
        )
    count = sum(curve.p is not None for curve in curves)
    corrected = holm_correction([curve.p for curve in curves])
    return [
        replace(curve, p_holm=p_holm, comparisons=count, verdict=_verdict(curve, p_holm, count))
        for curve, p_holm in zip(curves, corrected, strict=True)
    ]


def _curve(metric: str, parameter: str, held: Sequence[str], rows: Sequence[ResultRow]) -> SensitivityCurve:
    """A curve with its test; its corrected p-value and verdict are not known before those of the others are."""
    rows = sorted(rows, key=lambda row: configuration_sort_key(row.config, [parameter]))
    spots = tuple(
        SensitivityPoint(
            value=row.config[parameter], summary=row.summaries.get(metric), missing=row.count_missing(metric)
        )
        for row in rows
    )
    means = [mean for mean, _ in _means(spots)]
    values = [row.finite_values(metric) for row in rows]
    is_tested = [len(group) > 1 and has_spread(group) for group in values]
    return SensitivityCurve(
        metric=metric,
        parameter=parameter,
        held=row_label(rows[0], held),
        scale=choose_parameter_scale([spot.value for spot in spots]),
        spots=spots,
        effect=max(means) - min(means) if means else None,
        p=anova_p([group for group, tested in zip(values, is_tested, strict=True) if tested]),
        p_holm=None,
        comparisons=0,
        verdict="",
        untested=tuple(spot.value for spot, tested in zip(spots, is_tested, strict=True) if not tested),
    )


def _means(spots: Sequence[SensitivityPoint]) -> list[tuple[float, Scalar]]:
    return [(s.summary.mean, s.value) for s in spots if s.summary and s.summary.mean is not None]


def _verdict(curve: SensitivityCurve, p_holm: float | None, count: int) -> str:
    """What may be said of a curve, among `count` that were tested."""
    name, means = curve.parameter, _means(curve.spots)
    if len(means) < 2:
        return f"not comparable: fewer than two values of {name} have a value of {curve.metric}"
    low, high = (format_value(end(means, key=lambda m: m[0])[1]) for end in (min, max))
    ends = f"{format_number(curve.effect or 0.0)} between {name}={low} and {name}={high}"
    if p_holm is None:
        return f"moves by {ends}; without two runs and a spread at two values nothing can be tested"
    left_out = ", ".join(f"{name}={format_value(value)}" for value in curve.untested)
    without = f"; left out of the test for want of two runs that differ: {left_out}" if left_out else ""
    tested = f"{format_p(p_holm)}{f' among {count} curves (Holm)' if count > 1 else ''}{without}"
    if p_holm <= ALPHA:
        return f"{name} matters: it moves {curve.metric} by {ends}, {tested}"
    return f"{NOT_DISTINGUISHABLE}: {ends}, {tested}"
