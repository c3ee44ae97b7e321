"""Runs that are over by their manifests, and of which processes live on this host: no second one is started beside those."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scaffold.backends import living_run_processes
from scaffold.sweeps.launch.run_states import SweepRunStatus
from scaffold.workspace import Workspace


def explain_living_runs(workspace: Workspace, states: Iterable[SweepRunStatus]) -> Mapping[str, str]:
    """Run's name -> why it cannot be tried again now, of those whose last attempt is over and still has processes here."""
    manifests = _manifests(workspace, states)
    processes = living_run_processes.list_run_processes(manifests)
    return {manifests[path]: _living_reason(pids) for path, pids in processes.items()}


def _living_reason(pids: Sequence[int]) -> str:
    listed = " ".join(map(str, pids[:5])) + (f" and {len(pids) - 5} more" if len(pids) > 5 else "")
    noun, verb = ("process", "runs") if len(pids) == 1 else ("processes", "run")
    return f"{noun} {listed} of its last try still {verb} here (`scaffold sweep stop` ends what is left of runs)"


def end_living_processes(workspace: Workspace, states: Iterable[SweepRunStatus]) -> None:
    """End what still lives here of runs that are over and did not finish."""
    living_run_processes.end_run_processes(_manifests(workspace, states))


def _manifests(workspace: Workspace, states: Iterable[SweepRunStatus]) -> Mapping[Path, str]:
    """Manifest of the last attempt -> its run's name, of those that ran on this host, are over and did not finish."""
    hostname = os.uname().nodename
    return {
        workspace.workdir / state.run.path: state.name
        for state in states
        if state.run is not None and state.run.hostname == hostname and state.is_done and state.state != "finished"
    }
