"""A kill at any point, then `launch` again, creates no second run and forgets none."""

from __future__ import annotations

import dataclasses
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.backends.local import leases
from scaffold.sweeps.spec.model import RunResources
from tests.runs.conftest import MakeWorkspace
from tests.sweeps import scenario
from tests.sweeps.scenario import Scenario, pace

HERE = Path(__file__).parents[2]
RUN = """\
echo "$RUN_NAME" >> "$(dirname "$0")/started.txt"
echo '{"loss": 1}' > "$RUN_OUTPUT_DIR/metrics.json"
"""


def forget(found: Scenario) -> None:
    """Make as if nothing had ever been launched."""
    for folder in ("metadata", "logs", "outputs"):
        shutil.rmtree(found.made.exp / folder, ignore_errors=True)
    shutil.rmtree(found.made.root / ".git/scaffold/records", ignore_errors=True)
    shutil.rmtree(found.made.root / ".git/scaffold/records", ignore_errors=True)  # their second home
    (found.made.root / "started.txt").unlink(missing_ok=True)


# at every second point in the gate, at all of them before a release
@pytest.mark.slow
@pytest.mark.parametrize("stride", [2, pytest.param(1, marks=pytest.mark.long)])
def test_a_kill_at_any_point_doubles_no_run_and_forgets_none(
    make_workspace: MakeWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    found = scenario.make(
        make_workspace,
        command=("sh", "train.sh"),
        configurations=({},),
        seeds=(1, 2),
        resources=RunResources(cpus=os.cpu_count()),  # one at a time: the second starts in a later step
        files={"train.sh": RUN},
    )
    # so late that who comes next cannot know yet whether they were started
    found = dataclasses.replace(found, late_s=0.1)
    # and with room for it to start them a second time
    monkeypatch.setattr(leases, "count_slots_taken", lambda folder, sure=(): 0)
    given = tmp_path / "scenario"
    given.write_bytes(pickle.dumps(found))
    killer = subprocess.Popen(
        [sys.executable, "-m", "tests.sweeps.killed", str(given)],
        cwd=HERE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert killer.stdin is not None and killer.stdout is not None
    point, outcome = 0, "killed"
    with killer:
        while outcome == "killed":
            point += stride
            forget(found)
            killer.stdin.write(f"{point}\n")
            killer.stdin.flush()
            outcome = killer.stdout.readline().strip()
            again = found.scheduler()
            again.request_runs()
            pace(again)
            assert found.outcome() == {r.name: ("finished", {"loss": 1}) for r in found.runs}, point
            assert found.started() == dict.fromkeys((r.name for r in found.runs), 1), point
        killer.stdin.close()
    assert outcome == "done" and point > 25
