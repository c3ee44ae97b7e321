"""Runs of a workspace -> those that failed, with the ends of their logs, grouped by cause."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from scaffold.results.evidence import failure_cause
from scaffold.results.report.model import FailedRun, FailureGroup
from scaffold.results.report.provenance import RunWithManifest
from scaffold.runs.model import Run
from scaffold.workspace import Workspace

STATUSES = ("finished", "running", "failed", "terminated", "lost")
FAILED = STATUSES[2:]
# what differs between two runs that failed for the same reason
VARYING_PARTS = (
    (re.compile(r"0x[0-9a-fA-F]+"), "…"),
    (re.compile(r"(?<![\w/])/[^\s'\":,;)\]]+"), "…/path"),
    (re.compile(r"\b[0-9a-f]{8,}\b"), "…"),
    (re.compile(r"(?<![A-Za-z_])[-+]?\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?"), "N"),
)


def collect_failures(workspace: Workspace, records: Iterable[RunWithManifest], runs: Sequence[Run]) -> list[FailedRun]:
    """Those of `records` that failed, each with the end of what it said, without secrets; `runs` are all attempts there are."""
    attempts: dict[str, list[Run]] = {}
    for run in runs:
        attempts.setdefault(run.name, []).append(run)
    failures = []
    for record in records:
        run = record.run
        if run.status in FAILED:
            log, tail = (
                failure_cause.read_run_log_tail(workspace, record.manifest) if record.manifest is not None else ("", "")
            )
            later = has_finished_later(run, attempts[run.name])
            failures.append(FailedRun(run=run, log=log, tail=tail, finished_later=later))
    return failures


def has_finished_later(run: Run, runs: Iterable[Run]) -> bool:
    """Whether a later attempt of the same run finished."""
    return any(r.name == run.name and r.attempt > run.attempt and r.status == "finished" for r in runs)


def group_by_cause(failures: Iterable[FailedRun]) -> tuple[FailureGroup, ...]:
    """Failures by cause, the most frequent first."""
    groups: dict[str, list[tuple[str, FailedRun]]] = {}
    for failure in sorted(failures, key=lambda f: (f.run.started_at, f.run.label), reverse=True):
        cause = failure_cause.determine_failure_cause(failure.run, failure.tail)
        groups.setdefault(cause_key(cause), []).append((cause, failure))
    causes = [FailureGroup(cause=rows[0][0], failures=tuple(f for _, f in rows)) for rows in groups.values()]
    return tuple(sorted(causes, key=lambda group: (-len(group.failures), group.cause)))


def cause_key(cause: str) -> str:
    """A cause without what differs from run to run: numbers, addresses, paths, digests."""
    for pattern, placeholder in VARYING_PARTS:
        cause = pattern.sub(placeholder, cause)
    return cause


def count_by_status(runs: Iterable[Run]) -> Mapping[str, int]:
    """How many runs there are of each status, in a fixed order, only those that there are."""
    counts: dict[str, int] = dict.fromkeys(STATUSES, 0)
    for run in runs:
        counts[run.status] = counts.get(run.status, 0) + 1
    return {status: number for status, number in counts.items() if number}
