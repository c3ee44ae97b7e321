"""A table, its runs' series and their times -> the figures worth showing; what a plot cannot show is left out and said in its caption."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count

from scaffold.results.metrics.configurations import finite_number, format_value
from scaffold.results.plots import figures
from scaffold.results.plots.axis_scale import choose_axis_scale
from scaffold.results.plots.learning_curves import CurvesByRun, build_learning_curves, choose_curve_metrics
from scaffold.results.plots.row_selection import MOST_LINES, ranked_rows, row_mean
from scaffold.results.plots.timeline import build_run_timeline
from scaffold.results.tables.fold import row_label
from scaffold.results.tables.model import ResultRow, ResultTable
from scaffold.runs.model import Run, Scalar

MOST_BARS, MOST_AXES, MOST_PARALLEL_LINES, MOST_CURVES, MOST_OTHERS = 24, 6, 200, 3, 5
MOST_ROWS_OF_OTHERS = 1000
WITH_SEEDS = f"Mean, {figures.INTERVAL}, and each seed as a dot"


def build_figures(
    table: ResultTable, curves: CurvesByRun, runs: Sequence[Run], metrics: Sequence[str]
) -> tuple[figures.Figure, ...]:
    """All figures that have something to show: bars, learning curves, sensitivity, parallel coordinates, a timeline.

    Most are of the first of `metrics`; `curves` are the series of those runs whose rows `ranking.featured_rows` names.
    """
    built: list[figures.Figure | None] = []
    if metrics:
        main = metrics[0]
        built.append(build_bars(table, main))
        built += [
            build_learning_curves(table, curves, metric, main)
            for metric in choose_curve_metrics(curves, metrics, most=MOST_CURVES)
        ]
        built += [build_sensitivity(table, main, name) for name in table.by]
        built.append(build_parallel(table, main))
    return _with_unique_names(figure for figure in [*built, build_run_timeline(runs)] if figure is not None)


def build_figures_of_others(table: ResultTable, metrics: Sequence[str]) -> tuple[figures.Figure, ...]:
    """Bars and sensitivity of the metrics behind the first, for a page on which one of them is chosen; of 5 at most.

    Of a large table bars alone: the points of tens of thousands of rows, times five, would be most of the page.
    """
    built: list[figures.Figure | None] = []
    for metric in metrics[1 : 1 + MOST_OTHERS]:
        built.append(build_bars(table, metric))
        if len(table.rows) <= MOST_ROWS_OF_OTHERS:
            built += [build_sensitivity(table, metric, name) for name in table.by]
    return _with_unique_names(figure for figure in built if figure is not None)


def _with_unique_names(built: Iterable[figures.Figure]) -> tuple[figures.Figure, ...]:
    """Each figure with a name of its own: `a/b` and `a-b` would be one file."""
    by_name: dict[str, figures.Figure] = {}
    for figure in built:
        names = (figure.name if number == 1 else f"{figure.name}-{number}" for number in count(1))
        free = next(name for name in names if name not in by_name)
        by_name[free] = replace(figure, name=free)
    return tuple(by_name.values())


def build_bars(table: ResultTable, metric: str) -> figures.BarChart | None:
    """The mean of a metric for each configuration, at most 24; None where no row has one."""
    rows = ranked_rows(table, metric)
    if not rows:
        return None
    bars = []
    for row in rows[:MOST_BARS]:
        summary, name = row.summaries[metric], row_label(row, table.by)
        assert summary is not None and summary.mean is not None
        values = tuple(row.finite_values(metric))
        bars.append(figures.Bar(label=name, mean=summary.mean, low=summary.low, high=summary.high, values=values))
    return figures.BarChart(
        name=figures.file_name("bars", metric),
        title=f"{metric} of each configuration",
        caption=figures.caption(
            WITH_SEEDS, figures.share_shown(bars, rows), figures.describe_metric_direction(table, metric)
        ),
        metric=metric,
        x=figures.Axis(label=metric),
        bars=tuple(bars),
    )


def build_sensitivity(table: ResultTable, metric: str, parameter: str) -> figures.LineChart | None:
    """A metric over a parameter that has at least 3 numbers as values; one line for what else is the same, at most 6."""
    groups: dict[tuple[str, str], list[ResultRow]] = {}
    others = [name for name in table.by if name != parameter]
    for row in ranked_rows(table, metric):
        if finite_number(row.config.get(parameter)) is not None:
            rest = row_label(row, others, experiment=False) if any(name in row.config for name in others) else ""
            groups.setdefault((row.experiment, rest), []).append(row)
    single = len({experiment for experiment, _ in groups}) == 1
    lines = []
    for (experiment, rest), rows in groups.items():
        name = rest if rest and single else f"{experiment} {rest}".strip()
        if (line := _sensitivity_line(rows, metric, parameter, name)) is not None:
            lines.append(line)
    if not lines:
        return None
    shown = tuple(lines[:MOST_LINES])
    groups_shown = figures.share_shown(shown, lines, "groups of configurations")
    return figures.LineChart(
        name=figures.file_name("sensitivity", metric, parameter),
        title=f"{metric} over {parameter}",
        caption=figures.caption(WITH_SEEDS, groups_shown, figures.describe_metric_direction(table, metric)),
        metric=metric,
        x=figures.Axis(label=parameter, scale=choose_axis_scale([m.x for line in shown for m in line.means], many=30)),
        y=figures.Axis(label=metric),
        lines=shown,
        dots=True,
    )


def _sensitivity_line(rows: Sequence[ResultRow], metric: str, parameter: str, name: str) -> figures.CurveLine | None:
    means, points = [], []
    for row in rows:
        x, summary = finite_number(row.config.get(parameter)), row.summaries[metric]
        assert x is not None and summary is not None and summary.mean is not None
        means.append(figures.MeanPoint(x=x, mean=summary.mean, low=summary.low, high=summary.high, n=summary.n))
        points += [(x, value) for value in row.finite_values(metric)]
    # two points say nothing of a shape, and two rows at one value differ in something that is no parameter
    if len({m.x for m in means}) < max(3, len(means)):
        return None
    return figures.CurveLine(label=name, means=tuple(sorted(means, key=lambda m: m.x)), points=tuple(sorted(points)))


def build_parallel(table: ResultTable, metric: str) -> figures.ParallelPlot | None:
    """Configurations across their parameters, where at least two differ and there are at least 6 configurations; at most 5 parameters."""
    rows = ranked_rows(table, metric)
    names = [name for name in table.by if len({str(row.config.get(name)) for row in rows}) > 1][: MOST_AXES - 1]
    if len(names) < 2 or len(rows) < 6:
        return None
    shown = rows[:MOST_PARALLEL_LINES]
    axes = [_parallel_axis(name, [row.config.get(name) for row in shown]) for name in names]
    lines = []
    for row in reversed(shown):  # the best last: it is drawn over the others
        positions = (_axis_value(axis, row.config.get(name)) for axis, name in zip(axes, names, strict=True))
        lines.append(figures.ParallelLine(label=row_label(row, table.by), values=(*positions, row_mean(row, metric))))
    coloured = f"One line a configuration, coloured by mean {metric}"
    return figures.ParallelPlot(
        name=figures.file_name("parallel", metric),
        title=f"{metric} across parameters",
        caption=figures.caption(
            coloured, figures.share_shown(shown, rows), figures.describe_metric_direction(table, metric)
        ),
        metric=metric,
        axes=(*axes, figures.ParallelCoordinatesAxis(axis=figures.Axis(label=metric))),
        lines=tuple(lines),
    )


def _parallel_axis(name: str, values: Sequence[Scalar]) -> figures.ParallelCoordinatesAxis:
    numbers = [finite_number(value) for value in values]
    finite_numbers = [number for number in numbers if number is not None]
    if len(finite_numbers) == len(values):
        return figures.ParallelCoordinatesAxis(
            axis=figures.Axis(label=name, scale=choose_axis_scale(finite_numbers, many=30))
        )
    number_of = {_text(value): number for value, number in zip(values, numbers, strict=True)}
    texts = sorted(number_of, key=lambda text: (number_of[text] is None, number_of[text] or 0.0, text))
    return figures.ParallelCoordinatesAxis(axis=figures.Axis(label=name), names=tuple(texts))


def _text(value: Scalar) -> str:
    return "not set" if value is None else format_value(value)


def _axis_value(axis: figures.ParallelCoordinatesAxis, value: Scalar) -> float | None:
    return float(axis.names.index(_text(value))) if axis.names else finite_number(value)
