"""What is asked of a workspace's runs, and what was read for it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.observations.spelling import matches_metric, normalize_name
from scaffold.observations.value_query import ValueQuery
from scaffold.results.configuration.code_states import CodeEquivalenceClasses
from scaffold.results.metrics.budget_params import NO_BUDGET
from scaffold.results.metrics.sweep_runs import SweepFileReader

if TYPE_CHECKING:
    from scaffold.observations.model import MeasuredRun, RunWithoutResult
    from scaffold.results.metrics.run_filter import RunFilter
    from scaffold.runs.model import Run

# what `--ignore` takes that is no parameter
NO_PARAMETERS = ("code", "command", "experiment")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricQuery(ValueQuery):
    """Which runs, which metrics of them, and which value of each.

    Of the runs of `sweep` (None: all) those that meet `where`. `params` are parameters asked for by name, which may stand in a wandb
    config only; `ignored_params` make no other configuration; `budgets` are the parameters that say how long a run may take (None: those
    whose names say so).
    """

    sweep: str | None = None
    where: RunFilter | None = None
    params: Sequence[str] = ()
    ignored_params: Collection[str] = ()
    budgets: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """All that was read for a query: of each run the attempt that counts, what has no result, what was passed over.

    `measured` are in the order in which they started, so that the first of a seed is known without another look at a hundred thousand.
    `missing` are the runs that a result is missing of (failed, running, lost ...), with why; `skipped` are files that cannot be
    read and runs that another one stands for; `metric_names` are all that were seen, `notes` sentences about how values were read.
    `repeats` has, by name, what ran again of a seeded run; `code_states` says whose code is the same for what it ran, `sheets` which runs a
    sweep means.
    """

    query: MetricQuery
    measured: tuple[MeasuredRun, ...]
    missing: tuple[tuple[Run, RunWithoutResult], ...] = ()
    skipped: tuple[RunWithoutResult, ...] = ()
    metric_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    repeats: Mapping[str, tuple[MeasuredRun, ...]] = field(default_factory=dict)
    code_states: CodeEquivalenceClasses = field(default_factory=CodeEquivalenceClasses)
    sheets: SweepFileReader = field(default_factory=SweepFileReader)

    def runs(self) -> list[Run]:
        """All runs that the query takes, with a result or without."""
        return [m.run for m in self.measured] + [run for run, _ in self.missing]

    def measured_metrics(self) -> set[str]:
        """The metrics that at least one run has a value of."""
        return {*itertools.chain.from_iterable([m.values for m in self.measured])}

    def metrics_to_compare(self) -> list[str]:
        """The metrics asked for, else the workspace's primary one, else all that there are. Raises ScaffoldError for none."""
        names = sorted(self.measured_metrics())
        if not names:
            raise ScaffoldError("no run has a result to compare", hint="how they ended: scaffold results")
        primary = None if self.query.metrics else self.query.directions.find_primary(names)
        return names if primary is None else [primary]


def query_warnings(result: QueryResult) -> Iterator[str]:
    """What to beware of before the result is believed, in order; an iterator, so that what comes before an error is said too.

    Raises ScaffoldError where no run has any of the metrics asked for, and WrongUsage where the best value of a metric is asked
    for, and which way it is better is not known.
    """
    query, measured = result.query, result.measured_metrics()
    if query.metrics and not measured and result.metric_names:
        names = ", ".join(result.metric_names[:10]) + (", ..." if len(result.metric_names) > 10 else "")
        raise ScaffoldError(f"no run has the metric {', '.join(query.metrics)}", hint=f"metrics are {names}")
    primary = query.directions.primary
    if primary and measured and not query.metrics and query.directions.find_primary(measured) is None:
        yield f"no run has the workspace's primary metric {primary}"
    yield from _unknown_names(result)
    if query.value_choice == "best":
        for name in sorted(measured):
            if query.directions.direction(name) is None:
                raise WrongUsage(
                    f"--best: whether {name} is better high or low is not known",
                    hint=f"--minimize {name} or --maximize {name}, or choose other metrics with --metric",
                )
        yield "--best takes the best step of each run by the metric itself: its means are better than the truth"


def _unknown_names(result: QueryResult) -> Iterator[str]:
    """The options that name what no run has: a misspelled name would change nothing, silently."""
    query, names, runs = result.query, result.metric_names, result.runs()
    if names:
        spellings = {normalize_name(name) for name in names}
        for name in query.metrics:
            if not any(matches_metric(metric, name) for metric in names):
                yield f"--metric {name}: no run has that metric"
        for option, options in (("minimize", query.directions.minimize), ("maximize", query.directions.maximize)):
            for name in options:
                if normalize_name(name) not in spellings:
                    yield f"--{option} {name}: no run has that metric"
    yield from _unknown_params(query, runs)
    if query.sweep and not runs:
        yield f"--sweep {query.sweep}: no run that was asked for belongs to it"


def _unknown_params(query: MetricQuery, runs: Sequence[Run]) -> Iterator[str]:
    params = {name for run in runs for name in run.params}
    for name in query.ignored_params:
        if runs and name not in params and name not in NO_PARAMETERS:
            yield f"--ignore {name}: no run has that parameter"
    spellings = {name.replace("-", "_") for name in (*params, NO_BUDGET)}
    for name in query.budgets or ():
        if runs and name.replace("-", "_") not in spellings:
            yield f"--budget {name}: no run has that parameter"
