"""Figures -> SVG for a page: small, coloured by the page's style (light and dark), every text escaped.

Not matplotlib's SVG: that is ten times as large, has its colours inside, and needs the extra `plots`.
Classes: `sN` the N-th series (colour, dash and marker tell it), `qN` a fifth of a scale, `t-STATUS` a run's end, `grid`, `axis`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from markupsafe import Markup

from scaffold.results.plots import axis_scale, figures
from scaffold.results.plots import svg_elements as svg
from scaffold.results.plots.axis_scale import AxisScale, short_number
from scaffold.results.tables.text_format import shorten_names, truncate, wrap_text

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 480, 52, 14, 10, 42
WIDE_LEFT, WIDE_RIGHT = 8, WIDTH - RIGHT - 8
BAR_ROW, LANE_HEAD, LANE_ROW, LANE_GAP = 38, 22, 11, 6
# characters of a label on a line, at the font of a narrow page, and the height of a further line
LABEL_WIDTH, LABEL_LINE = 56, 15
AXIS_TITLE, TICK_TEXT = 22, 16
MOST_SPANS, MOST_SEED_DOTS = 600, 60
SWATCH = Markup('<svg class="swatch" viewBox="0 0 30 14" aria-hidden="true">{}</svg>')


def figure_svg(figure: figures.Figure, scale: figures.Scale | None = None) -> Markup:
    """The figure as one `<svg>` element with a title and a description for screen readers.

    `scale` is that of the vertical axis of a line chart, where it is not the figure's own: a second drawing, which is hidden at first.
    """
    if scale is not None and isinstance(figure, figures.LineChart):
        figure = replace(figure, y=replace(figure.y, scale=scale))
    body, height = _draw(figure)
    name = f"fig-{figure.name}" + (f"-{scale}" if scale else "")
    return Markup(
        '<svg class="chart{other}" viewBox="0 0 {w} {h}" role="img" aria-labelledby="{n}-t {n}-d"{hidden}><title id="{n}-t">{title}</title>'
        '<desc id="{n}-d">{caption}</desc>{body}</svg>'
    ).format(
        w=WIDTH,
        h=height,
        n=name,
        title=figure.title,
        caption=figure.caption,
        body=body,
        other=" other" if scale else "",
        hidden=Markup(" hidden") if scale else "",
    )


def alternative_axis_scale(figure: figures.Figure) -> figures.Scale | None:
    """The other scale that a line chart's vertical axis can have; None where it has no other: a log axis needs positive values."""
    if not isinstance(figure, figures.LineChart):
        return None
    ends = [v for line in figure.lines for m in line.means for v in (m.mean, m.low) if v is not None]
    if not ends or min(ends) <= 0 or not all(map(math.isfinite, ends)):
        return None
    return "linear" if figure.y.scale == "log" else "log"


def series_swatch(index: int, *, dots: bool = False) -> Markup:
    """A series' line and marker, for a legend."""
    classes = f"{_series(index)} line"
    line = svg.svg_element(
        "line", x1=1, y1=7, x2=29, y2=7, stroke_dasharray=svg.format_series_dash(index), class_=classes
    )
    return SWATCH.format(svg.join_svg_parts([line, svg.series_marker(15, 7, index)] if dots else [line]))


def status_swatch(status: str) -> Markup:
    """The colour of a run's end, for a legend."""
    return SWATCH.format(svg.svg_element("rect", y=3, width=28, height=8, class_=f"t-{status}"))


def _series(index: int) -> str:
    return f"s{index % svg.SERIES}"


def _draw(figure: figures.Figure) -> tuple[Markup, int]:
    if isinstance(figure, figures.LineChart):
        return _draw_lines(figure)
    if isinstance(figure, figures.BarChart):
        return _draw_bars(figure)
    return _draw_parallel(figure) if isinstance(figure, figures.ParallelPlot) else _draw_timeline(figure)


def _draw_lines(figure: figures.LineChart) -> tuple[Markup, int]:
    height = 300
    means = [mean for line in figure.lines for mean in line.means]
    ys = [v for m in means for v in (m.mean, m.low, m.high) if v is not None]
    ys += [y for line in figure.lines for _, y in line.points]
    x = axis_scale.fit_scale((m.x for m in means), LEFT, WIDTH - RIGHT, scale=figure.x.scale)
    y = axis_scale.fit_scale(ys, height - BOTTOM, TOP, scale=figure.y.scale)
    parts = [_frame(x, y, figure.x.title, figure.y.title, height)]
    many = len(figure.lines)
    if not figure.dots:
        parts += [_band(line, index, x, y, faint=many > 3) for index, line in enumerate(figure.lines)]
    for index, line in enumerate(figure.lines):
        # means at the same x lie side by side
        aside = 5.0 * (index - (many - 1) / 2) if figure.dots else 0.0
        parts.append(_line(line, index, x, y, dots=figure.dots, aside=aside))
    return svg.join_svg_parts(parts), height


