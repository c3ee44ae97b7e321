"""Measured runs -> a table: one row a configuration, seeds folded, in a fixed order, the best marked where it can be told."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from scaffold.errors import WrongUsage
from scaffold.results.metrics import budget_params, configurations
from scaffold.results.tables.model import IntervalKind, ResultRow, ResultTable, RowSummaries
from scaffold.results.tables.samples import (
    RunGroupingRule,
    SeedSample,
    choose_seed_samples,
    list_code_split_warnings,
    list_row_warnings,
    row_columns,
    sort_by_seed,
)
from scaffold.visible_text import escape_to_one_line

if TYPE_CHECKING:
    from scaffold.metric_directions import Direction
    from scaffold.observations.model import RunWithoutResult
    from scaffold.results.metrics.configurations import Configuration
    from scaffold.results.metrics.query import QueryResult
    from scaffold.runs.model import Run


def fold_seeds(
    result: QueryResult,
    *,
    by: Sequence[str] | None = None,
    interval: IntervalKind = "t",
    mark_best: bool = True,
    metrics: Sequence[str] | None = None,
) -> ResultTable:
    """Fold the seeds of each configuration; with `by` all configurations that agree in these parameters (or `code`, `commit`).

    Runs of a configuration with one and the same seed are one sample: the first of them that has a metric counts. A bootstrap interval
    is there from 10 runs on only. Without `mark_best` no row is the best: to find it takes tests of rows against each other in every
    metric. `metrics` are those that are summed up; default: all. Raises WrongUsage for a parameter in `by` that no run has.
    """
    folding = RunGroupingRule(by, result.query.ignored_params, result.code_states)
    samples = choose_seed_samples(result, folding)
    counted = [sample.measured for sample in samples]
    directions = result.query.directions
    measured_metrics = {*itertools.chain.from_iterable([m.values for m in counted])}
    primary = directions.find_primary(measured_metrics)
    if metrics is None:
        metrics = sorted(measured_metrics, key=lambda name: (name != primary, name))
    by_row = _samples_by_row(samples, folding)
    missing = _missing_by_row(result, samples, folding)
    keys = [*by_row.keys(), *(key for key in missing if key not in by_row)]
    columns = row_columns(keys, functools.partial(_first_runs, result), folding)
    rows = []
    for key in keys:
        row_samples = by_row.get(key, [])
        if len(row_samples) > 1:
            row_samples = sort_by_seed(row_samples)
        runs = tuple([sample.measured for sample in row_samples])
        row = ResultRow(
            experiment=key.experiment,
            config=configurations.params_of_key(key.params) | (columns.get(key, {}) if columns else {}),
            runs=runs,
            missing=tuple(sorted((skipped for _, skipped in missing.get(key, ())), key=lambda s: s.label))
            if missing
            else (),
            summaries=RowSummaries(runs, metrics, interval),
            warnings=list_row_warnings(row_samples, folding, metrics),
        )
        rows.append(row)
    _check_params(by or (), rows)
    names = _distinguishing_params(rows) if by is None else tuple(by)
    budget = budget_params.select_budget_params(names, result.query.budgets)
    rows = _sort_rows(rows, names)
    ways = {metric: way for metric in metrics if (way := directions.direction(metric)) is not None}
    bests = _best_rows(rows, ways, budget) if mark_best and ways else {}
    warnings = (*list_code_split_warnings(keys, columns, folding), *_table_warnings(rows, names)) if by is None else ()
    return ResultTable(
        by=names,
        metrics=tuple(metrics),
        directions=ways,
        rows=tuple(rows),
        bests={metric: indices for metric, indices in bests.items() if indices},
        skipped=(*result.skipped, *(skipped for sample in samples for skipped in sample.skipped)),
        warnings=warnings,
        notes=result.notes,
        interval=interval,
        budget=budget,
    )


def _samples_by_row(samples: Sequence[SeedSample], folding: RunGroupingRule) -> dict[Configuration, list[SeedSample]]:
    """The samples of each row, in their order."""
    by_row: dict[Configuration, list[SeedSample]] = {}
    # an object stands for itself first, since it takes long to hash one: samples of a configuration share it
    rows: dict[int, list[SeedSample]] = {}
    for sample in samples:
        row = rows.get(id(sample.configuration)) if folding.by is None else None
        if row is None:
            key = folding.row_key(sample.measured.run, sample.configuration)
            row = rows[id(sample.configuration)] = by_row.setdefault(key, [])
        row.append(sample)
    return by_row


def _sort_rows(rows: Sequence[ResultRow], names: Sequence[str]) -> list[ResultRow]:
    """By experiment and what is in `names`; by all other parameters only where rows have these alike."""
    flatten = itertools.chain.from_iterable  # compared in half the time
    keys = [(row.experiment, *flatten(configurations.configuration_sort_key(row.config, names))) for row in rows]
    order = sorted(range(len(rows)), key=keys.__getitem__)
    if any(keys[a] == keys[b] for a, b in itertools.pairwise(order)):
        order = sorted(
            range(len(rows)), key=lambda place: (keys[place], configurations.configuration_sort_key(rows[place].config))
        )
    return [rows[place] for place in order]


def _distinguishing_params(rows: Sequence[ResultRow]) -> tuple[str, ...]:
    """The parameters that tell apart the rows with results: a run that failed, with whatever it was asked, makes no constant vary."""
    with_results = [row.config for row in rows if row.runs]
    return configurations.varying_params(with_results if len(with_results) > 1 else [row.config for row in rows])


def _first_runs(result: QueryResult) -> dict[str | None, Run]:
    """Of each code state the first run, by which it is called."""
    runs = [m.run for m in result.measured] + [run for run, _ in result.missing]
    first: dict[str | None, Run] = {}
    for run in runs:
        state = result.code_states.state_of(run)
        if state not in first or run.started_at < first[state].started_at:
            first[state] = run
    return first


def _check_params(names: Iterable[str], rows: Sequence[ResultRow]) -> None:
    for name in names:
        if rows and not any(name in row.config for row in rows):
            params = sorted({key for row in rows for m in row.runs for key in m.run.params})
            hint = f"parameters are {', '.join(params) or 'none'}; also code, commit"
            raise WrongUsage(f"--by: no run has a parameter {name!r}", hint=hint)


def _missing_by_row(
    result: QueryResult, samples: Sequence[SeedSample], folding: RunGroupingRule
) -> dict[Configuration, list[tuple[Run, RunWithoutResult]]]:
    """The runs without a result: of each seed one, and none where another run of the configuration has its result.

    Code that never gave a result is no configuration beside that which did: what crashed, and was mended, is missing there.
    """
    if not result.missing:
        return {}
    done = {(s.configuration, s.measured.run.effective_seed) for s in samples}
    newest = {s.configuration._replace(code=None): s.configuration for s in samples}
    measured = {s.configuration for s in samples}
    missing: dict[Configuration, list[tuple[Run, RunWithoutResult]]] = {}
    for run, skipped in reversed(result.missing):
        configuration = folding.configuration(run)
        if configuration not in measured:
            configuration = newest.get(configuration._replace(code=None), configuration)
        if run.effective_seed is not None:
            seed = (configuration, run.effective_seed)
            if seed in done:
                continue
            done.add(seed)
        missing.setdefault(folding.row_key(run, configuration), []).append((run, skipped))
    return missing


def _best_rows(
    rows: Sequence[ResultRow], ways: Mapping[str, Direction], budget: Sequence[str]
) -> dict[str, tuple[int, ...]]:
    from scaffold.results.tables.best_row import find_best_rows  # and with it all tests

    return {metric: find_best_rows(rows, metric, way, budget) for metric, way in ways.items()}


def _table_warnings(rows: Sequence[ResultRow], names: Sequence[str]) -> tuple[str, ...]:
    if len(rows) < 3 or any(len(row.runs) + len(row.missing) != 1 for row in rows):
        return ()
    return tuple(
        f"`{name}` differs in every run, so no seeds are folded: --ignore {name}, if it is only a path"
        for name in names
        if len({configurations.format_value(row.config.get(name)) for row in rows}) == len(rows)
    )


def select_metrics(table: ResultTable, metrics: Sequence[str]) -> ResultTable:
    """The table with these metrics alone, in this order."""
    keep = [name for name in metrics if name in table.metrics]
    return table._replace(
        metrics=tuple(keep),
        directions={k: v for k, v in table.directions.items() if k in keep},
        bests={k: v for k, v in table.bests.items() if k in keep},
    )


def row_label(row: ResultRow, by: Sequence[str], *, experiment: bool = True) -> str:
    """A row's name: `baseline lr=0.1 batch_size=32`; a parameter that it lacks is left out."""
    params = [
        escape_to_one_line(f"{name}={configurations.format_value(row.config[name])}")
        for name in by
        if name in row.config
    ]
    return " ".join([row.experiment, *params] if experiment or not params else params)
