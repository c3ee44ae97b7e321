"""Manifests, start tokens, the ledger and the backend's word -> the state of every run of a sweep. Pure.

The manifest counts; then the process that took the start token, on its own host; then the backend. Where backend and manifest disagree
that is said, and changes nothing.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import NamedTuple

from scaffold.backends.capacity import Capacity
from scaffold.backends.interface import JobStatus
from scaffold.backends.start_tokens import StartToken
from scaffold.runs import timestamps
from scaffold.runs.model import Run
from scaffold.sweeps.launch.ledger_entries import LaunchOptions, RunSubmission

STATES = ("missing", "submitting", "waiting", "starting", "running", "finished", "failed", "terminated", "lost")
DONE = frozenset({"finished", "failed", "terminated", "lost"})
# a backend's word that a job is over counts against a silent manifest of another host only after so long: shared disks lag
GRACE_S = 60.0
# a launcher that ends so often without taking its start token is not started again
MAX_STARTS = 3
# a backend's words for a job that somebody ended there by hand
CANCELLED = ("cancelled", "stopped")
CANCELLED_REASON = "its job was cancelled before it began"


class SweepRunStatus(NamedTuple):
    """A run now. `run` is its newest manifest, `submission` its newest one.

    `planned`: the sweep's file has it; one that it no longer has is shown and never started. `startable`: a step may start it.
    `held`: the backend still has it, so that no other submission may be written. `resubmittable`: it was lost before its script
    began, for the first time since somebody asked for it, so that a step asks for it once more by itself. `cancelled`: somebody cancelled
    its job before it began, which the ledger does not say yet. `reason` is why, where
    that is known beyond the manifest; `backend_state` is the backend's word (None: not asked), `disagreement` what it says against
    the manifest.
    """

    name: str
    state: str
    run: Run | None = None
    submission: RunSubmission | None = None
    startable: bool = False
    held: bool = False
    resubmittable: bool = False
    cancelled: bool = False
    reason: str | None = None
    backend_state: str | None = None
    disagreement: str | None = None
    planned: bool = True

    @property
    def is_done(self) -> bool:
        """Whether it has ended, however."""
        return self.state in DONE


@dataclass(frozen=True, kw_only=True)
class SweepSnapshot:
    """A sweep as it is seen now: the states of its runs in the sweep's order, and then of those that its file no longer has; what the
    last step started, and its numbers (None: nothing was ready to start). `open_states` are those of open runs, where whoever
    looked has them by itself: late in a sweep they are few, and every step asks half a dozen questions of all runs."""

    states: tuple[SweepRunStatus, ...]
    options: LaunchOptions
    open_states: tuple[SweepRunStatus, ...] | None = None
    started: tuple[str, ...] = ()
    capacity: Capacity | None = None

    @property
    def planned(self) -> tuple[SweepRunStatus, ...]:
        """The runs that the sweep's file has."""
        return tuple(s for s in self.states if s.planned)

    @functools.cached_property
    def open_runs(self) -> tuple[SweepRunStatus, ...]:
        """The runs that a step has anything to do with; the others are done, and nothing is asked of them."""
        return tuple(s for s in self.states if is_open(s)) if self.open_states is None else self.open_states

    def with_states(self, states: Iterable[SweepRunStatus]) -> SweepSnapshot:
        """The same with other states of its runs."""
        return replace(self, states=tuple(states), open_states=None)

    def with_changes(self, changed: Mapping[str, SweepRunStatus]) -> SweepSnapshot:
        """The same with other states of some of its open runs, by name."""
        return replace(
            self,
            states=tuple({**_by_name(self.states), **changed}.values()),
            open_states=tuple({**_by_name(self.open_runs), **changed}.values()),
        )

    @functools.cached_property
    def startable(self) -> tuple[SweepRunStatus, ...]:
        """The runs that a step may start."""
        return tuple([s for s in self.open_runs if s.startable])

    @functools.cached_property
    def outstanding(self) -> tuple[SweepRunStatus, ...]:
        """What is asked for and not done."""
        again = not self.options.stopped
        # asked of every run in every step: no call for each
        return tuple(
            [
                s
                for s in self.open_runs
                if s.startable or s.held or s.state in ("waiting", "starting", "running") or (again and s.resubmittable)
            ]
        )


def _by_name(states: Sequence[SweepRunStatus]) -> dict[str, SweepRunStatus]:
    return dict(zip(map(itemgetter(0), states), states, strict=True))


