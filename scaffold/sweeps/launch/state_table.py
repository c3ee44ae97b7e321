"""The states of a run as a table: what each needs as evidence, who moves a run out of it, and what it may be next.

`run_states.derive_state` is the one function that gives a run its state. docs/sweeps.md shows this table, and the random histories of
tests/sweeps/test_histories.py hold the function against it: no run is ever seen to go from one state to another that is not `next` here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedTransitions:
    """A state: its evidence, and for each state that may be seen next who or what moves the run there."""

    evidence: str
    next: Mapping[str, str]


_TAKEN_BACK = "`stop` takes it back: the state that it had before"

STATE_TABLE: Mapping[str, AllowedTransitions] = {
    "missing": AllowedTransitions(
        evidence="no manifest, and no submission in the ledger, or one that a stop took back",
        next={"submitting": "`launch` writes down a submission"},
    ),
    "submitting": AllowedTransitions(
        evidence="a submission, whose token nobody took; the backend was not told of it, or says that its job is over or unknown",
        next={
            "waiting": "a step registers or submits it",
            "starting": "a step starts it, or a launcher that was started before takes the token",
            "terminated": "somebody cancels its job at the backend",
            "lost": "its launcher was started three times and never took the token",
            "missing": _TAKEN_BACK,
            "failed": _TAKEN_BACK,
        },
    ),
    "waiting": AllowedTransitions(
        evidence="a submission, whose token nobody took, and the backend says that it waits; or a manifest with an end, and the backend "
        "says that the same job waits again (requeued)",
        next={
            "starting": "the backend starts it",
            "submitting": "the backend forgot it (a restart), or its job ended before its launcher began",
            "terminated": "somebody cancels its job at the backend",
            "missing": _TAKEN_BACK,
            "failed": _TAKEN_BACK,
            "lost": _TAKEN_BACK,
        },
    ),
    "starting": AllowedTransitions(
        evidence="the token is taken and its taker lives (on this host its process; elsewhere the backend does not call it over, or "
        "has not for a minute), and there is no manifest; or the token is not taken, and the backend says that it starts or runs",
        next={
            "running": "its recorder writes the manifest",
            "waiting": "the backend takes it back into its queue",
            "submitting": "its job ended before its launcher took the token, or the backend forgot it",
            "terminated": "somebody cancels its job at the backend",
            "lost": "its taker is gone",
            "missing": _TAKEN_BACK,
            "failed": _TAKEN_BACK,
        },
    ),
    "running": AllowedTransitions(
        evidence="the newest manifest says so, and its recorder lives (on this host its process; elsewhere the backend does not "
        "call it over, or has not for a minute)",
        next={
            "finished": "its recorder writes the end: exit code 0",
            "failed": "its recorder writes the end: another exit code",
            "terminated": "its recorder writes the end: a signal, a stop, a time limit",
            "lost": "its recorder is gone without an end",
        },
    ),
    "finished": AllowedTransitions(evidence="a manifest of any attempt says so", next={}),
    "failed": AllowedTransitions(
        evidence="the manifest of the newest submission says so",
        next={
            "submitting": "`launch --retry failed`",
            "waiting": "the backend puts the same job into its queue again",
        },
    ),
    "terminated": AllowedTransitions(
        evidence="the manifest of the newest submission says so; or somebody cancelled its job at the backend before the token was taken",
        next={
            "submitting": "`launch --retry terminated`",
            "waiting": "the backend puts the same job into its queue again",
        },
    ),
    "lost": AllowedTransitions(
        evidence="the token is taken, its taker gone, and there is no manifest; or the manifest says `running`, and its recorder is gone; "
        "or the launcher was started three times without taking the token",
        next={
            "submitting": "a step, once by itself, where the script never began; else `launch --retry lost`",
            "starting": "the backend, which said that its third launcher is over, cannot be asked any more",
            "finished": "a manifest that a shared disk held back says so",
            "failed": "a manifest that a shared disk held back says so",
            "terminated": "a manifest that a shared disk held back says so",
        },
    ),
}
