"""Attempts -> those that count: smoke tests, reruns and what was withdrawn never do.

Of a run with an effective seed the first attempt that finished counts: a later one never replaces a value. Without one nothing says that
two attempts are the same draw, so every attempt that finished is a replicate, and counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scaffold.runs.model import Run

SMOKE_REASON, RERUN_REASON, WITHDRAWN_REASON = "a smoke run", "rerun: a check, and no result", "withdrawn"


class AttemptSelection(NamedTuple):
    """The attempts that count, those that do not with the reason, and what repeats a seeded run.

    Of a run that never finished its latest attempt stands for it. `repeats` has, by the run's name, the finished attempts (reruns too)
    after the one that counts: what is different in them is not determined by code, command and seed.
    """

    counted: tuple[Run, ...]
    set_aside: tuple[tuple[Run, str], ...]
    repeats: Mapping[str, Sequence[Run]]


def select_attempts(runs: Iterable[Run], *, smoke: bool = False) -> AttemptSelection:
    """Choose among all attempts of all runs. With `smoke` smoke tests are asked for, and count as runs do."""
    by_name: dict[str, list[Run]] = {}
    for run in runs:
        by_name.setdefault(run.name, []).append(run)
    counted: list[Run] = []
    set_aside: list[tuple[Run, str]] = []
    repeats: dict[str, list[Run]] = {}
    for name, attempts in by_name.items():
        if len(attempts) == 1 and attempts[0].purpose == "run" and attempts[0].withdrawn is None:
            counted += attempts  # nearly all, of ten thousand
            continue
        attempts.sort(key=lambda run: run.attempt)
        candidates = []
        for run in attempts:
            reason = _reason_against(run, smoke=smoke)
            if reason is None:
                candidates.append(run)
            else:
                set_aside.append((run, reason))
        finished = [run for run in candidates if run.status == "finished"]
        chosen = finished or candidates[-1:]
        if finished and finished[0].effective_seed is not None:
            chosen = finished[:1]
            again = [run for run in attempts if _repeats(run, chosen[0])]
            repeats.update({name: again} if again else {})
        counted += chosen
        set_aside += [(run, f"another attempt counts: {chosen[0].label}") for run in candidates if run not in chosen]
    return AttemptSelection(counted=tuple(counted), set_aside=tuple(set_aside), repeats=repeats)


def _reason_against(run: Run, *, smoke: bool) -> str | None:
    if run.withdrawn is not None:
        return f"{WITHDRAWN_REASON}: {run.withdrawn}"
    if run.purpose == "rerun":
        return RERUN_REASON
    return SMOKE_REASON if run.purpose == "smoke" and not smoke else None


def _repeats(run: Run, first: Run) -> bool:
    return (
        run.status == "finished" and run.attempt != first.attempt and run.withdrawn is None and run.purpose != "smoke"
    )
