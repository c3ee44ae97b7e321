"""Manifests, tickets, the ledger and the backend's word -> the state of every run of a sweep. Pure.

The manifest counts; then the process that took the ticket, on its own host; then the backend. Where backend and manifest disagree
that is said, and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from scaffold.backends.model import Seen
from scaffold.backends.start_tokens import Ticket
from scaffold.runs import timestamps
from scaffold.runs.model import Run
from scaffold.sweeps.launch.ledger import Try

STATES = ("missing", "intended", "waiting", "starting", "running", "finished", "failed", "terminated", "lost")
OVER = frozenset({"finished", "failed", "terminated", "lost"})
# a backend's word that a job is over counts against a silent manifest of another host only after so long: shared disks lag
GRACE_S = 60.0
# a launcher that ends so often without taking its ticket is not started again
STARTS = 3


class State(NamedTuple):
    """A run now. `run` is its newest manifest, `tried` its newest try.

    `planned`: the sweep's sheet has it; one that it no longer has is shown and never started. `startable`: a step may start it.
    `held`: the backend still has it, so that no other try may be written. `reason` is why, where that is known beyond the manifest;
    `word` is the backend's (None: not asked), `disagreement` what it says against the manifest.
    """

    name: str
    state: str
    run: Run | None = None
    tried: Try | None = None
    startable: bool = False
    held: bool = False
    reason: str | None = None
    word: str | None = None
    disagreement: str | None = None
    planned: bool = True

    @property
    def over(self) -> bool:
        """Whether it has ended, however."""
        return self.state in OVER


class Sight(NamedTuple):
    """What is seen of a run beside its manifests, looked at before them.

    `gone` is whether the process that took the ticket is gone: None where only another host could tell.
    """

    ticket: Ticket | None = None
    gone: bool | None = None
    seen: Seen | None = None


def of(name: str, tried: Try | None, runs: Sequence[Run], sight: Sight, *, here: str, now: float) -> State:
    """The state of one run. `here` is this host, `now` seconds since 1970."""
    found = _of(name, tried, runs, sight, here=here, now=now)
    return found._replace(word=sight.seen.state) if sight.seen else found


def _of(name: str, tried: Try | None, runs: Sequence[Run], sight: Sight, *, here: str, now: float) -> State:
    newest = max(runs, key=lambda r: r.attempt, default=None)
    seen = sight.seen.state if sight.seen else None
    if done := [r for r in runs if r.status == "finished"]:
        said = _against("finished", sight.seen) if seen not in ("running", "starting") else None
        return State(name, "finished", max(done, key=lambda r: r.attempt), tried, disagreement=said)
    ticket = sight.ticket
    if ticket is not None and (tried is None or ticket.number > tried.number):
        tried = Try(number=ticket.number, backend=tried.backend if tried else "local", handle=None)
    if tried is None or tried.withdrawn:
        return State(name, newest.status if newest else "missing", newest, tried)
    if newest is not None and newest.attempt > tried.after:
        return _recorded(State(name, newest.status, newest, tried), newest, sight, here=here, now=now)
    before = State(name, "intended", newest, tried)
    if ticket is not None and ticket.taken and ticket.number >= tried.number:
        return _taken(before, ticket, sight, now=now)
    return _untaken(before, tried, sight.seen)


def _recorded(before: State, newest: Run, sight: Sight, *, here: str, now: float) -> State:
    """A try with a manifest: what that says, unless its host can no longer say it."""
    seen = sight.seen.state if sight.seen else None
    held = seen in ("waiting", "starting", "running")
    if before.state != "running":
        if seen == "waiting":
            return before._replace(
                state="waiting", held=True, reason=f"the backend starts it again after it was {before.state}"
            )
        return before._replace(held=held, disagreement=_against(before.state, sight.seen))
    said = _against("running", sight.seen)
    if newest.hostname != here and seen in ("ended", "gone") and _long_over(before.tried, now):
        return before._replace(state="lost", reason=_why(sight.seen), disagreement=said)
    return before._replace(held=held, disagreement=said)


def _taken(before: State, ticket: Ticket, sight: Sight, *, now: float) -> State:
    """A try whose ticket was taken, without a manifest: it is about to write one, or never will."""
    seen = sight.seen.state if sight.seen else None
    lost = before._replace(state="lost", reason=f"its launcher ended{_because(sight.seen)} and left no manifest")
    if sight.gone is not None:
        return lost if sight.gone else before._replace(state="starting", held=True)
    if seen in ("ended", "gone"):
        told = ticket.pid is None or _long_over(before.tried, now)
        return lost if told else before._replace(state="starting", held=True)
    if ticket.pid is None and seen is None and now - ticket.taken_at > GRACE_S:
        return lost
    return before._replace(state="starting", held=True)


def _untaken(before: State, tried: Try, seen: Seen | None) -> State:
    """A try whose ticket nobody took yet."""
    word = seen.state if seen else None
    if word == "waiting":
        return before._replace(state="waiting", held=True, reason=seen.reason if seen else None)
    if word == "enlisted":
        return before._replace(state="waiting", startable=True)
    if word in ("starting", "running"):
        return before._replace(state="starting", held=True)
    if word == "unknown" and tried.starts:
        return before._replace(state="starting", held=True, reason=seen.reason if seen else None)
    if tried.starts >= STARTS:
        why = f"its launcher was started {tried.starts} times and never took its ticket{_because(seen)}"
        return before._replace(state="lost", reason=why)
    return before._replace(startable=True, reason=_why(seen) if word == "ended" else None)


def _against(status: str, seen: Seen | None) -> str | None:
    """What a backend says that does not fit a manifest's status."""
    if seen is None or seen.state == "unknown":
        return None
    over = seen.state in ("ended", "gone")
    if status == "running" and over:
        return f"the backend says it is {'over' if seen.state == 'ended' else 'unknown to it'}{_because(seen)}, its manifest says running"
    if status != "running" and seen.state in ("enlisted", "waiting", "starting", "running"):
        return f"the backend says {seen.state}, its manifest says {status}"
    return None


