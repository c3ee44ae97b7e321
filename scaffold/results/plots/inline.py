"""Figures -> SVG for a page: small, coloured by the page's style (light and dark), every text escaped.

Classes: `sN` the N-th series (colour, dash and marker tell it), `qN` a fifth of a scale, `t-STATUS` a run's end, `grid`, `axis`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from markupsafe import Markup

from scaffold.results.plots.figures import Bars, Coordinate, Curves, Figure, Lane, Line, Parallel, Span, Timeline
from scaffold.results.plots.scales import Ruler, ruler, short, wants_zero

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 480, 52, 14, 10, 42
SERIES = 8
DASHES = ("", "7 3", "2 3", "9 3 2 3", "", "7 3", "2 3", "9 3 2 3")
MOST_SPANS = 600


def svg(figure: Figure) -> Markup:
    """The figure as one `<svg>` element with a title and a description for screen readers."""
    body, height = _draw(figure)
    return Markup(
        '<svg viewBox="0 0 {w} {h}" role="img" aria-labelledby="{n}-t {n}-d"><title id="{n}-t">{title}</title>'
        '<desc id="{n}-d">{caption}</desc>{body}</svg>'
    ).format(w=WIDTH, h=height, n=f"fig-{figure.name}", title=figure.title, caption=figure.caption, body=body)


def swatch(index: int, *, dots: bool = False) -> Markup:
    """A series' line and marker, for a legend."""
    line = _tag("line", x1=1, y1=7, x2=29, y2=7, stroke_dasharray=_dash(index), class_=f"s{index % SERIES} line")
    return Markup('<svg class="swatch" viewBox="0 0 30 14" aria-hidden="true">{}{}</svg>').format(
        line, _marker(15, 7, index) if dots else ""
    )


def _draw(figure: Figure) -> tuple[Markup, int]:
    if isinstance(figure, Curves):
        return _curves(figure)
    if isinstance(figure, Bars):
        return _bars(figure)
    return _parallel(figure) if isinstance(figure, Parallel) else _timeline(figure)


def _curves(figure: Curves) -> tuple[Markup, int]:
    height = 300
    marks = [mark for line in figure.lines for mark in line.marks]
    ys = [v for m in marks for v in (m.mean, m.low, m.high) if v is not None]
    ys += [y for line in figure.lines for _, y in line.points]
    x = ruler((m.x for m in marks), LEFT, WIDTH - RIGHT, scale=figure.x.scale)
    y = ruler(ys, height - BOTTOM, TOP, scale=figure.y.scale)
    parts = [_frame(x, y, figure.x.title, figure.y.title, height)]
    many = len(figure.lines)
    if not figure.dots:
        parts += [_band(line, index, x, y, faint=many > 3) for index, line in enumerate(figure.lines)]
    for index, line in enumerate(figure.lines):
        # marks at the same x lie side by side
        parts.append(_line(line, index, x, y, dots=figure.dots, aside=5.0 * (index - (many - 1) / 2)))
    return _join(parts), height


def _band(line: Line, index: int, x: Ruler, y: Ruler, *, faint: bool) -> Markup:
    inside = [(x.at(m.x), y.at(m.low), y.at(m.high)) for m in line.marks if m.low is not None and m.high is not None]
    if len(inside) < 2:
        return Markup("")
    there = [(px, low) for px, low, _ in inside]
    back = [(px, high) for px, _, high in reversed(inside)]
    return _tag("polygon", points=_points([*there, *back]), class_=f"s{index % SERIES} band{' faint' if faint else ''}")


def _line(line: Line, index: int, x: Ruler, y: Ruler, *, dots: bool, aside: float) -> Markup:
    aside = aside if dots else 0.0
    places = [(x.at(m.x) + aside, y.at(m.mean)) for m in line.marks]
    name = f"s{index % SERIES}"
    parts = [_tag("polyline", points=_points(places), stroke_dasharray=_dash(index), class_=f"{name} line")]
    if dots:
        parts += [
            _tag("circle", cx=_n(x.at(px) + aside), cy=_n(y.at(py)), r=2, class_=f"{name} point")
            for px, py in line.points
        ]
        parts += [_interval(x.at(m.x) + aside, y, m.low, m.high, name) for m in line.marks]
    if dots or len(places) == 1:
        parts += [_marker(px, py, index) for px, py in places]
    words = f"{line.label}: {short(line.marks[-1].mean)} at {short(line.marks[-1].x)}" if line.marks else line.label
    return Markup("<g><title>{}</title>{}</g>").format(words, _join(parts))


