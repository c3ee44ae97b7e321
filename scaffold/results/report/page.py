"""A report -> one self-contained HTML page: no file beside it, nothing from the network, every text escaped."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from scaffold.plan.document.markdown_inline import inline_spans
from scaffold.results.evidence.failures import STATUSES
from scaffold.results.plots import inline
from scaffold.results.plots.figures import Curves, Figure, Timeline, as_csv
from scaffold.results.report.model import Report

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FOLDER = Path(__file__).parent


def html(report: Report) -> bytes:
    """The page; the same for the same report."""
    return _environment().get_template("page.html.jinja").render(report=report).encode("utf-8", "replace")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (FOLDER / "page.js").read_text(encoding="utf-8")
    made.globals.update(
        style=Markup((FOLDER / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        svg=inline.svg,
        legend=legend,
        csv_link=csv_link,
        ticked=ticked,
        statuses=STATUSES,
    )
    return made


def ticked(text: str) -> Markup:
    """Text with what stands in back-ticks as code."""
    from markupsafe import Markup, escape

    parts, position = [], 0
    for kind, start, end in inline_spans(text):
        if kind == "code":
            parts += [
                escape(text[position:start]),
                Markup("<code>{}</code>").format(text[start:end].strip("`").strip()),
            ]
            position = end
    return Markup("").join([*parts, escape(text[position:])])


def legend(figure: Figure) -> list[tuple[Markup, str]]:
    """Swatch and words of each series of a figure; empty where its labels stand in the drawing."""
    from markupsafe import Markup

    if isinstance(figure, Curves) and (len(figure.lines) > 1 or figure.lines[0].label):
        return [(inline.swatch(i, dots=figure.dots), line.label) for i, line in enumerate(figure.lines)]
    if isinstance(figure, Timeline):
        there = {span.status for lane in figure.lanes for row in lane.rows for span in row}
        mark = Markup(
            '<svg class="swatch" viewBox="0 0 30 14" aria-hidden="true"><rect y="3" width="28" height="8" class="t-{}"/></svg>'
        )
        return [(mark.format(status), status) for status in STATUSES if status in there]
    return []


def csv_link(figure: Figure) -> str:
    """The table behind a figure as an address that needs no file."""
    return "data:text/csv;charset=utf-8," + quote(as_csv(figure))
