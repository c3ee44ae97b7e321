"""Figures -> SVG for a page: small, coloured by the page's style (light and dark), every text escaped.

Classes: `sN` the N-th series (colour, dash and marker tell it), `qN` a fifth of a scale, `t-STATUS` a run's end, `grid`, `axis`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from scaffold.results.plots.figures import Bars, Coordinate, Curves, Figure, Lane, Line, Parallel, Span, Timeline
from scaffold.results.plots.scales import Ruler, ruler, short, wants_zero
from scaffold.results.plots.svg import SERIES, dash, joined, marker, place, points, tag, text
from scaffold.results.tables.text_format import truncate

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 480, 52, 14, 10, 42
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
    line = tag("line", x1=1, y1=7, x2=29, y2=7, stroke_dasharray=dash(index), class_=f"s{index % SERIES} line")
    return Markup('<svg class="swatch" viewBox="0 0 30 14" aria-hidden="true">{}{}</svg>').format(
        line, marker(15, 7, index) if dots else ""
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
    return joined(parts), height


def _band(line: Line, index: int, x: Ruler, y: Ruler, *, faint: bool) -> Markup:
    inside = [(x.at(m.x), y.at(m.low), y.at(m.high)) for m in line.marks if m.low is not None and m.high is not None]
    if len(inside) < 2:
        return Markup("")
    there = [(px, low) for px, low, _ in inside]
    back = [(px, high) for px, _, high in reversed(inside)]
    return tag("polygon", points=points([*there, *back]), class_=f"s{index % SERIES} band{' faint' if faint else ''}")


def _line(line: Line, index: int, x: Ruler, y: Ruler, *, dots: bool, aside: float) -> Markup:
    aside = aside if dots else 0.0
    places = [(x.at(m.x) + aside, y.at(m.mean)) for m in line.marks]
    name = f"s{index % SERIES}"
    parts = [tag("polyline", points=points(places), stroke_dasharray=dash(index), class_=f"{name} line")]
    if dots:
        parts += [
            tag("circle", cx=place(x.at(px) + aside), cy=place(y.at(py)), r=2, class_=f"{name} point")
            for px, py in line.points
        ]
        parts += [_interval(x.at(m.x) + aside, y, m.low, m.high, name) for m in line.marks]
    if dots or len(places) == 1:
        parts += [marker(px, py, index) for px, py in places]
    words = f"{line.label}: {short(line.marks[-1].mean)} at {short(line.marks[-1].x)}" if line.marks else line.label
    return Markup("<g><title>{}</title>{}</g>").format(words, joined(parts))


def _interval(px: float, y: Ruler, low: float | None, high: float | None, name: str) -> Markup:
    if low is None or high is None:
        return Markup("")
    return tag("line", x1=place(px), x2=place(px), y1=place(y.at(low)), y2=place(y.at(high)), class_=f"{name} interval")


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
        inner = [text(left, top + 14, bar.label, "label", limit=62)]
        if x.low <= 0 <= x.high and x.scale == "linear":
            a, b = sorted((x.at(0.0), x.at(bar.mean)))
            inner.append(tag("rect", x=place(a), y=middle - 7, width=place(b - a), height=14, class_="s0 bar"))
        if bar.low is not None and bar.high is not None:
            ends = (x.at(bar.low), x.at(bar.high))
            inner.append(tag("line", x1=place(ends[0]), x2=place(ends[1]), y1=middle, y2=middle, class_="s0 interval"))
            inner += [
                tag("line", x1=place(e), x2=place(e), y1=middle - 4, y2=middle + 4, class_="s0 interval") for e in ends
            ]
        inner += [tag("circle", cx=place(x.at(v)), cy=middle, r=2.6, class_="point seed") for v in bar.values[:60]]
        inner.append(marker(x.at(bar.mean), middle, 0))
        words = f"{bar.label}: mean {short(bar.mean)}, {len(bar.values)} seeds"
        parts.append(Markup("<g><title>{}</title>{}</g>").format(words, joined(inner)))
    return joined(parts), height


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
    return joined(parts), height


def _thread(
    label: str, values: Sequence[float | None], places: Sequence[float], rulers: Sequence[Ruler], score: Ruler
) -> Markup:
    known = [(px, r.at(v)) for px, r, v in zip(places, rulers, values, strict=True) if v is not None]
    last = values[-1]
    share = 0.0 if last is None else (score.at(last) - score.start) / (score.end - score.start)
    line = tag("polyline", points=points(known), class_=f"q{min(4, int(share * 5))} line")
    return Markup("<g><title>{}</title>{}</g>").format(label, line)


def _coordinate(coordinate: Coordinate, px: float, r: Ruler, index: int, values: set[float]) -> Markup:
    parts = [tag("line", x1=place(px), x2=place(px), y1=place(r.start), y2=place(r.end), class_="axis")]
    parts.append(text(px, 18 if index % 2 == 0 else 33, coordinate.axis.title, "label middle", limit=22))
    if coordinate.names:
        pairs: Iterable[tuple[float, str]] = list(enumerate(coordinate.names))
    else:
        pairs = r.labelled(5) if len(values) > 6 else [(value, short(value)) for value in sorted(values)]
    parts += [text(px + 5, r.at(value) + 4, words, "tick", limit=12) for value, words in pairs]
    return joined(parts)


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
    return joined(parts), height


def _lane(lane: Lane, top: float, step: int, x: Ruler, seconds: float, budget: int) -> Markup:
    parts = [text(8, top + 15, lane.label, "label", limit=62)]
    shown: list[tuple[int, Span]] = [(number, span) for number, row in enumerate(lane.rows) for span in row]
    for number, span in shown[:budget]:
        a, b = x.at(span.start / seconds), x.at(span.end / seconds)
        bar = tag(
            "rect",
            x=place(a),
            y=place(top + 22 + step * number),
            width=place(max(b - a, 1.5)),
            height=step - 3,
            class_=f"t-{span.status}",
        )
        words = f"{span.label}: {span.status}, {short(span.end - span.start)} s"
        parts.append(Markup("<g><title>{}</title>{}</g>").format(words, bar))
    return joined(parts)


def _frame(x: Ruler, y: Ruler, x_title: str, y_title: str, height: int) -> Markup:
    parts = [_x_axis(x, x_title, TOP, height - BOTTOM, height, grid=False)]
    for value, words in y.labelled(6):
        parts.append(
            tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=place(y.at(value)), y2=place(y.at(value)), class_="grid")
        )
        parts.append(text(LEFT - 6, y.at(value) + 4, words, "tick end"))
    middle = (y.start + y.end) / 2
    turned = Markup('<text transform="translate(12 {}) rotate(-90)" class="label middle">{}</text>')
    parts.append(turned.format(place(middle), truncate(y_title, 44)))
    return joined(parts)


def _x_axis(x: Ruler, title: str, top: float, bottom: float, height: int, *, grid: bool = True) -> Markup:
    parts = [tag("line", x1=place(x.start), x2=place(x.end), y1=place(bottom), y2=place(bottom), class_="axis")]
    for value, words in x.labelled(7):
        px = x.at(value)
        if grid:
            parts.append(tag("line", x1=place(px), x2=place(px), y1=place(top), y2=place(bottom), class_="grid"))
        parts.append(text(px, bottom + 15, words, "tick middle"))
    parts.append(text((x.start + x.end) / 2, height - 8, title, "label middle", limit=60))
    return joined(parts)
