"""How far a sweep is, and when it may be done."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from scaffold.backends.capacity import Capacity
from scaffold.cli.sweep import wording
from scaffold.runs.model import Run
from scaffold.sweeps.launch.ledger import Orders
from scaffold.sweeps.launch.loop import how_far, took
from scaffold.sweeps.launch.scheduler import Picture
from scaffold.sweeps.launch.states import State
from scaffold.workspace import Workspace

NOW = datetime.datetime(2026, 1, 1, 0, 0, 30, tzinfo=datetime.timezone.utc)


def run(status: str, seconds: float | None, exit_code: int | None = None) -> Run:
    return Run(
        *("a", 1, "train", status, 1, {}, {"loss": 0.123456}, None, "lr", None, None, "2026-01-01T00:00:00Z", seconds),
        *(exit_code, None, "here", "exp/outputs/a", "exp/metadata/a.json"),
    )


FINISHED = State("f", "finished", run("finished", 100))
RUNNING = State("r", "running", run("running", None))
WAITING = State("w", "intended", startable=True)


def picture(*states: State, g: int | None = None) -> Picture:
    room = Capacity(g=g, r=0, q=0, cap=None, mine=0, because="", max_new=0) if g is not None else None
    return Picture(states=states, orders=Orders(), capacity=room)


@pytest.mark.parametrize(
    ("found", "eta"),
    [
        (picture(), None),
        (picture(WAITING, RUNNING), None),  # nothing has finished yet, so nobody knows
        (picture(FINISHED), None),
        (picture(FINISHED, RUNNING), 70),
        (picture(FINISHED, RUNNING, WAITING), 170),
        (picture(FINISHED, RUNNING, RUNNING, WAITING), 120),
        (picture(FINISHED, WAITING, WAITING, g=2), 100),
        (picture(FINISHED, State("s", "failed", run("failed", 5000)), WAITING), 100),
    ],
)
def test_the_end_is_estimated_from_what_finished(found: Picture, eta: float | None) -> None:
    assert how_far(found, NOW).eta_s == eta


def test_how_far_it_is() -> None:
    far = how_far(picture(WAITING, FINISHED, RUNNING, WAITING), NOW)
    assert (far.total, far.over, dict(far.counts)) == (4, 1, {"intended": 2, "running": 1, "finished": 1})
    assert (took(RUNNING, NOW), took(FINISHED, NOW), took(WAITING, NOW)) == (30, 100, None)


def test_what_is_in_trouble_comes_before_what_waits(tmp_path: Path) -> None:
    lost = State("l", "lost")
    assert [s.name for s in wording.ordered([FINISHED, WAITING, lost, RUNNING])] == ["r", "l", "w", "f"]
    failed = State("x", "failed", run("failed", 1, 3), reason="out of memory", planned=False)
    workspace = Workspace(workdir=tmp_path, root="exp", answers={})
    assert wording.why(workspace, failed) == "exit 3, without a word; out of memory (no longer in the sweep)"
