"""How far a sweep is, when it may be done, and what its runs said last."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass

from scaffold.observations import latest_values
from scaffold.runs import live_progress
from scaffold.runs.model import Scalar
from scaffold.sweeps.launch.run_states import SweepRunStatus, SweepSnapshot, count_run_states
from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepProgress:
    """How far a sweep is. `eta_s`: seconds until its end, None where no run has finished yet."""

    counts: Mapping[str, int]
    total: int
    done: int
    eta_s: float | None


def measure_sweep_progress(snapshot: SweepSnapshot, now: datetime.datetime) -> SweepProgress:
    """Counts, and an end estimated from how long finished runs took and how many run side by side."""
    states = snapshot.states
    took = [s.run.duration_s for s in states if s.state == "finished" and s.run and s.run.duration_s is not None]
    running = [live_progress.elapsed_seconds(s.run, now) for s in states if s.state == "running" and s.run]
    waiting = sum(s.startable or s.state in ("waiting", "starting") for s in states)
    eta = None
    if took and (running or waiting):
        mean = math.fsum(took) / len(took)
        left = sum(max(0.0, mean - since) for since in running) + mean * waiting
        eta = left / max(1, len(running), snapshot.capacity.limit if snapshot.capacity else 1)
    return SweepProgress(
        counts=count_run_states(states), total=len(states), done=sum(s.is_done for s in states), eta_s=eta
    )


def newest_metrics(workspace: Workspace, state: SweepRunStatus) -> tuple[Mapping[str, Scalar], str]:
    """The last metrics of a run, and of a live one the last line that it printed."""
    if state.run is None or state.state in ("submitting", "waiting", "missing"):
        return {}, ""
    return latest_values.latest_metrics(workspace, state.run)


def compute_run_elapsed(state: SweepRunStatus, now: datetime.datetime) -> float | None:
    """Seconds that a run took or has been running for; None where that is not known."""
    if state.run is None or state.state in ("submitting", "waiting", "missing", "starting", "lost"):
        return None
    return live_progress.elapsed_seconds(state.run, now)
