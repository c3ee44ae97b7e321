"""A number as it is written -> what backs it: the quantities of a workspace that round to it; and which runs a file belongs to."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scaffold.results.evidence.claimed_numbers import ClaimedNumber
from scaffold.results.evidence.quantities import Quantity, difference_quantities, row_quantities, run_quantities
from scaffold.results.metrics import query
from scaffold.results.metrics.directions import MetricDirections
from scaffold.results.metrics.model import MeasuredRun
from scaffold.results.tables import fold
from scaffold.results.tables.model import ResultTable
from scaffold.results.tables.text_format import printable
from scaffold.runs import records
from scaffold.runs.model import Run
from scaffold.workspace import Workspace

# 0.15 as written and 0.15 as computed differ in the last bits of a float: relative to the size of the number
ROUNDING_ERROR = 1e-9
# what is shown first: of all that rounds to a number, a mean is meant more often than a spread
KINDS = (
    *("mean", "value", "difference", "sd", "interval", "half-interval"),
    *("noise floor", "minimum", "maximum", "parameter"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """A quantity that rounds to a claimed number; `scale` is 100 where the number is in per cent of it."""

    quantity: Quantity
    scale: float = 1.0


@dataclass(frozen=True)
class BackingIndex:
    """All quantities of a workspace, to be searched by value. Differences lie apart: they back only what compares."""

    quantities: tuple[Quantity, ...]
    differences: tuple[Quantity, ...] = ()

    @cached_property
    def _sorted_quantities(self) -> tuple[list[float], list[Quantity]]:
        return _sort_by_value(self.quantities)

    @cached_property
    def _sorted_differences(self) -> tuple[list[float], list[Quantity]]:
        return _sort_by_value(self.differences)

    def find(self, number: ClaimedNumber) -> tuple[Backing, ...]:
        """What rounds to the number: means before values before the rest; empty where nothing does."""
        if not math.isfinite(number.value):  # 1e999: nothing is near to what no float holds
            return ()
        backings = []
        for scale in (1.0, 100.0):
            value, half = number.value / scale, number.half / scale
            matches = list(_within(*self._sorted_quantities, value, half))
            if number.compares:
                matches += _within(*self._sorted_differences, value, half)
            backings += [Backing(quantity=quantity, scale=scale) for quantity in matches]
        return tuple(sorted(backings, key=_rank))


def _rank(backing: Backing) -> tuple[int, float, str, str]:
    quantity = backing.quantity
    return KINDS.index(quantity.kind), backing.scale, quantity.metric, quantity.subject


def _sort_by_value(quantities: Iterable[Quantity]) -> tuple[list[float], list[Quantity]]:
    ordered = sorted((q for q in quantities if math.isfinite(q.value)), key=lambda q: q.value)
    return [q.value for q in ordered], ordered


def _within(values: list[float], ordered: list[Quantity], value: float, half: float) -> Iterator[Quantity]:
    reach = half + ROUNDING_ERROR * max(abs(value), half)
    index = bisect_left(values, value - reach)
    while index < len(values) and values[index] <= value + reach:
        yield ordered[index]
        index += 1


def index_quantities(measured: Iterable[MeasuredRun], tables: Sequence[ResultTable]) -> BackingIndex:
    """What runs say one by one and, folded in `tables`, by configuration; each quantity once."""
    quantities = [*run_quantities(measured), *(q for t in tables for row in t.rows for q in row_quantities(row, t.by))]
    differences = [q for t in tables for q in difference_quantities(t)]
    return BackingIndex(quantities=tuple(dict.fromkeys(quantities)), differences=tuple(dict.fromkeys(differences)))


def index_workspace(workspace: Workspace) -> BackingIndex:
    """All values of finished runs (final, and the best where a direction is known), and what their configurations give."""
    directions = MetricDirections(workspace)
    final = query.run_query(workspace, query.Query())
    best = query.run_query(workspace, query.Query(how="best", direction=directions.of))
    readings = [final] if best.measured == final.measured else [final, best]  # without files they are the same
    tables = [fold.fold_seeds(reading, directions) for reading in readings]
    return index_quantities((measured for reading in readings for measured in reading.measured), tables)


def runs_behind_file(workspace: Workspace, path: Path) -> list[Run]:
    """The attempts that a file belongs to: their manifest, a log, or something that they wrote; empty where it belongs to none."""
    try:
        inside = path.resolve().relative_to(workspace.workdir.resolve()).as_posix()
    except ValueError:
        return []
    logs = {workspace.role("logs")} | {p for p in workspace.path.glob(f"*/{workspace.role('logs').name}") if p.is_dir()}
    among_logs = any(path.resolve().is_relative_to(folder.resolve()) for folder in logs)
    stem = path.name.rsplit(".", 1)[0]
    return [
        run
        for run in records.read_records(workspace).runs
        if inside == run.path or inside.startswith(run.outputs + "/") or (among_logs and stem == run.label)
    ]


def backing_rows(backings: Sequence[Backing]) -> list[list[str]]:
    """What backs a number, as lines of a table: what it is, which metric, its exact value, whose, where it was read or which runs."""
    rows = []
    for backing in backings:
        quantity = backing.quantity
        scale = " (x 100)" if backing.scale != 1 else ""
        more = f" and {len(quantity.runs) - 3} more" if len(quantity.runs) > 3 else ""
        source = quantity.sources[0] if quantity.sources else ", ".join(quantity.runs[:3]) + more
        words = (
            quantity.kind,
            printable(quantity.metric),
            f"{quantity.value:.10g}{scale}",
            printable(quantity.subject),
        )
        rows.append([*words, source])
    return rows


def backing_json(number: ClaimedNumber, backings: Sequence[Backing], shown: Sequence[Backing]) -> dict[str, Any]:
    """A number and how many quantities back it, for --json, with those of them that are shown."""
    rows = [
        {
            "kind": backing.quantity.kind,
            "metric": backing.quantity.metric,
            "value": backing.quantity.value,
            "scale": backing.scale,
            "of": backing.quantity.subject,
            "runs": list(backing.quantity.runs),
            "sources": list(backing.quantity.sources),
        }
        for backing in shown
    ]
    place = {"number": number.text, "line": number.line, "column": number.column}
    return {**place, "found": len(backings), "backing": rows}
