"""Measured runs -> a table: one row a configuration, seeds folded, in a fixed order, the best marked where it can be told."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from scaffold.metric_directions import Direction
from scaffold.results.metrics import configurations
from scaffold.results.metrics.configurations import ConfigurationKey
from scaffold.results.metrics.directions import MetricDirections
from scaffold.results.metrics.model import MeasuredRun, QueryResult, SkippedRun
from scaffold.results.stats import resampling, summary, t_tests
from scaffold.results.stats.distributions import ALPHA
from scaffold.results.stats.pair_test import run_pair_test
from scaffold.results.stats.summary import MetricSummary
from scaffold.results.tables.model import IntervalKind, ResultRow, ResultTable
from scaffold.results.tables.text_format import printable
from scaffold.runs.model import Run


def fold_seeds(
    reading: QueryResult,
    directions: MetricDirections,
    *,
    by: Sequence[str] | None = None,
    ignore: Collection[str] = (),
    interval: IntervalKind = "t",
) -> ResultTable:
    """Fold the seeds of each configuration; with `by` all configurations that agree in these parameters.

    Runs of a configuration with one and the same seed are one sample: the latest of them counts. `ignore` are parameters that
    make no other configuration (an output path). A bootstrap interval is there from 10 runs on only.
    """
    folding = _Folding(by, ignore, interval)
    single, again = _one_a_seed(reading.measured, folding)
    measured = {name for m in single for name in m.values}
    primary = directions.primary_among(measured)
    metrics = sorted(measured, key=lambda name: (name != primary, name))
    groups: dict[tuple[str, ConfigurationKey], list[MeasuredRun]] = {}
    for one in single:
        groups.setdefault(folding.group(one.run), []).append(one)
    missing = _missing(reading, single, folding)
    rows = [
        _row(key, groups.get(key, []), missing.get(key, []), metrics, folding, again)
        for key in groups.keys() | missing.keys()
    ]
    names = configurations.varying_params([row.config for row in rows]) if by is None else tuple(by)
    rows.sort(
        key=lambda row: (
            row.experiment,
            configurations.sort_key(row.config, names),
            configurations.sort_key(row.config),
        )
    )
    known = {metric: way for metric in metrics if (way := directions.of(metric)) is not None}
    return ResultTable(
        by=names,
        metrics=tuple(metrics),
        directions=known,
        rows=tuple(rows),
        best={metric: best for metric, way in known.items() if (best := find_best_row(rows, metric, way)) is not None},
        skipped=(*reading.skipped, *(skipped for _, skipped in again)),
        warnings=_warnings(rows, names, by),
        notes=reading.notes,
        interval=interval,
    )


@dataclass(frozen=True, slots=True)
class _Folding:
    """How runs are folded: by their configurations without `ignore`, or by what `by` names of these; and which interval they get."""

    by: Sequence[str] | None
    ignore: Collection[str]
    interval: IntervalKind

    def configuration(self, run: Run) -> tuple[str, ConfigurationKey]:
        return run.experiment, configurations.configuration_key(run.params, without=self.ignore)

    def group(self, run: Run) -> tuple[str, ConfigurationKey]:
        return run.experiment, configurations.configuration_key(run.params, only=self.by, without=self.ignore)


def _one_a_seed(
    measured: Iterable[MeasuredRun], folding: _Folding
) -> tuple[list[MeasuredRun], list[tuple[MeasuredRun, SkippedRun]]]:
    """Of the runs of a configuration that have the same seed the latest; and the others, with why."""
    counts: dict[tuple[str, ConfigurationKey, int], MeasuredRun] = {}
    kept: list[MeasuredRun] = []
    again: list[tuple[MeasuredRun, SkippedRun]] = []
    for one in sorted(measured, key=lambda m: (m.run.started_at, m.run.name), reverse=True):
        if one.run.seed is None:
            kept.append(one)
            continue
        place = (*folding.configuration(one.run), one.run.seed)
        first = counts.setdefault(place, one)
        if first is one:
            kept.append(one)
        else:
            code = "" if first.run.code == one.run.code else " (of other code)"
            reason = f"seed {one.run.seed} again: the later {first.run.label}{code} counts"
            again.append((first, SkippedRun(label=one.run.label, path=one.run.path, reason=reason)))
    return kept, again


def _missing(
    reading: QueryResult, single: Iterable[MeasuredRun], folding: _Folding
) -> dict[tuple[str, ConfigurationKey], list[SkippedRun]]:
    """The runs without a result, by group: of each seed one, and none where another run of the configuration has its result."""
    done: set[tuple[str, ConfigurationKey, int | None]]
    done = {(*folding.configuration(m.run), m.run.seed) for m in single if m.run.seed is not None}
    found: dict[tuple[str, ConfigurationKey], list[SkippedRun]] = {}
    for run, skipped in reversed(reading.missing):
        place = (*folding.configuration(run), run.seed)
        if place in done:
            continue
        if run.seed is not None:
            done.add(place)
        found.setdefault(folding.group(run), []).append(skipped)
    return found


def _row(
    key: tuple[str, ConfigurationKey],
    measured: list[MeasuredRun],
    missing: list[SkippedRun],
    metrics: Sequence[str],
    folding: _Folding,
    again: Sequence[tuple[MeasuredRun, SkippedRun]],
) -> ResultRow:
    runs = sorted(measured, key=lambda m: (m.run.seed is None, m.run.seed or 0, m.run.started_at, m.run.name))
    experiment, pairs = key
    return ResultRow(
        experiment=experiment,
        config=configurations.params_of_key(pairs),
        runs=tuple(runs),
        missing=tuple(sorted(missing, key=lambda s: s.label)),
        summaries={metric: _summary(runs, metric, folding.interval) for metric in metrics},
        warnings=tuple(_row_warnings(runs, folding, again)),
    )


def _summary(runs: Sequence[MeasuredRun], metric: str, interval: IntervalKind) -> MetricSummary | None:
    values = [m.values[metric].value for m in runs if metric in m.values]
    if not values:
        return None
    made = summary.summarize(values)
    if interval == "t":
        return made
    low, high = resampling.bootstrap_interval([v for v in values if math.isfinite(v)]) or (None, None)
    return made._replace(low=low, high=high)


def _row_warnings(
    runs: Sequence[MeasuredRun], folding: _Folding, again: Sequence[tuple[MeasuredRun, SkippedRun]]
) -> Iterable[str]:
    here = {id(m) for m in runs}
    twice = sorted({str(first.run.seed) for first, _ in again if id(first) in here}) if again else []
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
        kinds = {folding.configuration(m.run) for m in runs}
        if len(kinds) > 1:
            yield f"it folds {len(kinds)} configurations: its spread is not that of seeds alone"


def _warnings(rows: Sequence[ResultRow], names: Sequence[str], by: Sequence[str] | None) -> tuple[str, ...]:
    found = []
    if len(rows) > 2 and by is None and all(len(row.runs) + len(row.missing) == 1 for row in rows):
        for name in names:
            if len({configurations.format_value(row.config.get(name)) for row in rows}) == len(rows):
                found.append(
                    f"`{name}` differs in every run, so no seeds are folded: --ignore {name}, if it is only a path"
                )
    return tuple(found)


def find_best_row(rows: Sequence[ResultRow], metric: str, direction: Direction) -> int | None:
    """The row that is best in a metric and distinguishable from every other one (95 %, Holm); None where there is none.

    A row with NaN or infinite values, or with one run only, is never best.
    """
    sign = 1.0 if direction == "minimize" else -1.0
    having = [
        (sign * s.mean, i) for i, row in enumerate(rows) if (s := row.summaries.get(metric)) and s.mean is not None
    ]
    having.sort()
    if len(having) < 2:
        return None
    best = having[0][1]
    summary = rows[best].summaries[metric]
    assert summary is not None
    if summary.n < 2 or summary.not_finite:
        return None
    mine, ps = rows[best].values(metric), []
    for _, other in having[1:]:  # the nearest first: it mostly decides
        test = run_pair_test(rows[other].values(metric), mine).test
        if test is None or test.p is None or test.p > ALPHA or test.effect * sign >= 0:
            return None
        ps.append(test.p)
    return best if all(p is not None and p <= ALPHA for p in t_tests.holm_correction(ps)) else None


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
    """A row's words: `baseline lr=0.1 batch_size=32`; a parameter that it lacks is left out."""
    said = [printable(f"{name}={configurations.format_value(row.config[name])}") for name in by if name in row.config]
    return " ".join([row.experiment, *said] if experiment or not said else said)
