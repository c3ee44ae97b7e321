"""Numbers and times as a reader wants them."""

from __future__ import annotations

from scaffold.results.stats.summary import MetricSummary
from scaffold.results.tables import text_format
from scaffold.runs import timestamps


def mean_of(summary: MetricSummary) -> str:
    """The mean of a summary, rounded by its interval; empty where there is none."""
    return "" if summary.mean is None else text_format.format_number(summary.mean, half(summary))


def interval_of(summary: MetricSummary) -> str:
    """`[0.91, 0.93]`; empty at one seed."""
    if summary.low is None or summary.high is None:
        return ""
    return text_format.format_interval(summary.low, summary.high, half(summary))


def half(summary: MetricSummary) -> float | None:
    """Half the width of a summary's interval."""
    return None if summary.low is None or summary.high is None else (summary.high - summary.low) / 2


def duration(seconds: float | None) -> str:
    """`4.2 s`, `3:07` (minutes), `2:03:07` (hours); empty where it is not known."""
    plain = timestamps.format_duration(seconds)
    return plain + {1: " min", 2: " h"}.get(plain.count(":"), "")


def moment(started_at: str) -> str:
    """`2026-01-31 08:30` of an RFC 3339 time."""
    return started_at[:16].replace("T", " ")
