"""What was tried before: the same code, nearly the same change, the same words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scaffold.ideas.study import IdeaRecord, IdeaStudy

# of the lines that two changes have between them, this share in both makes them nearly the same
NEAR = 0.8


@dataclass(frozen=True, slots=True)
class Resemblance:
    """An earlier idea that is like the one at hand, and how."""

    record: IdeaRecord
    how: str


def find_same_code(study: IdeaStudy, state: str) -> IdeaRecord | None:
    """The idea that had exactly this code state, the last one of several; the code that stands before all others."""
    if study.standing.state == state:
        return study.standing
    return next((record for record in reversed(study.ideas) if record.state == state and record.of is None), None)


def find_similar_ideas(
    study: IdeaStudy, lines: Sequence[str], constants: Sequence[str], text: str, *, other_than: int | None = None
) -> list[Resemblance]:
    """Earlier ideas that are nearly the same, the most alike first: by the lines that they change, by the constants that they turn, by
    their words."""
    prints, turned, words = frozenset(lines), frozenset(constants), _words(text)
    alike: list[tuple[float, Resemblance]] = []
    for record in study.ideas[1:]:
        if record.number == other_than or record.of is not None:
            continue
        share = _share(prints, frozenset(record.lines))
        if share >= NEAR:
            alike.append((2 + share, Resemblance(record, "the same lines" if share == 1 else "nearly the same lines")))
        elif turned and turned == frozenset(record.constants):
            alike.append((2.0, Resemblance(record, "the same constants, other values")))
        elif words and words == _words(record.text):
            alike.append((1.0, Resemblance(record, "the same words")))
    return [each for _, each in sorted(alike, key=lambda row: (-row[0], -row[1].record.number))]


def _share(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a and b else 0.0


def _words(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
