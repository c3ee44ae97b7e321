"""The sweep that every backend has to end alike, on a real Slurm of one node, with real launchers and recorders."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from scaffold.sweeps.spec.model import RunResources
from tests.runs.conftest import MakeWorkspace, shorten_grace, until
from tests.sweeps import scenario
from tests.sweeps.scenario import pace
from tests.sweeps.test_local_sweeps import LEAVES_A_WORKER, worker_lives

pytestmark = pytest.mark.usefixtures("slurm")
ARRAYS = "array-*.sbatch"


@pytest.mark.slow
def test_the_twelve_runs_end_as_they_must_and_only_the_failed_are_tried_again(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace)
    scheduler = found.scheduler()
    assert len(scheduler.request_runs(backend="slurm")) == 12
    snapshot = scheduler.step()
    assert len(snapshot.started) == 12, "everything is given to Slurm at once"
    pace(scheduler, seconds=120)
    assert found.outcome() == found.expected() and len(found.failing) == 3
    assert set(found.started().values()) == {1}
    assert len(list(scheduler.paths.folder.glob(ARRAYS))) == 1
    assert scheduler.request_runs() == () and scheduler.step().started == ()

    found.mend()
    again = found.scheduler()
    assert {s.name for s in again.request_runs(retry="failed")} == found.failing
    pace(again, seconds=120)
    assert {name for name, count in found.started().items() if count == 2} == found.failing
    assert all(status == "finished" for status, _ in found.outcome().values())
    assert len(list(scheduler.paths.folder.glob(ARRAYS))) == 2 and found.warnings == []


@pytest.mark.slow
def test_a_requeued_run_is_recorded_again_under_its_own_name(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(
        make_workspace,
        configurations=({"lr": 0.01, "pause": 3},),
        seeds=(1,),
        resources=RunResources(cpus=1, sbatch=("--requeue",)),
    )
    scheduler = found.scheduler()
    scheduler.request_runs(backend="slurm")
    scheduler.step()
    until(lambda: found.started(), 60)
    (state,) = scheduler.snapshot().states
    assert state.submission and state.submission.job_id
    subprocess.run(["scontrol", "requeue", state.submission.job_id.split()[0]], check=True)
    pace(scheduler, seconds=120)
    assert [(m["run"]["attempt"], m["status"]) for m in found.made.manifests()] == [(1, "terminated"), (2, "finished")]
    assert set(found.started().values()) == {2} and scheduler.request_runs(retry="all") == ()


def test_stop_takes_back_what_waits_and_ends_what_runs_and_launch_resumes(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace, configurations=({"lr": 0.01, "pause": 60},))
    scheduler = found.scheduler()
    scheduler.request_runs(backend="slurm", max_parallel=1)
    scheduler.step()
    until(lambda: found.started(), 60)
    scheduler.cancel()
    until(lambda: not scheduler.snapshot().outstanding, 60)
    states = sorted(s.state for s in scheduler.snapshot().states)
    assert states == ["missing", "missing", "terminated"] and sum(found.started().values()) == 1


def test_stop_kills_a_worker_that_will_not_end(make_workspace: MakeWorkspace) -> None:
    """It is in a session of its own, and nobody's child when its command has ended: Slurm itself does not find it everywhere."""
    command = ("sh", "-c", f"setsid {shlex.join(LEAVES_A_WORKER)} & wait")
    found = scenario.make(make_workspace, command=command, configurations=({},), seeds=())
    shorten_grace(found.made)
    scheduler = found.scheduler()
    scheduler.request_runs(backend="slurm")
    scheduler.step()
    until(lambda: bool(found.started()) and scheduler.snapshot().states[0].state == "running", 60)
    assert worker_lives(found)
    scheduler.cancel()
    until(lambda: not worker_lives(found), 20)
    until(lambda: not scheduler.snapshot().outstanding, 60)
    assert [s.state for s in scheduler.snapshot().states] == ["terminated"]


def test_what_waits_says_what_it_waits_for(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace, seeds=(1,), resources=RunResources(cpus=1, sbatch=("--hold",)))
    scheduler = found.scheduler()
    scheduler.request_runs(backend="slurm")
    scheduler.step()
    assert {(s.state, s.reason) for s in scheduler.snapshot().states} == {("waiting", "JobHeldUser")}
    scheduler.cancel()
    assert scheduler.snapshot().outstanding == () and found.started() == {}
