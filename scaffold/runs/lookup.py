"""Which runs are meant: filters, and names that stand for one run."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.runs import recorder, timestamps

if TYPE_CHECKING:
    from scaffold.runs.model import Run

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCriteria:
    """What a run must have; what is not set does not matter. `since` is RFC 3339, UTC."""

    experiment: str | None = None
    statuses: frozenset[str] = frozenset()
    task: str | None = None
    sweep: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    since: str | None = None

    def admits(self, run: Run) -> bool:
        """Whether a run has it all."""
        return (
            self.experiment in (None, run.experiment)
            and (not self.statuses or run.status in self.statuses)
            and self.task in (None, run.task)
            and self.sweep in (None, run.sweep)
            and (self.since is None or run.started_at >= self.since)
            and all(_has_param(run, key, value) for key, value in self.params.items())
        )


def _has_param(run: Run, key: str, value: str) -> bool:
    if key == "seed":
        return str(run.seed) == value
    written = recorder.values.format_value(recorder.values.parse_value(value))  # `1e-2` and `0.01` are one value
    return key in run.params and recorder.values.format_value(run.params[key]) == written


def parse_params(texts: Sequence[str]) -> dict[str, str]:
    """`KEY=VALUE` options as a mapping. Raises WrongUsage."""
    params = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise WrongUsage(f"--param needs KEY=VALUE, not {text!r}", hint="write --param lr=0.1")
        params[key.replace("-", "_")] = value
    return params


def parse_since(text: str, now: datetime.datetime, option: str = "--since") -> str:
    """`2h`, `3d`, a date or a date and time (UTC unless it says) as RFC 3339, UTC. Raises WrongUsage."""
    try:
        if text[:-1].isdecimal() and text[-1] in UNITS:
            since = now - datetime.timedelta(**{UNITS[text[-1]]: int(text[:-1])})
        else:
            since = timestamps.parse_timestamp(text)
            since = since if since.tzinfo else since.replace(tzinfo=datetime.timezone.utc)
        return since.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z").zfill(24)
    except (ValueError, OverflowError) as error:
        raise WrongUsage(
            f"{option} does not understand {text!r}", hint="write 30m, 2h, 3d, 1w or 2026-01-31"
        ) from error


def find_run(runs: Iterable[Run], name: str, *, finished: bool = False) -> Run:
    """The one attempt that `name` means, the latest where it names a run; with `finished` the first of it that finished and counts, if any.

    Raises ScaffoldError for none, or several runs.
    """
    matches = find_attempts(runs, name)
    if not matches:
        raise ScaffoldError(f"there is no run {name!r}", hint="scaffold runs list")
    names = sorted({r.name for r in matches})
    if len(names) > 1:
        examples = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        raise ScaffoldError(
            f"{name!r} could be any of {len(names)} runs: {examples}",
            hint="give more of the name, or its last 8 digits",
        )
    counted = [r for r in matches if r.status == "finished" and r.purpose != "rerun" and r.withdrawn is None]
    return counted[-1] if finished and counted else matches[0]


def find_attempts(runs: Iterable[Run], name: str) -> list[Run]:
    """The attempts that `name` means, latest first: a run's name, a label (`name.2`), or a unique beginning or digest."""
    exact = [r for r in runs if name in (r.name, r.label)]
    if exact and any(r.label == name and r.attempt > 1 for r in exact):
        return [r for r in exact if r.label == name]
    matches = exact or [r for r in runs if r.name.startswith(name) or r.name.endswith("-" + name)]
    return sorted(matches, key=lambda r: (r.name, -r.attempt))
