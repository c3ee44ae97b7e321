"""A value with what it was read from: what every convention gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from scaffold.conventions.model import Evidence

T = TypeVar("T")
MOST_PER_VALUE = 5


@dataclass(frozen=True, slots=True)
class DetectedValue(Generic[T]):
    """The value of one field, the evidence for it, and the evidence that lost (its text says why)."""

    value: T
    evidence: tuple[Evidence, ...] = ()
    lost: tuple[Evidence, ...] = ()


class Occurrence(NamedTuple):
    """One value seen at one place."""

    value: str
    path: str
    line: int | None = None
    text: str = ""

    @property
    def evidence(self) -> Evidence:
        """The place, with the value where it has no text of its own; the lines of a notebook's code are none of its file."""
        line = None if self.path.endswith(".ipynb") else self.line
        return Evidence(path=self.path, line=line, text=self.text or self.value)


def merge_occurrences(
    hits: Iterable[Occurrence], lost: Iterable[Evidence] = (), *, by_use: bool = False
) -> DetectedValue[tuple[str, ...]]:
    """The values that were seen, sorted, or the most used first (then as they were met); at most five places each."""
    seen: dict[str, list[Occurrence]] = {}
    for hit in hits:
        seen.setdefault(hit.value, []).append(hit)
    uses = Counter({value: len(places) for value, places in seen.items()})
    values = sorted(seen, key=lambda v: -uses[v]) if by_use else sorted(seen)
    evidence = tuple(h.evidence for v in values for h in seen[v][:MOST_PER_VALUE])
    return DetectedValue(tuple(values), evidence, tuple(lost))
