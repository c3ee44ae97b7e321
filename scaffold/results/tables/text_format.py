"""Texts, numbers and counts as a line or a plot can show them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaffold.results.stats.summary import MetricSummary


def truncate(text: str, width: int) -> str:
    """A text of at most `width` characters; `…` stands for what is left out."""
    return text if len(text) <= width else text[: width - 1] + "…"


def wrap_text(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` characters, broken at spaces where there are any; nothing of it is left out."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}".lstrip(" ") if lines[-1] else word
        if len(joined) <= width:
            lines[-1] = joined
            continue
        pieces = [word[start : start + width] for start in range(0, len(word), width)]
        lines += pieces if lines[-1] else []
        lines = lines if lines[-1] else pieces
    return lines


def shorten_names(texts: Sequence[str], width: int) -> list[str]:
    """Names without the parts at both ends that all have in common, where one is longer than `width`: of `a/b_x`, `a/c_x` `b` and `c`."""
    if all(len(text) <= width for text in texts):
        return list(texts)
    parts = [re.split(r"([./_-])", text) for text in texts]
    for end in (0, -1):
        while all(len(p) > 2 for p in parts) and len({p[end] for p in parts}) == 1:
            parts = [p[1:] if end == 0 else p[:-1] for p in parts]
    return ["".join(p).strip("./_-") or text for p, text in zip(parts, texts, strict=True)]


def pluralize(number: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def number_format_spec(value: float, spread: float | None) -> str:
    """How to format a value: with the digits that its spread leaves (two of the spread), else five in all."""
    if spread is None or not 0 < spread < math.inf:
        return ".5g"
    decimals = 1 - math.floor(math.log10(spread))
    if decimals <= 8 and -1e9 < value < 1e9:
        return f".{decimals}f" if decimals > 0 else ".0f"
    exponent = math.floor(math.log10(abs(value))) if value else 0
    return f".{max(1, min(15, exponent + decimals))}e"


def format_number(value: float, spread: float | None = None) -> str:
    """A value, rounded to what its spread leaves of it. NaN and infinities are `nan`, `inf`, `-inf`."""
    return format(value, number_format_spec(value, spread)) if math.isfinite(value) else str(value)


def format_signed_number(value: float, spread: float | None = None) -> str:
    """A difference, with its sign."""
    return ("+" if value > 0 else "") + format_number(value, spread)


def format_interval(low: float | None, high: float | None, spread: float | None = None) -> str:
    """`[0.902, 0.938]`; `one run: no interval` where there is none."""
    if low is None or high is None:
        return "one run: no interval"
    return f"[{format_number(low, spread)}, {format_number(high, spread)}]"


def format_p(p: float) -> str:
    """A p-value: `p = 0.034`, `p < 0.0001`."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def format_run_count(summary: MetricSummary | None, missing: int) -> str:
    """How many runs a mean rests on: `3`, `2 of 3`, `2 of 3 (1 not finite)`."""
    n, lost = (summary.n, summary.not_finite) if summary else (0, 0)
    total = n + lost + missing
    return f"{n}" + (f" of {total}" if total != n else "") + (f" ({lost} not finite)" if lost else "")
