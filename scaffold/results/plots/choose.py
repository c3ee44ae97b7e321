"""A table, its runs' series and their times -> the figures worth showing; what a plot cannot show is left out and said in its caption."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from scaffold.results.metrics.configurations import finite_number, format_value
from scaffold.results.plots.figures import (
    Axis,
    Bar,
    Bars,
    Coordinate,
    Curves,
    Figure,
    Line,
    Mark,
    Parallel,
    Thread,
    file_name,
)
from scaffold.results.plots.learning import Courses, learning
from scaffold.results.plots.ranking import INTERVAL, MOST_LINES, better, mean_of, ranked, scale_of, sentence, some_of
from scaffold.results.plots.timeline import timeline
from scaffold.results.tables.fold import row_label
from scaffold.results.tables.model import ResultRow, ResultTable
from scaffold.runs.model import Run, Scalar

MOST_BARS, MOST_AXES, MOST_THREADS, MOST_CURVES = 24, 6, 200, 3


def figures(table: ResultTable, courses: Courses, runs: Sequence[Run], metrics: Sequence[str]) -> tuple[Figure, ...]:
    """All figures of a table, most of the first metric: bars, learning curves, sensitivity, parallel coordinates, when each run ran where.

    `courses` are the series of runs, by label and metric.
    """
    found: list[Figure | None] = []
    if metrics:
        found += [bars(table, metrics[0])]
        found += [learning(table, courses, metric, metrics[0]) for metric in metrics[:MOST_CURVES]]
        found += [sensitivity(table, metrics[0], name) for name in table.by]
        found += [parallel(table, metrics[0])]
    return _named([figure for figure in [*found, timeline(runs)] if figure is not None])


def _named(figures: Sequence[Figure]) -> tuple[Figure, ...]:
    """Each figure with a name of its own: `a/b` and `a-b` would be one file."""
    found: dict[str, Figure] = {}
    for figure in figures:
        names = (figure.name if again == 1 else f"{figure.name}-{again}" for again in count(1))
        free = next(name for name in names if name not in found)
        found[free] = replace(figure, name=free)
    return tuple(found.values())


def bars(table: ResultTable, metric: str) -> Bars | None:
    """The mean of a metric for each configuration, at most 24."""
    rows = ranked(table, metric)
    if not rows:
        return None
    shown = rows[:MOST_BARS]
    made = []
    for row in shown:
        summary = row.summaries[metric]
        assert summary is not None and summary.mean is not None
        values = tuple(v for _, v in row.values(metric) if math.isfinite(v))
        made.append(
            Bar(label=row_label(row, table.by), mean=summary.mean, low=summary.low, high=summary.high, values=values)
        )
    return Bars(
        name=file_name("bars", metric),
        title=f"{metric} of each configuration",
        caption=sentence("Mean, " + INTERVAL + ", and each seed as a dot", some_of(shown, rows), better(table, metric)),
        x=Axis(label=metric),
        bars=tuple(made),
    )


def sensitivity(table: ResultTable, metric: str, name: str) -> Curves | None:
    """A metric over a parameter that has at least 3 numbers as values; one line for what else is the same, at most 6."""
    groups: dict[tuple[str, str], list[ResultRow]] = {}
    others = [by for by in table.by if by != name]
    for row in ranked(table, metric):
        if finite_number(row.config.get(name)) is not None:
            words = row_label(row, others, experiment=False) if any(by in row.config for by in others) else ""
            groups.setdefault((row.experiment, words), []).append(row)
    single = len({experiment for experiment, _ in groups}) == 1
    lines = []
    for (experiment, words), rows in groups.items():
        line = _sensitive(rows, metric, name, words if words and single else f"{experiment} {words}".strip())
        lines += [line] if line is not None else []
    if not lines:
        return None
    shown = tuple(lines[:MOST_LINES])
    xs = sorted({m.x for line in shown for m in line.marks})
    return Curves(
        name=file_name("sensitivity", metric, name),
        title=f"{metric} over {name}",
        caption=sentence(
            "Mean, " + INTERVAL + ", and each seed as a dot",
            f"{len(shown)} of {len(lines)} groups of configurations" if len(shown) < len(lines) else "",
            better(table, metric),
        ),
        x=Axis(label=name, scale=scale_of(xs, many=30)),
        y=Axis(label=metric),
        lines=shown,
        dots=True,
    )


def _sensitive(rows: Sequence[ResultRow], metric: str, name: str, words: str) -> Line | None:
    marks, points = [], []
    for row in rows:
        x, summary = finite_number(row.config.get(name)), row.summaries[metric]
        assert x is not None and summary is not None and summary.mean is not None
        marks.append(Mark(x=x, mean=summary.mean, low=summary.low, high=summary.high, n=summary.n))
        points += [(x, value) for _, value in row.values(metric) if math.isfinite(value)]
    if len({m.x for m in marks}) < 3 or len({m.x for m in marks}) < len(marks):
        return None
    return Line(label=words, marks=tuple(sorted(marks, key=lambda m: m.x)), points=tuple(sorted(points)))


def parallel(table: ResultTable, metric: str) -> Parallel | None:
    """Configurations across their parameters, where at least two differ and there are at least 6 configurations; at most 5 parameters."""
    rows = ranked(table, metric)
    names = [name for name in table.by if len({str(row.config.get(name)) for row in rows}) > 1][: MOST_AXES - 1]
    if len(names) < 2 or len(rows) < 6:
        return None
    shown = rows[:MOST_THREADS]
    axes = [_coordinate(name, [row.config.get(name) for row in shown]) for name in names]
    threads = tuple(
        Thread(
            label=row_label(row, table.by),
            values=(
                *(_place(axis, row.config.get(n)) for axis, n in zip(axes, names, strict=True)),
                mean_of(row, metric),
            ),
        )
        for row in reversed(shown)
    )
    return Parallel(
        name=file_name("parallel", metric),
        title=f"{metric} across parameters",
        caption=sentence(
            f"One line a configuration, coloured by mean {metric}", some_of(shown, rows), better(table, metric)
        ),
        coordinates=(*axes, Coordinate(axis=Axis(label=metric))),
        threads=threads,
    )


def _coordinate(name: str, values: Sequence[Scalar]) -> Coordinate:
    numbers = [finite_number(value) for value in values]
    known = [number for number in numbers if number is not None]
    if len(known) == len(values):
        return Coordinate(axis=Axis(label=name, scale=scale_of(known, many=30)))
    there = {_word(value): number for value, number in zip(values, numbers, strict=True)}
    names = sorted(there, key=lambda name: (there[name] is None, there[name] or 0.0, name))
    return Coordinate(axis=Axis(label=name), names=tuple(names))


def _word(value: Scalar) -> str:
    return "not set" if value is None else format_value(value)


def _place(coordinate: Coordinate, value: Scalar) -> float | None:
    return float(coordinate.names.index(_word(value))) if coordinate.names else finite_number(value)
