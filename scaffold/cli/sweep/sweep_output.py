"""What the verbs of a sweep answer: tables for people, one object for agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import output
from scaffold.cli.sweep.wording import cause, counted, eta, next_step, ordered, row, why
from scaffold.runs import timestamps

if TYPE_CHECKING:
    from scaffold.backends.capacity import Capacity
    from scaffold.sweeps.launch.background import Detached
    from scaffold.sweeps.launch.scheduler import Pacer, Picture, Step
    from scaffold.sweeps.launch.states import State
    from scaffold.workspace import Workspace


def launched(
    pacer: Pacer,
    wanted: Sequence[State],
    picture: Picture,
    background: Detached | None,
    limited: output.Limited,
    *,
    json_output: bool,
) -> None:
    """What a launch did."""
    from scaffold.sweeps.launch import background as detached
    from scaffold.sweeps.launch import states

    again = [s.name for s in wanted if s.over]
    fresh = pacer.look()
    step = next_step(pacer, fresh, detached.pacing(pacer.place, pacer.sweep.name))
    if json_output:
        answer = {
            "sweep": pacer.sweep.name,
            "started": limited(picture.started),
            "new": limited(s.name for s in wanted if not s.over),
            "again": limited(again),
            "counts": states.counts(fresh.states),
            "waiting": sum(s.startable for s in fresh.states),
            "capacity": capacity_json(picture.capacity) if picture.capacity else None,
            "pacer": {"who": background.who, "log": str(background.log)} if background else None,
            "next": step,
        }
        output.print_json(answer, limited)
        return
    if picture.capacity is not None:
        click.echo(picture.capacity.sentence, err=True)
    for name in limited(picture.started):
        click.echo(f"started {name}")
    limited.report_left_out()
    if again:
        click.echo(f"{len(again)} to be run again", err=True)
    click.echo(f"{pacer.sweep.name}: {counted(states.counts(fresh.states))}")
    if background is not None:
        word = "is paced already by" if background.was_there else "is paced in the background by"
        click.echo(f"it {word} {background.who}, which says what it does in {background.log}", err=True)
        click.echo(
            f"look on: scaffold sweep watch {pacer.sweep.name}; end it: scaffold sweep stop {pacer.sweep.name}",
            err=True,
        )
    elif step:
        click.echo(f"next: {step}", err=True)


def would_start(pacer: Pacer, ready: Sequence[str], step: Step, limited: output.Limited, *, json_output: bool) -> None:
    """What a launch would do."""
    if json_output:
        answer = {
            "sweep": pacer.sweep.name,
            "would_start": limited(step.start),
            "would_wait": limited(n for n in ready if n not in set(step.start)),
        }
        output.print_json({**answer, "capacity": capacity_json(step.capacity)}, limited)
        return
    for name in limited(step.start):
        click.echo(f"would start {name}")
    limited.report_left_out()
    click.echo(f"{len(ready) - len(step.start)} would wait")
    click.echo(step.capacity.sentence, err=True)


def capacity_of(workspace: Workspace, name: str | None, given: Mapping[str, Any]) -> Capacity:
    """The capacity that is asked for. Raises ScaffoldError."""
    from scaffold.sweeps.launch import availability, open_sweep
    from scaffold.sweeps.launch.ledger import Orders

    if name is None:
        return availability.of_workspace(workspace, Orders(**given))
    pacer = open_sweep.opened(workspace, name, warn=output.warn)
    orders = pacer.look().orders
    known = {key: getattr(orders, key) if value is None else value for key, value in given.items()}
    return availability.of_sweep(pacer, Orders(**known))


def capacity_json(found: Capacity) -> dict[str, Any]:
    """The numbers and the sentence."""
    return {**asdict(found), "sentence": found.sentence}


def status(
    workspace: Workspace, pacer: Pacer, picture: Picture, pacing: Mapping[str, Any] | None, limited: output.Limited
) -> None:
    """A sweep's state for people."""
    from scaffold.sweeps.launch import loop

    far = loop.how_far(picture, timestamps.utc_now())
    output.print_rows(row(workspace, s) for s in limited(ordered(picture.states)))
    limited.report_left_out()
    stopped = " (stopped)" if picture.orders.stopped else ""
    click.echo(f"{pacer.sweep.name}{stopped}: {far.over} of {far.total} over: {counted(far.counts)}{eta(far.eta_s)}")
    output.warn_first([f"{s.name}: {s.disagreement}" for s in picture.states if s.disagreement])
    if step := next_step(pacer, picture, pacing):
        click.echo(f"next: {step}", err=True)


def status_json(
    workspace: Workspace, pacer: Pacer, picture: Picture, pacing: Mapping[str, Any] | None, limited: output.Limited
) -> dict[str, Any]:
    """A sweep's state for agents; what is there or in trouble comes first."""
    from scaffold.sweeps.launch import loop

    far = loop.how_far(picture, timestamps.utc_now())
    return {
        "sweep": pacer.sweep.name,
        "stopped": picture.orders.stopped,
        "pacer": {k: pacing.get(k) for k in ("pid", "host", "doing")} if pacing else None,
        "total": far.total,
        "over": far.over,
        "counts": far.counts,
        "eta_s": far.eta_s,
        "next": next_step(pacer, picture, pacing),
        "runs": [_state_json(workspace, s) for s in limited(ordered(picture.states))],
    }


def _state_json(workspace: Workspace, state: State) -> dict[str, Any]:
    from scaffold.sweeps.launch import loop

    tried, run = state.tried, state.run
    last, said = loop.newest(workspace, state)
    return {
        "name": state.name,
        "state": state.state,
        "planned": state.planned,
        "try": tried.number if tried else None,
        "backend": tried.backend if tried else None,
        "handle": tried.handle if tried else None,
        "gpus": list(tried.gpus) if tried else [],
        "attempt": run.attempt if run else None,
        "exit_code": run.exit_code if run else None,
        "signal": run.signal if run else None,
        "elapsed_s": loop.took(state, timestamps.utc_now()),
        "metrics": last,
        "last_line": said,
        "cause": cause(workspace, run) if run and state.state in ("failed", "terminated", "lost") else None,
        "reason": state.reason,
        "backend_says": state.word,
        "disagreement": state.disagreement,
        "manifest": run.path if run else None,
    }


def over(pacer: Pacer, picture: Picture) -> None:
    """How a sweep ended."""
    from scaffold.sweeps.launch import states

    for state in ordered(picture.states):
        if state.state in ("failed", "lost", "terminated"):
            click.echo("  ".join(filter(None, [state.state, state.name, why(pacer.eyes.workspace, state)])))
    click.echo(f"{pacer.sweep.name}: {counted(states.counts(picture.states))}")
    if step := next_step(pacer, picture, None):
        click.echo(f"next: {step}", err=True)
