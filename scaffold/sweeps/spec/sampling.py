"""What is drawn at random, and the drawing: the same seed gives the same values on every Python and machine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

from scaffold.errors import WrongUsage
from scaffold.runs import recorder
from scaffold.sweeps.spec.parameter_texts import MAX_CONFIGURATIONS, split_parameter_values

KINDS = ("uniform", "log", "int", "logint", "choice")
HINT = "lr=log:1e-5,1e-1  dropout=uniform:0,0.5  layers=int:1,6  width=logint:16,1024  act=relu,gelu"


def draw_configurations(space: Mapping[str, str], number: int, seed: int) -> tuple[dict[str, str], ...]:
    """`number` configurations, each parameter drawn by itself: one more parameter does not change the others' values.

    Raises WrongUsage where a range cannot be understood, or they are more than a sweep can have.
    """
    if number > MAX_CONFIGURATIONS:
        raise WrongUsage(f"{number:,} configurations are more than a sweep can have ({MAX_CONFIGURATIONS:,})")
    kinds = {key: _parse_range(key, text) for key, text in space.items()}
    return tuple(
        {key: _draw_value(kind, values, _uniform_number(seed, i, key)) for key, (kind, values) in kinds.items()}
        for i in range(number)
    )


def validate_sampling_ranges(space: Mapping[str, str]) -> None:
    """Raises WrongUsage where a range cannot be understood."""
    for key, text in space.items():
        _parse_range(key, text)


def _uniform_number(seed: int, number: int, key: str) -> float:
    """A number in [0, 1), by SHA-256 of what it is for: Python's own generator promises less."""
    digest = hashlib.sha256(f"{seed}/{number}/{key}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:6], "big") / 2.0**48


def _parse_range(key: str, text: str) -> tuple[str, tuple[str, ...]]:
    kind, colon, rest = text.partition(":")
    if not colon or kind not in KINDS:
        if colon and kind.isidentifier() and _are_numbers(rest.split(",")):
            raise WrongUsage(
                f"--space {key}: {kind} is no kind of range; there are {', '.join(KINDS)}",
                hint=f"{HINT} (if {text!r} are values: choice:{text})",
            )
        return "choice", split_parameter_values(text, option=f"--space {key}")
    if kind == "choice":
        return "choice", split_parameter_values(rest, option=f"--space {key}")
    ends = tuple(part.strip() for part in rest.split(","))
    bounds = [bound for bound in map(recorder.values.parse_number, ends) if bound is not None]
    if len(ends) != 2 or len(bounds) != 2:
        raise WrongUsage(f"--space {key}: {kind} needs two numbers, lowest first, not {rest!r}", hint=HINT)
    low, high = bounds
    if kind in ("int", "logint") and not (isinstance(low, int) and isinstance(high, int)):
        raise WrongUsage(f"--space {key}: {kind} needs whole numbers, not {rest!r}", hint=HINT)
    if not low < high:
        raise WrongUsage(f"--space {key}: {ends[0]} is not below {ends[1]}", hint=HINT)
    if kind in ("log", "logint") and low <= 0:
        raise WrongUsage(f"--space {key}: {kind} needs numbers above 0, not {rest!r}", hint=HINT)
    return kind, ends


def _are_numbers(parts: Sequence[str]) -> bool:
    """Whether these are the ends of a range, so that the word before them was meant as a kind (`loguniform:1e-5,1e-1`)."""
    return len(parts) > 1 and all(recorder.values.parse_number(part.strip()) is not None for part in parts)


def _draw_value(kind: str, values: tuple[str, ...], part: float) -> str:
    if kind == "choice":
        return values[int(part * len(values))]
    low, high = (recorder.values.parse_number(value) or 0 for value in values)
    if kind == "int":
        return str(low + int(part * (high - low + 1)))
    if kind == "uniform":
        return _format_six_digits(low + part * (high - low))
    if kind == "log":
        return _format_six_digits(math.exp(math.log(low) + part * (math.log(high) - math.log(low))))
    drawn = int(math.exp(math.log(low) + part * (math.log(high + 1) - math.log(low))) + 1e-9)
    return str(max(low, min(high, drawn)))


def _format_six_digits(value: float) -> str:
    """Six digits: enough for a search, and the same where two C libraries differ in the last bit."""
    return recorder.values.format_value(recorder.values.parse_value(f"{value:.6g}"))
