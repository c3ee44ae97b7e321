"""Words for the runs of a sweep: a run's line, how far a sweep is, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scaffold.cli.runs.runs_output import format_metrics
from scaffold.runs import timestamps

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.sweeps.launch.scheduler import Pacer, Picture
    from scaffold.sweeps.launch.states import State
    from scaffold.workspace import Workspace

# what is worth a line of its own before anything else
FIRST = ("running", "starting", "lost", "failed", "terminated", "waiting", "intended", "finished", "missing")


def counted(counts: Mapping[str, int]) -> str:
    """`9 finished, 3 failed`."""
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def why(workspace: Workspace, state: State) -> str:
    """How a run ended and of what, or why it is as it is."""
    run, end = state.run, ""
    if run is not None and state.state in ("failed", "terminated"):
        end = run.signal or (f"exit {run.exit_code}" if run.exit_code else "")
        text = cause(workspace, run)
        end = text if end in text else f"{end}: {text}"
    said = "; ".join(filter(None, [end, state.reason]))
    return said if state.planned else f"{said} (no longer in the sweep)".strip()


_causes: dict[tuple[str, str, str], str] = {}


def cause(workspace: Workspace, run: Run) -> str:
    """Why a run did not end well; read once, since a table is drawn again and again."""
    key = (str(workspace.workdir), run.status, run.path)
    if key not in _causes:
        from scaffold.results.evidence import failure_cause

        _causes[key] = failure_cause.find_cause(workspace, run)
    return _causes[key]


def row(workspace: Workspace, state: State) -> list[str]:
    """One run's line: state, name, how long, metrics or last words, why."""
    from scaffold.sweeps.launch import loop

    last, said = loop.newest(workspace, state)
    return [
        state.state,
        state.name,
        timestamps.format_duration(loop.took(state, timestamps.utc_now())),
        " ".join(filter(None, [format_metrics(last, 4) or said[:60], why(workspace, state)])),
    ]


def eta(seconds: float | None) -> str:
    """`; about 3.2 s to go`, or nothing where that is not known."""
    return "" if seconds is None else f"; about {timestamps.format_duration(seconds)} to go"


def ordered(found: Sequence[State]) -> list[State]:
    """What is there or in trouble before what waits or is done."""
    return sorted(found, key=lambda s: FIRST.index(s.state))


def next_step(pacer: Pacer, picture: Picture, pacing: Mapping[str, Any] | None) -> str:
    """What to do next, in one line; empty where there is nothing to do."""
    name = pacer.sweep.name
    kinds = {s.state for s in picture.planned}
    waiting = sum(s.startable for s in picture.states)
    if pacing is not None and picture.open:
        return (
            f"process {pacing.get('pid')} on {pacing.get('host')} starts the rest; look on: scaffold sweep watch {name}"
        )
    if waiting:
        return (
            f"{waiting} wait for room; go on with: scaffold sweep watch {name} (or launch it again, or with --detach)"
        )
    if picture.open:
        return f"scaffold sweep watch {name}"
    if "missing" in kinds:
        return f"scaffold sweep launch {name}"
    again = [k for k in ("failed", "lost", "terminated") if k in kinds]
    if again:
        return f"look at one: scaffold runs show RUN; then scaffold sweep launch {name} --retry {again[0] if len(again) == 1 else 'all'}"
    return ""
