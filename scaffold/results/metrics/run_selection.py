"""A word of the user's -> the runs that it means: one side of a comparison."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scaffold.errors import ScaffoldError
from scaffold.results.metrics import run_filter
from scaffold.results.metrics.query import QueryResult
from scaffold.results.metrics.run_filter import RunPredicate
from scaffold.runs.model import Run

_RUN_NAME = re.compile(r"(?P<base>.+?)(?:-s-?\d+)?-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSelection:
    """What a word stands for: `kind` says as what it was understood."""

    text: str
    kind: str
    admits: RunPredicate


def name_without_seed(name: str) -> str:
    """A run's name without its seed and digest."""
    match = _RUN_NAME.fullmatch(name)
    return match["base"] if match else name


def select_runs(text: str, runs: Sequence[Run]) -> RunSelection:
    """The runs that `text` means: an experiment, a sweep or a task, a run, a run's name without seed, a beginning, or a condition.

    Raises ScaffoldError where it means nothing, or different things.
    """
    named = {kind: {run.path for run in runs if getattr(run, kind) == text} for kind in ("experiment", "sweep", "task")}
    named = {kind: paths for kind, paths in named.items() if paths}
    if len({frozenset(paths) for paths in named.values()}) > 1:
        choice = " or ".join(f"'{kind}={text}'" for kind in named)
        raise ScaffoldError(f"{text!r} is the name of several things", hint=f"write {choice}")
    if named:
        kind = next(iter(named))
        return RunSelection(text=text, kind=kind, admits=lambda run: getattr(run, kind) == text)
    # the narrowest meaning first: `main-lr=0.1` is a configuration before it is how `main-lr=0.15` begins
    tests: list[tuple[str, RunPredicate]] = [
        ("run", lambda run: text in (run.name, run.label)),
        ("configuration", lambda run: name_without_seed(run.name) == text),
        ("beginning", lambda run: run.name.startswith(text.rstrip("-") + "-")),
        ("beginning", lambda run: run.name.startswith(text)),
    ]
    for kind, test in tests if text else ():
        if any(test(run) for run in runs):
            return RunSelection(text=text, kind=kind, admits=test)
    if run_filter.is_condition(text):
        condition = run_filter.parse_run_condition(text)
        condition.check(runs)
        if any(condition.admits(run) for run in runs):
            return RunSelection(text=text, kind="condition", admits=condition.admits)
    experiments = sorted({run.experiment for run in runs})
    examples = ", ".join(experiments[:8]) + (", ..." if len(experiments) > 8 else "")
    hint = f"name an experiment ({examples}), a sweep, a run, or a condition such as 'lr=0.1'"
    raise ScaffoldError(f"no run is meant by {text!r}", hint=hint if runs else "record runs first: scaffold run")


def restrict_to_selection(result: QueryResult, selection: RunSelection) -> QueryResult:
    """What was read of the selected runs."""
    return replace(
        result,
        measured=tuple(m for m in result.measured if selection.admits(m.run)),
        missing=tuple(pair for pair in result.missing if selection.admits(pair[0])),
        skipped=(),
        notes=(),
    )
