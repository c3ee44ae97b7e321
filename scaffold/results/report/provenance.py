"""Manifests of runs -> the list of runs, their provenance, the environments they had, and how to repeat them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold import git
from scaffold.results.evidence import log_tail
from scaffold.results.evidence.failures import FAILED, Failure, is_mended
from scaffold.results.report import wording
from scaffold.results.report.links import Links
from scaffold.results.report.model import Command, ExperimentPart, RunPart
from scaffold.results.tables.text_format import count_noun, truncate
from scaffold.runs import manifests
from scaffold.runs.model import Run
from scaffold.workspace import Workspace

MOST_COMMAND, MOST_VALUES, MOST_EXPERIMENTS = 2000, 6, 12


@dataclass(frozen=True, slots=True)
class Known:
    """An attempt with its whole manifest; None where it cannot be read any more."""

    run: Run
    manifest: Mapping[str, Any] | None


def read(workspace: Workspace, runs: Iterable[Run]) -> list[Known]:
    """The manifests of some runs."""
    found = []
    for run in runs:
        try:
            found.append(Known(run, manifests.read_valid_manifest(workspace.workdir / run.path)))
        except ValueError:
            found.append(Known(run, None))
    return found


def row(known: Known, index: int, links: Links) -> RunPart:
    """A run's line in the list."""
    run = known.run
    return RunPart(
        index=index,
        label=run.label,
        experiment=run.experiment,
        status=run.status,
        end=run.signal or (f"exit {run.exit_code}" if run.exit_code else ""),
        started=wording.moment(run.started_at),
        took=wording.duration(run.duration_s),
        commit=run.commit or "",
        dirty=bool(run.dirty),
        manifest=links.to(run.path),
    )


def provenance(known: Known, cells: Sequence[str], links: Links) -> dict[str, Any]:
    """What the page's script tells of a run."""
    run, manifest = known.run, known.manifest
    found: dict[str, Any] = {
        "label": run.label,
        "status": run.status,
        "seed": run.seed,
        "commit": run.commit,
        "dirty": bool(run.dirty),
        "task": run.task,
        "sweep": run.sweep,
        "host": run.hostname,
        "started": run.started_at,
        "took": wording.duration(run.duration_s),
        "command": "",
        "files": [[run.path, links.is_there(run.path)]],
        "cells": list(cells),
    }
    if manifest is not None:
        paths, code = manifest["paths"], manifest["git"] or {}
        found["command"] = truncate(manifest["command"]["shell"], MOST_COMMAND)
        files = [paths["stdout"], paths["stderr"], paths["outputs"], *paths["configs"]]
        files += [code.get("patch"), manifest["environment"]["packages"]]
        found["files"] += [[path, links.is_there(path)] for path in files if path]
    return found


def failures(workspace: Workspace, known: Iterable[Known], runs: Sequence[Run]) -> list[Failure]:
    """The failed runs, each with the end of what it said, without secrets."""
    attempts: dict[str, list[Run]] = {}
    for run in runs:
        attempts.setdefault(run.name, []).append(run)
    found = []
    for one in known:
        if one.run.status in FAILED:
            log, tail = log_tail.read(workspace, one.manifest) if one.manifest is not None else ("", "")
            found.append(Failure(run=one.run, log=log, tail=tail, mended=is_mended(one.run, attempts[one.run.name])))
    return found


def experiments(runs: Sequence[Run], configurations: Mapping[str, int]) -> tuple[ExperimentPart, ...]:
    """What was tried: runs by experiment; `configurations` counts those of each."""
    by_name: dict[str, list[Run]] = {}
    for run in runs:
        by_name.setdefault(run.experiment, []).append(run)
    return tuple(
        ExperimentPart(
            name=name,
            counts=Counter(run.status for run in found),
            configurations=configurations.get(name, 0),
            seeds=len({run.seed for run in found if run.seed is not None}),
            tasks=tuple(sorted({run.task for run in found if run.task})),
            sweeps=tuple(sorted({run.sweep for run in found if run.sweep})),
            took=wording.duration(sum(run.duration_s or 0.0 for run in found)),
        )
        for name, found in sorted(by_name.items())
    )


def environment(known: Iterable[Known]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What the runs ran in: each value with the number of runs that had it, the most frequent first."""
    counts: dict[str, Counter[str]] = {
        name: Counter() for name in ("Python", "environment", "hosts", "GPUs", "system", "scheduler", "code")
    }
    for one in known:
        if one.manifest is None:
            continue
        for name, value in _surroundings(one.manifest):
            counts[name][value] += 1
    return tuple((name, _counted(values)) for name, values in counts.items() if values)


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


def _counted(values: Counter[str]) -> tuple[str, ...]:
    most = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = [f"{value} · {count_noun(number, 'run')}" for value, number in most[:MOST_VALUES]]
    return (*shown, f"and {len(most) - MOST_VALUES} more") if len(most) > MOST_VALUES else tuple(shown)


def commands(workspace: Workspace, known: Sequence[Known], quoted_root: str) -> tuple[Command, ...]:
    """How to repeat it: the code, the environment, one run of each experiment, and this page."""
    finished = [one for one in known if one.run.status == "finished" and one.manifest is not None]
    found = []
    commits = Counter(one.run.commit for one in finished if one.run.commit)
    if commits:
        commit = min(commits.items(), key=lambda pair: (-pair[1], pair[0]))[0]
        code = next((one.manifest or {})["git"] for one in finished if one.run.commit == commit)
        remote = git.strip_credentials(str(code["remote"] or ""))
        clone = f"git clone {shlex.quote(remote)} && " if remote else ""
        found.append(Command(text=f"{clone}git checkout {commit}", does="The code that most finished runs had"))
    scripts = f"{quoted_root}/{workspace.role('scripts').name}"
    found.append(Command(text=f"bash {scripts}/setup_env.sh", does="The environment"))
    first: dict[str, Known] = {}
    for one in finished:
        first[one.run.experiment] = one
    for name in sorted(first)[:MOST_EXPERIMENTS]:
        found.append(_repeat(first[name]))
    if first:
        some = first[min(first)].run.label
        found.append(
            Command(
                text=f"scaffold runs rerun {some}", does="Any run again from its own commit and patch, metrics compared"
            )
        )
    return (*found, Command(text="scaffold results && scaffold report", does="The table and this page"))


def _repeat(one: Known) -> Command:
    assert one.manifest is not None
    words = f"scaffold run --experiment {one.run.experiment}"
    words += f" --seed {one.run.seed}" if one.run.seed is not None else ""
    cwd = one.manifest["command"]["cwd"]
    inside = f", in {cwd}" if cwd not in (".", "") else ""
    shell = one.manifest["command"]["shell"]
    return Command(
        # half a command would do something else
        text=f"{words} -- {shell}" if len(shell) <= MOST_COMMAND else f"scaffold runs rerun {one.run.label}",
        does=f"A run of {one.run.experiment}{inside}; all others stand below",
    )
