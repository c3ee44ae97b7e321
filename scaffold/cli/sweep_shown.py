"""How a sweep that runs is shown: a live table on a terminal, lines elsewhere, one object for agents."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli import output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scaffold.backends.capacity import Capacity
    from scaffold.runs.manifests import Scalar
    from scaffold.sweeps.detached import Detached
    from scaffold.sweeps.pacing import Pacer, Picture, Step
    from scaffold.sweeps.states import State
    from scaffold.workspace import Workspace

# what is worth a line of its own before anything else
FIRST = ("running", "starting", "lost", "failed", "terminated", "waiting", "intended", "finished", "missing")
LINES = 20


def now() -> datetime.datetime:
    """This moment."""
    return datetime.datetime.now(datetime.timezone.utc)


def duration(seconds: float | None) -> str:
    """`3.2 s`, `4:05`, `1:02:03`."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def counted(counts: Mapping[str, int]) -> str:
    """`9 finished, 3 failed`."""
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def metrics(found: Mapping[str, Scalar]) -> str:
    """The first metrics as text."""
    return " ".join(f"{k}={v:.5g}" if isinstance(v, float) else f"{k}={v}" for k, v in list(found.items())[:4])


def why(state: State) -> str:
    """How a run ended, or why it is as it is."""
    run = state.run
    end = ""
    if run is not None and state.state in ("failed", "terminated"):
        end = run.signal or (f"exit {run.exit_code}" if run.exit_code else "")
    return " ".join(filter(None, [end, state.reason, "(no longer in the sweep)" if not state.planned else ""]))


def row(workspace: Workspace, state: State) -> list[str]:
    """One run's line: state, name, how long, metrics or last words, why."""
    from scaffold.sweeps import watching

    last, said = watching.newest(workspace, state)
    return [
        state.state,
        state.name,
        duration(watching.took(state, now())),
        " ".join(filter(None, [metrics(last) or said[:60], why(state)])),
    ]


class Lines:
    """A line for each change, on stderr."""

    def __init__(self, workspace: Workspace, *, quiet: bool = False) -> None:
        self._workspace = workspace
        self._quiet = quiet
        self._known: dict[str, str] = {}

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def warn(self, text: str) -> None:
        """A warning among the lines."""
        output.warn(text)

    def show(self, picture: Picture) -> None:
        """Say what has changed since the last look."""
        from scaffold.sweeps import watching

        changed = [
            s for s in picture.states if self._known.get(s.name, s.state) != s.state or (s.name in picture.started)
        ]
        first = not self._known
        self._known = {s.name: s.state for s in picture.states}
        if self._quiet:
            return
        for state in changed if not first else ():
            if state.name not in picture.started:
                click.echo(f"{now():%H:%M:%S}  " + "  ".join(filter(None, row(self._workspace, state))), err=True)
        for name in picture.started:
            click.echo(f"{now():%H:%M:%S}  started  {name}", err=True)
        if changed or first:
            far = watching.how_far(picture, now())
            click.echo(
                f"{now():%H:%M:%S}  {far.over} of {far.total} over: {counted(far.counts)}{_eta(far.eta_s)}", err=True
            )


def _eta(seconds: float | None) -> str:
    return "" if seconds is None else f"; about {duration(seconds)} to go"


class Table(Lines):
    """A table that is drawn again and again, for a terminal."""

    def __init__(self, workspace: Workspace, pacer: Pacer) -> None:
        from rich.live import Live

        super().__init__(workspace)
        self._pacer = pacer
        self._live = Live(auto_refresh=False, transient=True)

    def __enter__(self) -> None:
        self._live.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def warn(self, text: str) -> None:
        """A warning above the table."""
        self._live.console.print(f"warning: {text}", markup=False, highlight=False)

    def show(self, picture: Picture) -> None:
        """Draw it."""
        self._live.update(self._drawn(picture), refresh=True)

    def _drawn(self, picture: Picture) -> RenderableType:
        from rich import box
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table as Grid
        from rich.text import Text

        from scaffold.sweeps import watching

        far = watching.how_far(picture, now())
        space = max(3, self._live.console.size.height - 6)
        grid = Grid("state", "run", "for", "last", box=box.SIMPLE_HEAD, expand=True)
        shown = ordered(picture.states)[:space]
        for state in shown:
            grid.add_row(*(Text(cell, overflow="ellipsis", no_wrap=True) for cell in row(self._workspace, state)))
        left = len(picture.states) - len(shown)
        head = Text(f"{self._pacer.sweep.name}: {far.over} of {far.total} over: {counted(far.counts)}{_eta(far.eta_s)}")
        foot = Text((f"{left} more; " if left else "") + "Ctrl-C leaves everything running", style="dim")
        return Group(head, ProgressBar(total=max(1, far.total), completed=far.over), grid, foot)


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


