"""Runs -> when each of them ran, and where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scaffold.results.plots.figures import Axis, HostLane, RunSpan, RunTimeline, caption
from scaffold.runs import timestamps
from scaffold.runs.model import Run

MOST_HOSTS, MOST_ROWS = 16, 24
UNITS = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


def build_run_timeline(runs: Sequence[Run]) -> RunTimeline | None:
    """When each attempt ran on which host; one that has not ended is drawn up to the last thing known of any run."""
    times = [(run, timestamps.to_epoch_seconds(run.started_at)) for run in runs]
    timed = [(run, at) for run, at in times if at is not None]
    if not timed:
        return None
    first = min(at for _, at in timed)
    last = max(at + (run.duration_s or 0.0) for run, at in timed)
    spans: dict[str, list[RunSpan]] = {}
    for run, at in timed:
        end = at + run.duration_s if run.duration_s is not None else last if run.status == "running" else at
        spans.setdefault(run.hostname or "unknown host", []).append(
            RunSpan(label=run.label, start=at - first, end=max(end, at) - first, status=run.status)
        )
    size, unit = next((size, unit) for size, unit in UNITS if last - first > 3 * size or size == 1.0)
    begins = min(run.started_at for run, at in timed if at == first)
    busiest = sorted(spans, key=lambda host: (-len(spans[host]), host))[:MOST_HOSTS]
    hosts = tuple(HostLane(label=host, rows=pack_spans_into_rows(spans[host])[:MOST_ROWS]) for host in sorted(busiest))
    drawn = sum(len(row) for lane in hosts for row in lane.rows)
    return RunTimeline(
        name="timeline",
        title="When each run ran, and where",
        caption=caption(
            "One bar an attempt, one row for each that ran at the same time on a host",
            f"0 is {begins[:16].replace('T', ' ')} UTC",
            f"{drawn} of {len(timed)} attempts are drawn" if drawn < len(timed) else "",
        ),
        x=Axis(label="time", unit=unit),
        unit_seconds=size,
        begins=begins,
        lanes=hosts,
    )


def pack_spans_into_rows(spans: Iterable[RunSpan]) -> tuple[tuple[RunSpan, ...], ...]:
    """Spans in as few rows as hold them without overlap, each row in the order of time."""
    rows: list[list[RunSpan]] = []
    ends: list[float] = []
    for span in sorted(spans, key=lambda s: (s.start, s.end, s.label)):
        index = next((i for i, end in enumerate(ends) if end <= span.start), len(rows))
        if index == len(rows):
            rows.append([])
            ends.append(span.end)
        rows[index].append(span)
        ends[index] = span.end
    return tuple(tuple(row) for row in rows)
