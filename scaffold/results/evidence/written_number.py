"""A number as somebody wrote it: its value, and the rounding that its digits imply."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

# a number that stands alone: no letter, digit, dot, dash or slash of a word, version, date or path touches it
NUMBER = re.compile(
    r"(?<![\w.,:/\\@#$€£^~-])(?<![\w)]\s[-\u2212])(?P<number>[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?)"
    r"(?P<percent>[ \u00a0\u202f]?(?:%|percent\b|percentage points?\b|pp\b))?(?![\w/\\@^]|[.,:-]\d|-[A-Za-z])"
)


# 0.15 as written and 0.15 as computed differ in the last bits of a float: relative to the size of the number
ROUNDING_ERROR = 1e-9


class ClaimedNumber(NamedTuple):
    """A number as written, where it stands (line and column from 1), and how far the true value may lie from it (`half`).

    `percent`: a per cent sign follows. `compares`: its line speaks of a difference, so a difference may back it; `tests`: of a
    p-value or the power of a test.
    """

    line: int
    column: int
    text: str
    value: float
    half: float
    percent: bool = False
    compares: bool = False
    tests: bool = False


def parse_claimed_number(text: str) -> ClaimedNumber | None:
    """The number that a text is and nothing else; None where it is none. A difference may back it: no line says otherwise."""
    match = NUMBER.fullmatch(text.strip())
    return claimed_number(match, line=1, column=1, compares=True, tests=True) if match else None


def claimed_number(match: re.Match[str], *, line: int, column: int, compares: bool, tests: bool) -> ClaimedNumber:
    """What a match of NUMBER claims, and where."""
    written = match["number"].replace("\u2212", "-").replace(",", "")
    return ClaimedNumber(
        line=line,
        column=column,
        text=match[0].strip(),
        value=float(written),
        half=half_unit_of_last_digit(written),
        percent=match["percent"] is not None,
        compares=compares or written.startswith("+"),
        tests=tests,
    )


def half_unit_of_last_digit(written: str) -> float:
    """Half a unit of the last digit that is written: 0.005 for `0.91`, 0.5 for `42`, 5e-5 for `1.2e-3`."""
    mantissa, _, exponent = written.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 0.5 * float(f"1e{int(exponent or 0) - decimals}")


def rounding_ranges(claimed: ClaimedNumber) -> Iterator[tuple[float, float, float]]:
    """Between which values a number must lie to round to a claimed one, each with its scale: 1, and 100 for per cent."""
    if not math.isfinite(claimed.value):  # 1e999: nothing is near to what no float holds
        return
    for scale in (1.0, 100.0):
        value, half = claimed.value / scale, claimed.half / scale
        reach = half + ROUNDING_ERROR * max(abs(value), half)
        yield scale, value - reach, value + reach


class ClaimRanges:
    """Which numbers could round to one of several claims; all finite ones where these are not said. `either_way`: or their negatives."""

    def __init__(self, claims: Iterable[ClaimedNumber] | None, *, either_way: bool = False) -> None:
        ranges = [(-math.inf, math.inf)]
        if claims is not None:
            ranges = [(low, high) for claimed in claims for _, low, high in rounding_ranges(claimed)]
        if either_way:
            ranges += [(-high, -low) for low, high in ranges]
        # where what is near begins and ends, in turn: a number is near where an odd count of these is not above it
        self._bounds: list[float] = []
        for low, high in sorted(ranges):
            end = math.nextafter(high, math.inf)
            if self._bounds and low <= self._bounds[-1]:
                self._bounds[-1] = max(self._bounds[-1], end)
            else:
                self._bounds += low, end

    def contains(self, value: float) -> bool:
        """Whether a number is near to a claim."""
        return bisect_right(self._bounds, value) % 2 == 1

    def find_near(self, values: Sequence[float]) -> list[int]:
        """The places of those numbers that are near to a claim: of all that pairs of rows say, next to none."""
        bounds = self._bounds
        return [place for place, value in enumerate(values) if bisect_right(bounds, value) & 1]