def is_open(state: SweepRunStatus) -> bool:
    """Whether a step has anything to do with a run: it is not done, or something is asked of it."""
    return state.state not in DONE or state.held or state.startable or state.resubmittable or state.cancelled


class RunObservation(NamedTuple):
    """What is seen of a run beside its manifests, looked at before them.

    `taker_gone` is whether the process that took the start token is gone: None where only another host could tell. `status` is what the
    backend says, None where it was not asked. `began` is whether its recorder opened the logs of its script, which it does last before
    it starts it: where it could write no manifest, or that was purged, they tell that the script ran.
    """

    token: StartToken | None = None
    taker_gone: bool | None = None
    status: JobStatus | None = None
    began: bool = False

    @property
    def state(self) -> str | None:
        """The backend's word."""
        return self.status.state if self.status else None

    @property
    def is_over(self) -> bool:
        """Whether the backend says that nothing more will come of it."""
        return self.status is not None and self.status.is_over


def derive_state(
    name: str, submission: RunSubmission | None, runs: Sequence[Run], seen: RunObservation, *, hostname: str, now: float
) -> SweepRunStatus:
    """The state of one run. `runs` are its manifests, `hostname` is this host, `now` seconds since 1970."""
    newest = max(runs, key=lambda r: r.attempt, default=None)
    if finished := [r for r in runs if r.status == "finished"]:
        # a server that has not noticed the end yet is no disagreement
        against = _disagreement("finished", seen.status) if seen.state not in ("running", "starting") else None
        newest = max(finished, key=lambda r: r.attempt)
        return SweepRunStatus(name, "finished", newest, submission, backend_state=seen.state, disagreement=against)
    token = seen.token
    requested = submission is not None and (token is None or token.number <= submission.number)
    if token is not None and (submission is None or token.number > submission.number):
        # the ledger is gone, or an older one was brought back
        submission = RunSubmission(number=token.number, backend=submission.backend if submission else "local")
    before = SweepRunStatus(name, newest.status if newest else "missing", newest, submission, backend_state=seen.state)
    if submission is None or submission.withdrawn:
        return before
    if newest is not None and newest.attempt > submission.after:
        return _state_with_manifest(before, newest, seen, hostname, now)
    if submission.cancelled:
        return before._replace(state="terminated", reason=CANCELLED_REASON)
    before = before._replace(state="submitting")
    if token is not None and token.taken and token.number >= submission.number:
        state = _state_with_taken_token(before, token, seen, now)
        return state._replace(resubmittable=state.state == "lost" and requested and _never_began(submission, seen))
    return _state_before_start(before, submission, seen)


def _state_with_manifest(
    before: SweepRunStatus, newest: Run, seen: RunObservation, hostname: str, now: float
) -> SweepRunStatus:
    """A submission with a manifest: what that says, unless its host can no longer say it."""
    held = seen.state in ("waiting", "starting", "running")
    against = _disagreement(before.state, seen.status)
    if before.state != "running" and seen.state == "waiting":
        reason = f"the backend starts it again after it was {before.state}"
        return before._replace(state="waiting", held=True, reason=reason)
    # this host sees by itself whether its own processes are gone
    elsewhere = before.state == "running" and newest.hostname != hostname
    if elsewhere and seen.is_over and _is_long_over(before.submission, now):
        return before._replace(state="lost", reason=_reason_or_state(seen.status), disagreement=against)
    return before._replace(held=held, disagreement=against)


def _state_with_taken_token(
    before: SweepRunStatus, token: StartToken, seen: RunObservation, now: float
) -> SweepRunStatus:
    """A submission whose token was taken, without a manifest: its launcher is about to write one, or never will."""
    submission = before.submission
    if seen.taker_gone is not None:
        is_lost = seen.taker_gone and not _may_start_again(submission, token, seen, now)
    elif seen.is_over:
        is_lost = token.pid is None or _is_long_over(submission, now)
    else:
        # it was killed between taking the token and signing it, and nobody can be asked: a job that waits to be started did not take it
        cannot_tell = seen.state in (None, "enlisted")
        is_lost = token.pid is None and cannot_tell and now - token.changed_at > GRACE_S
    if not is_lost:
        return before._replace(state="starting", held=True)
    twice = ", as did the one before it" if submission is not None and submission.automatic else ""
    reason = f"its launcher ended{_bracketed_reason(seen.status)} and left no manifest{twice}"
    return before._replace(state="lost", reason=reason)


