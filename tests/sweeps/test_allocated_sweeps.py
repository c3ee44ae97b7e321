"""Sweeps on a research server (the stand-in) that is on a Slurm cluster (a real one of one node): tracked there, scheduled here."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scaffold.backends.server import slurm_allocation
from scaffold.sweeps.launch.scheduler import Scheduler
from scaffold.sweeps.spec.model import RunResources
from tests.runs.conftest import MakeWorkspace, until
from tests.stand_in import StandIn
from tests.sweeps import scenario
from tests.sweeps.conftest import there
from tests.sweeps.scenario import Scenario, pace
from tests.sweeps.test_troubled_sweeps import CONVENTIONS

pytestmark = pytest.mark.usefixtures("slurm")


@pytest.fixture(autouse=True)
def on_slurm(stand_in: StandIn) -> None:
    stand_in.execute = True
    stand_in.state.cluster_type = "slurm"


def tracked(make_workspace: MakeWorkspace, stand_in: StandIn, **changes: Any) -> Scenario:
    """The scenario in a workspace that has a server and the repository's options."""
    found = scenario.make(make_workspace, name="project", **changes)
    with (found.made.exp / ".copier-answers.scaffold.yml").open("a") as answers:
        answers.write(f"research_server_url: {stand_in.url}\n{CONVENTIONS}")
    stand_in.workdir = stand_in.state.workdir = found.made.root
    return dataclasses.replace(found, workspace=there(found.made))


def one_run(make_workspace: MakeWorkspace, stand_in: StandIn, *, pause: float = 60, seeds: int = 1) -> Scenario:
    """Good runs, each of which takes the whole node."""
    return tracked(
        make_workspace,
        stand_in,
        configurations=({"lr": 0.01, "pause": pause},),
        seeds=tuple(range(1, seeds + 1)),
        resources=RunResources(cpus=os.cpu_count()),
    )


def test_stop_lets_the_recorder_write_the_end_and_takes_back_what_waits(
    make_workspace: MakeWorkspace, stand_in: StandIn
) -> None:
    found = one_run(make_workspace, stand_in, seeds=2)
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    until(lambda: found.started() and "running" in str(found.outcome()), 60)
    scheduler.cancel()
    until(lambda: not scheduler.snapshot().outstanding, 60)
    assert sorted(s.state for s in scheduler.snapshot().states) == ["missing", "terminated"]
    until(lambda: not set(slurm_allocation.list_slurm_queue() or {}) & job_names(found), 30)


def job_names(found: Scenario) -> set[str]:
    """What Slurm knows the runs by."""
    folder = found.scheduler().paths.folder
    return {name for run in found.runs if (name := slurm_allocation.read_slurm_job_name(folder, run.name)) is not None}


def test_a_command_that_calls_srun_itself_runs_in_its_allocation(
    make_workspace: MakeWorkspace, stand_in: StandIn
) -> None:
    """As it stands in the body of the repository's sbatch script, which had the options."""
    found = tracked(
        make_workspace, stand_in, command=("srun", "python3", "train.py"), configurations=({"lr": 0.01},), seeds=(1,)
    )
    scheduler = found.scheduler()
    scheduler.request_runs()
    first = scheduler.step()
    assert first.capacity is not None and first.capacity.because.startswith("the research server: Slurm with 2 GPUs")
    pace(scheduler, seconds=60)
    assert found.outcome() == found.expected() and found.made.last()["scheduler"]["partition"] == "gpu"
    assert found.warnings == []


@pytest.fixture
def full_node() -> Iterator[Callable[[], None]]:
    """Somebody else has the node; what comes back gives it free."""
    words = ["sbatch", "--parsable", "--exclusive", "--output=/dev/null", "--wrap=sleep 300"]
    number = subprocess.run(words, cwd="/", check=True, capture_output=True, text=True).stdout.strip()

    def free() -> None:
        subprocess.run(["scancel", number], check=True)

    until(lambda: job_state(number) == "RUNNING", 60)
    yield free
    free()


def job_state(number: str) -> str:
    """Slurm's word for a job."""
    words = ["squeue", "-h", "-j", number, "-o", "%T"]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip()


def waiting_job(found: Scenario, scheduler: Scheduler) -> slurm_allocation.QueuedJob:
    """The job of a run that waits in Slurm's queue, as scaffold sees it too."""
    until(lambda: set(slurm_allocation.list_slurm_queue() or {}) & job_names(found), 60)
    until(lambda: [s.state for s in scheduler.snapshot().states] == ["waiting"], 60)
    return next(job for name, job in (slurm_allocation.list_slurm_queue() or {}).items() if name in job_names(found))


def test_a_job_that_somebody_cancels_while_it_waits_is_said_once_and_not_started_again(
    make_workspace: MakeWorkspace, stand_in: StandIn, full_node: Callable[[], None]
) -> None:
    found = one_run(make_workspace, stand_in, pause=0)
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    subprocess.run(["scancel", waiting_job(found, scheduler).number], check=True)
    until(lambda: scheduler.step().states[0].state == "terminated", 60)
    for again in (scheduler, found.scheduler()):
        assert again.request_runs() == () and again.step().started == () and not again.step().outstanding
    assert [text for text in found.warnings if "cancelled before it began" in text] == found.warnings
    assert len(found.warnings) == 1 and found.started() == {}
    full_node()
    assert len(scheduler.request_runs(retry="terminated")) == 1
    pace(scheduler, seconds=60)
    assert found.outcome() == found.expected()


def test_what_waits_in_slurms_queue_outlives_a_restart_of_the_server(
    make_workspace: MakeWorkspace, stand_in: StandIn, full_node: Callable[[], None]
) -> None:
    found = one_run(make_workspace, stand_in, pause=0)
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    number = waiting_job(found, scheduler).number
    stand_in.restart()
    again = found.scheduler()
    assert again.step().started == ()
    [state] = again.snapshot().states
    assert state.state == "waiting" and f"Slurm calls its job {number} PENDING" in (state.reason or "")
    full_node()
    pace(again, seconds=60)
    assert found.outcome() == found.expected() and set(found.started().values()) == {1}
    assert found.made.last()["scheduler"]["job_id"] == number and stand_in.state.sweeps == {}
