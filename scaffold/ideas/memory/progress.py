"""How the metric went over a study: every idea a point, and the running best as it was confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from scaffold.ideas.study import BASELINE, IdeaStudy
from scaffold.ideas.wording import metric_change, metric_change_interval

WIDTH = 40


class StudyProgressPoint(NamedTuple):
    """An idea in the course of a study: the metric that it is estimated at with an interval (None: not known), and the best by then."""

    idea: int
    status: str
    value: float | None
    low: float | None
    high: float | None
    best: float
    text: str


def study_progress_points(study: IdeaStudy) -> list[StudyProgressPoint]:
    """The points of a study, idea by idea. Values are the baseline's mean and the changes that were confirmed since, added up."""
    runs = study.history[0].get("runs") or []
    if not runs:
        return []
    start = study.turned(fmean(value for _, value in runs))
    levels = {BASELINE: start}
    best, points = start, [StudyProgressPoint(BASELINE, "kept", start, None, None, start, study.ideas[BASELINE].text)]
    for record in study.ideas[1:]:
        base = levels.get(record.base, best)
        change, (low, high) = metric_change(study, record.effect), metric_change_interval(study, record)
        if record.status == "kept":
            estimate = metric_change(study, record.estimate)
            best = levels[record.number] = base + (estimate or 0.0)
        points.append(
            StudyProgressPoint(
                record.number,
                record.status,
                None if change is None else base + change,
                None if low is None else base + low,
                None if high is None else base + high,
                best,
                record.text,
            )
        )
    return points


def format_progress_chart(study: IdeaStudy, points: Sequence[StudyProgressPoint]) -> list[list[str]]:
    """The points as lines of text: number, status, value, a mark on a scale, what it was."""
    values = [value for point in points for value in (point.value, point.best) if value is not None]
    low, high = min(values, default=0.0), max(values, default=0.0)
    rows = []
    for point in points:
        line = [" "] * (WIDTH + 1)
        line[_column(point.best, low, high)] = "|"
        if point.value is not None:
            mark = {"kept": "+", "dropped": "-", "open": "?", "failed": "!"}.get(point.status, ".")
            line[_column(point.value, low, high)] = "*" if point.idea == study.incumbent else mark
        value = "" if point.value is None else f"{point.value:.5g}"
        rows.append([str(point.idea), point.status, value, "".join(line), point.text])
    return rows


def _column(value: float, low: float, high: float) -> int:
    return 0 if high <= low else round(WIDTH * (value - low) / (high - low))
