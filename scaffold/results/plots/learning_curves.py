"""The series of runs -> learning curves: a metric over steps, seeds folded to a mean with a band."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from scaffold.observations.model import MetricSeries
from scaffold.results.plots import figures
from scaffold.results.plots.axis_scale import choose_axis_scale
from scaffold.results.plots.row_selection import choose_learning_curve_rows, ranked_rows
from scaffold.results.stats.summary import summarize_seed_values
from scaffold.results.tables.fold import row_label
from scaffold.results.tables.model import ResultRow, ResultTable

MOST_MEANS = 120
LOG_ENDINGS = (".out", ".err")
# what four printed digits may leave off
PRINTED_DIGITS = 1e-4
# the series of runs, by label and metric
CurvesByRun = Mapping[str, Mapping[str, MetricSeries]]


def choose_curve_metrics(curves: CurvesByRun, metrics: Sequence[str], *, most: int) -> list[str]:
    """The metrics whose course is worth a figure: the first of `metrics`, then those of files, then what was printed alone.

    A printed metric that ends in the values of one of a file, as far as its digits show, is that one under another name.
    """
    with_course = [metric for metric in metrics if any(metric in by_name for by_name in curves.values())]
    printed = {
        name for by_name in curves.values() for name, course in by_name.items() if course.path.endswith(LOG_ENDINGS)
    }
    of_files = [metric for metric in with_course if metric not in printed]
    own = [m for m in with_course if m in printed and not any(_ends_alike(curves, m, other) for other in of_files)]
    return sorted([*of_files, *own], key=lambda metric: metric != metrics[0])[:most]


def _ends_alike(curves: CurvesByRun, printed: str, logged: str) -> bool:
    pairs = [(by[printed], by[logged]) for by in curves.values() if printed in by and logged in by]
    return bool(pairs) and all(
        math.isclose(a.points[-1].value, b.points[-1].value, rel_tol=PRINTED_DIGITS, abs_tol=PRINTED_DIGITS)
        for a, b in pairs
    )


def build_learning_curves(
    table: ResultTable, curves: CurvesByRun, metric: str, main_metric: str
) -> figures.LineChart | None:
    """A metric over steps: the mean over seeds with its interval, for the configurations that are best in `main_metric`, and a baseline."""
    rows = choose_learning_curve_rows(table, main_metric)
    lines = [line for row in rows if (line := _curve_line(table, row, curves, metric)) is not None]
    if not lines:
        return None
    shown = figures.share_shown(lines, ranked_rows(table, main_metric))
    return figures.LineChart(
        name=figures.file_name("curves", metric),
        title=f"{metric} over training",
        caption=figures.caption(
            "Mean with its " + figures.INTERVAL, shown, figures.describe_metric_direction(table, metric)
        ),
        x=figures.Axis(label="step"),
        y=figures.Axis(
            label=metric, scale=choose_axis_scale([m.mean for line in lines for m in line.means], many=1000)
        ),
        lines=tuple(lines),
    )


def _curve_line(table: ResultTable, row: ResultRow, curves: CurvesByRun, metric: str) -> figures.CurveLine | None:
    series = [curves.get(measured.run.label, {}).get(metric) for measured in row.runs]
    seeds = [points for course in series if course is not None and len(points := _points_by_step(course)) > 1]
    if not seeds:
        return None
    # seeds that logged at other steps are asked at the steps of all: each is a line between its own points
    steps = sorted({x for points in seeds for x, _ in points})
    means = []
    for step in (steps[i] for i in thin_out(steps, MOST_MEANS)):
        values = [value for points in seeds if (value := _value_at(points, step)) is not None]
        summary = summarize_seed_values(values)
        if summary.mean is not None:
            means.append(figures.MeanPoint(x=step, mean=summary.mean, low=summary.low, high=summary.high, n=summary.n))
    return figures.CurveLine(label=row_label(row, table.by), means=tuple(means)) if len(means) > 1 else None


def _points_by_step(series: MetricSeries) -> list[tuple[float, float]]:
    """Finite values by step (by their number where the source has no steps); of one step the later value."""
    values = {}
    for index, point in enumerate(series.points):
        step = point.step if point.step is not None else float(index * series.stride)
        if math.isfinite(point.value) and math.isfinite(step):
            values[step] = point.value
    return sorted(values.items())


def _value_at(points: Sequence[tuple[float, float]], step: float) -> float | None:
    """The value at a step, between two logged ones on the line between them; None outside of what was logged."""
    index = bisect_left(points, (step, -math.inf))
    if index < len(points) and points[index][0] == step:
        return points[index][1]
    if index in (0, len(points)):
        return None
    (x0, y0), (x1, y1) = points[index - 1], points[index]
    return y0 + (y1 - y0) * (step - x0) / (x1 - x0)


def thin_out(xs: Sequence[float], most: int) -> list[int]:
    """Which of many points a plot keeps: evenly spread over the index, the first and the last among them."""
    if len(xs) <= most:
        return list(range(len(xs)))
    return sorted({round(i * (len(xs) - 1) / (most - 1)) for i in range(most)})
