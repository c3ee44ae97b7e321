"""The parts that SVG is made of; every text and value is escaped."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from markupsafe import Markup

from scaffold.results.tables.text_format import truncate

SERIES = 8
DASHES = ("", "7 3", "2 3", "9 3 2 3", "", "7 3", "2 3", "9 3 2 3")


def circle(px: float, py: float, name: str) -> Markup:
    """A marker."""
    return tag("circle", cx=place(px), cy=place(py), r=4, class_=name)


def square(px: float, py: float, name: str) -> Markup:
    """A marker."""
    return tag("rect", x=place(px - 3.6), y=place(py - 3.6), width=7.2, height=7.2, class_=name)


def shape(*corners: tuple[float, float]) -> Callable[[float, float, str], Markup]:
    """A marker with corners."""

    def draw(px: float, py: float, name: str) -> Markup:
        return tag("polygon", points=points((px + dx, py + dy) for dx, dy in corners), class_=name)

    return draw


MARKERS = (circle, square, shape((0, -5), (4.6, 3.6), (-4.6, 3.6)), shape((0, -5), (5, 0), (0, 5), (-5, 0)))


def marker(px: float, py: float, index: int) -> Markup:
    """The marker of a series."""
    return MARKERS[index % len(MARKERS)](px, py, f"s{index % SERIES} mark")


def dash(index: int) -> str:
    """The dash of a series."""
    return DASHES[index % SERIES]


def text(x: float, y: float, words: str, classes: str, *, limit: int = 30) -> Markup:
    """A text at a place, cut to a length."""
    return Markup('<text x="{}" y="{}" class="{}">{}</text>').format(
        place(x), place(y), classes, truncate(words, limit)
    )


def tag(name: str, **attributes: str | float) -> Markup:
    """An element without content; every value is escaped."""
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value != "")
    inner = joined(Markup(' {}="{}"').format(key, value) for key, value in pairs)
    return Markup("<{}{}/>").format(name, inner)


def points(places: Iterable[tuple[float, float]]) -> str:
    """Places as a polygon has them."""
    return " ".join(f"{place(x)},{place(y)}" for x, y in places)


def place(value: float) -> str:
    """A place on paper, to a tenth."""
    return f"{value:.1f}".removesuffix(".0") if math.isfinite(value) else "0"


def joined(parts: Iterable[Markup]) -> Markup:
    """Parts as one."""
    return Markup("").join(parts)
