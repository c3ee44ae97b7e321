"""Which runs a condition (`lr<0.01 and status=finished`) takes: its names are parameters, and what is known of every run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from scaffold.errors import WrongUsage, suggest_spelling
from scaffold.results.configuration.code_states import code_label
from scaffold.runs.model import Run, Scalar

if TYPE_CHECKING:
    from scaffold.results.metrics.sweep_runs import SweepFileReader

# a commit or code state, also its first digits
_HASH = re.compile(r"(?<![\w.])[0-9a-f]{4,64}(?:\+[0-9a-f]{4})?(?![\w.])")
_SWEEP = re.compile(r"[A-Za-z0-9][\w.+-]*")
RunPredicate = Callable[[Run], bool]
FIELDS: dict[str, Callable[[Run], Scalar]] = {
    "name": lambda run: run.name,
    "attempt": lambda run: run.attempt,
    "experiment": lambda run: run.experiment,
    "status": lambda run: run.status,
    "seed": lambda run: run.seed,
    "task": lambda run: run.task,
    "sweep": lambda run: run.sweep,
    "commit": lambda run: run.commit,
    "code": lambda run: run.code,
    "dirty": lambda run: run.dirty,
    "started": lambda run: run.started_at,
    "duration": lambda run: run.duration_s,
    "host": lambda run: run.hostname,
}
# a sweep may be called as the parameter that it is about: right of these a word is no name
TEXT_FIELDS = ("name", "experiment", "status", "task", "sweep", "commit", "code", "started", "host")


class RunFilter(NamedTuple):
    """What a run must be like; `names` are the parameters that it asks for."""

    text: str
    admits: RunPredicate
    names: frozenset[str]
    unknown_names: Callable[[Callable[[str], bool]], list[str]]

    def check(self, runs: Iterable[Run]) -> None:
        """Refuse a name that no run has: it would select nothing, or everything. Raises WrongUsage."""
        all_runs = list(runs)
        params = {name for run in all_runs for name in run.params}
        for word in self.unknown_names(lambda word: word in FIELDS or _param(word) in params) if all_runs else ():
            name = _param(word)
            if any(name in run.metrics for run in all_runs):
                raise WrongUsage(
                    f"`{name}` in {self.text!r} is a metric, and runs that are chosen by their outcome make every mean a lie",
                    hint="choose by parameters, experiment, sweep, seed, status",
                )
            choices = f"parameters are {', '.join(sorted(params)[:10]) or 'none'}; also {', '.join(FIELDS)}"
            raise WrongUsage(
                f"no run has a parameter `{name}`, which {self.text!r} asks for",
                hint=suggest_spelling(name, sorted(params | FIELDS.keys()), choices, quote="`"),
            )


def parse_run_filter(text: str, sheets: SweepFileReader | None = None) -> RunFilter:
    """Parse. A run is of every sweep whose file, among `sheets`, plans it. Raises WrongUsage with the place that is not understood."""
    from scaffold.conditions.parse import parse_condition

    condition = parse_condition(text, text_names=TEXT_FIELDS)
    names = [(word, _param(word)) for word in condition.words if word not in FIELDS]
    fields = [(word, FIELDS[word]) for word in condition.words if word in FIELDS]
    hashes = _HASH.findall(text)
    sweeps = _named_sweeps(text, sheets) if sheets is not None and "sweep" in condition.words else []

    def admits(run: Run) -> bool:
        values = {word: run.params[name] for word, name in names if name in run.params}
        values.update((word, value(run)) for word, value in fields)
        for word in ("commit", "code"):
            if word in values and word not in run.params:
                values[word] = next((short for short in hashes if _is_short_for(short, word, run)), values[word])
        if sheets is not None and "sweep" not in run.params:
            values["sweep"] = _sweep_that_is_meant(run, sweeps, sheets)
        return condition.holds(values)

    needed = {part for word, parts in condition.needed.items() for part in (word, *parts)} - FIELDS.keys()
    return RunFilter(
        text=text, admits=admits, names=frozenset(map(_param, needed)), unknown_names=condition.unknown_names
    )


def _named_sweeps(text: str, sheets: SweepFileReader) -> list[str]:
    """The sweeps that a condition names, in order."""
    return [name for name in _SWEEP.findall(text) if name in sheets.names]


def _sweep_that_is_meant(run: Run, sweeps: Sequence[str], sheets: SweepFileReader) -> str | None:
    """Of the sweeps that a condition names the first that plans a run, unless its record names one of them; else the record's."""
    if run.sweep in sweeps:
        return run.sweep
    return next((name for name in sweeps if sheets.holds(name, run)), run.sweep)


def _is_short_for(text: str, field: str, run: Run) -> bool:
    """Whether a text is how one writes a run's commit, or its code state: the first digits, or as tables call it."""
    if field == "commit":
        return bool(run.commit) and str(run.commit).startswith(text)
    return bool(run.code) and (str(run.code).startswith(text) or code_label(run).startswith(text))


def _param(word: str) -> str:
    return word.removeprefix("params.").replace("-", "_")


def looks_like_condition(text: str) -> bool:
    """Whether a text is rather a condition than a name."""
    return bool(re.search(r"[<>=~]|\sin\s*\(", text))
