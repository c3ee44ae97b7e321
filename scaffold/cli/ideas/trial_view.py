"""A trial, a baseline or a claim while its runs go on: a live table on a terminal, a line for each run that ends elsewhere."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import click

from scaffold.cli.common import output, terminal
from scaffold.cli.sweep import live_table
from scaffold.runs import timestamps

if TYPE_CHECKING:
    from scaffold.sweeps.launch.run_states import SweepRunStatus, SweepSnapshot
    from scaffold.workspace import Workspace

# a manifest has its start in seconds
CLOCK_S = 1.0


class IdeaTrialView(Protocol):
    """What shows the runs of one command on ideas. `display` has to be entered while it does."""

    display: AbstractContextManager[object]

    def show(self, snapshot: SweepSnapshot) -> None:
        """See how the runs of one side are: sides are looked at in turn."""

    def say(self, text: str) -> None:
        """A sentence about what goes on."""

    def warn(self, text: str) -> None:
        """A warning."""


def open_idea_trial_view(workspace: Workspace, what: str, *, quiet: bool) -> IdeaTrialView:
    """How the runs of a command are shown; `what` is the table's head. Nothing but warnings where `quiet`."""
    if quiet:
        return _Silence()
    return IdeaTrialTable(workspace, what) if terminal.can_redraw() else IdeaTrialLines(workspace)


class _RunsOfNow:
    """The runs that began since this command did, of all sides, by name: a side's sweep has those of earlier trials too."""

    def __init__(self) -> None:
        self._began = time.time() - CLOCK_S
        self._states: dict[str, SweepRunStatus] = {}

    def add(self, snapshot: SweepSnapshot) -> list[SweepRunStatus]:
        """Take note of a side; those of its runs that ended just now."""
        ended = []
        for state in snapshot.states:
            began = timestamps.to_epoch_seconds(state.run.started_at) if state.run is not None else None
            if began is None or began < self._began:
                continue
            before = self._states.get(state.name)
            # a side's sweep has the seeds of the step alone: that one is no longer in it says nothing
            self._states[state.name] = state = state._replace(planned=True)
            if state.is_done and not (before is not None and before.is_done):
                ended.append(state)
        return ended

    def as_snapshot(self, snapshot: SweepSnapshot) -> SweepSnapshot:
        """All of them, in the place of a side's."""
        return replace(snapshot, states=tuple(self._states.values()))


class IdeaTrialLines(live_table.SweepChangeLines):
    """A line for each run that ends."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._runs = _RunsOfNow()

    def show(self, snapshot: SweepSnapshot) -> None:
        """Say which runs ended."""
        for state in self._runs.add(snapshot):
            self.print_timed(live_table.describe_ended_run(self._workspace, state))

    def say(self, text: str) -> None:
        """A line on stderr."""
        click.echo(text, err=True)


class IdeaTrialTable(live_table.LiveSweepTable):
    """The runs of all sides so far."""

    def __init__(self, workspace: Workspace, what: str) -> None:
        super().__init__(workspace, what)
        self._runs = _RunsOfNow()

    def show(self, snapshot: SweepSnapshot) -> None:
        """Draw them."""
        self._runs.add(snapshot)
        runs = self._runs.as_snapshot(snapshot)
        if runs.states:
            super().show(runs)

    def say(self, text: str) -> None:
        """A line above the table."""
        self.print_above(text)


class _Silence:
    """No word of runs: for --json."""

    def __init__(self) -> None:
        self.display: AbstractContextManager[object] = nullcontext()

    def show(self, snapshot: SweepSnapshot) -> None:
        pass

    def say(self, text: str) -> None:
        pass

    def warn(self, text: str) -> None:
        output.warn(text)
