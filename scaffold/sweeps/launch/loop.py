"""Pacing a sweep until nothing of it is open; how far it is, and when it may be done."""

from __future__ import annotations

import datetime
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scaffold.errors import ScaffoldError
from scaffold.runs import live_progress
from scaffold.runs.model import Scalar
from scaffold.server.errors import Unauthorized
from scaffold.sweeps.launch import locks, states
from scaffold.sweeps.launch.open_sweep import CodeChanged
from scaffold.sweeps.launch.scheduler import Pacer, Picture
from scaffold.sweeps.launch.states import State
from scaffold.workspace import Workspace

# pauses between looks: they grow while nothing changes; other people's schedulers are not to be asked all the time
FIRST_S = 0.2
MOST_S: Mapping[str, float] = {"local": 2.0, "server": 5.0, "slurm": 15.0}
# a backend that cannot be asked for so long is given up
PATIENCE_S = 600.0


def pacer_lock(name: str) -> str:
    """The lock of who paces a sweep."""
    return f"{name}.pacer"


def pace(pacer: Pacer, show: Callable[[Picture], None], *, doing: str, warn: Callable[[str], None]) -> Picture:
    """Start runs as room frees until nothing is open, and `show` every look. Where somebody else paces the sweep this only looks, and
    takes over when that one is gone.

    Raises CodeChanged once nothing runs any more and what waits must not start, and ScaffoldError where the backend cannot be asked.
    """
    name = pacer_lock(pacer.sweep.name)
    sweeps = pacer.place.ledger.parent
    lock, frozen, before, pause = None, None, None, FIRST_S
    trouble = _Trouble(warn)
    try:
        while True:
            lock = lock or locks.take(sweeps, name, doing=doing)
            picture = None
            try:
                picture = pacer.step(doing=doing) if lock is not None and frozen is None else pacer.look()
                trouble.over()
            except CodeChanged as error:
                frozen = error
                warn(f"{error.message}; what runs goes on, and nothing more is started")
                continue
            except ScaffoldError as error:
                trouble.meet(error)
            if picture is None:
                time.sleep(trouble.pause)
                continue
            show(picture)
            if frozen is not None and not any(s.held or s.state == "running" for s in picture.states):
                raise frozen
            if not picture.open and not picture.started:
                return picture
            now = [(s.name, s.state) for s in picture.states]
            most = max(MOST_S.get(s.tried.backend, 2.0) if s.tried else 2.0 for s in (*picture.open, State("", "")))
            pause = min(pause * 1.5, most) if now == before and not picture.started else FIRST_S
            before = now
            pacer.wait(picture, pause)
    finally:
        if lock is not None:
            lock.release()


class _Trouble:
    """A backend that cannot be asked: said once, met with patience, but not for ever."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._since: float | None = None
        self._said = ""
        self.pause = FIRST_S

    def meet(self, error: ScaffoldError) -> None:
        now = time.monotonic()
        if self._since is None:
            self._since, self.pause = now, FIRST_S
        if now - self._since > PATIENCE_S or isinstance(error, Unauthorized):  # a token does not mend itself
            raise error
        if error.message != self._said:
            self._said = error.message
            self._warn(f"{error.message}; it is tried again")
        self.pause = min(30.0, self.pause * 2)

    def over(self) -> None:
        self._since = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a sweep is. `eta_s`: seconds until its end, None where no run has finished yet."""

    counts: Mapping[str, int]
    total: int
    over: int
    eta_s: float | None


def how_far(picture: Picture, now: datetime.datetime) -> Progress:
    """Counts, and an end estimated from how long finished runs took and how many run side by side."""
    all_states = picture.states
    took = [s.run.duration_s for s in all_states if s.state == "finished" and s.run and s.run.duration_s is not None]
    running = [live_progress.elapsed_seconds(s.run, now) for s in all_states if s.state == "running" and s.run]
    waiting = sum(s.startable or s.state in ("waiting", "starting") for s in all_states)
    eta = None
    if took and (running or waiting):
        mean = statistics.fmean(took)
        left = sum(max(0.0, mean - since) for since in running) + mean * waiting
        eta = left / max(1, len(running), picture.capacity.g if picture.capacity else 1)
    over = sum(s.over for s in all_states)
    return Progress(counts=states.counts(all_states), total=len(all_states), over=over, eta_s=eta)


def newest(workspace: Workspace, state: State) -> tuple[Mapping[str, Scalar], str]:
    """The last metrics of a run, and of a live one what it said last."""
    if state.run is None or state.state in ("intended", "waiting", "missing"):
        return {}, ""
    if state.state == "running":
        return live_progress.latest_output(workspace, state.run)
    return state.run.metrics, ""


def took(state: State, now: datetime.datetime) -> float | None:
    """Seconds that a run took or has been running for; None where that is not known."""
    if state.run is None or state.state in ("intended", "waiting", "missing", "starting", "lost"):
        return None
    return live_progress.elapsed_seconds(state.run, now)