def _interval(px: float, y: Ruler, low: float | None, high: float | None, name: str) -> Markup:
    if low is None or high is None:
        return Markup("")
    return _tag("line", x1=_n(px), x2=_n(px), y1=_n(y.at(low)), y2=_n(y.at(high)), class_=f"{name} interval")


def _bars(figure: Bars) -> tuple[Markup, int]:
    row, left = 38, 8
    height = TOP + row * len(figure.bars) + BOTTOM
    values = [v for b in figure.bars for v in (b.mean, b.low, b.high, *b.values) if v is not None]
    zero = wants_zero(values)
    x = ruler(values, left, WIDTH - RIGHT - 8, scale=figure.x.scale, zero=zero and figure.x.scale == "linear")
    bottom = height - BOTTOM
    parts = [_x_axis(x, figure.x.title, TOP, bottom, height)]
    for index, bar in enumerate(figure.bars):
        top, middle = TOP + row * index, TOP + row * index + 26
        inner = [_text(left, top + 14, bar.label, "label", limit=62)]
        if x.low <= 0 <= x.high and x.scale == "linear":
            a, b = sorted((x.at(0.0), x.at(bar.mean)))
            inner.append(_tag("rect", x=_n(a), y=middle - 7, width=_n(b - a), height=14, class_="s0 bar"))
        if bar.low is not None and bar.high is not None:
            ends = (x.at(bar.low), x.at(bar.high))
            inner.append(_tag("line", x1=_n(ends[0]), x2=_n(ends[1]), y1=middle, y2=middle, class_="s0 interval"))
            inner += [
                _tag("line", x1=_n(e), x2=_n(e), y1=middle - 4, y2=middle + 4, class_="s0 interval") for e in ends
            ]
        inner += [_tag("circle", cx=_n(x.at(v)), cy=middle, r=2.6, class_="point seed") for v in bar.values[:60]]
        inner.append(_marker(x.at(bar.mean), middle, 0))
        words = f"{bar.label}: mean {short(bar.mean)}, {len(bar.values)} seeds"
        parts.append(Markup("<g><title>{}</title>{}</g>").format(words, _join(inner)))
    return _join(parts), height


def _parallel(figure: Parallel) -> tuple[Markup, int]:
    height, top, bottom = 320, 44, 296
    count = len(figure.coordinates)
    places = [30 + i * (WIDTH - 96) / max(1, count - 1) for i in range(count)]
    rulers = [
        ruler(
            range(len(c.names)) if c.names else [v for t in figure.threads if (v := t.values[i]) is not None],
            bottom,
            top,
            scale=c.axis.scale,
        )
        for i, c in enumerate(figure.coordinates)
    ]
    score = rulers[-1]
    parts = [_thread(thread.label, thread.values, places, rulers, score) for thread in figure.threads]
    for index, (c, px, r) in enumerate(zip(figure.coordinates, places, rulers, strict=True)):
        values = {v for t in figure.threads if (v := t.values[index]) is not None}
        parts.append(_coordinate(c, px, r, index, values))
    return _join(parts), height


def _thread(
    label: str, values: Sequence[float | None], places: Sequence[float], rulers: Sequence[Ruler], score: Ruler
) -> Markup:
    known = [(px, r.at(v)) for px, r, v in zip(places, rulers, values, strict=True) if v is not None]
    last = values[-1]
    share = 0.0 if last is None else (score.at(last) - score.start) / (score.end - score.start)
    line = _tag("polyline", points=_points(known), class_=f"q{min(4, int(share * 5))} line")
    return Markup("<g><title>{}</title>{}</g>").format(label, line)


def _coordinate(coordinate: Coordinate, px: float, r: Ruler, index: int, values: set[float]) -> Markup:
    parts = [_tag("line", x1=_n(px), x2=_n(px), y1=_n(r.start), y2=_n(r.end), class_="axis")]
    parts.append(_text(px, 18 if index % 2 == 0 else 33, coordinate.axis.title, "label middle", limit=22))
    if coordinate.names:
        pairs: Iterable[tuple[float, str]] = list(enumerate(coordinate.names))
    else:
        pairs = r.labelled(5) if len(values) > 6 else [(value, short(value)) for value in sorted(values)]
    parts += [_text(px + 5, r.at(value) + 4, words, "tick", limit=12) for value, words in pairs]
    return _join(parts)


