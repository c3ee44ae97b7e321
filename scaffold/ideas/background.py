"""An idea that is written down, judged by a process in the background that outlives the terminal."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - it starts scaffold itself
import sys
from dataclasses import dataclass
from pathlib import Path

import scaffold
from scaffold.atomic_write import open_to_append
from scaffold.ideas import trial
from scaffold.sweeps.spec.sweep_paths import sweep_paths
from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundJudge:
    """Who judges an idea in the background, and where it says how that goes."""

    who: str
    log: Path


def judge_in_background(workspace: Workspace, study: str, number: int) -> BackgroundJudge:
    """Leave a process that judges an idea to its verdict."""
    paths = sweep_paths(workspace, trial.side_name(study, number))
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


# so that Python does not complain of processes that are meant to outlive it
_left_running: list[subprocess.Popen[bytes]] = []