def _band(line: figures.CurveLine, index: int, x: AxisScale, y: AxisScale, *, faint: bool) -> Markup:
    inside = [(x.at(m.x), y.at(m.low), y.at(m.high)) for m in line.means if m.low is not None and m.high is not None]
    if len(inside) < 2:
        return Markup("")
    lower = [(px, low) for px, low, _ in inside]
    upper = [(px, high) for px, _, high in reversed(inside)]
    classes = f"{_series(index)} band{' faint' if faint else ''}"
    return svg.svg_element(
        "polygon", points=svg.format_svg_points([*lower, *upper]), class_=classes, data_series=str(index)
    )


def _line(line: figures.CurveLine, index: int, x: AxisScale, y: AxisScale, *, dots: bool, aside: float) -> Markup:
    means = [(x.at(m.x) + aside, y.at(m.mean)) for m in line.means]
    series = _series(index)
    parts = [
        svg.svg_element(
            "polyline",
            points=svg.format_svg_points(means),
            stroke_dasharray=svg.format_series_dash(index),
            class_=f"{series} line",
        )
    ]
    if dots:
        for px, py in line.points:
            parts.append(svg.svg_element("circle", cx=x.at(px) + aside, cy=y.at(py), r=2, class_=f"{series} point"))
        for m in line.means:
            if m.low is not None and m.high is not None:
                px, low, high = x.at(m.x) + aside, y.at(m.low), y.at(m.high)
                parts.append(svg.svg_element("line", x1=px, x2=px, y1=low, y2=high, class_=f"{series} interval"))
    if dots or len(means) == 1:
        parts += [svg.series_marker(px, py, index) for px, py in means]
    last = f": {short_number(line.means[-1].mean)} at {short_number(line.means[-1].x)}" if line.means else ""
    return svg.svg_group(line.label + last, parts, series=index)


def _draw_bars(figure: figures.BarChart) -> tuple[Markup, int]:
    labels = [wrap_text(bar.label, LABEL_WIDTH) for bar in figure.bars]
    tops = [TOP]
    for lines in labels:
        tops.append(tops[-1] + BAR_ROW + LABEL_LINE * (len(lines) - 1))
    height = tops[-1] + BOTTOM
    numbers = figure.numbers()
    zero = figure.x.scale == "linear" and axis_scale.should_include_zero(numbers)
    x = axis_scale.fit_scale(numbers, WIDE_LEFT, WIDE_RIGHT, scale=figure.x.scale, zero=zero)
    parts = [_x_axis(x, figure.x.title, height - BOTTOM, height)]
    parts += [_bar(bar, lines, top, x) for bar, lines, top in zip(figure.bars, labels, tops, strict=False)]
    return svg.join_svg_parts(parts), height


def _bar(bar: figures.Bar, lines: Sequence[str], top: int, x: AxisScale) -> Markup:
    """A bar below its label, of which nothing is cut: what tells two configurations apart may stand at its end."""
    middle = top + 26 + LABEL_LINE * (len(lines) - 1)
    parts = [
        svg.svg_text(WIDE_LEFT, top + 14 + LABEL_LINE * number, line, "label", limit=LABEL_WIDTH)
        for number, line in enumerate(lines)
    ]
    if x.low <= 0 <= x.high and x.kind == "linear":
        left, right = sorted((x.at(0.0), x.at(bar.mean)))
        parts.append(svg.svg_element("rect", x=left, y=middle - 7, width=right - left, height=14, class_="s0 bar"))
    if bar.low is not None and bar.high is not None:
        ends = (x.at(bar.low), x.at(bar.high))
        parts.append(svg.svg_element("line", x1=ends[0], x2=ends[1], y1=middle, y2=middle, class_="s0 interval"))
        for end in ends:
            parts.append(svg.svg_element("line", x1=end, x2=end, y1=middle - 4, y2=middle + 4, class_="s0 interval"))
    seeds = bar.values[:MOST_SEED_DOTS]
    parts += [svg.svg_element("circle", cx=x.at(value), cy=middle, r=2.6, class_="point seed") for value in seeds]
    parts.append(svg.series_marker(x.at(bar.mean), middle, 0))
    return svg.svg_group(f"{bar.label}: mean {short_number(bar.mean)}, {len(bar.values)} seeds", parts)


def _draw_parallel(figure: figures.ParallelPlot) -> tuple[Markup, int]:
    height, top, bottom = 320, 44, 296
    places = [30 + i * (WIDTH - 96) / max(1, len(figure.axes) - 1) for i in range(len(figure.axes))]
    scales = axis_scale.fit_parallel_scales(figure, bottom, top)
    parts = [_parallel_line(line, places, scales) for line in figure.lines]
    parts += [_parallel_axis(figure, index, px, scales[index]) for index, px in enumerate(places)]
    return svg.join_svg_parts(parts), height


