"""What `scaffold init --try` asks and says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import output, terminal
from scaffold.visible_text import escape_to_one_line

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scaffold.lifecycle.baseline_trial import BaselineCommandTrial
    from scaffold.lifecycle.init import InitPlan

OFFER = "Try the baseline command first, in a copy that is thrown away (at most 60 s)?"


def run_baseline_trial(planned: InitPlan, *, setup: bool, prompts: bool, quiet: bool) -> BaselineCommandTrial:
    """Try the baseline command, and say what happened; before anything is installed it says what, and needs --setup or a yes.

    Raises ScaffoldError where there is nothing that could be tried.
    """
    from scaffold.lifecycle import baseline_trial

    line = baseline_trial.find_missing_environment_setup(planned)
    if line and not setup:
        output.warn(
            f"no environment is there; `{line}` would build it, and download what it names: --setup does, in the copy"
        )
        setup = prompts and click.confirm("Build it in the copy?", default=False)
    entry = baseline_trial.find_baseline_entry_point(planned.answers)
    limit = None if setup else baseline_trial.SECONDS
    with nullcontext() if quiet or entry is None else _clock(f"trying {entry['command']}", limit):
        run = baseline_trial.try_baseline_command(planned, setup=setup)
    for text in () if quiet else _describe_run(run):
        click.echo(text)
    return run


@contextmanager
def _clock(text: str, limit: int | None) -> Iterator[None]:
    """On a terminal what goes on and for how long, with a bar up to `limit` seconds; nothing elsewhere."""
    if not terminal.can_redraw():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Clock(Progress):
        """A bar that goes by the clock."""

        def get_renderables(self) -> Iterator[RenderableType]:
            for task in self.tasks:
                task.completed = task.elapsed or 0.0
            yield self.make_tasks_table(self.tasks)

    console = Console(file=output.terminal_stream())
    of_limit = "" if limit is None else f"of at most {limit} s"
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn(of_limit))
    with Clock(*columns, console=console, transient=True, refresh_per_second=4) as clock:
        clock.add_task(Text(escape_to_one_line(text)).markup, total=limit)
        yield


def _describe_run(run: BaselineCommandTrial) -> Iterator[str]:
    """What happened, one line a question."""
    ended = f"ended with exit code {run.exit_code}" if run.exit_code is not None else "was still going, and was ended"
    seed = run.seed or "not known, or the script takes none"
    yield f"tried: {run.command}"
    yield f"  started: {'yes' if run.started else 'no'}; {ended} after {run.seconds:g} s"
    yield f"  seed: {seed}"
    yield f"  metric: {run.metric or 'none was seen'}"
    yield f"  left outside of its folder: {', '.join(run.stray[:5]) or 'nothing'}"
    yield f"  changed of the repository: {', '.join(run.changed[:5]) or 'nothing'}"
    if run.problem:
        yield f"  failed: {run.problem}"
        yield f"  next: {run.hint}"
