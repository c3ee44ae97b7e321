"""A sweep while it runs: a live table on a terminal, a line for each change elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import output
from scaffold.cli.sweep.wording import counted, eta, ordered, row
from scaffold.runs import timestamps

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scaffold.sweeps.launch.scheduler import Pacer, Picture
    from scaffold.workspace import Workspace


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
        from scaffold.sweeps.launch import loop

        changed = [
            s for s in picture.states if self._known.get(s.name, s.state) != s.state or (s.name in picture.started)
        ]
        first = not self._known
        self._known = {s.name: s.state for s in picture.states}
        if self._quiet:
            return
        for state in changed if not first else ():
            if state.name not in picture.started:
                click.echo(
                    f"{timestamps.utc_now():%H:%M:%S}  " + "  ".join(filter(None, row(self._workspace, state))),
                    err=True,
                )
        for name in picture.started:
            click.echo(f"{timestamps.utc_now():%H:%M:%S}  started  {name}", err=True)
        if changed or first:
            far = loop.how_far(picture, timestamps.utc_now())
            click.echo(
                f"{timestamps.utc_now():%H:%M:%S}  {far.over} of {far.total} over: {counted(far.counts)}{eta(far.eta_s)}",
                err=True,
            )


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

        from scaffold.sweeps.launch import loop

        far = loop.how_far(picture, timestamps.utc_now())
        space = max(3, self._live.console.size.height - 6)
        grid = Grid("state", "run", "for", "last", box=box.SIMPLE_HEAD, expand=True)
        shown = ordered(picture.states)[:space]
        for state in shown:
            grid.add_row(*(Text(cell, overflow="ellipsis", no_wrap=True) for cell in row(self._workspace, state)))
        left = len(picture.states) - len(shown)
        head = Text(f"{self._pacer.sweep.name}: {far.over} of {far.total} over: {counted(far.counts)}{eta(far.eta_s)}")
        foot = Text((f"{left} more; " if left else "") + "Ctrl-C leaves everything running", style="dim")
        return Group(head, ProgressBar(total=max(1, far.total), completed=far.over), grid, foot)