def _timeline(figure: Timeline) -> tuple[Markup, int]:
    step, left = 11, 8
    spans = [span for lane in figure.lanes for row in lane.rows for span in row]
    total = sum(22 + step * len(lane.rows) + 6 for lane in figure.lanes)
    height = TOP + total + BOTTOM
    x = ruler([0.0, *(s.end / figure.seconds for s in spans)], left, WIDTH - RIGHT - 8, zero=True)
    parts = [_x_axis(x, figure.x.title, TOP, height - BOTTOM, height)]
    top = float(TOP)
    budget = MOST_SPANS
    for lane in figure.lanes:
        parts.append(_lane(lane, top, step, x, figure.seconds, budget))
        budget = max(0, budget - sum(map(len, lane.rows)))
        top += 22 + step * len(lane.rows) + 6
    return _join(parts), height


def _lane(lane: Lane, top: float, step: int, x: Ruler, seconds: float, budget: int) -> Markup:
    parts = [_text(8, top + 15, lane.label, "label", limit=62)]
    shown: list[tuple[int, Span]] = [(number, span) for number, row in enumerate(lane.rows) for span in row]
    for number, span in shown[:budget]:
        a, b = x.at(span.start / seconds), x.at(span.end / seconds)
        bar = _tag(
            "rect",
            x=_n(a),
            y=_n(top + 22 + step * number),
            width=_n(max(b - a, 1.5)),
            height=step - 3,
            class_=f"t-{span.status}",
        )
        words = f"{span.label}: {span.status}, {short(span.end - span.start)} s"
        parts.append(Markup("<g><title>{}</title>{}</g>").format(words, bar))
    return _join(parts)


def _frame(x: Ruler, y: Ruler, x_title: str, y_title: str, height: int) -> Markup:
    parts = [_x_axis(x, x_title, TOP, height - BOTTOM, height, grid=False)]
    for value, words in y.labelled(6):
        parts.append(_tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=_n(y.at(value)), y2=_n(y.at(value)), class_="grid"))
        parts.append(_text(LEFT - 6, y.at(value) + 4, words, "tick end"))
    middle = (y.start + y.end) / 2
    turned = Markup('<text transform="translate(12 {}) rotate(-90)" class="label middle">{}</text>')
    parts.append(turned.format(_n(middle), _cut(y_title, 44)))
    return _join(parts)


def _x_axis(x: Ruler, title: str, top: float, bottom: float, height: int, *, grid: bool = True) -> Markup:
    parts = [_tag("line", x1=_n(x.start), x2=_n(x.end), y1=_n(bottom), y2=_n(bottom), class_="axis")]
    for value, words in x.labelled(7):
        px = x.at(value)
        if grid:
            parts.append(_tag("line", x1=_n(px), x2=_n(px), y1=_n(top), y2=_n(bottom), class_="grid"))
        parts.append(_text(px, bottom + 15, words, "tick middle"))
    parts.append(_text((x.start + x.end) / 2, height - 8, title, "label middle", limit=60))
    return _join(parts)


def _circle(px: float, py: float, name: str) -> Markup:
    return _tag("circle", cx=_n(px), cy=_n(py), r=4, class_=name)


def _square(px: float, py: float, name: str) -> Markup:
    return _tag("rect", x=_n(px - 3.6), y=_n(py - 3.6), width=7.2, height=7.2, class_=name)


def _shape(*corners: tuple[float, float]) -> Callable[[float, float, str], Markup]:
    def draw(px: float, py: float, name: str) -> Markup:
        return _tag("polygon", points=_points((px + dx, py + dy) for dx, dy in corners), class_=name)

    return draw


MARKERS = (_circle, _square, _shape((0, -5), (4.6, 3.6), (-4.6, 3.6)), _shape((0, -5), (5, 0), (0, 5), (-5, 0)))


def _marker(px: float, py: float, index: int) -> Markup:
    return MARKERS[index % len(MARKERS)](px, py, f"s{index % SERIES} mark")


def _dash(index: int) -> str:
    return DASHES[index % SERIES]


def _text(x: float, y: float, words: str, classes: str, *, limit: int = 30) -> Markup:
    return Markup('<text x="{}" y="{}" class="{}">{}</text>').format(_n(x), _n(y), classes, _cut(words, limit))


def _cut(words: str, limit: int) -> str:
    return words if len(words) <= limit else words[: limit - 1] + "…"


def _tag(name: str, **attributes: str | float) -> Markup:
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value != "")
    inner = _join(Markup(' {}="{}"').format(key, value) for key, value in pairs)
    return Markup("<{}{}/>").format(name, inner)


def _points(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in places)


def _n(value: float) -> str:
    """A place on paper, to a tenth."""
    return f"{value:.1f}".removesuffix(".0") if math.isfinite(value) else "0"


def _join(parts: Iterable[Markup] | Iterator[Markup]) -> Markup:
    return Markup("").join(parts)
