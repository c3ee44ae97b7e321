"""Words for the runs of a sweep: a run's line, how far a sweep is, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scaffold.cli.runs.runs_output import format_metrics
from scaffold.runs import timestamps

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.sweeps.launch.run_states import SweepRunStatus, SweepSnapshot
    from scaffold.workspace import Workspace

# what is worth a line of its own before anything else
URGENCY = ("running", "starting", "lost", "failed", "terminated", "waiting", "submitting", "finished", "missing")


def sort_runs_by_urgency(states: Sequence[SweepRunStatus]) -> list[SweepRunStatus]:
    """What is there or in trouble before what waits or is done."""
    return sorted(states, key=lambda s: URGENCY.index(s.state))


def format_state_counts(counts: Mapping[str, int]) -> str:
    """`9 finished, 3 failed`."""
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def format_sweep_progress(snapshot: SweepSnapshot) -> str:
    """`9 of 12 done: 9 finished, 3 running; about 3.2 s to go`, the end where it can be estimated."""
    from scaffold.sweeps.launch.sweep_progress import measure_sweep_progress

    progress = measure_sweep_progress(snapshot, timestamps.utc_now())
    eta = "" if progress.eta_s is None else f"; about {timestamps.format_duration(progress.eta_s)} to go"
    return f"{progress.done} of {progress.total} done: {format_state_counts(progress.counts)}{eta}"


def format_run_state_row(workspace: Workspace, state: SweepRunStatus) -> list[str]:
    """One run's line: state, name, how long, metrics or what it printed last, why."""
    from scaffold.sweeps.launch import sweep_progress

    metrics, last_line = sweep_progress.newest_metrics(workspace, state)
    return [
        state.state,
        state.name,
        timestamps.format_duration(sweep_progress.compute_run_elapsed(state, timestamps.utc_now())),
        " ".join(filter(None, [format_metrics(metrics, 4) or last_line[:60], explain_run_state(workspace, state)])),
    ]


def explain_run_state(workspace: Workspace, state: SweepRunStatus) -> str:
    """How a run ended and of what, or why it is as it is."""
    run, end = state.run, ""
    if run is not None and state.state in ("failed", "terminated"):
        end = run.signal or (f"exit {run.exit_code}" if run.exit_code else "")
        cause = cached_failure_cause(workspace, run)
        end = cause if end in cause else f"{end}: {cause}"
    text = "; ".join(filter(None, [end, state.reason]))
    return text if state.planned else f"{text} (no longer in the sweep)".strip()


_causes: dict[tuple[str, str, str], str] = {}


def cached_failure_cause(workspace: Workspace, run: Run) -> str:
    """Why a run did not end well; read once, since a table is drawn again and again."""
    key = (str(workspace.workdir), run.status, run.path)
    if key not in _causes:
        from scaffold.results.evidence import failure_cause

        _causes[key] = failure_cause.find_failure_cause(workspace, run)
    return _causes[key]


def suggest_sweep_step(name: str, snapshot: SweepSnapshot, holder: Mapping[str, Any] | None) -> str:
    """What to do next about the sweep `name`, in one line; empty where there is nothing to do. `holder` is who schedules it now."""
    states = {s.state for s in snapshot.planned}
    if holder is not None and snapshot.outstanding:
        process = f"process {holder.get('pid')} on {holder.get('host')}"
        return f"{process} starts the rest; look on: scaffold sweep watch {name}"
    if waiting := len(snapshot.startable):
        return (
            f"{waiting} wait for room; go on with: scaffold sweep watch {name} (or launch it again, or with --detach)"
        )
    if snapshot.outstanding:
        return f"scaffold sweep watch {name}"
    if "missing" in states:
        return f"scaffold sweep launch {name}"
    ended = [state for state in ("failed", "lost", "terminated") if state in states]
    if ended:
        retry = ended[0] if len(ended) == 1 else "all"
        return f"look at one: scaffold runs show RUN; then scaffold sweep launch {name} --retry {retry}"
    return ""
