"""p-values -> p-values that may be held against 5 % however many there are, with the level that each has to reach by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scaffold.results.stats.distributions import ALPHA
from scaffold.results.stats.hypothesis_tests import holm_correction

ASKED = "asked"
# what a family's name ends in where every pair of it counts
EVERY_PAIR = ", every pair"


@dataclass(frozen=True, slots=True, kw_only=True)
class HolmCorrection:
    """A p-value after Holm's correction: for `count` tests, of which family; `level` is what it has to reach alone.

    The level is that of the test as it would be made again: those that are found already are not in its way.
    """

    p: float
    count: int
    family: str
    level: float


def correct_p_values(ps: Sequence[float | None], family: str = ASKED, count: int = 0) -> list[HolmCorrection | None]:
    """Each p-value among all; None is no test. `count` is how many tests there were in all, where that is more than these."""
    adjusted = holm_correction(ps, count)
    tests = max(count, sum(p is not None for p in ps))
    passed = sorted(
        p for p, holm in zip(ps, adjusted, strict=True) if p is not None and holm is not None and holm <= ALPHA
    )
    corrections: list[HolmCorrection | None] = []
    for p, holm in zip(ps, adjusted, strict=True):
        if p is None or holm is None:
            corrections.append(None)
            continue
        before = passed.index(p) if holm <= ALPHA else len(passed)
        corrections.append(HolmCorrection(p=holm, count=tests, family=family, level=ALPHA / (tests - before)))
    return corrections


def correct_p_value(p: float, others: Sequence[float | None], family: str, count: int = 0) -> HolmCorrection:
    """One p-value among others."""
    first = correct_p_values([p, *others], family, count)[0]
    assert first is not None  # as it is a test
    return first
