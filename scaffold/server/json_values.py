"""Values out of JSON that nobody vouches for: each function gives its kind, or the empty one; none raises."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def mapping_or_empty(value: object) -> Mapping[str, Any]:
    """`value` as an object; empty where it is none."""
    return value if isinstance(value, dict) else {}


def objects_in_json_list(value: object) -> list[Mapping[str, Any]]:
    """The objects in a list; nothing where it is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_or_empty(value: object) -> str:
    """`value` where it is text; else empty."""
    return value if isinstance(value, str) else ""


def texts_in_json_list(value: object) -> tuple[str, ...]:
    """The texts in a list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def number_or_none(value: object) -> float | None:
    """`value` where it is a finite number; else None."""
    try:
        is_finite = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        return float(value) if is_finite else None  # type: ignore[arg-type]
    except OverflowError:  # a whole number too large for a float
        return None


def integer_or_none(value: object) -> int | None:
    """`value` where it is a whole number; else None."""
    numeric = number_or_none(value)
    return int(numeric) if numeric is not None and numeric == int(numeric) else None


def count_or_zero(value: object) -> int:
    """`value` where it counts something; else 0."""
    return max(0, integer_or_none(value) or 0)


def non_negative_or_none(value: object) -> int | None:
    """`value` where it is a whole number from 0 on; else None."""
    whole = integer_or_none(value)
    return whole if whole is not None and whole >= 0 else None


def metric_points(value: object) -> tuple[tuple[float, float], ...]:
    """The pairs of `step` and `value` in a list; those without either are left out."""
    pairs = [
        (number_or_none(point.get("step")), number_or_none(point.get("value"))) for point in objects_in_json_list(value)
    ]
    return tuple((step, level) for step, level in pairs if step is not None and level is not None)
