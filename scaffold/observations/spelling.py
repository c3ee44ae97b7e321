"""Metrics under several spellings -> one name."""

from __future__ import annotations

import fnmatch
import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from scaffold.observations.model import MeasuredRun

T = TypeVar("T")
_SEPARATORS = re.compile(r"[\s/._:-]+")


@functools.lru_cache(maxsize=65536)  # the same few names come with every run
def normalize_name(name: str) -> str:
    """What `val/acc`, `val_acc` and `Val-Acc` have in common."""
    return _SEPARATORS.sub("/", name).lower()


def matches_metric(metric: str, name_or_pattern: str) -> bool:
    """Whether a name in any spelling, or a pattern (`val*`), means this metric."""
    return normalize_name(metric) == normalize_name(name_or_pattern) or fnmatch.fnmatchcase(metric, name_or_pattern)


def find_metric_value(values: Mapping[str, T], name: str) -> T | None:
    """The value of a metric in any spelling; the one that is spelled so comes first. None where there is none."""
    if name in values:
        return values[name]
    spelling = normalize_name(name)
    return next((values[other] for other in sorted(values) if normalize_name(other) == spelling), None)


def unify_spellings(
    measured: Sequence[MeasuredRun], metric_names: Iterable[str] | None = None
) -> tuple[list[MeasuredRun], list[str]]:
    """Runs that spell a metric differently get one name for it, the most frequent; and sentences that say so. `metric_names` are
    theirs, if these are known.

    Spellings that one run uses side by side are two metrics, and stay so.
    """
    groups: dict[str, list[str]] = {}
    if metric_names is None:
        metric_names = {*itertools.chain.from_iterable([m.values for m in measured])}
    for name in sorted(metric_names):
        groups.setdefault(normalize_name(name), []).append(name)
    if all(len(group) == 1 for group in groups.values()):
        return list(measured), []
    uses = Counter(itertools.chain.from_iterable([m.values for m in measured]))
    renamed: dict[str, str] = {}
    notes = []
    for group in groups.values():
        if len(group) == 1 or any(sum(name in m.values for name in group) > 1 for m in measured):
            continue
        most_used = min(group, key=lambda name: (-uses[name], name))
        others = [name for name in group if name != most_used]
        renamed.update(dict.fromkeys(others, most_used))
        notes.append(f"{', '.join(others)} is read as {most_used}: they differ in spelling only")
    if not renamed:
        return list(measured), notes
    unified = [
        MeasuredRun(run=m.run, values={renamed.get(name, name): value for name, value in m.values.items()})
        for m in measured
    ]
    return unified, notes
