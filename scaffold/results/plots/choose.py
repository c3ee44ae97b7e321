"""A table, its runs' series and their times -> the figures worth showing; what a plot cannot show is left out and said in its caption."""

from __future__ import annotations

import datetime
import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from scaffold.results import statistics
from scaffold.results.configurations import word
from scaffold.results.model import Row, Series, Table
from scaffold.results.plots.figures import (
    Axis,
    Bar,
    Bars,
    Coordinate,
    Curves,
    Figure,
    Lane,
    Line,
    Mark,
    Parallel,
    Scale,
    Span,
    Thread,
    Timeline,
    file_name,
    rows_of,
    thinned,
)
from scaffold.results.table import label
from scaffold.runs.manifests import Run, Scalar

MOST_LINES, MOST_BARS, MOST_AXES, MOST_THREADS, MOST_MARKS = 6, 24, 6, 200, 120
MOST_HOSTS, MOST_ROWS, MOST_CURVES = 16, 24, 3
UNITS = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))
INTERVAL = "95 % t-interval over seeds"
Courses = Mapping[str, Mapping[str, Series]]


def figures(table: Table, courses: Courses, runs: Sequence[Run], metrics: Sequence[str]) -> tuple[Figure, ...]:
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
    seen: dict[str, int] = {}
    found: list[Figure] = []
    for figure in figures:
        seen[figure.name] = seen.get(figure.name, 0) + 1
        again = seen[figure.name]
        found.append(figure if again == 1 else replace(figure, name=f"{figure.name}-{again}"))
    return tuple(found)


def featured(table: Table, metric: str) -> list[Row]:
    """The rows that learning curves show: the 6 best, among them a baseline where there is one."""
    rows = ranked(table, metric)
    best, rest = rows[:MOST_LINES], rows[MOST_LINES:]
    if any(is_baseline(row) for row in best):
        return best
    baseline = next((row for row in rest if is_baseline(row)), None)
    return [*best[:-1], baseline] if baseline is not None else best


def is_baseline(row: Row) -> bool:
    """Whether a configuration calls itself a baseline, by its experiment."""
    return "baseline" in row.experiment.lower()


def ranked(table: Table, metric: str) -> list[Row]:
    """The rows that have a mean of a metric: the best first where it is known which way is better, else in the table's order."""
    rows = [row for row in table.rows if (s := row.summaries.get(metric)) is not None and s.mean is not None]
    way = table.directions.get(metric)
    return sorted(rows, key=lambda row: _mean(row, metric), reverse=way == "maximize") if way else rows


def _mean(row: Row, metric: str) -> float:
    summary = row.summaries[metric]
    assert summary is not None and summary.mean is not None
    return summary.mean


def _better(table: Table, metric: str) -> str:
    way = table.directions.get(metric)
    return {"maximize": "higher is better", "minimize": "lower is better"}[way] if way else ""


def bars(table: Table, metric: str) -> Bars | None:
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
            Bar(label=label(row, table.by), mean=summary.mean, low=summary.low, high=summary.high, values=values)
        )
    return Bars(
        name=file_name("bars", metric),
        title=f"{metric} of each configuration",
        caption=_sentence("Mean, " + INTERVAL + ", and each seed as a dot", _of(shown, rows), _better(table, metric)),
        x=Axis(label=metric),
        bars=tuple(made),
    )


def _of(shown: Sequence[object], everything: Sequence[object]) -> str:
    return f"{len(shown)} of {len(everything)} configurations" if len(shown) < len(everything) else ""


def _sentence(*parts: str) -> str:
    return "; ".join(part for part in parts if part) + "."


def learning(table: Table, courses: Courses, metric: str, main: str) -> Curves | None:
    """A metric over steps: the mean over seeds with its interval, for the configurations that are best in `main`, and a baseline."""
    lines = [line for row in featured(table, main) if (line := _course(table, row, courses, metric)) is not None]
    if not lines:
        return None
    return Curves(
        name=file_name("curves", metric),
        title=f"{metric} over training",
        caption=_sentence("Mean with its " + INTERVAL, _of(lines, ranked(table, main)), _better(table, metric)),
        x=Axis(label="step"),
        y=Axis(label=metric, scale=_scale([m.mean for line in lines for m in line.marks], many=1000)),
        lines=tuple(lines),
    )


def _course(table: Table, row: Row, courses: Courses, metric: str) -> Line | None:
    seeds = [_places(found) for one in row.runs if (found := courses.get(one.run.label, {}).get(metric)) is not None]
    seeds = [places for places in seeds if len(places) > 1]
    if not seeds:
        return None
    steps = sorted({x for places in seeds for x, _ in places})
    kept = [steps[i] for i in thinned(steps, MOST_MARKS)]
    marks = []
    for step in kept:
        values = [value for places in seeds if (value := _value_at(places, step)) is not None]
        summary = statistics.summarize(values)
        if summary.mean is not None:
            marks.append(Mark(x=step, mean=summary.mean, low=summary.low, high=summary.high, n=summary.n))
    return Line(label=label(row, table.by), marks=tuple(marks)) if len(marks) > 1 else None


def _places(series: Series) -> list[tuple[float, float]]:
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


