"""How far a sweep is, and when it may be done."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from scaffold.backends.capacity import Capacity
from scaffold.cli.sweep import wording
from scaffold.runs.model import Run
from scaffold.sweeps.launch.ledger_entries import LaunchOptions
from scaffold.sweeps.launch.run_states import SweepRunStatus, SweepSnapshot
from scaffold.sweeps.launch.sweep_progress import compute_run_elapsed, measure_sweep_progress
from scaffold.workspace import Workspace

NOW = datetime.datetime(2026, 1, 1, 0, 0, 30, tzinfo=datetime.timezone.utc)


def run(status: str, seconds: float | None, exit_code: int | None = None) -> Run:
    return Run(
        *("a", 1, "train", status, 1, {}, {"loss": 0.123456}, None, "lr", None, None, "2026-01-01T00:00:00Z", seconds),
        *(exit_code, None, "here", "exp/outputs/a", "exp/metadata/a.json"),
    )


FINISHED = SweepRunStatus("f", "finished", run("finished", 100))
RUNNING = SweepRunStatus("r", "running", run("running", None))
WAITING = SweepRunStatus("w", "submitting", startable=True)


def snapshot(*states: SweepRunStatus, limit: int | None = None) -> SweepSnapshot:
    room = None
    if limit is not None:
        room = Capacity(limit=limit, active=0, queued=0, cap=None, own_active=0, because="", max_new=0)
    return SweepSnapshot(states=states, options=LaunchOptions(), capacity=room)


@pytest.mark.parametrize(
    ("found", "eta"),
    [
        (snapshot(), None),
        (snapshot(WAITING, RUNNING), None),  # nothing has finished yet, so nobody knows
        (snapshot(FINISHED), None),
        (snapshot(FINISHED, RUNNING), 70),
        (snapshot(FINISHED, RUNNING, WAITING), 170),
        (snapshot(FINISHED, RUNNING, RUNNING, WAITING), 120),
        (snapshot(FINISHED, WAITING, WAITING, limit=2), 100),
        (snapshot(FINISHED, SweepRunStatus("s", "failed", run("failed", 5000)), WAITING), 100),
    ],
)
def test_the_end_is_estimated_from_what_finished(found: SweepSnapshot, eta: float | None) -> None:
    assert measure_sweep_progress(found, NOW).eta_s == eta


def test_how_far_it_is() -> None:
    far = measure_sweep_progress(snapshot(WAITING, FINISHED, RUNNING, WAITING), NOW)
    assert (far.total, far.done, dict(far.counts)) == (4, 1, {"submitting": 2, "running": 1, "finished": 1})
    assert (
        compute_run_elapsed(RUNNING, NOW),
        compute_run_elapsed(FINISHED, NOW),
        compute_run_elapsed(WAITING, NOW),
    ) == (30, 100, None)


def test_what_is_in_trouble_comes_before_what_waits(tmp_path: Path) -> None:
    lost = SweepRunStatus("l", "lost")
    assert [s.name for s in wording.sort_runs_by_urgency([FINISHED, WAITING, lost, RUNNING])] == ["r", "l", "w", "f"]
    failed = SweepRunStatus("x", "failed", run("failed", 1, 3), reason="out of memory", planned=False)
    workspace = Workspace(workdir=tmp_path, root="exp", answers={})
    assert (
        wording.explain_run_state(workspace, failed) == "exit 3, without a word; out of memory (no longer in the sweep)"
    )
