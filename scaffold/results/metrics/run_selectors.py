"""A word of the user's -> the runs that it means: one side of a comparison."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from scaffold.errors import ScaffoldError
from scaffold.results.metrics import run_filter

if TYPE_CHECKING:
    from scaffold.results.metrics.query import QueryResult
    from scaffold.results.metrics.run_filter import RunPredicate
    from scaffold.runs.model import Run

# what a name may be, in the order in which it is tried, and before a colon what it is to be
PREFIXES = ("experiment", "sweep", "task", "run")
_RUN_NAME = re.compile(r"(?P<base>.+?)(?:-s-?\d+)?-[0-9a-f]{8}")


class RunSelection(NamedTuple):
    """What a word stands for: `kind` says as what it was understood, `note` what else it could have meant."""

    text: str
    kind: str
    admits: RunPredicate
    note: str | None = None


def name_without_seed(name: str) -> str:
    """A run's name without its seed and digest."""
    match = _RUN_NAME.fullmatch(name)
    return match["base"] if match else name


def select_runs(text: str, result: QueryResult) -> RunSelection:
    """The runs that `text` means, the first of: an experiment, a sweep, a task, a run, a run's name without seed, a beginning, a condition.

    `experiment:NAME`, `sweep:NAME`, `task:NAME` and `run:NAME` mean nothing else. Raises ScaffoldError where it means nothing.
    """
    runs = result.runs()
    kind, colon, name = text.partition(":")
    prefix = kind if colon and kind in PREFIXES else None
    name = name if prefix else text
    meanings = _named_meanings(name, result, [prefix] if prefix else PREFIXES) if name else {}
    if meanings:
        kind, test = next(iter(meanings.items()))
        return RunSelection(text=text, kind=kind, admits=test, note=_other_meanings(name, kind, meanings, runs))
    if prefix:
        raise ScaffoldError(f"there is no {prefix} {name!r} with a run", hint=_hint(runs))
    # the narrowest meaning first: `main-lr=0.1` is a configuration before it is how `main-lr=0.15` begins
    tests: list[tuple[str, RunPredicate]] = [
        ("configuration", lambda run: name_without_seed(run.name) == text),
        ("beginning", lambda run: run.name.startswith(text.rstrip("-") + "-")),
        ("beginning", lambda run: run.name.startswith(text)),
    ]
    for kind, test in tests if text else ():
        if any(test(run) for run in runs):
            return RunSelection(text=text, kind=kind, admits=test)
    if run_filter.looks_like_condition(text):
        condition = run_filter.parse_run_filter(text, result.sheets)
        condition.check(runs)
        if any(condition.admits(run) for run in runs):
            return RunSelection(text=text, kind="condition", admits=condition.admits)
    raise ScaffoldError(f"no run is meant by {text!r}", hint=_hint(runs))


def _named_meanings(name: str, result: QueryResult, kinds: Iterable[str]) -> dict[str, RunPredicate]:
    """As what a name can be understood, in the order in which it is."""
    tests: dict[str, RunPredicate] = {
        "experiment": lambda run: run.experiment == name,
        "sweep": lambda run: result.sheets.holds(name, run),
        "task": lambda run: run.task == name,
        "run": lambda run: name in (run.name, run.label),
    }
    return {kind: tests[kind] for kind in kinds if any(map(tests[kind], result.runs()))}


def _other_meanings(name: str, kind: str, meanings: Mapping[str, RunPredicate], runs: Sequence[Run]) -> str | None:
    """That a name could have meant other runs, and how to say so."""
    members = {other: {run.path for run in runs if test(run)} for other, test in meanings.items()}
    others = [f"{other}:{name}" for other, paths in members.items() if paths != members[kind]]
    return f"{name!r} is taken for the {kind}; it is also {' and '.join(others)}" if others else None


def _hint(runs: Sequence[Run]) -> str:
    experiments = sorted({run.experiment for run in runs})
    examples = ", ".join(experiments[:8]) + (", ..." if len(experiments) > 8 else "")
    named = f"name an experiment ({examples}), a sweep, a run, or a condition such as 'lr=0.1'"
    return named if runs else "record runs first: scaffold run"


def restrict_to_selection(result: QueryResult, selection: RunSelection) -> QueryResult:
    """What was read of the selected runs."""
    return replace(
        result,
        measured=tuple(m for m in result.measured if selection.admits(m.run)),
        missing=tuple(pair for pair in result.missing if selection.admits(pair[0])),
        skipped=(),
        notes=(),
    )
