"""What holds in random histories of a sweep: kills between any two effects, restarts, lost answers, foreign runs, clock jumps."""

from __future__ import annotations

import pytest

from scaffold.sweeps.launch.run_states import DONE
from tests.sweeps.simulation import World

HISTORIES = 2000
PARTS = 4  # so that workers share them
# looking costs more than living
WATCHED = 10


def live_through(seed: int) -> World:
    """A history until nothing is open: `launch`, whatever happens, and then quiet. Of some, every state on the way is looked at."""
    world = World(seed, is_watched=seed % WATCHED == 0)
    world.guarded(world.launch)
    for _ in range(world.random.randint(5, 40)):
        world.befall()
        world.look()
    world.foreign, world.is_down = 0, False
    world.guarded(world.launch)
    for _ in range(400):
        world.guarded(world.step)
        for job in list(world.jobs.values()):
            world.advance(job)
            world.look()
        world.now += 20
        world.ledger = world.clone(world.saved)
        if not world.snapshot().outstanding and not world.alive:
            return world
    raise AssertionError([(s.name, s.state, s.reason) for s in world.snapshot().outstanding])


@pytest.mark.parametrize("part", range(PARTS))
def test_in_no_history_is_a_run_started_twice_or_forgotten(part: int) -> None:
    """That no more run than there is room for, and no run beside itself, is asserted where they are started (simulation.py)."""
    for seed in range(part * HISTORIES // PARTS, (part + 1) * HISTORIES // PARTS):
        try:
            world = live_through(seed)
            assert not [key for key, count in world.starts.items() if count > 1], "a submission started twice"
            assert {s.state for s in world.states()} <= DONE, "asked for, and neither done nor open"
            assert not world.ignored(), "asked for again, and nothing came of it"
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {error}") from error
