"""Times as manifests, ledgers and plans have them: RFC 3339, where Python before 3.11 does not know the `Z`."""

from __future__ import annotations

import datetime


def parse_timestamp(text: str) -> datetime.datetime:
    """A time, with its zone where it has one. Raises ValueError where the text is none."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def to_epoch_seconds(text: str) -> float | None:
    """A time in seconds since 1970; None where the text is none."""
    try:
        return parse_timestamp(text).timestamp()
    except ValueError:
        return None


def utc_now() -> datetime.datetime:
    """This moment, UTC."""
    return datetime.datetime.now(datetime.timezone.utc)


def format_duration(seconds: float | None) -> str:
    """`3.2 s`, `4:05`, `1:02:03`; empty where it is not known."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