def _parallel_line(line: figures.ParallelLine, places: Sequence[float], scales: Sequence[AxisScale]) -> Markup:
    points = [(px, s.at(v)) for px, s, v in zip(places, scales, line.values, strict=True) if v is not None]
    metric, scale = line.values[-1], scales[-1]
    share = 0.0 if metric is None else (scale.at(metric) - scale.start) / (scale.end - scale.start)
    classes = f"q{min(4, int(share * 5))} line"
    return svg.svg_group(
        line.label, [svg.svg_element("polyline", points=svg.format_svg_points(points), class_=classes)]
    )


def _parallel_axis(figure: figures.ParallelPlot, index: int, px: float, scale: AxisScale) -> Markup:
    parts = [svg.svg_element("line", x1=px, x2=px, y1=scale.start, y2=scale.end, class_="axis")]
    # titles stand high and low by turns, so that long ones do not meet
    title_y = 18 if index % 2 == 0 else 33
    title, last = figure.axes[index].axis.title, len(figure.axes) - 1
    # of `trainer.optimizer.weight_decay` the end says what it is; at the sides there is room towards the middle only
    title = title if len(title) <= AXIS_TITLE else title.rpartition(".")[2]
    side = "label" if index == 0 else "label end" if index == last else "label middle"
    place = WIDE_LEFT if index == 0 else WIDTH - WIDE_LEFT if index == last else px
    parts.append(svg.svg_text(place, title_y, title, side, limit=AXIS_TITLE if last > 2 else 2 * AXIS_TITLE))
    ticks = axis_scale.parallel_ticks(figure, index, scale)
    texts = shorten_names([text for _, text in ticks], TICK_TEXT)
    parts += [
        svg.svg_text(px + 5, scale.at(value) + 4, text, "tick", limit=TICK_TEXT)
        for (value, _), text in zip(ticks, texts, strict=True)
    ]
    return svg.join_svg_parts(parts)


def _draw_timeline(figure: figures.RunTimeline) -> tuple[Markup, int]:
    ends = [span.end / figure.unit_seconds for lane in figure.lanes for row in lane.rows for span in row]
    height = TOP + sum(_lane_height(lane) for lane in figure.lanes) + BOTTOM
    x = axis_scale.fit_scale([0.0, *ends], WIDE_LEFT, WIDE_RIGHT, zero=True)
    parts = [_x_axis(x, figure.x.title, height - BOTTOM, height)]
    top, budget = TOP, MOST_SPANS
    for lane in figure.lanes:
        parts.append(_lane(lane, top, x, figure.unit_seconds, budget))
        budget = max(0, budget - sum(map(len, lane.rows)))
        top += _lane_height(lane)
    return svg.join_svg_parts(parts), height


def _lane_height(lane: figures.HostLane) -> int:
    return LANE_HEAD + LANE_ROW * len(lane.rows) + LANE_GAP


def _lane(lane: figures.HostLane, top: int, x: AxisScale, unit_seconds: float, budget: int) -> Markup:
    parts = [svg.svg_text(WIDE_LEFT, top + 15, lane.label, "label", limit=62)]
    spans = [(number, span) for number, row in enumerate(lane.rows) for span in row]
    for number, span in spans[:budget]:
        left, right = x.at(span.start / unit_seconds), x.at(span.end / unit_seconds)
        y, width = top + LANE_HEAD + LANE_ROW * number, max(right - left, 1.5)
        bar = svg.svg_element("rect", x=left, y=y, width=width, height=LANE_ROW - 3, class_=f"t-{span.status}")
        title = f"{span.label}: {span.status}, {short_number(span.end - span.start)} s"
        parts.append(svg.svg_group(title, [bar]))
    return svg.join_svg_parts(parts)


def _frame(x: AxisScale, y: AxisScale, x_title: str, y_title: str, height: int) -> Markup:
    parts = [_x_axis(x, x_title, height - BOTTOM, height, grid=False)]
    for value, label in y.labelled_ticks(6):
        py = y.at(value)
        parts.append(svg.svg_element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=py, y2=py, class_="grid"))
        parts.append(svg.svg_text(LEFT - 6, py + 4, label, "tick end"))
    turned = Markup('<text transform="translate(12 {:g}) rotate(-90)" class="label middle">{}</text>')
    parts.append(turned.format((y.start + y.end) / 2, truncate(y_title, 44)))
    return svg.join_svg_parts(parts)


def _x_axis(x: AxisScale, title: str, bottom: float, height: int, *, grid: bool = True) -> Markup:
    parts = [svg.svg_element("line", x1=x.start, x2=x.end, y1=bottom, y2=bottom, class_="axis")]
    for value, label in x.labelled_ticks(7):
        px = x.at(value)
        if grid:
            parts.append(svg.svg_element("line", x1=px, x2=px, y1=TOP, y2=bottom, class_="grid"))
        parts.append(svg.svg_text(px, bottom + 15, label, "tick middle"))
    parts.append(svg.svg_text((x.start + x.end) / 2, height - 8, title, "label middle", limit=60))
    return svg.join_svg_parts(parts)