def sensitivity(table: Table, metric: str, name: str) -> Curves | None:
    """A metric over a parameter that has at least 3 numbers as values; one line for what else is the same, at most 6."""
    groups: dict[tuple[str, str], list[Row]] = {}
    others = [by for by in table.by if by != name]
    for row in ranked(table, metric):
        if _number(row.config.get(name)) is not None:
            words = label(row, others, experiment=False) if any(by in row.config for by in others) else ""
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
        caption=_sentence(
            "Mean, " + INTERVAL + ", and each seed as a dot",
            f"{len(shown)} of {len(lines)} groups of configurations" if len(shown) < len(lines) else "",
            _better(table, metric),
        ),
        x=Axis(label=name, scale=_scale(xs, many=30)),
        y=Axis(label=metric),
        lines=shown,
        dots=True,
    )


def _sensitive(rows: Sequence[Row], metric: str, name: str, words: str) -> Line | None:
    marks, points = [], []
    for row in rows:
        x, summary = _number(row.config.get(name)), row.summaries[metric]
        assert x is not None and summary is not None and summary.mean is not None
        marks.append(Mark(x=x, mean=summary.mean, low=summary.low, high=summary.high, n=summary.n))
        points += [(x, value) for _, value in row.values(metric) if math.isfinite(value)]
    if len({m.x for m in marks}) < 3 or len({m.x for m in marks}) < len(marks):
        return None
    return Line(label=words, marks=tuple(sorted(marks, key=lambda m: m.x)), points=tuple(sorted(points)))


def _number(value: Scalar) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _scale(values: Iterable[float], *, many: float) -> Scale:
    """A log axis where positive values span more than a factor of `many`."""
    found = [v for v in values if math.isfinite(v)]
    return "log" if found and min(found) > 0 and max(found) / min(found) > many else "linear"


def parallel(table: Table, metric: str) -> Parallel | None:
    """Configurations across their parameters, where at least two differ and there are at least 6 configurations; at most 5 parameters."""
    rows = ranked(table, metric)
    names = [name for name in table.by if len({str(row.config.get(name)) for row in rows}) > 1][: MOST_AXES - 1]
    if len(names) < 2 or len(rows) < 6:
        return None
    shown = rows[:MOST_THREADS]
    axes = [_coordinate(name, [row.config.get(name) for row in shown]) for name in names]
    threads = tuple(
        Thread(
            label=label(row, table.by),
            values=(
                *(_place(axis, row.config.get(n)) for axis, n in zip(axes, names, strict=True)),
                _mean(row, metric),
            ),
        )
        for row in reversed(shown)
    )
    return Parallel(
        name=file_name("parallel", metric),
        title=f"{metric} across parameters",
        caption=_sentence(
            f"One line a configuration, coloured by mean {metric}", _of(shown, rows), _better(table, metric)
        ),
        coordinates=(*axes, Coordinate(axis=Axis(label=metric))),
        threads=threads,
    )


def _coordinate(name: str, values: Sequence[Scalar]) -> Coordinate:
    numbers = [_number(value) for value in values]
    known = [number for number in numbers if number is not None]
    if len(known) == len(values):
        return Coordinate(axis=Axis(label=name, scale=_scale(known, many=30)))
    there = {_word(value): number for value, number in zip(values, numbers, strict=True)}
    names = sorted(there, key=lambda name: (there[name] is None, there[name] or 0.0, name))
    return Coordinate(axis=Axis(label=name), names=tuple(names))


def _word(value: Scalar) -> str:
    return "not set" if value is None else word(value)


def _place(coordinate: Coordinate, value: Scalar) -> float | None:
    return float(coordinate.names.index(_word(value))) if coordinate.names else _number(value)


def timeline(runs: Sequence[Run]) -> Timeline | None:
    """When each attempt ran on which host; one that has not ended is drawn up to the last thing known of any run."""
    times = [(run, seconds(run.started_at)) for run in runs]
    known = [(run, at) for run, at in times if at is not None]
    if not known:
        return None
    first = min(at for _, at in known)
    last = max(at + (run.duration_s or 0.0) for run, at in known)
    spans: dict[str, list[Span]] = {}
    for run, at in known:
        end = at + run.duration_s if run.duration_s is not None else last if run.status == "running" else at
        spans.setdefault(run.hostname or "unknown host", []).append(
            Span(label=run.label, start=at - first, end=max(end, at) - first, status=run.status)
        )
    size, unit = next((size, unit) for size, unit in UNITS if last - first > 3 * size or size == 1.0)
    begins = min(run.started_at for run, at in known if at == first)
    busiest = sorted(spans, key=lambda host: (-len(spans[host]), host))[:MOST_HOSTS]
    hosts = tuple(Lane(label=host, rows=rows_of(spans[host])[:MOST_ROWS]) for host in sorted(busiest))
    drawn = sum(len(row) for lane in hosts for row in lane.rows)
    return Timeline(
        name="timeline",
        title="When each run ran, and where",
        caption=_sentence(
            "One bar an attempt, one row for each that ran at the same time on a host",
            f"0 is {begins[:16].replace('T', ' ')} UTC",
            f"{drawn} of {len(known)} attempts are drawn" if drawn < len(known) else "",
        ),
        x=Axis(label="time", unit=unit),
        seconds=size,
        begins=begins,
        lanes=hosts,
    )


def seconds(moment: str) -> float | None:
    """RFC 3339 as seconds since the epoch; None where it is none."""
    try:
        return datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
