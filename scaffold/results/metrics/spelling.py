"""Metrics under several spellings -> one name."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections import Counter
from collections.abc import Sequence

from scaffold.results.metrics.model import MeasuredRun

_JOINTS = re.compile(r"[\s/._:-]+")


@functools.lru_cache(maxsize=65536)
def normalize_name(name: str) -> str:
    """What `val/acc`, `val_acc` and `Val-Acc` have in common."""
    return _JOINTS.sub("/", name).lower()


def matches_metric(metric: str, wanted: str) -> bool:
    """Whether `wanted`, a name in any spelling or a pattern (`val*`), means a metric."""
    return normalize_name(metric) == normalize_name(wanted) or fnmatch.fnmatchcase(metric, wanted)


def unify_spellings(measured: Sequence[MeasuredRun]) -> tuple[list[MeasuredRun], list[str]]:
    """Runs that spell a metric differently get one name for it, the most frequent; and sentences that say so.

    Spellings that one run uses side by side are two metrics, and stay so.
    """
    used = Counter(name for m in measured for name in m.values)
    groups: dict[str, list[str]] = {}
    for name in sorted(used):
        groups.setdefault(normalize_name(name), []).append(name)
    several = [group for group in groups.values() if len(group) > 1]
    renamed: dict[str, str] = {}
    notes = []
    for group in several:
        if any(sum(name in m.values for name in group) > 1 for m in measured):
            continue
        best = min(group, key=lambda n: (-used[n], n))
        others = [name for name in group if name != best]
        renamed.update(dict.fromkeys(others, best))
        notes.append(f"{', '.join(others)} is read as {best}: they differ in spelling only")
    if not renamed:
        return list(measured), notes
    changed = [
        MeasuredRun(run=m.run, values={renamed.get(name, name): value for name, value in m.values.items()})
        for m in measured
    ]
    return changed, notes
