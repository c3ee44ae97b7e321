"""Metrics under several spellings -> one name; and which way a metric is better."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import cast

from scaffold import metric_names
from scaffold.errors import WrongUsage
from scaffold.metric_names import Direction
from scaffold.results.metrics.model import Measured
from scaffold.workspace import Workspace

_JOINTS = re.compile(r"[\s/._:-]+")


@functools.lru_cache(maxsize=65536)
def spelling(name: str) -> str:
    """What `val/acc`, `val_acc` and `Val-Acc` have in common."""
    return _JOINTS.sub("/", name).lower()


def is_meant(metric: str, wanted: str) -> bool:
    """Whether `wanted`, a name in any spelling or a pattern (`val*`), means a metric."""
    return spelling(metric) == spelling(wanted) or fnmatch.fnmatchcase(metric, wanted)


def one_spelling(measured: Sequence[Measured]) -> tuple[list[Measured], list[str]]:
    """Runs that spell a metric differently get one name for it, the most frequent; and sentences that say so.

    Spellings that one run uses side by side are two metrics, and stay so.
    """
    used = Counter(name for m in measured for name in m.values)
    groups: dict[str, list[str]] = {}
    for name in sorted(used):
        groups.setdefault(spelling(name), []).append(name)
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
        Measured(run=m.run, values={renamed.get(name, name): value for name, value in m.values.items()})
        for m in measured
    ]
    return changed, notes


class Directions:
    """Which way metrics are better: as told, as the workspace says of its primary metric, else by their names.

    Raises WrongUsage where one metric is told to be both.
    """

    def __init__(self, workspace: Workspace, minimize: Iterable[str] = (), maximize: Iterable[str] = ()) -> None:
        self.primary = str(workspace.answers.get("primary_metric") or "") or None
        self._known: dict[str, Direction] = {}
        said = workspace.answers.get("metric_direction")
        if self.primary and said in ("minimize", "maximize"):
            self._known[spelling(self.primary)] = cast(Direction, said)
        lower, higher = ({spelling(name): name for name in told} for told in (minimize, maximize))
        for both in sorted(lower.keys() & higher.keys()):
            raise WrongUsage(f"--minimize {lower[both]} and --maximize {higher[both]} cannot both be", hint="give one")
        self._known.update(dict.fromkeys(lower, "minimize"))
        self._known.update(dict.fromkeys(higher, "maximize"))

    def primary_among(self, metrics: Iterable[str]) -> str | None:
        """The workspace's primary metric as these runs spell it; None where it names none, or none of them is it."""
        if self.primary is None:
            return None
        wanted = spelling(self.primary)
        same = sorted(name for name in metrics if spelling(name) == wanted)
        return self.primary if self.primary in same else next(iter(same), None)

    def of(self, metric: str) -> Direction | None:
        """`minimize` or `maximize`; None where nothing says."""
        return self._known.get(spelling(metric)) or metric_names.direction(metric)
