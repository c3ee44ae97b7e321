"""Runs -> when each of them ran, and where."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.results.plots.figures import Axis, Lane, Span, Timeline, rows_of
from scaffold.results.plots.ranking import sentence
from scaffold.runs import timestamps
from scaffold.runs.model import Run

MOST_HOSTS, MOST_ROWS = 16, 24
UNITS = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


def timeline(runs: Sequence[Run]) -> Timeline | None:
    """When each attempt ran on which host; one that has not ended is drawn up to the last thing known of any run."""
    times = [(run, timestamps.to_epoch_seconds(run.started_at)) for run in runs]
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
        caption=sentence(
            "One bar an attempt, one row for each that ran at the same time on a host",
            f"0 is {begins[:16].replace('T', ' ')} UTC",
            f"{drawn} of {len(known)} attempts are drawn" if drawn < len(known) else "",
        ),
        x=Axis(label="time", unit=unit),
        seconds=size,
        begins=begins,
        lanes=hosts,
    )
