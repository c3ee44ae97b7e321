"""The sweep that every backend has to end alike, on a real Slurm of one node, with real launchers and recorders."""

from __future__ import annotations

import subprocess

import pytest

from scaffold.sweeps.spec.model import Resources
from tests.runs.conftest import MakeWorkspace, until
from tests.sweeps import scenario
from tests.sweeps.scenario import pace

pytestmark = pytest.mark.usefixtures("slurm")
ARRAYS = "array-*.sbatch"


def test_the_twelve_runs_end_as_they_must_and_only_the_failed_are_tried_again(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace)
    pacer = found.pacer()
    assert len(pacer.want(backend="slurm")) == 12
    picture = pacer.step()
    assert len(picture.started) == 12, "everything is given to Slurm at once"
    pace(pacer, seconds=120)
    assert found.outcome() == found.expected() and len(found.failing) == 3
    assert set(found.started().values()) == {1}
    assert len(list(pacer.place.folder.glob(ARRAYS))) == 1
    assert pacer.want() == () and pacer.step().started == ()

    found.mend()
    again = found.pacer()
    assert {s.name for s in again.want(retry="failed")} == found.failing
    pace(again, seconds=120)
    assert {name for name, count in found.started().items() if count == 2} == found.failing
    assert all(status == "finished" for status, _ in found.outcome().values())
    assert len(list(pacer.place.folder.glob(ARRAYS))) == 2 and found.warnings == []


@pytest.mark.slow
def test_a_requeued_run_is_recorded_again_under_its_own_name(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(
        make_workspace,
        configurations=({"lr": 0.01, "pause": 3},),
        seeds=(1,),
        resources=Resources(cpus=1, sbatch=("--requeue",)),
    )
    pacer = found.pacer()
    pacer.want(backend="slurm")
    pacer.step()
    until(lambda: found.started(), 60)
    (state,) = pacer.look().states
    assert state.tried and state.tried.handle
    subprocess.run(["scontrol", "requeue", state.tried.handle.split()[0]], check=True)
    pace(pacer, seconds=120)
    assert [(m["run"]["attempt"], m["status"]) for m in found.made.manifests()] == [(1, "terminated"), (2, "finished")]
    assert set(found.started().values()) == {2} and pacer.want(retry="all") == ()


def test_stop_takes_back_what_waits_and_ends_what_runs_and_launch_resumes(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace, configurations=({"lr": 0.01, "pause": 60},))
    pacer = found.pacer()
    pacer.want(backend="slurm", max_parallel=1)
    pacer.step()
    until(lambda: found.started(), 60)
    pacer.stop()
    until(lambda: not pacer.look().open, 60)
    states = sorted(s.state for s in pacer.look().states)
    assert states == ["missing", "missing", "terminated"] and sum(found.started().values()) == 1


def test_what_waits_says_what_it_waits_for(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace, seeds=(1,), resources=Resources(cpus=1, sbatch=("--hold",)))
    pacer = found.pacer()
    pacer.want(backend="slurm")
    pacer.step()
    assert {(s.state, s.reason) for s in pacer.look().states} == {("waiting", "JobHeldUser")}
    pacer.stop()
    assert pacer.look().open == () and found.started() == {}
