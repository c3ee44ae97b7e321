"""Whether the recorder in the workspace gives runs the names that were planned: an older one might not."""

from __future__ import annotations

import subprocess  # noqa: TID251 - it asks the recorder
import sys
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.runs import recorder, start
from scaffold.sweeps.spec.model import PlannedRun, Sweep
from scaffold.sweeps.spec.run_names import recorder_options
from scaffold.workspace import Workspace

SLOWEST_S = 60


def check(workspace: Workspace, sweep: Sweep, run: PlannedRun) -> None:
    """Ask the workspace's recorder for a run's name, where it is another file than ours. Raises ScaffoldError where they differ.

    The code must be as it was when `sweep` was planned.
    """
    own = start.recorder_of(workspace)
    if own.read_bytes() == (recorder.source() / "record_run.py").read_bytes():
        return
    words = [sys.executable, *start.PYTHON, str(own), "--name-only", *recorder_options(sweep, run), "--", *run.argv]
    try:
        done = subprocess.run(
            words, cwd=Path(workspace.workdir, sweep.cwd), capture_output=True, text=True, timeout=SLOWEST_S
        )
    except subprocess.TimeoutExpired as error:
        raise ScaffoldError(f"{own} did not say a run's name within {SLOWEST_S} s") from error
    if done.stdout.strip() != run.name:
        raise ScaffoldError(
            f"{own} is another recorder than this scaffold's, and names runs otherwise ({done.stdout.strip() or 'not at all'}"
            f" for {run.name}), so that finished runs would not be found",
            hint="bring it up to date: scaffold update",
        )
