"""Figures -> SVG and PNG files for papers, drawn by matplotlib (extra `plots`). The same figure gives the same bytes."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

from scaffold.errors import ScaffoldError
from scaffold.results.plots.figures import Bars, Curves, Figure, Mark, Parallel, Timeline
from scaffold.results.plots.scales import ruler, short, wants_zero
from scaffold.results.tables.text_format import truncate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which people with any colour vision can tell apart; yellow is left out, it is too light on white
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000", "#56B4E9", "#7F7F7F")
STATUS = {"finished": "#009E73", "running": "#56B4E9", "failed": "#D55E00", "terminated": "#E69F00", "lost": "#7F7F7F"}
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


def draw(figure: Figure) -> dict[str, bytes]:
    """`{"svg": ..., "png": ...}` of a figure. Raises ScaffoldError where matplotlib is not installed."""
    try:
        import matplotlib
        from matplotlib.figure import Figure as Canvas
    except ImportError as error:
        raise ScaffoldError(
            f"plots are drawn by matplotlib, which cannot be imported: {error}",
            hint="pip install 'experiment-scaffold[plots]'",
        ) from error
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **STYLE}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from|constrained_layout not applied")
        canvas = Canvas(figsize=_size(figure))
        _paint(canvas.add_subplot(), figure)
        found = {}
        for kind, said in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
            out = io.BytesIO()
            canvas.savefig(out, format=kind, metadata=said, dpi=DPI)
            found[kind] = out.getvalue()
    return found


def _size(figure: Figure) -> tuple[float, float]:
    """Inches: as wide as a column and a half, as high as what is in it."""
    if isinstance(figure, Bars):
        return 6.0, 1.3 + 0.36 * len(figure.bars)
    if isinstance(figure, Timeline):
        return 6.5, min(12.0, 1.2 + 0.16 * sum(len(lane.rows) + 1 for lane in figure.lanes))
    return (1.4 * len(figure.coordinates) + 1.2, 3.8) if isinstance(figure, Parallel) else (6.0, 3.8)


def _paint(axes: Axes, figure: Figure) -> None:
    axes.set_title(_plain(figure.title), loc="left", fontsize=10)
    if isinstance(figure, Curves):
        _curves(axes, figure)
    elif isinstance(figure, Bars):
        _bars(axes, figure)
    elif isinstance(figure, Parallel):
        _parallel(axes, figure)
    else:
        _timeline(axes, figure)


def _curves(axes: Axes, figure: Curves) -> None:
    axes.set_xscale(figure.x.scale)
    axes.set_yscale(figure.y.scale)
    for index, line in enumerate(figure.lines):
        colour, dash = COLOURS[index % 8], DASHES[index % 4]
        marker = MARKERS[index % 4] if figure.dots or len(line.marks) == 1 else None
        x, mean = [m.x for m in line.marks], [m.mean for m in line.marks]
        known = [m for m in line.marks if m.low is not None and m.high is not None]
        axes.plot(
            x,
            mean,
            color=colour,
            linestyle=dash,
            marker=marker,
            markersize=5,
            linewidth=1.6,
            label=_plain(line.label, 44),
        )
        if figure.dots:
            _intervals(axes, known, colour)
        elif len(known) > 1:
            low, high = [m.low for m in known], [m.high for m in known]
            axes.fill_between([m.x for m in known], low, high, color=colour, alpha=0.18, linewidth=0)  # type: ignore[arg-type]
        if figure.dots and line.points:
            axes.plot(*zip(*line.points, strict=True), color=colour, linestyle="", marker=".", markersize=4, alpha=0.6)
    axes.set_xlabel(_plain(figure.x.title))
    axes.set_ylabel(_plain(figure.y.title, 40))
    axes.legend(loc="best", fontsize=8)


def _intervals(axes: Axes, known: list[Mark], colour: str) -> None:
    for mark in known:
        if mark.low is not None and mark.high is not None:
            axes.plot([mark.x, mark.x], [mark.low, mark.high], color=colour, linewidth=1.2)


def _bars(axes: Axes, figure: Bars) -> None:
    places = list(range(len(figure.bars)))[::-1]
    values = [v for b in figure.bars for v in (b.mean, b.low, b.high, *b.values) if v is not None]
    axes.set_xscale(figure.x.scale)
    if figure.x.scale == "linear":
        zero = wants_zero(values)
        there = ruler(values, 0, 1, zero=zero)
        axes.set_xlim(there.low, there.high)
        if zero:
            axes.barh(places, [b.mean for b in figure.bars], height=0.5, color=COLOURS[0], alpha=0.3)
    for place, bar in zip(places, figure.bars, strict=True):
        if bar.low is not None and bar.high is not None:
            error = [[bar.mean - bar.low], [bar.high - bar.mean]]
            axes.errorbar(bar.mean, place, xerr=error, color=COLOURS[0], capsize=3, linewidth=1.4)
        axes.plot(
            bar.values, [place] * len(bar.values), linestyle="", marker=".", color="#444444", markersize=5, alpha=0.7
        )
        axes.plot([bar.mean], [place], linestyle="", marker="o", color=COLOURS[0], markersize=6)
    axes.set_yticks(places, [_plain(b.label, 44) for b in figure.bars])
    axes.set_ylim(-0.6, len(figure.bars) - 0.4)
    axes.grid(False, axis="y")
    axes.set_xlabel(_plain(figure.x.title))


def _parallel(axes: Axes, figure: Parallel) -> None:
    import matplotlib

    known = [[v for t in figure.threads if (v := t.values[i]) is not None] for i in range(len(figure.coordinates))]
    rulers = [
        ruler(range(len(c.names)) if c.names else values, 0.0, 1.0, scale=c.axis.scale)
        for c, values in zip(figure.coordinates, known, strict=True)
    ]
    colours = matplotlib.colormaps["cividis"]
    for thread in figure.threads:
        places = [(i, r.at(v)) for i, (r, v) in enumerate(zip(rulers, thread.values, strict=True)) if v is not None]
        last = thread.values[-1]
        colour = colours(rulers[-1].at(last)) if last is not None else "#AAAAAA"
        axes.plot(*zip(*places, strict=True), color=colour, linewidth=1.3, alpha=0.85)
    for index, (coordinate, there) in enumerate(zip(figure.coordinates, rulers, strict=True)):
        axes.axvline(index, color="#444444", linewidth=0.8)
        pairs = there.labelled(5) if len(set(known[index])) > 6 else [(v, short(v)) for v in sorted(set(known[index]))]
        for value, words in list(enumerate(coordinate.names)) or pairs:
            axes.text(index + 0.03, there.at(value), _plain(words, 12), fontsize=7, va="center")
    axes.set_xticks(range(len(figure.coordinates)), [_plain(c.axis.title, 16) for c in figure.coordinates])
    axes.set_yticks([])
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(-0.2, len(figure.coordinates) - 0.6)


def _timeline(axes: Axes, figure: Timeline) -> None:
    place, ticks, seen = 0, [], set()
    for lane in figure.lanes:
        ticks.append((place + (len(lane.rows) - 1) / 2, lane.label))
        for row in lane.rows:
            for span in row:
                start, end = span.start / figure.seconds, span.end / figure.seconds
                words = None if span.status in seen else span.status
                seen.add(span.status)
                colour = STATUS.get(span.status, "#7F7F7F")
                axes.barh(place, end - start, left=start, height=0.7, color=colour, label=words)
            place += 1
        place += 1
    axes.set_yticks([at for at, _ in ticks], [_plain(label, 30) for _, label in ticks])
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.set_xlabel(_plain(figure.x.title))


def _plain(text: str, limit: int = 60) -> str:
    """Text that is no formula, whatever is in it, and leaves room for the plot."""
    return "".join(c if c.isprintable() else " " for c in truncate(text, limit)).replace("$", r"\$")
