"""Workspaces with sweeps in them; launchers as real processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffold import workspace as workspaces
from scaffold.runs import recorder
from scaffold.sweeps.launch import run_scripts
from scaffold.sweeps.spec import code_state, run_names, sweep_file
from scaffold.sweeps.spec.model import ConfigurationRule, PlannedRun, RunResources, Sweep, SweepCode
from scaffold.workspace import Workspace
from tests.runs import conftest as recording
from tests.runs.conftest import make_workspace, workspace

__all__ = ["make_workspace", "workspace"]

# prints its arguments, and where it runs
SCRIPT = """\
import json, os, sys
seen = {"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ), "stdin": sys.stdin.read(), "parent": os.getppid()}
with open(os.path.join(os.environ["RUN_OUTPUT_DIR"], "seen.json"), "w") as file:
    json.dump(seen, file)
"""


def sweep(**changes: Any) -> Sweep:
    """A sweep of train.py over nothing, without a seed, unless told otherwise; its code is not known yet. Values need not be texts."""
    given: dict[str, Any] = {
        "name": "lr",
        "goal": "which lr",
        "experiment": "train",
        "command": ("python3", "train.py"),
        "cwd": ".",
        "style": "flags",
        "configurations": ({},),
        "seeds": (),
        "task": None,
        "backend": None,
        "resources": RunResources(),
        "code": SweepCode(state=None, commit=None, patch=None),
        **changes,
    }
    shortest = recorder.values.format_value
    spelled = tuple(
        {k: str(v if isinstance(v, str) else shortest(v)) for k, v in c.items()} for c in given["configurations"]
    )
    rule = ConfigurationRule(listed=spelled) if spelled not in ((), ({},)) else ConfigurationRule()
    return Sweep(**{"rule": rule, **given, "configurations": spelled})


def there(made: recording.Workspace) -> Workspace:
    """The workspace as the package sees it."""
    return workspaces.load_workspace(made.root, made.facts["experiment_root"])


def plan(made: recording.Workspace, **changes: Any) -> tuple[Sweep, tuple[PlannedRun, ...], dict[str, Path]]:
    """A sweep, planned and written, with its runs and launchers."""
    place = there(made)
    planned = code_state.replan_with_current_code(place, sweep(**changes))
    sweep_file.write_sweep(place, planned)
    assert sweep_file.read_sweep(place, planned.name).code == planned.code
    runs = run_names.planned_runs(place, planned)
    return planned, runs, run_scripts.write_launchers(place, planned, runs)


def ticket(launcher: Path, **values: str) -> Path:
    """Write a launcher's ticket."""
    path = launcher.with_suffix(".ticket")
    path.write_text("".join(f"{k}={v}\n" for k, v in {"number": "1", **values}.items()))
    return path


def start(
    launcher: Path, *args: str, bash: Sequence[str] = ("bash",), env: Mapping[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a launcher to its end."""
    return subprocess.run(
        [*bash, str(launcher), *args],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        **options,
    )