def _may_start_again(submission: RunSubmission | None, token: StartToken, seen: RunObservation, now: float) -> bool:
    """Whether the backend may start a launcher that ended once more by itself, or has not noticed the end yet."""
    if seen.state != "running" or (submission is not None and submission.backend == "slurm"):
        # Slurm that requeues a job starts the same submission again, and itself notices every end
        return seen.state in ("waiting", "starting", "running")
    # a research server never notices that a terminal was killed
    return now - token.changed_at <= GRACE_S


def _never_began(submission: RunSubmission, seen: RunObservation) -> bool:
    """Whether the script of a lost submission never ran, as far as can be told, and nobody has tried that again yet."""
    if submission.automatic or seen.began:
        return False
    # a launcher that ended well ran its script, though nothing could be recorded; one that is elsewhere and forgotten may still run
    ended = seen.taker_gone or seen.status is None or seen.state == "ended"
    return ended and (seen.status is None or seen.status.reason != "exit 0")


def _state_before_start(before: SweepRunStatus, submission: RunSubmission, seen: RunObservation) -> SweepRunStatus:
    """A submission whose token nobody took yet."""
    reason = seen.status.reason if seen.status else None
    if seen.state == "waiting":
        return before._replace(state="waiting", held=True, reason=reason)
    if seen.state == "enlisted":
        return before._replace(state="waiting", startable=True)
    if seen.state in ("starting", "running"):
        return before._replace(state="starting", held=True)
    if seen.state == "ended" and reason in CANCELLED:
        return before._replace(state="terminated", cancelled=True, reason=CANCELLED_REASON)
    if seen.state == "unknown" and submission.starts:
        return before._replace(state="starting", held=True, reason=reason)
    if submission.starts >= MAX_STARTS:
        why = f"its launcher was started {submission.starts} times and never took its ticket{_bracketed_reason(seen.status)}"
        return before._replace(state="lost", reason=why)
    return before._replace(startable=True, reason=_reason_or_state(seen.status) if seen.state == "ended" else None)


def _disagreement(status: str, backend: JobStatus | None) -> str | None:
    """What a backend says that does not fit a manifest's status."""
    if backend is None or backend.state == "unknown":
        return None
    if status == "running" and backend.is_over:
        word = "done" if backend.state == "ended" else "unknown to it"
        return f"the backend says it is {word}{_bracketed_reason(backend)}, its manifest says running"
    if status != "running" and not backend.is_over:
        return f"the backend says {backend.state}, its manifest says {status}"
    return None


def _is_long_over(submission: RunSubmission | None, now: float) -> bool:
    over_at = submission.over_at if submission else None
    return over_at is not None and now - (timestamps.to_epoch_seconds(over_at) or 0.0) >= GRACE_S


def _reason_or_state(status: JobStatus | None) -> str | None:
    return status.reason or status.state if status else None


def _bracketed_reason(status: JobStatus | None) -> str:
    return f" ({status.reason})" if status and status.reason else ""


def count_run_states(states: Iterable[SweepRunStatus]) -> Mapping[str, int]:
    """How many runs are in each state, those with none left out, in the order of STATES."""
    counts = Counter(s.state for s in states)
    return {state: counts[state] for state in STATES if counts[state]}


RETRIES: Mapping[str, frozenset[str]] = {
    "failed": frozenset({"failed"}),
    "lost": frozenset({"lost"}),
    "terminated": frozenset({"terminated"}),
    "all": frozenset({"failed", "lost", "terminated"}),
}


def select_runs_to_submit(
    states: Iterable[SweepRunStatus], retry: str | None
) -> tuple[list[SweepRunStatus], list[SweepRunStatus]]:
    """The runs that a launch writes down a new submission for, and those it would but for the backend, which still has their old one.

    Those are the missing ones and, with `retry` (a key of RETRIES), the ones that ended so. Finished runs are never run again.
    """
    again = RETRIES[retry] if retry else frozenset()
    chosen = [s for s in states if s.state == "missing" or s.state in again or (s.is_done and _is_withdrawn(s))]
    return [s for s in chosen if not s.held], [s for s in chosen if s.held]


def _is_withdrawn(state: SweepRunStatus) -> bool:
    """Whether a retry was asked for and taken back by a stop: a later launch resumes it."""
    return state.submission is not None and state.submission.withdrawn and state.state != "finished"
