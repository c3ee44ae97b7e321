"""Rows of a table -> the best one, where it can be told: within each budget, since what ran longer is not better for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError
from scaffold.results.metrics.budget_params import configuration_budget_key
from scaffold.results.metrics.configurations import ConfigurationKey, format_value
from scaffold.results.stats.distributions import ALPHA
from scaffold.results.stats.hypothesis_tests import holm_correction
from scaffold.results.stats.pair_test import run_pair_test

if TYPE_CHECKING:
    from scaffold.metric_directions import Direction
    from scaffold.results.tables.model import ResultRow, ResultTable


def find_best_rows(
    rows: Sequence[ResultRow], metric: str, direction: Direction, budget: Sequence[str]
) -> tuple[int, ...]:
    """The rows (by index) that are the best of their budget, and distinguishable from every other of it."""
    groups: dict[ConfigurationKey, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(configuration_budget_key(row.config, budget), []).append(index)
    bests = ((group, find_best_row([rows[i] for i in group], metric, direction)) for group in groups.values())
    return tuple(sorted(group[best] for group, best in bests if best is not None))


def find_best_row(rows: Sequence[ResultRow], metric: str, direction: Direction) -> int | None:
    """The row that is best in a metric and distinguishable from every other one (95 %, Holm); None where there is none.

    A row with NaN or infinite values, or with one run only, is never best.
    """
    sign = 1.0 if direction == "minimize" else -1.0
    means = [(s.mean, i) for i, row in enumerate(rows) if (s := row.summaries.get(metric)) and s.mean is not None]
    if len(means) < 2:
        return None
    (_, best), *others = sorted((sign * mean, index) for mean, index in means)
    summary = rows[best].summaries[metric]
    assert summary is not None
    if summary.n < 2 or summary.not_finite:
        return None
    values, ps = rows[best].seed_values(metric), []
    for _, other in others:  # the nearest first: it mostly decides
        test = run_pair_test(rows[other].seed_values(metric), values).test
        if test is None or test.p is None or test.p > ALPHA or test.effect * sign >= 0:
            return None
        ps.append(test.p)
    return best if all(p is not None and p <= ALPHA for p in holm_correction(ps)) else None


def choose_best_so_far(table: ResultTable, metric: str, named: Sequence[ResultRow] = ()) -> ResultRow:
    """The row with the best mean among those with 2 values and none that is not finite (else among all), proved or not.

    Where budgets differ it is that of the budget of the `named` rows. Raises ScaffoldError where these have several, or no row a value.
    """
    rows = [
        row for row in table.rows if (summary := row.summaries.get(metric)) is not None and summary.mean is not None
    ]
    if table.budget:
        budgets = {configuration_budget_key(row.config, table.budget) for row in (named or rows)}
        if len(budgets) > 1:
            (name, *_), value = table.budget, next(row.config for row in rows if table.budget[0] in row.config)
            raise ScaffoldError(
                f"which is the best so far depends on the budget, and {', '.join(table.budget)} differs",
                hint=f"choose one: --where '{name}={format_value(value[name])}', or --budget none",
            )
        rows = [row for row in rows if configuration_budget_key(row.config, table.budget) in budgets]
    if not rows:
        raise ScaffoldError(f"no configuration has a value of {metric}", hint="how runs ended: scaffold results")
    repeated = [row for row in rows if (s := row.summaries[metric]) is not None and s.n > 1 and not s.not_finite]
    sign = 1.0 if table.directions[metric] == "minimize" else -1.0

    def rank(row: ResultRow) -> float:
        summary = row.summaries[metric]
        assert summary is not None and summary.mean is not None
        return sign * summary.mean

    return min(repeated or rows, key=rank)
