"""Who judges an idea: a process in the background that outlives the terminal, and how one sees that nobody does any more."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - it starts scaffold itself
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import scaffold
from scaffold import git
from scaffold.atomic_write import open_to_append
from scaffold.ideas import trial_runs
from scaffold.ideas.study import IdeaRecord, IdeaStudy
from scaffold.runs import timestamps
from scaffold.sweeps.launch import sweep_locks
from scaffold.sweeps.spec import sweep_paths
from scaffold.sweeps.spec.sweep_paths import launched_sweep_paths
from scaffold.workspace import Workspace

# held by who judges an idea in a working tree
TRY_LOCK = "ideas.try"
# a process in the background waits so long for that lock, which the command that started it has still
HANDOVER_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundJudge:
    """Who judges an idea in the background, and where it says how that goes."""

    who: str
    log: Path


def judge_in_background(workspace: Workspace, study: str, number: int) -> BackgroundJudge:
    """Leave a process that judges an idea to its verdict."""
    paths = launched_sweep_paths(workspace, trial_runs.first_idea_sweep_name(study, number))
    paths.make_folders()
    log = paths.logs / "try.log"
    where = ["--workdir", str(workspace.workdir.absolute()), "--root", workspace.root, "--study", study]
    with open_to_append(log) as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "scaffold", "ideas", "again", str(number), "--go-on", *where],
            cwd=Path(scaffold.__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={k: v for k, v in os.environ.items() if k not in ("RUN_RECORDER", "RUN_MANIFEST")},
        )
    _left_running.append(process)
    return BackgroundJudge(who=f"process {process.pid}", log=log)


def find_abandoned_ideas(workspace: Workspace, study: IdeaStudy) -> list[IdeaRecord]:
    """The ideas without a verdict that nobody judges any more: the process was killed, or the machine went down."""
    running = [record for record in study.ideas[1:] if not record.is_closed and not _is_new(record)]
    top = git.toplevel(workspace.workdir) if running else None
    if top is None:
        return []
    trees = {str(top), *(record.tree for record in study.ideas if record.tree is not None)}
    busy = {tree for tree in sorted(trees) if _has_judge(workspace, top, Path(tree))}
    # an idea of a commit is judged in whichever tree
    return [record for record in running if (record.tree not in busy if record.tree is not None else not busy)]


def _is_new(record: IdeaRecord) -> bool:
    age = timestamps.utc_now() - timestamps.parse_timestamp(record.started_at)
    return age.total_seconds() < HANDOVER_S


def _has_judge(workspace: Workspace, top: Path, tree: Path) -> bool:
    workdir = tree / workspace.workdir.resolve().relative_to(top.resolve())
    sweeps = sweep_paths.sweeps_folder(replace(workspace, workdir=workdir))
    return sweep_locks.current_lock_holder(sweeps, TRY_LOCK) is not None


# so that Python does not complain of processes that are meant to outlive it
_left_running: list[subprocess.Popen[bytes]] = []
