"""The series of runs -> learning curves: a metric over steps, seeds folded to a mean with a band."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from scaffold.results.metrics.model import MetricSeries
from scaffold.results.plots.figures import Axis, Curves, Line, Mark, file_name, thinned
from scaffold.results.plots.ranking import INTERVAL, better, featured, ranked, scale_of, sentence, some_of
from scaffold.results.stats.summary import summarize
from scaffold.results.tables.fold import row_label
from scaffold.results.tables.model import ResultRow, ResultTable

MOST_MARKS = 120
# of runs, by label and metric
Courses = Mapping[str, Mapping[str, MetricSeries]]


def learning(table: ResultTable, courses: Courses, metric: str, main: str) -> Curves | None:
    """A metric over steps: the mean over seeds with its interval, for the configurations that are best in `main`, and a baseline."""
    lines = [line for row in featured(table, main) if (line := _course(table, row, courses, metric)) is not None]
    if not lines:
        return None
    return Curves(
        name=file_name("curves", metric),
        title=f"{metric} over training",
        caption=sentence("Mean with its " + INTERVAL, some_of(lines, ranked(table, main)), better(table, metric)),
        x=Axis(label="step"),
        y=Axis(label=metric, scale=scale_of([m.mean for line in lines for m in line.marks], many=1000)),
        lines=tuple(lines),
    )


def _course(table: ResultTable, row: ResultRow, courses: Courses, metric: str) -> Line | None:
    seeds = [_places(found) for one in row.runs if (found := courses.get(one.run.label, {}).get(metric)) is not None]
    seeds = [places for places in seeds if len(places) > 1]
    if not seeds:
        return None
    steps = sorted({x for places in seeds for x, _ in places})
    kept = [steps[i] for i in thinned(steps, MOST_MARKS)]
    marks = []
    for step in kept:
        values = [value for places in seeds if (value := _value_at(places, step)) is not None]
        summary = summarize(values)
        if summary.mean is not None:
            marks.append(Mark(x=step, mean=summary.mean, low=summary.low, high=summary.high, n=summary.n))
    return Line(label=row_label(row, table.by), marks=tuple(marks)) if len(marks) > 1 else None


def _places(series: MetricSeries) -> list[tuple[float, float]]:
    """Finite values by step (by their number where the source has no steps); of one step the later value."""
    found = {}
    for index, point in enumerate(series.points):
        step = point.step if point.step is not None else float(index * series.stride)
        if math.isfinite(point.value) and math.isfinite(step):
            found[step] = point.value
    return sorted(found.items())


def _value_at(places: Sequence[tuple[float, float]], step: float) -> float | None:
    """The value at a step, between two logged ones on the line between them; None outside of what was logged."""
    index = bisect_left(places, (step, -math.inf))
    if index < len(places) and places[index][0] == step:
        return places[index][1]
    if index in (0, len(places)):
        return None
    (x0, y0), (x1, y1) = places[index - 1], places[index]
    return y0 + (y1 - y0) * (step - x0) / (x1 - x0)
