"""A sweep while it runs: a live table on a terminal, a line for each run that ends elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import output, terminal
from scaffold.cli.sweep.wording import format_run_state_row, format_sweep_progress, sort_runs_by_urgency
from scaffold.runs import timestamps
from scaffold.visible_text import escape_hidden, escape_to_one_line

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scaffold.sweeps.launch.run_states import SweepRunStatus, SweepSnapshot
    from scaffold.sweeps.launch.scheduler import Scheduler
    from scaffold.workspace import Workspace

# how long nothing is said, in seconds
SILENCE_S = 60.0


def watch_until_done(scheduler: Scheduler, view: SweepChangeLines, *, doing: str) -> SweepSnapshot:
    """Schedule a sweep until it is done, shown as it goes; the last snapshot. Ctrl-C ends the scheduling alone, with 130."""
    from scaffold.sweeps.launch.run_loop import run_until_done

    try:
        with view.display:
            return run_until_done(scheduler, view.show, doing=doing, warn=view.warn)
    except KeyboardInterrupt:
        for line in describe_detached_sweep(scheduler.sweep.name, view.snapshot):
            click.echo(line, err=True)
        raise click.exceptions.Exit(130) from None


def describe_detached_sweep(name: str, snapshot: SweepSnapshot | None) -> Iterator[str]:
    """What goes on without whoever waited for a sweep, what does not, and how to come back."""
    yield f"everything that runs goes on running; come back with: scaffold sweep watch {name}"
    if snapshot is not None and (waiting := len(snapshot.startable)):
        running = sum(s.state in ("starting", "running") for s in snapshot.states)
        left = "1 that waits starts" if waiting == 1 else f"{waiting} that wait start"
        yield f"{running} of it now; the {left} only then, or with: scaffold sweep launch {name} --detach"
    yield f"to end it: scaffold sweep stop {name}"


def open_sweep_view(workspace: Workspace, sweep: str, *, json_output: bool) -> SweepChangeLines:
    """How a sweep is shown while it runs: a table that lives on a terminal, else a line for each end, nothing with --json."""
    if terminal.can_redraw() and not json_output:
        return LiveSweepTable(workspace, sweep)
    return SweepChangeLines(workspace, quiet=json_output)


class SweepChangeLines:
    """A line for each run that ends, on stderr, and how far the sweep is: at first, and where nothing ended for a minute.

    What waits, is handed over or starts has no line: of many runs that is most of what happens, and nothing to act on.
    """

    def __init__(self, workspace: Workspace, *, quiet: bool = False) -> None:
        self._workspace = workspace
        self._quiet = quiet
        self._states: dict[str, str] = {}
        self._hinted = False
        self._said_at = 0.0
        # the last one that was shown
        self.snapshot: SweepSnapshot | None = None
        # what has to be entered while it shows something
        self.display: AbstractContextManager[object] = nullcontext()

    def warn(self, text: str) -> None:
        """A warning among the lines."""
        output.warn(text)

    def show(self, snapshot: SweepSnapshot) -> None:
        """Say what has changed since the last look."""
        self.snapshot, before = snapshot, self._states
        self._states = {s.name: s.state for s in snapshot.states}
        if self._quiet:
            return
        done = sum(s.is_done for s in snapshot.states)
        ended = [s for s in snapshot.states if s.is_done and before.get(s.name, s.state) != s.state]
        for number, state in enumerate(ended, start=done - len(ended) + 1):
            self.print_timed(f"{number} of {len(snapshot.states)}  {describe_ended_run(self._workspace, state)}")
        self._hint_at_printed_metrics(snapshot)
        if not before or time.monotonic() - self._said_at >= SILENCE_S:
            self.print_timed(format_sweep_progress(snapshot))

    def _hint_at_printed_metrics(self, snapshot: SweepSnapshot) -> None:
        """After the first run that finished: where results will find nothing of it, say so before all others have run."""
        from scaffold.observations.latest_values import latest_metrics
        from scaffold.observations.log_hints import suggest_log_pattern

        run = next((s.run for s in snapshot.states if s.state == "finished" and s.run), None)
        if self._hinted or run is None:
            return
        self._hinted = True
        if not latest_metrics(self._workspace, run)[0] and (hint := suggest_log_pattern(self._workspace, [run])):
            self.warn(hint)

    def print_timed(self, text: str) -> None:
        """A line with the time before it, on stderr."""
        self._said_at = time.monotonic()
        click.echo(f"{timestamps.utc_now():%H:%M:%S}  {text}", err=True)


def describe_ended_run(workspace: Workspace, state: SweepRunStatus) -> str:
    """How a run ended, its name, its time, its metrics or the cause, on one line."""
    return "  ".join(filter(None, format_run_state_row(workspace, state)))


class LiveSweepTable(SweepChangeLines):
    """A table that is drawn again and again, for a terminal."""

    def __init__(self, workspace: Workspace, sweep: str) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(workspace)
        self._sweep = sweep
        self._began: tuple[float, int] | None = None
        console = Console(file=output.terminal_stream())
        self.display = self._live = Live(console=console, auto_refresh=False, transient=True)

    def warn(self, text: str) -> None:
        """A warning above the table."""
        self.print_above(f"warning: {text}")

    def print_above(self, text: str) -> None:
        """A line above the table, which stays."""
        self._live.console.print(escape_hidden(text), markup=False, highlight=False)

    def show(self, snapshot: SweepSnapshot) -> None:
        """Draw it."""
        self.snapshot = snapshot
        self._hint_at_printed_metrics(snapshot)
        self._live.update(self._render(snapshot), refresh=True)

    def _render(self, snapshot: SweepSnapshot) -> RenderableType:
        from rich import box
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        space = max(3, self._live.console.size.height - 6)
        table = Table("state", "run", "for", "last", box=box.SIMPLE_HEAD, expand=True)
        shown = sort_runs_by_urgency(snapshot.states)[:space]
        width = max(terminal.NARROWEST_NAME, self._live.console.size.width // 2)
        for state in shown:
            word, name, *rest = map(escape_to_one_line, format_run_state_row(self._workspace, state))
            cells = [terminal.shorten_middle(name, width), *rest]
            texts = [Text(cell, overflow="ellipsis", no_wrap=True) for cell in cells]
            table.add_row(Text(word, style=terminal.STATE_COLORS.get(word, "")), *texts)
        left = len(snapshot.states) - len(shown)
        head = Text(f"{self._sweep}: {format_sweep_progress(snapshot)}{self._format_rate(snapshot)}")
        done, total = sum(s.is_done for s in snapshot.states), len(snapshot.states)
        foot = Text((f"{left} more; " if left else "") + "Ctrl-C leaves everything running", style="dim")
        return Group(head, ProgressBar(total=max(1, total), completed=done), table, foot)

    def _format_rate(self, snapshot: SweepSnapshot) -> str:
        """`; 3.1 runs a minute`, of those that ended since somebody looks on."""
        done, now = sum(s.is_done for s in snapshot.states), time.monotonic()
        if self._began is None:
            self._began = (now, done)
        since, before = self._began
        minutes = (now - since) / 60
        return f"; {(done - before) / minutes:.2g} runs a minute" if done > before and minutes > 0 else ""