def _long_over(tried: Try | None, now: float) -> bool:
    return tried is not None and tried.over_at is not None and now - seconds(tried.over_at) >= GRACE_S


def _why(seen: Seen | None) -> str | None:
    return seen.reason or seen.state if seen else None


def _because(seen: Seen | None) -> str:
    return f" ({seen.reason})" if seen and seen.reason else ""


def seconds(moment: str) -> float:
    """Seconds since 1970 of a ledger's time; 0 where it is none."""
    return timestamps.to_epoch_seconds(moment) or 0.0


def counts(states: Iterable[State]) -> Mapping[str, int]:
    """How many runs are in each state, those with none left out, in the order of STATES."""
    found = Counter(s.state for s in states)
    return {state: found[state] for state in STATES if found[state]}


RETRIES: Mapping[str, frozenset[str]] = {
    "failed": frozenset({"failed"}),
    "lost": frozenset({"lost"}),
    "terminated": frozenset({"terminated"}),
    "all": frozenset({"failed", "lost", "terminated"}),
}


def wanted(states: Iterable[State], retry: str | None) -> tuple[list[State], list[State]]:
    """The runs that a launch writes down a new try for, and those it would but for the backend, which still has their old one.

    Those are the missing ones and, with `retry` (a key of RETRIES), the ones that ended so. Finished runs are never run again.
    """
    again = RETRIES[retry] if retry else frozenset()
    chosen = [s for s in states if s.state == "missing" or s.state in again or (s.over and _is_withdrawn(s))]
    return [s for s in chosen if not s.held], [s for s in chosen if s.held]


def _is_withdrawn(state: State) -> bool:
    """Whether a retry was asked for and taken back by a stop: a later launch resumes it."""
    return state.tried is not None and state.tried.withdrawn and state.state != "finished"
