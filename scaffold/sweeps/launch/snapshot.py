"""A sweep at one moment: the state of each of its runs."""

from __future__ import annotations

from dataclasses import dataclass

from scaffold.backends.capacity import Capacity
from scaffold.sweeps.launch.ledger_entries import LaunchOptions
from scaffold.sweeps.launch.run_states import RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A sweep as it is seen now: the states of its runs in the sweep's order, and then of those that its file no longer has; what the
    last step started, and its numbers (None: nothing was ready to start)."""

    states: tuple[RunState, ...]
    options: LaunchOptions
    started: tuple[str, ...] = ()
    capacity: Capacity | None = None

    @property
    def planned(self) -> tuple[RunState, ...]:
        """The runs that the sweep's file has."""
        return tuple(s for s in self.states if s.planned)

    @property
    def startable(self) -> tuple[RunState, ...]:
        """The runs that a step may start."""
        return tuple(s for s in self.states if s.startable)

    @property
    def open(self) -> tuple[RunState, ...]:
        """What is asked for and not done."""
        return tuple(s for s in self.states if s.held or s.startable or s.state in ("waiting", "starting", "running"))
