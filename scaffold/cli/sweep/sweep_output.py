"""What the verbs of a sweep answer: tables for people, one object for agents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import output, terminal
from scaffold.cli.sweep import wording
from scaffold.runs import timestamps

if TYPE_CHECKING:
    from scaffold.sweeps.launch.background import BackgroundScheduler
    from scaffold.sweeps.launch.run_states import SweepRunStatus, SweepSnapshot
    from scaffold.sweeps.launch.schedule import LaunchSchedule
    from scaffold.sweeps.launch.scheduler import Scheduler
    from scaffold.workspace import Workspace


def print_launch_result(
    scheduler: Scheduler,
    requested: Sequence[SweepRunStatus],
    snapshot: SweepSnapshot,
    background: BackgroundScheduler | None,
    limited: output.LimitedLists,
    *,
    json_output: bool,
) -> None:
    """What a launch did: `requested` are the runs that it wrote down, `snapshot` is of when it had started them."""
    from scaffold.sweeps.launch.run_states import count_run_states

    name, now = scheduler.sweep.name, scheduler.snapshot()
    again = [s.name for s in requested if s.is_done]
    counts = count_run_states(now.states)
    step = wording.suggest_sweep_step(name, now, scheduler.current_holder())
    if json_output:
        answer = {
            "sweep": name,
            "started": limited(snapshot.started),
            "new": limited(s.name for s in requested if not s.is_done),
            "again": limited(again),
            "counts": counts,
            "waiting": len(now.startable),
            "capacity": snapshot.capacity.as_dict() if snapshot.capacity else None,
            "pacer": {"who": background.who, "log": str(background.log)} if background else None,
            "next": step,
        }
        output.print_json(answer, limited)
        return
    if snapshot.capacity is not None:
        click.echo(snapshot.capacity.sentence, err=True)
    for run in limited(snapshot.started):
        click.echo(f"started {run}")
    limited.report_left_out()
    if again:
        click.echo(f"{len(again)} to be run again", err=True)
    click.echo(f"{name}: {wording.format_state_counts(counts)}")
    if background is not None:
        word = "is paced already by" if background.already_there else "is paced in the background by"
        click.echo(f"it {word} {background.who}, which says what it does in {background.log}", err=True)
        click.echo(f"look on: scaffold sweep watch {name}; end it: scaffold sweep stop {name}", err=True)
    elif step:
        click.echo(f"next: {step}", err=True)


def print_schedule(name: str, schedule: LaunchSchedule, limited: output.LimitedLists, *, json_output: bool) -> None:
    """What a launch would do."""
    if json_output:
        answer = {
            "sweep": name,
            "would_start": limited(schedule.start),
            "would_wait": limited(schedule.wait),
            "capacity": schedule.capacity.as_dict(),
        }
        output.print_json(answer, limited)
        return
    for run in limited(schedule.start):
        click.echo(f"would start {run}")
    limited.report_left_out()
    click.echo(f"{len(schedule.wait)} would wait")
    click.echo(schedule.capacity.sentence, err=True)


def print_sweep_status(
    workspace: Workspace, scheduler: Scheduler, snapshot: SweepSnapshot, limited: output.LimitedLists
) -> None:
    """A sweep's state for people."""
    name = scheduler.sweep.name
    rows = [wording.format_run_state_row(workspace, s) for s in limited(wording.sort_runs_by_urgency(snapshot.states))]
    if terminal.stdout_is_terminal() and rows:
        terminal.print_state_rows(rows, name=1, state=0)
    else:
        output.print_aligned_rows(rows)
    limited.report_left_out()
    stopped = " (stopped)" if snapshot.options.stopped else ""
    click.echo(f"{name}{stopped}: {wording.format_sweep_progress(snapshot)}")
    output.print_limited_warnings([f"{s.name}: {s.disagreement}" for s in snapshot.states if s.disagreement])
    if step := wording.suggest_sweep_step(name, snapshot, scheduler.current_holder()):
        click.echo(f"next: {step}", err=True)


def sweep_status_json(
    workspace: Workspace, scheduler: Scheduler, snapshot: SweepSnapshot, limited: output.LimitedLists
) -> dict[str, Any]:
    """A sweep's state for agents; what is there or in trouble comes first."""
    from scaffold.sweeps.launch.sweep_progress import measure_sweep_progress

    progress = measure_sweep_progress(snapshot, timestamps.utc_now())
    holder = scheduler.current_holder()
    return {
        "sweep": scheduler.sweep.name,
        "stopped": snapshot.options.stopped,
        "pacer": {k: holder.get(k) for k in ("pid", "host", "doing")} if holder else None,
        "total": progress.total,
        "over": progress.done,
        "done": progress.done,
        "counts": progress.counts,
        "eta_s": progress.eta_s,
        "next": wording.suggest_sweep_step(scheduler.sweep.name, snapshot, holder),
        "runs": [_state_json(workspace, s) for s in limited(wording.sort_runs_by_urgency(snapshot.states))],
    }


def _state_json(workspace: Workspace, state: SweepRunStatus) -> dict[str, Any]:
    from scaffold.sweeps.launch import sweep_progress

    submission, run = state.submission, state.run
    metrics, last_line = sweep_progress.newest_metrics(workspace, state)
    ended_badly = run and state.state in ("failed", "terminated", "lost")
    return {
        "name": state.name,
        "state": state.state,
        "planned": state.planned,
        "try": submission.number if submission else None,
        "backend": submission.backend if submission else None,
        "handle": submission.job_id if submission else None,
        "gpus": list(submission.gpus) if submission else [],
        **{key: getattr(run, key, None) for key in ("attempt", "exit_code", "signal")},
        "elapsed_s": sweep_progress.compute_run_elapsed(state, timestamps.utc_now()),
        "metrics": metrics,
        "last_line": last_line,
        "cause": wording.cached_failure_cause(workspace, run) if run and ended_badly else None,
        "reason": state.reason,
        "backend_says": state.backend_state,
        "disagreement": state.disagreement,
        "manifest": run.path if run else None,
    }


def print_sweep_outcome(workspace: Workspace, name: str, snapshot: SweepSnapshot) -> None:
    """How a sweep ended."""
    from scaffold.sweeps.launch.run_states import count_run_states

    for state in wording.sort_runs_by_urgency(snapshot.states):
        if state.state in ("failed", "lost", "terminated"):
            words = [state.state, state.name, wording.explain_run_state(workspace, state)]
            click.echo("  ".join(filter(None, words)))
    click.echo(f"{name}: {wording.format_state_counts(count_run_states(snapshot.states))}")
    if step := wording.suggest_sweep_step(name, snapshot, None):
        click.echo(f"next: {step}", err=True)


def print_cancelled_runs(
    name: str, snapshot: SweepSnapshot, before: Collection[str], limited: output.LimitedLists, *, json_output: bool
) -> None:
    """What a stop ended, of what was open `before`."""
    from scaffold.sweeps.launch.run_states import count_run_states

    ended = [s.name for s in snapshot.states if s.name in before and s.is_done]
    left = [s.name for s in snapshot.outstanding]
    if json_output:
        answer = {
            "sweep": name,
            "ended": limited(ended),
            "still_there": limited(left),
            "counts": count_run_states(snapshot.states),
        }
        output.print_json(answer, limited)
        return
    click.echo(f"{name}: {len(ended)} ended, {len(before) - len(ended) - len(left)} will not start")
    output.print_limited_warnings([f"{run} is still there: scaffold sweep status {name}" for run in left])
    click.echo(f"to go on: scaffold sweep launch {name} (--retry terminated for what was ended)", err=True)
