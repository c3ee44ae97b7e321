"""What is asked of a workspace's runs, and what was read for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from scaffold.errors import ScaffoldError
from scaffold.results.metrics.directions import MetricDirections
from scaffold.results.metrics.model import MeasuredRun, SkippedRun
from scaffold.results.metrics.run_filter import RunCondition
from scaffold.results.metrics.server_metrics import ServerSeries
from scaffold.runs.model import Run

ValueChoice = Literal["final", "last", "best", "at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which runs, which metrics of them, and which value of each.

    Of the runs of `sweep` (None: all) those that meet `where`. `metrics` are names in any spelling or patterns (`val*`), none
    means all. `value_choice`: the final value, the last one logged, the best one (by `directions`), or the one at `step`.
    `params` are parameters asked for by name, which may stand in a wandb config only; `ignored_params` make no other configuration.
    Without `metrics`, `primary_metric` is looked for in files where a manifest lacks it. `server_series` is what the research
    server has of runs, by their names.
    """

    directions: MetricDirections
    metrics: Sequence[str] = ()
    value_choice: ValueChoice = "final"
    step: float | None = None
    sweep: str | None = None
    where: RunCondition | None = None
    params: Sequence[str] = ()
    ignored_params: Collection[str] = ()
    primary_metric: str | None = None
    server_series: Mapping[str, ServerSeries] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """All that was read for a query: of each run the attempt that counts, what has no result, what was passed over.

    `missing` are the runs that a result is missing of (failed, running, lost ...), with why; `skipped` are files that cannot be
    read and runs that another one stands for; `metric_names` are all that were seen, `notes` sentences about how values were read.
    """

    query: Query
    measured: tuple[MeasuredRun, ...]
    missing: tuple[tuple[Run, SkippedRun], ...] = ()
    skipped: tuple[SkippedRun, ...] = ()
    metric_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def runs(self) -> list[Run]:
        """All runs that the query takes, with a result or without."""
        return [m.run for m in self.measured] + [run for run, _ in self.missing]

    def measured_metrics(self) -> set[str]:
        """The metrics that at least one run has a value of."""
        return {name for m in self.measured for name in m.values}

    def metrics_to_compare(self) -> list[str]:
        """The metrics asked for, else the workspace's primary one, else all that there are. Raises ScaffoldError for none."""
        names = sorted(self.measured_metrics())
        if not names:
            raise ScaffoldError("no run has a result to compare", hint="how they ended: scaffold results")
        primary = None if self.query.metrics else self.query.directions.find_primary(names)
        return names if primary is None else [primary]