def launched(
    pacer: Pacer, wanted: Sequence[State], picture: Picture, background: Detached | None, *, json_output: bool
) -> None:
    """What a launch did."""
    from scaffold.sweeps import states

    again = [s.name for s in wanted if s.over]
    fresh = pacer.look()
    if json_output:
        answer = {
            "sweep": pacer.sweep.name,
            "started": list(picture.started),
            "new": [s.name for s in wanted if not s.over],
            "again": again,
            "counts": states.counts(fresh.states),
            "waiting": sum(s.startable for s in fresh.states),
            "capacity": capacity_json(picture.capacity) if picture.capacity else None,
            "pacer": {"who": background.who, "log": str(background.log)} if background else None,
            "next": next_step(pacer, fresh, None),
        }
        output.as_json(answer)
        return
    if picture.capacity is not None:
        click.echo(picture.capacity.sentence, err=True)
    for name in picture.started:
        click.echo(f"started {name}")
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
    elif step := next_step(pacer, fresh, None):
        click.echo(f"next: {step}", err=True)


def would_start(pacer: Pacer, ready: Sequence[str], step: Step, *, json_output: bool) -> None:
    """What a launch would do."""
    if json_output:
        answer = {
            "sweep": pacer.sweep.name,
            "would_start": list(step.start),
            "would_wait": [n for n in ready if n not in set(step.start)],
        }
        output.as_json({**answer, "capacity": capacity_json(step.capacity)})
        return
    for name in step.start:
        click.echo(f"would start {name}")
    click.echo(f"{len(ready) - len(step.start)} would wait")
    click.echo(step.capacity.sentence, err=True)


def capacity_of(workspace: Workspace, name: str | None, given: Mapping[str, Any]) -> Capacity:
    """The capacity that is asked for. Raises ScaffoldError."""
    from scaffold.sweeps import launching, room
    from scaffold.sweeps.ledger import Orders

    if name is None:
        return room.of_workspace(workspace, Orders(**given))
    pacer = launching.opened(workspace, name, warn=output.warn)
    orders = pacer.look().orders
    known = {key: getattr(orders, key) if value is None else value for key, value in given.items()}
    return room.of_sweep(pacer, Orders(**known))


def capacity_json(found: Capacity) -> dict[str, Any]:
    """The numbers and the sentence."""
    return {**asdict(found), "sentence": found.sentence}


def status(
    workspace: Workspace, pacer: Pacer, picture: Picture, pacing: Mapping[str, Any] | None, *, everything: bool
) -> None:
    """A sweep's state for people."""
    from scaffold.sweeps import watching

    far = watching.how_far(picture, now())
    shown = ordered(picture.states)
    hidden = 0 if everything else max(0, len(shown) - LINES)
    output.rows(row(workspace, s) for s in shown[: len(shown) - hidden])
    if hidden:
        click.echo(f"... {hidden} more (--all) ...")
    stopped = " (stopped)" if picture.orders.stopped else ""
    click.echo(f"{pacer.sweep.name}{stopped}: {far.over} of {far.total} over: {counted(far.counts)}{_eta(far.eta_s)}")
    for state in picture.states:
        if state.disagreement:
            output.warn(f"{state.name}: {state.disagreement}")
    if step := next_step(pacer, picture, pacing):
        click.echo(f"next: {step}", err=True)


def status_json(
    workspace: Workspace, pacer: Pacer, picture: Picture, pacing: Mapping[str, Any] | None
) -> dict[str, Any]:
    """A sweep's state for agents."""
    from scaffold.sweeps import watching

    far = watching.how_far(picture, now())
    return {
        "sweep": pacer.sweep.name,
        "stopped": picture.orders.stopped,
        "pacer": {k: pacing.get(k) for k in ("pid", "host", "doing")} if pacing else None,
        "total": far.total,
        "over": far.over,
        "counts": far.counts,
        "eta_s": far.eta_s,
        "next": next_step(pacer, picture, pacing),
        "runs": [_state_json(workspace, s) for s in picture.states],
    }


def _state_json(workspace: Workspace, state: State) -> dict[str, Any]:
    from scaffold.sweeps import watching

    tried, run = state.tried, state.run
    last, said = watching.newest(workspace, state)
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
        "elapsed_s": watching.took(state, now()),
        "metrics": last,
        "last_line": said,
        "reason": state.reason,
        "backend_says": state.word,
        "disagreement": state.disagreement,
        "manifest": run.path if run else None,
    }


def over(pacer: Pacer, picture: Picture) -> None:
    """How a sweep ended."""
    from scaffold.sweeps import states

    for state in ordered(picture.states):
        if state.state in ("failed", "lost", "terminated"):
            click.echo("  ".join(filter(None, [state.state, state.name, why(state)])))
    click.echo(f"{pacer.sweep.name}: {counted(states.counts(picture.states))}")
    if step := next_step(pacer, picture, None):
        click.echo(f"next: {step}", err=True)
