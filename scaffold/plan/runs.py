"""Manifests on disk -> the little that a plan asks of runs. A file that is no manifest is counted, never an error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from scaffold.runs import manifests
from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The attempt of one run name that counts: its latest finished one, else its latest."""

    name: str
    experiment: str
    attempt: int
    status: str
    task: str | None
    seed: int | None
    started_at: str
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """All runs of a workspace, by the time of their start."""

    runs: tuple[Run, ...]


def read(workspace: Workspace) -> Runs:
    """The runs of a workspace, in either layout: of each the attempt that counts, with its finite numbers (specs: run manifest)."""
    found = manifests.records(workspace)
    runs = [_run(run) for run in manifests.counting(found.runs)[0]]
    return Runs(runs=tuple(sorted(runs, key=lambda run: (run.started_at, run.name))))


def _run(run: manifests.Run) -> Run:
    return Run(
        name=run.name,
        experiment=run.experiment,
        attempt=run.attempt,
        status=run.status,
        task=run.task,
        seed=run.seed,
        started_at=run.started_at,
        metrics={name: float(value) for name, value in run.metrics.items() if _is_number(value)},
    )


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
