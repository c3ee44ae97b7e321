"""Figures -> SVG and PNG files for papers, drawn by matplotlib (extra `plots`). The same figure gives the same bytes."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

from scaffold.errors import ScaffoldError
from scaffold.results.plots.axis_scale import fit_parallel_scales, fit_scale, parallel_ticks, should_include_zero
from scaffold.results.plots.figures import BarChart, Figure, LineChart, ParallelPlot, RunTimeline
from scaffold.results.tables.text_format import truncate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which people with any colour vision can tell apart; yellow is left out, it is too light on white
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000", "#56B4E9", "#7F7F7F")
STATUS_COLOURS = {
    "finished": "#009E73",
    "running": "#56B4E9",
    "failed": "#D55E00",
    "terminated": "#E69F00",
    "lost": "#7F7F7F",
}
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 2)), (0, (6, 2, 1.5, 2)))
MARKERS = ("o", "s", "^", "D")
STYLE: Any = {
    "svg.hashsalt": "scaffold",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
DPI = 150


def render_figure_files(figure: Figure) -> dict[str, bytes]:
    """The contents of two files, `{"svg": ..., "png": ...}`. Raises ScaffoldError where matplotlib is not installed."""
    try:
        import matplotlib
        from matplotlib.figure import Figure as Canvas
    except ImportError as error:
        raise ScaffoldError(
            f"plots are drawn by matplotlib, which cannot be imported: {error}",
            hint="pip install 'experiment-scaffold[plots]'",
        ) from error
    # the user's own matplotlibrc would make other bytes on every machine
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **STYLE}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from|constrained_layout not applied")
        canvas = Canvas(figsize=_size(figure))
        _draw(canvas.add_subplot(), figure)
        files = {}
        for kind, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
            out = io.BytesIO()
            canvas.savefig(out, format=kind, metadata=metadata, dpi=DPI)
            files[kind] = out.getvalue()
    return files


def _size(figure: Figure) -> tuple[float, float]:
    """Inches: as wide as a column and a half, as high as what is in it."""
    if isinstance(figure, BarChart):
        return 6.0, 1.3 + 0.36 * len(figure.bars)
    if isinstance(figure, RunTimeline):
        return 6.5, min(12.0, 1.2 + 0.16 * sum(len(lane.rows) + 1 for lane in figure.lanes))
    return (1.4 * len(figure.axes) + 1.2, 3.8) if isinstance(figure, ParallelPlot) else (6.0, 3.8)


def _draw(axes: Axes, figure: Figure) -> None:
    axes.set_title(_plain(figure.title), loc="left", fontsize=10)
    if isinstance(figure, LineChart):
        _draw_lines(axes, figure)
    elif isinstance(figure, BarChart):
        _draw_bars(axes, figure)
    elif isinstance(figure, ParallelPlot):
        _draw_parallel(axes, figure)
    else:
        _draw_timeline(axes, figure)


def _draw_lines(axes: Axes, figure: LineChart) -> None:
    axes.set_xscale(figure.x.scale)
    axes.set_yscale(figure.y.scale)
    for index, line in enumerate(figure.lines):
        colour, dash = COLOURS[index % 8], DASHES[index % 4]
        marker = MARKERS[index % 4] if figure.dots or len(line.means) == 1 else None
        x, means = [m.x for m in line.means], [m.mean for m in line.means]
        style: Any = {"color": colour, "linestyle": dash, "marker": marker, "markersize": 5, "linewidth": 1.6}
        axes.plot(x, means, label=_plain(line.label, 44), **style)
        intervals = [(m.x, m.low, m.high) for m in line.means if m.low is not None and m.high is not None]
        if figure.dots:
            for at, low, high in intervals:
                axes.plot([at, at], [low, high], color=colour, linewidth=1.2)
            if line.points:
                dots: Any = {"color": colour, "linestyle": "", "marker": ".", "markersize": 4, "alpha": 0.6}
                axes.plot(*zip(*line.points, strict=True), **dots)
        elif len(intervals) > 1:
            xs, lows, highs = zip(*intervals, strict=True)
            axes.fill_between(xs, lows, highs, color=colour, alpha=0.18, linewidth=0)
    axes.set_xlabel(_plain(figure.x.title))
    axes.set_ylabel(_plain(figure.y.title, 40))
    axes.legend(loc="best", fontsize=8)


def _draw_bars(axes: Axes, figure: BarChart) -> None:
    heights = list(range(len(figure.bars)))[::-1]
    axes.set_xscale(figure.x.scale)
    if figure.x.scale == "linear":
        numbers = figure.numbers()
        zero = should_include_zero(numbers)
        scale = fit_scale(numbers, 0, 1, zero=zero)
        axes.set_xlim(scale.low, scale.high)
        if zero:
            axes.barh(heights, [b.mean for b in figure.bars], height=0.5, color=COLOURS[0], alpha=0.3)
    dots: Any = {"linestyle": "", "marker": ".", "color": "#444444", "markersize": 5, "alpha": 0.7}
    for y, bar in zip(heights, figure.bars, strict=True):
        if bar.low is not None and bar.high is not None:
            error = [[bar.mean - bar.low], [bar.high - bar.mean]]
            axes.errorbar(bar.mean, y, xerr=error, color=COLOURS[0], capsize=3, linewidth=1.4)
        axes.plot(bar.values, [y] * len(bar.values), **dots)
        axes.plot([bar.mean], [y], linestyle="", marker="o", color=COLOURS[0], markersize=6)
    axes.set_yticks(heights, [_plain(b.label, 44) for b in figure.bars])
    axes.set_ylim(-0.6, len(figure.bars) - 0.4)
    axes.grid(False, axis="y")
    axes.set_xlabel(_plain(figure.x.title))


def _draw_parallel(axes: Axes, figure: ParallelPlot) -> None:
    import matplotlib

    scales = fit_parallel_scales(figure, 0.0, 1.0)
    colours = matplotlib.colormaps["cividis"]
    for line in figure.lines:
        points = [(i, s.at(v)) for i, (s, v) in enumerate(zip(scales, line.values, strict=True)) if v is not None]
        metric = line.values[-1]
        colour = colours(scales[-1].at(metric)) if metric is not None else "#AAAAAA"
        axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.3, alpha=0.85)
    for index, scale in enumerate(scales):
        axes.axvline(index, color="#444444", linewidth=0.8)
        for value, text in parallel_ticks(figure, index, scale):
            axes.text(index + 0.03, scale.at(value), _plain(text, 12), fontsize=7, va="center")
    axes.set_xticks(range(len(figure.axes)), [_plain(a.axis.title, 16) for a in figure.axes])
    axes.set_yticks([])
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(-0.2, len(figure.axes) - 0.6)


def _draw_timeline(axes: Axes, figure: RunTimeline) -> None:
    y, ticks, labelled = 0, [], set()
    for lane in figure.lanes:
        ticks.append((y + (len(lane.rows) - 1) / 2, _plain(lane.label, 30)))
        for row in lane.rows:
            for span in row:
                start, end = span.start / figure.unit_seconds, span.end / figure.unit_seconds
                label = None if span.status in labelled else span.status  # once in the legend
                labelled.add(span.status)
                colour = STATUS_COLOURS.get(span.status, "#7F7F7F")
                axes.barh(y, end - start, left=start, height=0.7, color=colour, label=label)
            y += 1
        y += 1
    axes.set_yticks(*zip(*ticks, strict=True))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.set_xlabel(_plain(figure.x.title))


def _plain(text: str, limit: int = 60) -> str:
    """Text that is no formula, whatever is in it, and leaves room for the plot."""
    return "".join(c if c.isprintable() else " " for c in truncate(text, limit)).replace("$", r"\$")
