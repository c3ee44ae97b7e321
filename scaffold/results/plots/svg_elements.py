"""The elements that SVG is made of; every text and value is escaped, every number has one decimal at most."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from markupsafe import Markup, escape

from scaffold.results.tables.text_format import truncate

SERIES = 8
DASHES = ("", "7 3", "2 3", "9 3 2 3", "", "7 3", "2 3", "9 3 2 3")


def svg_element(name: str, **attributes: str | float) -> Markup:
    """An element without content. `class_` is `class`, `stroke_width` is `stroke-width`; an empty text is left out."""
    # put together by hand: `Markup.format` takes ten times as long, and a figure of all runs has as many elements
    texts = [
        f' {key.rstrip("_").replace("_", "-")}="{escape(value) if isinstance(value, str) else _decimal(value)}"'
        for key, value in attributes.items()
        if value != ""
    ]
    return Markup(f"<{name}{''.join(texts)}/>")


def svg_text(x: float, y: float, content: str, classes: str, *, limit: int = 30) -> Markup:
    """A text at a place, cut to a length."""
    markup = Markup('<text x="{}" y="{}" class="{}">{}</text>')
    return markup.format(_decimal(x), _decimal(y), classes, truncate(content, limit))


def svg_group(title: str, parts: Iterable[Markup], *, series: int | None = None) -> Markup:
    """Elements with what is shown when one points at them; `series` is the number of the one that they are of."""
    mark = Markup("") if series is None else Markup(' data-series="{}"').format(series)
    return Markup("<g{}><title>{}</title>{}</g>").format(mark, title, join_svg_parts(parts))


def format_svg_points(corners: Iterable[tuple[float, float]]) -> str:
    """Corners as a polygon or polyline has them."""
    return " ".join(f"{_decimal(x)},{_decimal(y)}" for x, y in corners)


def _decimal(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if math.isfinite(value) else "0"


def join_svg_parts(parts: Iterable[Markup]) -> Markup:
    """Parts as one."""
    return Markup("").join(parts)


def _circle(x: float, y: float, classes: str) -> Markup:
    return svg_element("circle", cx=x, cy=y, r=4, class_=classes)


def _square(x: float, y: float, classes: str) -> Markup:
    return svg_element("rect", x=x - 3.6, y=y - 3.6, width=7.2, height=7.2, class_=classes)


def _polygon(*corners: tuple[float, float]) -> Callable[[float, float, str], Markup]:
    def draw(x: float, y: float, classes: str) -> Markup:
        return svg_element("polygon", points=format_svg_points((x + dx, y + dy) for dx, dy in corners), class_=classes)

    return draw


MARKERS = (_circle, _square, _polygon((0, -5), (4.6, 3.6), (-4.6, 3.6)), _polygon((0, -5), (5, 0), (0, 5), (-5, 0)))


def series_marker(x: float, y: float, index: int) -> Markup:
    """The marker of the series with this index."""
    return MARKERS[index % len(MARKERS)](x, y, f"s{index % SERIES} mark")


def format_series_dash(index: int) -> str:
    """The dash of the series with this index, as `stroke-dasharray`."""
    return DASHES[index % SERIES]
