"""A table -> a metric over the values of one parameter, everything else held."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scaffold.errors import ScaffoldError
from scaffold.results.metrics import configurations
from scaffold.results.stats.anova import anova
from scaffold.results.stats.distributions import ALPHA
from scaffold.results.stats.summary import MetricSummary
from scaffold.results.stats.t_tests import holm_correction
from scaffold.results.tables.fold import row_label
from scaffold.results.tables.model import ResultRow, ResultTable
from scaffold.results.tables.text_format import format_number, format_p
from scaffold.results.tables.verdicts import NOT_DISTINGUISHABLE
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

    `effect` is the largest difference between two means; `p` of the analysis of variance, None where a value has one run or no
    spread; `p_holm` after Holm's correction for `comparisons` tests.
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


def choose_scale(values: Sequence[Scalar]) -> Literal["linear", "log", "words"]:
    """How to draw a parameter's values: `log` where all are positive, span a factor of 10, and are evener so."""
    ordered = sorted(number for value in values if (number := configurations.finite_number(value)) is not None)
    if len(ordered) < len(values) or not ordered:
        return "words"
    if ordered[0] <= 0 or ordered[-1] / ordered[0] < 10:
        return "linear"
    return "log" if _unevenness([math.log(v) for v in ordered]) < _unevenness(ordered) else "linear"


def _unevenness(ordered: Sequence[float]) -> float:
    """The largest gap's share of the whole."""
    gaps = [b - a for a, b in itertools.pairwise(ordered)]
    return max(gaps) / (ordered[-1] - ordered[0]) if len(gaps) > 1 else 0.0 if ordered[0] > 0 else 1.0


def sensitivity_curves(whole: ResultTable, parameter: str, metrics: Sequence[str]) -> list[SensitivityCurve]:
    """A metric over one parameter, a curve for every setting of the others. Raises ScaffoldError for a parameter that never varies."""
    values = {configurations.format_value(row.config[parameter]) for row in whole.rows if parameter in row.config}
    if len(values) < 2:
        varies = ", ".join(name for name in whole.by if name != parameter) or "none"
        raise ScaffoldError(
            f"`{parameter}` has {'one value' if values else 'no value'} in these runs",
            hint=f"parameters that vary: {varies}",
        )
    curves: dict[tuple[str, configurations.ConfigurationKey], list[ResultRow]] = {}
    for row in whole.rows:
        if parameter in row.config:
            rest = configurations.configuration_key(row.config, without=(parameter,))
            curves.setdefault((row.experiment, rest), []).append(row)
    held = [name for name in whole.by if name != parameter]
    drafts = [
        (
            metric,
            row_label(rows[0], held),
            sorted(rows, key=lambda r: configurations.sort_key(r.config, [parameter])),
        )
        for metric in metrics
        for rows in curves.values()
        if len(rows) > 1
    ]
    if not drafts:
        raise ScaffoldError(
            f"no two configurations differ in `{parameter}` alone, so what it does cannot be told from these runs",
            hint="sweep it with everything else held, or fold the others: --ignore NAME",
        )
    ps = [anova([_finite(row, metric) for row in rows]) for metric, _, rows in drafts]
    corrected, tests = holm_correction(ps), sum(p is not None for p in ps)
    return [_curve(draft, parameter, p, p_holm, tests) for draft, p, p_holm in zip(drafts, ps, corrected, strict=True)]


def _finite(row: ResultRow, metric: str) -> list[float]:
    return [v for _, v in row.values(metric) if math.isfinite(v)]


def _curve(
    draft: tuple[str, str, list[ResultRow]], parameter: str, p: float | None, p_holm: float | None, tests: int
) -> SensitivityCurve:
    metric, held, rows = draft
    spots = tuple(
        SensitivityPoint(value=row.config[parameter], summary=row.summaries.get(metric), missing=row.lacking(metric))
        for row in rows
    )
    means = [(s.summary.mean, s.value) for s in spots if s.summary and s.summary.mean is not None]
    low, high = (min(means, key=lambda m: m[0]), max(means, key=lambda m: m[0])) if means else (None, None)
    effect = high[0] - low[0] if low and high else None
    ends = f"{format_number(effect or 0.0)} between {parameter}={_word(low)} and {parameter}={_word(high)}"
    many = f" among {tests} curves (Holm)" if tests > 1 else ""
    if len(means) < 2:
        verdict = f"not comparable: fewer than two values of {parameter} have a value of {metric}"
    elif p is None or p_holm is None:
        verdict = f"moves by {ends}; without two runs and a spread at every value nothing can be tested"
    elif p_holm <= ALPHA:
        verdict = f"{parameter} matters: it moves {metric} by {ends}, {format_p(p_holm)}{many}"
    else:
        verdict = f"{NOT_DISTINGUISHABLE}: {ends}, {format_p(p_holm)}{many}"
    return SensitivityCurve(
        metric=metric,
        parameter=parameter,
        held=held,
        scale=choose_scale([s.value for s in spots]),
        spots=spots,
        effect=effect,
        p=p,
        p_holm=p_holm,
        comparisons=tests,
        verdict=verdict,
    )


def _word(end: tuple[float, Scalar] | None) -> str:
    return configurations.format_value(end[1]) if end else "?"
