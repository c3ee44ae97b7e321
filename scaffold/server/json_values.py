"""Values out of JSON that nobody vouches for: each function gives its kind, or the empty one; none raises."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def mapping(value: object) -> Mapping[str, Any]:
    """`value` as an object; empty where it is none."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects in a list; nothing where it is none."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """`value` where it is text; else empty."""
    return value if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    """The texts in a list."""
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def number(value: object) -> float | None:
    """`value` where it is a finite number; else None."""
    try:
        fine = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        return float(value) if fine else None  # type: ignore[arg-type]
    except OverflowError:
        return None


def integer(value: object) -> int | None:
    """`value` where it is a whole number; else None."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def count(value: object) -> int:
    """`value` where it counts something; else 0."""
    return max(0, integer(value) or 0)


def non_negative_integer(value: object) -> int | None:
    """`value` where it is a whole number from 0 on; else None."""
    found = integer(value)
    return found if found is not None and found >= 0 else None


def metric_points(value: object) -> tuple[tuple[float, float], ...]:
    """The pairs of `step` and `value` in a list; those without either are left out."""
    pairs = [(number(point.get("step")), number(point.get("value"))) for point in objects(value)]
    return tuple((step, at) for step, at in pairs if step is not None and at is not None)
