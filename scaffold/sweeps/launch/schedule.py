"""A sweep as it is, and what its backend can take -> what to start now. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scaffold.backends.capacity import Capacity, compute_capacity
from scaffold.backends.interface import BackendLoad
from scaffold.sweeps.launch.run_states import SweepSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchSchedule:
    """What to start and what has to wait, in the sweep's order, and the numbers behind it."""

    start: tuple[str, ...]
    wait: tuple[str, ...]
    capacity: Capacity

    @property
    def at_once(self) -> int:
        """How many of those that are started may run at the same time; for a backend that queues."""
        limit, cap = self.capacity.limit, self.capacity.cap
        return max(1, (limit if cap is None else min(limit, cap)) - self.capacity.own_active)


def choose_runs_to_launch(snapshot: SweepSnapshot, availability: BackendLoad, *, queues: bool) -> LaunchSchedule:
    """What may start now of what is startable. A backend that queues is given everything; it holds the cap itself."""
    ready = tuple([s.name for s in snapshot.startable])
    own_active = len(
        [s for s in snapshot.open_runs if s.state in ("starting", "running") or (s.held and not s.is_done)]
    )
    # at least: a backend counts all that is there, but not what runs of this sweep on a host that cannot be asked
    availability = replace(availability, active=max(availability.active, own_active))
    cap = snapshot.options.max_parallel
    capacity = compute_capacity(availability, queued=len(ready), own_active=own_active, cap=cap)
    count = len(ready) if queues else capacity.max_new
    return LaunchSchedule(start=ready[:count], wait=ready[count:], capacity=capacity)
