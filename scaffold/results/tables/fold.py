"""Measured runs -> a table: one row a configuration, seeds folded, in a fixed order, the best marked where it can be told."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from scaffold.errors import WrongUsage
from scaffold.metric_directions import Direction
from scaffold.observations.model import MeasuredRun, SkippedRun
from scaffold.results.metrics import configurations
from scaffold.results.metrics.configurations import ConfigurationKey
from scaffold.results.metrics.query import QueryResult
from scaffold.results.stats.distributions import ALPHA
from scaffold.results.stats.hypothesis_tests import holm_correction
from scaffold.results.stats.pair_test import run_pair_test
from scaffold.results.stats.resampling import bootstrap_interval
from scaffold.results.stats.summary import MetricSummary, summarize_seed_values
from scaffold.results.tables.model import IntervalKind, ResultRow, ResultTable
from scaffold.runs.model import Run
from scaffold.visible_text import one_line

# an experiment, and the parameters by which its runs are folded
RowKey = tuple[str, ConfigurationKey]


def fold_seeds(
    result: QueryResult, *, by: Sequence[str] | None = None, interval: IntervalKind = "t", mark_best: bool = True
) -> ResultTable:
    """Fold the seeds of each configuration; with `by` all configurations that agree in these parameters.

    Runs of a configuration with one and the same seed are one sample: the latest of them counts. A bootstrap interval is there
    from 10 runs on only. Without `mark_best` no row is the best: to find it takes tests of rows against each other in every
    metric. Raises WrongUsage for a parameter in `by` that no run has.
    """
    folding = _Folding(by, result.query.ignored_params)
    latest, repeated = _latest_of_each_seed(result.measured, folding)
    directions = result.query.directions
    measured_metrics = {name for m in latest for name in m.values}
    primary = directions.find_primary(measured_metrics)
    metrics = sorted(measured_metrics, key=lambda name: (name != primary, name))
    measured: dict[RowKey, list[MeasuredRun]] = {}
    for m in latest:
        measured.setdefault(folding.row_key(m.run), []).append(m)
    missing = _missing_by_row(result, latest, folding)
    ran_again = {id(counted) for counted, _ in repeated}
    rows = []
    for key in measured.keys() | missing.keys():
        runs = sorted(measured.get(key, []), key=_run_order)
        row = ResultRow(
            experiment=key[0],
            config=configurations.params_of_key(key[1]),
            runs=tuple(runs),
            missing=tuple(sorted(missing.get(key, []), key=lambda s: s.label)),
            summaries={metric: _summary(runs, metric, interval) for metric in metrics},
            warnings=tuple(_row_warnings(runs, folding, ran_again)),
        )
        rows.append(row)
    _check_params(by or (), rows)
    names = configurations.varying_params([row.config for row in rows]) if by is None else tuple(by)
    sort_key = configurations.sort_key
    rows.sort(key=lambda row: (row.experiment, sort_key(row.config, names), sort_key(row.config)))
    ways = {metric: way for metric in metrics if (way := directions.direction(metric)) is not None}
    best = {metric: find_best_row(rows, metric, way) for metric, way in ways.items()} if mark_best else {}
    return ResultTable(
        by=names,
        metrics=tuple(metrics),
        directions=ways,
        rows=tuple(rows),
        best={metric: index for metric, index in best.items() if index is not None},
        skipped=(*result.skipped, *(skipped for _, skipped in repeated)),
        warnings=_table_warnings(rows, names) if by is None else (),
        notes=result.notes,
        interval=interval,
    )


def _check_params(names: Iterable[str], rows: Sequence[ResultRow]) -> None:
    for name in names:
        if rows and not any(name in row.config for row in rows):
            params = sorted({key for row in rows for m in row.runs for key in m.run.params})
            hint = f"parameters are {', '.join(params) or 'none'}"
            raise WrongUsage(f"--by: no run has a parameter {name!r}", hint=hint)


@dataclass(frozen=True, slots=True)
class _Folding:
    """How runs are folded: by their configurations without `ignored` parameters, or by what `by` names of these."""

    by: Sequence[str] | None
    ignored: Collection[str]

    def configuration(self, run: Run) -> RowKey:
        return run.experiment, configurations.configuration_key(run.params, without=self.ignored)

    def row_key(self, run: Run) -> RowKey:
        return run.experiment, configurations.configuration_key(run.params, only=self.by, without=self.ignored)


def _latest_of_each_seed(
    measured: Iterable[MeasuredRun], folding: _Folding
) -> tuple[list[MeasuredRun], list[tuple[MeasuredRun, SkippedRun]]]:
    """Of the runs of a configuration that have the same seed the latest; and for each other one, which counts and why."""
    by_seed: dict[tuple[RowKey, int], MeasuredRun] = {}
    latest: list[MeasuredRun] = []
    repeated: list[tuple[MeasuredRun, SkippedRun]] = []
    for m in sorted(measured, key=lambda m: (m.run.started_at, m.run.name), reverse=True):
        run = m.run
        counted = m if run.seed is None else by_seed.setdefault((folding.configuration(run), run.seed), m)
        if counted is m:
            latest.append(m)
            continue
        code = "" if counted.run.code == run.code else " (of other code)"
        reason = f"seed {run.seed} again: the later {counted.run.label}{code} counts"
        repeated.append((counted, SkippedRun(label=run.label, path=run.path, reason=reason)))
    return latest, repeated


def _missing_by_row(
    result: QueryResult, latest: Iterable[MeasuredRun], folding: _Folding
) -> dict[RowKey, list[SkippedRun]]:
    """The runs without a result: of each seed one, and none where another run of the configuration has its result."""
    done = {(folding.configuration(m.run), m.run.seed) for m in latest if m.run.seed is not None}
    missing: dict[RowKey, list[SkippedRun]] = {}
    for run, skipped in reversed(result.missing):
        if run.seed is not None:
            seed = (folding.configuration(run), run.seed)
            if seed in done:
                continue
            done.add(seed)
        missing.setdefault(folding.row_key(run), []).append(skipped)
    return missing


def _run_order(measured: MeasuredRun) -> tuple[bool, int, str, str]:
    run = measured.run
    return run.seed is None, run.seed or 0, run.started_at, run.name


def _summary(runs: Sequence[MeasuredRun], metric: str, interval: IntervalKind) -> MetricSummary | None:
    values = [m.values[metric].value for m in runs if metric in m.values]
    if not values:
        return None
    summary = summarize_seed_values(values)
    if interval == "t":
        return summary
    low, high = bootstrap_interval([v for v in values if math.isfinite(v)]) or (None, None)
    return summary._replace(low=low, high=high)


def _row_warnings(runs: Sequence[MeasuredRun], folding: _Folding, ran_again: Collection[int]) -> Iterator[str]:
    twice = sorted({str(m.run.seed) for m in runs if id(m) in ran_again})
    if twice:
        seeds = "seed" if len(twice) == 1 else "seeds"
        yield f"{seeds} {', '.join(twice)} ran more than once: the same seed is no new sample, only the latest counts"
    codes = {m.run.code for m in runs}
    if len(codes) > 1:
        yield f"its runs come from {len(codes)} states of the code"
    seedless = sum(m.run.seed is None for m in runs)
    if seedless and len(runs) > 1:
        yield f"{seedless} of its {len(runs)} runs have no seed: nothing says that they are independent"
    if folding.by is not None:
        folded = {folding.configuration(m.run) for m in runs}
        if len(folded) > 1:
            yield f"it folds {len(folded)} configurations: its spread is not that of seeds alone"


def _table_warnings(rows: Sequence[ResultRow], names: Sequence[str]) -> tuple[str, ...]:
    if len(rows) < 3 or any(len(row.runs) + len(row.missing) != 1 for row in rows):
        return ()
    return tuple(
        f"`{name}` differs in every run, so no seeds are folded: --ignore {name}, if it is only a path"
        for name in names
        if len({configurations.format_value(row.config.get(name)) for row in rows}) == len(rows)
    )


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


def select_metrics(table: ResultTable, metrics: Sequence[str]) -> ResultTable:
    """The table with these metrics alone, in this order."""
    keep = [name for name in metrics if name in table.metrics]
    return replace(
        table,
        metrics=tuple(keep),
        directions={k: v for k, v in table.directions.items() if k in keep},
        best={k: v for k, v in table.best.items() if k in keep},
    )


def row_label(row: ResultRow, by: Sequence[str], *, experiment: bool = True) -> str:
    """A row's name: `baseline lr=0.1 batch_size=32`; a parameter that it lacks is left out."""
    params = [one_line(f"{name}={configurations.format_value(row.config[name])}") for name in by if name in row.config]
    return " ".join([row.experiment, *params] if experiment or not params else params)
