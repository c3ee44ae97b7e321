"""Two sides of a comparison whose runs have several code states -> the newest state that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError
from scaffold.results.metrics.configurations import CODE, configuration_key

if TYPE_CHECKING:
    from scaffold.results.configuration.code_states import CodeEquivalenceClasses
    from scaffold.results.metrics.query import QueryResult
    from scaffold.runs.model import Run

MOST_NAMED = 4


def restrict_to_common_code(
    sides: Sequence[tuple[str, QueryResult]], states: CodeEquivalenceClasses
) -> tuple[list[QueryResult], str | None]:
    """What was read for each side (its name, and that), of the newest code state that all have where one spans several; and a sentence
    that says so.

    Raises ScaffoldError where they have none in common.
    """
    if CODE in sides[0][1].query.ignored_params or not any(_spans_several(side, states) for _, side in sides):
        return [side for _, side in sides], None
    runs = [[m.run for m in side.measured] for _, side in sides]
    if not all(runs):
        return [side for _, side in sides], None
    newest_first = sorted(
        (run for side in runs for run in side), key=lambda run: (run.started_at, run.name), reverse=True
    )
    for candidate in newest_first:
        if all(any(states.is_same(candidate, run) for run in side) for side in runs):
            label = states.label(candidate)
            sentence = (
                f"the runs have several states of the code: compared is the newest that all sides have, {label}; "
                "another: 'experiment=NAME and commit=...', all of them: --ignore code"
            )
            return [_restrict(side, candidate, states) for _, side in sides], sentence
    named = "; ".join(f"{name}: {_labels(side, states)}" for (name, _), side in zip(sides, runs, strict=True))
    raise ScaffoldError(
        f"the sides have no state of the code in common ({named})",
        hint="name one on each side, such as 'experiment=NAME and commit=...', or take all states for one: --ignore code",
    )


def _spans_several(side: QueryResult, states: CodeEquivalenceClasses) -> bool:
    """Whether one configuration of a side ran with several states of the code."""
    seen: dict[tuple[object, ...], str | None] = {}
    for m in side.measured:
        key = (m.run.experiment, configuration_key(m.run.params, without=side.query.ignored_params), m.run.form)
        if seen.setdefault(key, states.state_of(m.run)) != states.state_of(m.run):
            return True
    return False


def _restrict(side: QueryResult, code: Run, states: CodeEquivalenceClasses) -> QueryResult:
    return replace(
        side,
        measured=tuple(m for m in side.measured if states.is_same(m.run, code)),
        missing=tuple(pair for pair in side.missing if states.is_same(pair[0], code)),
    )


def _labels(runs: Sequence[Run], states: CodeEquivalenceClasses) -> str:
    labels = list(
        dict.fromkeys(states.label(run) for run in sorted(runs, key=lambda run: run.started_at, reverse=True))
    )
    return ", ".join(labels[:MOST_NAMED]) + (", ..." if len(labels) > MOST_NAMED else "") or "no run"
