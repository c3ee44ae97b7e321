"""Tables of configurations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from scaffold.results.metrics.configurations import format_value
from scaffold.results.stats.summary import MetricSummary, summarize_seed_values

if TYPE_CHECKING:
    from scaffold.metric_directions import Direction
    from scaffold.observations.model import MeasuredRun, RunWithoutResult
    from scaffold.runs.model import Scalar

# what no parameter is
MISSING = object()
IntervalKind = Literal["t", "bootstrap"]


class RowSummaries(Mapping[str, MetricSummary | None]):
    """Metric -> its summary over the runs of a row, None where no run has it; made when it is asked for: of 30,000 rows 20 are shown."""

    __slots__ = ("_interval", "_metrics", "_runs", "_summaries")

    def __init__(self, runs: Sequence[MeasuredRun], metrics: Sequence[str], interval: IntervalKind) -> None:
        self._runs, self._metrics, self._interval = runs, metrics, interval
        self._summaries: dict[str, MetricSummary | None] | None = None

    def __len__(self) -> int:
        return len(self._metrics)

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __getitem__(self, metric: str) -> MetricSummary | None:
        if self._summaries is None:
            self._summaries = {}
        if metric not in self._summaries:
            if metric not in self._metrics:
                raise KeyError(metric)
            self._summaries[metric] = _summarize(self._runs, metric, self._interval)
        return self._summaries[metric]


def _summarize(runs: Sequence[MeasuredRun], metric: str, interval: IntervalKind) -> MetricSummary | None:
    values = [m.values[metric].value for m in runs if metric in m.values]
    if not values:
        return None
    summary = summarize_seed_values(values)
    if interval == "t":
        return summary
    from scaffold.results.stats.resampling import bootstrap_interval

    low, high = bootstrap_interval([v for v in values if math.isfinite(v)]) or (None, None)
    return summary._replace(low=low, high=high)


class ResultRow(NamedTuple):
    """One configuration: its parameters, its runs (one a seed), a summary for each metric (None: no run has it).

    `config` has all parameters that the runs were folded by (a missing one is missing); `missing` are its runs without a result.
    """

    experiment: str
    config: Mapping[str, Scalar]
    runs: tuple[MeasuredRun, ...]
    missing: tuple[RunWithoutResult, ...]
    summaries: Mapping[str, MetricSummary | None]
    warnings: tuple[str, ...] = ()

    def seed_values(self, metric: str) -> list[tuple[int | None, float]]:
        """(effective seed, value) of every run that has the metric, NaN and infinities too."""
        return [(m.run.effective_seed, m.values[metric].value) for m in self.runs if metric in m.values]

    def finite_values(self, metric: str) -> list[float]:
        """The values of every run that has the metric, without NaN and infinities."""
        return [
            m.values[metric].value for m in self.runs if metric in m.values and math.isfinite(m.values[metric].value)
        ]

    def count_missing(self, metric: str) -> int:
        """How many of its runs have no value of the metric."""
        return len(self.missing) + len([m for m in self.runs if metric not in m.values])


class ResultTable(NamedTuple):
    """Rows in a fixed order: which parameters tell them apart, which metrics they have, which row is best in what.

    `bests` names rows (by their index) only where one is distinguishable from every other of its budget; `budget` are the parameters that
    vary and say how long a run may take; `directions` holds only what is known; `interval` is how the summaries' 95 % intervals were made.
    """

    by: tuple[str, ...]
    metrics: tuple[str, ...]
    directions: Mapping[str, Direction]
    rows: tuple[ResultRow, ...]
    bests: Mapping[str, tuple[int, ...]]
    skipped: tuple[RunWithoutResult, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    interval: IntervalKind = "t"
    budget: tuple[str, ...] = ()

    @property
    def constants(self) -> dict[str, Scalar]:
        """The parameters that all rows with results have alike."""
        configs = [row.config for row in self.rows if row.runs]
        first = configs[0] if len(configs) > 1 else {}
        same = {name for name, value in first.items() if all(c.get(name, MISSING) == value for c in configs[1:])}
        return {name: first[name] for name in sorted(same - set(self.by))}

    @property
    def best(self) -> dict[str, int]:
        """The row that is the best in a metric, where all have one budget."""
        return {} if self.budget else {metric: indices[0] for metric, indices in self.bests.items()}

    def best_mark(self, metric: str, index: int) -> str:
        """`best`, where budgets differ `best of steps=20`; empty for all other rows."""
        if index not in self.bests.get(metric, ()):
            return ""
        config = self.rows[index].config
        params = " ".join(f"{name}={format_value(config[name])}" for name in self.budget if name in config)
        return f"best of {params}" if params else "best"
