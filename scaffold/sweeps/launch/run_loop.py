"""Scheduling a sweep, step after step, until nothing of it is open."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from scaffold import locks
from scaffold.backends.interface import Warn
from scaffold.errors import ScaffoldError
from scaffold.server.errors import ServerOfOtherProject, ServerUnauthorized, ServerUnreachable
from scaffold.sweeps.launch import sweep_locks
from scaffold.sweeps.launch.open_sweep import SweepCodeChanged
from scaffold.sweeps.launch.run_states import SweepSnapshot
from scaffold.sweeps.launch.scheduler import Scheduler

# pauses between looks: they grow while nothing changes; other people's schedulers are not to be asked all the time
FIRST_S = 0.2
LONGEST_S: Mapping[str, float] = {"local": 2.0, "server": 5.0, "slurm": 15.0}
# a backend that cannot be asked for so long is given up
PATIENCE_S = 600.0
Result = TypeVar("Result")


def run_until_done(
    scheduler: Scheduler, show: Callable[[SweepSnapshot], None], *, doing: str, warn: Warn
) -> SweepSnapshot:
    """Start runs as room frees until nothing is open, and `show` every look. Where somebody else schedules the sweep this only looks,
    and takes over when that one is gone.

    Raises CodeChanged once nothing runs any more and what waits must not start, and ScaffoldError where the backend cannot be asked.
    """
    name = sweep_locks.scheduler_lock_name(scheduler.sweep.name)
    lock, frozen, before, pause = None, None, None, FIRST_S
    patience = _Patience(warn)
    try:
        while True:
            if lock is None:
                lock = sweep_locks.take_sweep_lock(scheduler.paths.sweeps, name, doing=doing)
            try:
                snapshot = scheduler.step(doing=doing) if lock is not None and frozen is None else scheduler.snapshot()
            except SweepCodeChanged as error:
                frozen = error
                warn(f"{error.message}; what runs goes on, and nothing more is started")
                continue
            except ScaffoldError as error:
                time.sleep(patience.pause_after(error))
                continue
            patience.renew()
            show(snapshot)
            if frozen is not None and not any(s.held or s.state == "running" for s in snapshot.states):
                raise frozen
            if not snapshot.outstanding and not snapshot.started:
                return snapshot
            changed = snapshot.states != before or bool(snapshot.started)
            pause = FIRST_S if changed else min(pause * 1.5, _longest_pause(snapshot))
            before = snapshot.states
            scheduler.wait_for_change(snapshot, pause)
    finally:
        if lock is not None:
            locks.release_file_lock(lock)


def retry_until_reachable(call: Callable[[], Result], *, warn: Warn) -> Result:
    """What `call` gives once the research server can be reached. Raises ScaffoldError where that takes too long, and every other error."""
    patience = _Patience(warn)
    while True:
        try:
            return call()
        except ServerUnreachable as error:
            time.sleep(patience.pause_after(error))


def _longest_pause(snapshot: SweepSnapshot) -> float:
    """As long as the most patient of the backends that have something open wants it."""
    return max((LONGEST_S.get(s.submission.backend, 2.0) for s in snapshot.outstanding if s.submission), default=2.0)


class _Patience:
    """With a backend that cannot be asked: said once, met with patience, but not for ever."""

    def __init__(self, warn: Warn) -> None:
        self._warn = warn
        self._since: float | None = None
        self._last = ""
        self._pause = FIRST_S

    def pause_after(self, error: ScaffoldError) -> float:
        """Seconds to wait before the next attempt. Raises the error once it has lasted too long."""
        now = time.monotonic()
        if self._since is None:
            self._since, self._pause = now, FIRST_S
        if now - self._since > PATIENCE_S or isinstance(
            error, (ServerUnauthorized, ServerOfOtherProject)
        ):  # neither mends itself
            raise error
        if error.message != self._last:
            self._last = error.message
            self._warn(f"{error.message}; it is tried again")
        self._pause = min(30.0, self._pause * 2)
        return self._pause

    def renew(self) -> None:
        """It answered."""
        self._since = None
