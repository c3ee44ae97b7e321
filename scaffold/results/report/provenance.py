"""Manifests of runs -> the list of runs, what the page's script tells of each, what was tried, the environments they had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.results.report.links import PageLinks
from scaffold.results.report.model import ExperimentSummary, ReportRun
from scaffold.results.tables.text_format import pluralize, truncate
from scaffold.runs import manifests, timestamps
from scaffold.runs.model import Run
from scaffold.workspace import Workspace

MOST_COMMAND, MOST_VALUES = 2000, 6


@dataclass(frozen=True, slots=True)
class RunWithManifest:
    """An attempt with its whole manifest; None where it cannot be read any more."""

    run: Run
    manifest: Mapping[str, Any] | None


def read_run_manifests(workspace: Workspace, runs: Iterable[Run]) -> list[RunWithManifest]:
    """The whole manifests of some runs. Each is a file to read, so only those that a page shows are read."""
    records = []
    for run in runs:
        try:
            records.append(RunWithManifest(run, manifests.read_valid_manifest(workspace.workdir / run.path)))
        except ValueError:
            records.append(RunWithManifest(run, None))
    return records


def build_report_run(run: Run, index: int, links: PageLinks) -> ReportRun:
    """A run's line in the list."""
    return ReportRun(
        index=index,
        label=run.label,
        status=run.status,
        ending=run.signal or (f"exit {run.exit_code}" if run.exit_code else ""),
        started=run.started_at[:16].replace("T", " "),
        took=format_report_duration(run.duration_s),
        commit=run.commit or "",
        dirty=bool(run.dirty),
        manifest=links.link_to(run.path),
    )


def run_provenance_json(record: RunWithManifest, cells: Sequence[str], links: PageLinks) -> dict[str, Any]:
    """What the page's script tells of a run; `cells` are the keys of the numbers that it backs."""
    run, manifest = record.run, record.manifest
    command, files = "", [run.path]
    if manifest is not None:
        paths, code = manifest["paths"], manifest["git"] or {}
        command = truncate(manifest["command"]["shell"], MOST_COMMAND)
        files += [paths["stdout"], paths["stderr"], paths["outputs"], *paths["configs"]]
        files += [path for path in (code.get("patch"), manifest["environment"]["packages"]) if path]
    return {
        "label": run.label,
        "status": run.status,
        "seed": run.seed,
        "commit": run.commit,
        "dirty": bool(run.dirty),
        "task": run.task,
        "sweep": run.sweep,
        "host": run.hostname,
        "started": run.started_at,
        "took": format_report_duration(run.duration_s),
        "command": command,
        "files": [[path, links.exists(path)] for path in files],
        "cells": list(cells),
    }


def summarize_experiments(runs: Sequence[Run], configurations: Mapping[str, int]) -> tuple[ExperimentSummary, ...]:
    """What was tried: runs by experiment; `configurations` counts those of each."""
    by_name: dict[str, list[Run]] = {}
    for run in runs:
        by_name.setdefault(run.experiment, []).append(run)
    return tuple(
        ExperimentSummary(
            name=name,
            counts=Counter(run.status for run in attempts),
            configurations=configurations.get(name, 0),
            seeds=len({run.seed for run in attempts if run.seed is not None}),
            tasks=tuple(sorted({run.task for run in attempts if run.task})),
            sweeps=tuple(sorted({run.sweep for run in attempts if run.sweep})),
            took=format_report_duration(sum(run.duration_s or 0.0 for run in attempts)),
        )
        for name, attempts in sorted(by_name.items())
    )


def format_report_duration(seconds: float | None) -> str:
    """`4.2 s`, `3:07 min`, `2:03:07 h`; empty where it is not known. A page says the unit: `3:07` alone could be a time of day."""
    text = timestamps.format_duration(seconds)
    return text + {1: " min", 2: " h"}.get(text.count(":"), "")


def count_run_environments(records: Iterable[RunWithManifest]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What the runs ran in: each value with the number of runs that had it, the most frequent first."""
    counts: dict[str, Counter[str]] = {
        name: Counter() for name in ("Python", "environment", "hosts", "GPUs", "system", "scheduler", "code")
    }
    for record in records:
        if record.manifest is not None:
            for name, value in _surroundings(record.manifest):
                counts[name][value] += 1
    return tuple((name, _most_frequent(values)) for name, values in counts.items() if values)


def _surroundings(manifest: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    environment, host, code = manifest["environment"], manifest["host"], manifest["git"] or {}
    memory = f", {host['memory_bytes'] / 2**30:.0f} GiB" if host["memory_bytes"] else ""
    cores = f" ({host['cpu_count']} CPUs{memory})" if host["cpu_count"] else ""
    yield "hosts", host["hostname"] + cores
    yield "system", f"{host['os']} {host['arch']}"
    if environment["python"]:
        yield "Python", environment["python"]
    if environment["manager"]:
        yield "environment", environment["manager"]
    if host["gpus"]:
        names = Counter(str(gpu["name"]) for gpu in host["gpus"])
        yield "GPUs", ", ".join(f"{number} x {name}" for name, number in sorted(names.items()))
    if manifest["scheduler"]["kind"]:
        yield "scheduler", f"{manifest['scheduler']['kind']} {manifest['scheduler']['partition'] or ''}".strip()
    commit = str(code.get("commit") or "unknown commit")[:12]
    yield "code", commit + (" + patch" if code.get("dirty") else "")


def _most_frequent(values: Counter[str]) -> tuple[str, ...]:
    ranked = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = [f"{value} · {pluralize(number, 'run')}" for value, number in ranked[:MOST_VALUES]]
    return (*shown, f"and {len(ranked) - MOST_VALUES} more") if len(ranked) > MOST_VALUES else tuple(shown)
