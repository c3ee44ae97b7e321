"""A number as it is written -> what backs it: the numbers of a workspace's runs that round to it; and which runs a file belongs to."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from scaffold.observations.directions import MetricDirections
from scaffold.results.evidence.quotable_numbers import (
    MetricRows,
    QuotableNumber,
    list_configuration_numbers,
    list_quotable_differences,
    list_quotable_p_values,
    list_quotable_relative_changes,
    list_quotable_run_values,
    target_power_number,
)
from scaffold.results.evidence.written_number import ClaimRanges, rounding_ranges
from scaffold.results.metrics.query import MetricQuery
from scaffold.results.metrics.run_metrics import run_metric_query
from scaffold.results.metrics.sweep_runs import SweepFileReader
from scaffold.results.tables.fold import fold_seeds
from scaffold.runs import records
from scaffold.visible_text import escape_to_one_line

if TYPE_CHECKING:
    from scaffold.observations.model import MeasuredRun
    from scaffold.observations.value_query import ValueChoice
    from scaffold.results.evidence.written_number import ClaimedNumber
    from scaffold.results.tables.model import ResultTable
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace

# the values of a run that a text may quote
CHOICES: tuple[ValueChoice, ...] = ("final", "best")
# what is shown first: of all that rounds to a number, a mean is meant more often than a spread
KINDS = (
    *("mean", "value", "difference", "sd", "interval", "half-interval"),
    *(
        "noise floor",
        "detectable difference",
        "relative difference",
        "p-value",
        "power",
        "minimum",
        "maximum",
        "parameter",
    ),
)


class NumberBacking(NamedTuple):
    """What rounds to a claimed number; `scale` is 100 where that is in per cent of it."""

    number: QuotableNumber
    scale: float = 1.0


@dataclass(frozen=True)
class BackingIndex:
    """All numbers of a workspace's runs, to be searched by value.

    Differences lie apart: they back only what compares; shares of a mean (`relative`) back only per cent of what compares, and the
    numbers of tests only where a p-value or a power is spoken of.
    """

    numbers: tuple[QuotableNumber, ...]
    differences: tuple[QuotableNumber, ...] = ()
    relative: tuple[QuotableNumber, ...] = ()
    tests: tuple[QuotableNumber, ...] = ()

    @cached_property
    def _sorted_numbers(self) -> tuple[list[float], list[QuotableNumber]]:
        return _sort_by_value(self.numbers)

    @cached_property
    def _sorted_differences(self) -> tuple[list[float], list[QuotableNumber]]:
        return _sort_by_value(self.differences)

    @cached_property
    def _sorted_relative(self) -> tuple[list[float], list[QuotableNumber]]:
        return _sort_by_value(self.relative)

    @cached_property
    def _sorted_tests(self) -> tuple[list[float], list[QuotableNumber]]:
        return _sort_by_value(self.tests)

    def find(self, claimed: ClaimedNumber) -> tuple[NumberBacking, ...]:
        """What rounds to the claimed number: means before values before the rest; empty where nothing does."""
        backings = []
        for scale, low, high in rounding_ranges(claimed):
            matches = list(_within(*self._sorted_numbers, low, high))
            if claimed.compares:
                matches += _within(*self._sorted_differences, low, high)
                if claimed.percent and scale != 1.0:
                    matches += _within(*self._sorted_relative, low, high)
            if claimed.tests and (scale == 1.0 or claimed.percent):
                matches += _within(*self._sorted_tests, low, high)
            backings += [NumberBacking(number=number, scale=scale) for number in matches]
        return tuple(sorted(backings, key=_rank))


def _rank(backing: NumberBacking) -> tuple[int, float, str, str]:
    number = backing.number
    return KINDS.index(number.kind), backing.scale, number.metric, number.subject


def _sort_by_value(numbers: Iterable[QuotableNumber]) -> tuple[list[float], list[QuotableNumber]]:
    ordered = sorted((q for q in numbers if math.isfinite(q.value)), key=lambda q: q.value)
    return [q.value for q in ordered], ordered


def _within(values: list[float], ordered: list[QuotableNumber], low: float, high: float) -> list[QuotableNumber]:
    return ordered[bisect_left(values, low) : bisect_right(values, high)]


def index_quotable_numbers(
    measured: Iterable[MeasuredRun], tables: Sequence[ResultTable], claims: Sequence[ClaimedNumber] | None = None
) -> BackingIndex:
    """What runs say one by one and, folded in `tables`, by configuration; each number once.

    There is only what could back one of the `claims`: pairs of configurations say thousands of numbers.
    """
    near, near_either_way = ClaimRanges(claims), ClaimRanges(claims, either_way=True)
    numbers = [
        *list_quotable_run_values(measured, near),
        *(q for t in tables for row in t.rows for q in list_configuration_numbers(row, t.by, near)),
    ]
    differences, relative, tests = list[QuotableNumber](), list[QuotableNumber](), list[QuotableNumber]()
    asks = _AskedFor(claims)
    for table in tables:
        for metric in table.metrics if asks.differences or asks.tests else ():
            rows = MetricRows(table, metric)
            differences += list_quotable_differences(rows, near, near_either_way) if asks.differences else ()
            relative += list_quotable_relative_changes(rows, near) if asks.relative else ()
            tests += list_quotable_p_values(rows, near) if asks.tests else ()
        tests.append(target_power_number())
    parts = (tuple(dict.fromkeys(part)) for part in (numbers, differences, relative, tests))
    return BackingIndex(*parts)


class _AskedFor:
    """Which of the numbers that pairs of configurations say a text asks for at all."""

    def __init__(self, claims: Sequence[ClaimedNumber] | None) -> None:
        self.differences = claims is None or any(claimed.compares for claimed in claims)
        self.relative = claims is None or any(claimed.compares and claimed.percent for claimed in claims)
        self.tests = claims is None or any(claimed.tests for claimed in claims)


def build_backing_index(
    workspace: Workspace, claims: Sequence[ClaimedNumber] | None = None, further: Iterable[QuotableNumber] = ()
) -> BackingIndex:
    """All values of finished runs (final, and the best where a direction is known), and what their configurations give, as far as
    it backs one of the `claims` (default: all); and `further` numbers."""
    directions = MetricDirections(workspace)
    read, sheets = records.read_records(workspace), SweepFileReader(workspace)
    final, best = (
        run_metric_query(workspace, MetricQuery(directions=directions, value_choice=choice), sheets, read)
        for choice in CHOICES
    )
    readings = [final] if best.measured == final.measured else [final, best]  # without files they are the same
    tables = [fold_seeds(reading) for reading in readings]
    index = index_quotable_numbers((measured for reading in readings for measured in reading.measured), tables, claims)
    return replace(index, numbers=(*index.numbers, *further))


def runs_behind_file(workspace: Workspace, path: Path) -> list[Run]:
    """The attempts that a file belongs to: their manifest, a log, or something that they wrote; empty where it belongs to none."""
    try:
        inside = path.resolve().relative_to(workspace.workdir.resolve()).as_posix()
    except ValueError:
        return []
    logs = {workspace.role_folder("logs")} | {
        p for p in workspace.path.glob(f"*/{workspace.role_folder('logs').name}") if p.is_dir()
    }
    among_logs = any(path.resolve().is_relative_to(folder.resolve()) for folder in logs)
    stem = path.name.rsplit(".", 1)[0]
    return [
        run
        for run in records.read_records(workspace).runs
        if inside == run.path or inside.startswith(run.outputs + "/") or (among_logs and stem == run.label)
    ]


def format_number_backings(backings: Sequence[NumberBacking]) -> list[list[str]]:
    """What backs a number, as lines of a table: what it is, which metric, its exact value, whose, where it was read or which runs."""
    rows = []
    for backing in backings:
        number = backing.number
        scale = " (x 100)" if backing.scale != 1 else ""
        more = f" and {len(number.runs) - 3} more" if len(number.runs) > 3 else ""
        source = number.sources[0] if number.sources else ", ".join(number.runs[:3]) + more
        exact = f"{number.value:.10g}{scale}"
        rows.append(
            [
                number.kind,
                escape_to_one_line(number.metric),
                exact,
                escape_to_one_line(number.subject),
                source,
            ]
        )
    return rows


def backing_json(
    claimed: ClaimedNumber, backings: Sequence[NumberBacking], shown: Sequence[NumberBacking]
) -> dict[str, Any]:
    """A claimed number and how much backs it, for --json, with what is shown of that."""
    rows = [
        {
            "kind": backing.number.kind,
            "metric": backing.number.metric,
            "value": backing.number.value,
            "scale": backing.scale,
            "of": backing.number.subject,
            "runs": list(backing.number.runs),
            "sources": list(backing.number.sources),
        }
        for backing in shown
    ]
    place = {"number": claimed.text, "line": claimed.line, "column": claimed.column}
    return {**place, "found": len(backings), "backing": rows}
