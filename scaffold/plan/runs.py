"""Manifests on disk -> the little that a plan asks of runs. A file that is no manifest is counted, never an error."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The latest attempt of one run name."""

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
    """All runs of a workspace, by the time of their start; `unreadable` are the files that are no manifests."""

    runs: tuple[Run, ...]
    unreadable: tuple[Path, ...]


def read(workspace: Workspace) -> Runs:
    """The runs of a workspace, in either layout (specs: run manifest)."""
    folders = [workspace.role("metadata")]
    if workspace.per_experiment and workspace.path.is_dir():
        folders = [
            workspace.role("metadata", child.name) for child in sorted(workspace.path.iterdir()) if child.is_dir()
        ]
    latest: dict[str, Run] = {}
    unreadable = []
    for path in sorted(file for folder in folders if folder.is_dir() for file in folder.glob("*.json")):
        try:
            run = _run(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            unreadable.append(path)
            continue
        if run.name not in latest or latest[run.name].attempt < run.attempt:
            latest[run.name] = run
    runs = tuple(sorted(latest.values(), key=lambda run: (run.started_at, run.name)))
    return Runs(runs=runs, unreadable=tuple(unreadable))


def _run(manifest: Mapping[str, Any]) -> Run:
    identity, tracking = manifest["run"], manifest.get("tracking") or {}
    return Run(
        name=str(identity["name"]),
        experiment=str(identity["experiment"]),
        attempt=int(identity.get("attempt") or 1),
        status=str(manifest["status"]),
        task=tracking.get("task"),
        seed=manifest.get("seed"),
        started_at=str((manifest.get("time") or {}).get("started_at") or ""),
        metrics={
            str(name): float(value) for name, value in (manifest.get("metrics") or {}).items() if _is_number(value)
        },
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
