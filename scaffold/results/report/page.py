"""A report -> one self-contained HTML page: no file beside it, nothing from the network, every text escaped."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from scaffold import visible_text
from scaffold.plan.document.markdown_inline import find_markdown_spans
from scaffold.results.plots import page_svg
from scaffold.results.plots.figures import Figure, LineChart, RunTimeline, figure_to_csv
from scaffold.results.report.failures import STATUSES
from scaffold.results.report.model import ExperimentReport

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FOLDER = Path(__file__).parent
SCRIPTS = ("page.js", "figures.js")


def render_html(report: ExperimentReport, *, live_number: int | None = None) -> bytes:
    """The page as UTF-8; the same for the same report. `live_number` is that of a live page, which keeps
    itself fresh from the server that it comes from."""
    page = _environment().get_template("page.html.jinja").render(report=report, live_number=live_number)
    return visible_text.escape_hidden(page).encode("utf-8", "replace")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    loader = FileSystemLoader(FOLDER)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script = "".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    environment.globals.update(
        style=Markup((FOLDER / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        svg=page_svg.figure_svg,
        other_scale=page_svg.alternative_axis_scale,
        legend=figure_legend,
        csv_link=figure_csv_link,
        backticks_to_code=backticks_to_code,
        statuses=STATUSES,
    )
    return environment


def backticks_to_code(text: str) -> Markup:
    """Text with what stands in back-ticks as code."""
    from markupsafe import Markup, escape

    parts, position = [], 0
    for kind, start, end in find_markdown_spans(text):
        if kind == "code":
            code = text[start:end].strip("`").strip()
            parts += [escape(text[position:start]), Markup("<code>{}</code>").format(code)]
            position = end
    return Markup("").join([*parts, escape(text[position:])])


def figure_legend(figure: Figure) -> list[tuple[Markup, str]]:
    """Swatch and words of each series of a figure; empty where its labels stand in the drawing."""

    if isinstance(figure, LineChart) and (len(figure.lines) > 1 or figure.lines[0].label):
        return [(page_svg.series_swatch(i, dots=figure.dots), line.label) for i, line in enumerate(figure.lines)]
    if isinstance(figure, RunTimeline):
        statuses = {span.status for lane in figure.lanes for row in lane.rows for span in row}
        return [(page_svg.status_swatch(status), status) for status in STATUSES if status in statuses]
    return []


def figure_csv_link(figure: Figure) -> str:
    """The table behind a figure as an address that needs no file."""
    return "data:text/csv;charset=utf-8," + quote(figure_to_csv(figure))
