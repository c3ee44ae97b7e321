"""What a terminal is shown beyond plain lines: a colour for each state, and rows that fit its width.

Whatever is no terminal gets the plain lines that it always got; `NO_COLOR` and `TERM=dumb` mean no colours, the latter no live table.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from scaffold import visible_text
from scaffold.cli.common import output

STATE_COLORS: Mapping[str, str] = {
    "finished": "green",
    "running": "cyan",
    "starting": "cyan",
    "failed": "red",
    "lost": "magenta",
    "terminated": "yellow",
    **dict.fromkeys(("waiting", "submitting", "missing"), "dim"),
}
# what a terminal is told for it (ECMA-48, "select graphic rendition")
_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "magenta": 35, "cyan": 36}
ELLIPSIS = "..."
# of a name that is shortened so much stays at its end: its seed, and the 8 digits by which it can be asked for
NAME_END = 12
NARROWEST_NAME = 20
GAP = "  "


def stdout_is_terminal() -> bool:
    """Whether people read stdout as it is written."""
    return sys.stdout.isatty()


def can_redraw() -> bool:
    """Whether what stands on stdout can be drawn again: a table that lives."""
    return stdout_is_terminal() and os.environ.get("TERM") != "dumb"


def has_colors() -> bool:
    """Whether colours are welcome: on a terminal, unless NO_COLOR (no-color.org) or TERM=dumb says otherwise."""
    return can_redraw() and not os.environ.get("NO_COLOR")


def shorten_middle(text: str, width: int) -> str:
    """The text in at most `width` letters: what is too much is left out of its middle, since the end of a run's name tells it apart."""
    if len(text) <= width:
        return text
    end = max(min(NAME_END, width - len(ELLIPSIS) - 1), (width - len(ELLIPSIS)) // 2)
    return text[: max(1, width - len(ELLIPSIS) - end)] + ELLIPSIS + text[len(text) - end :]


def fit_rows(rows: Sequence[Sequence[str]], width: int, *, name: int) -> list[list[str]]:
    """Rows whose lines have at most `width` letters: the column `name` is shortened first, in the middle, then the last one, at its end."""
    widths = _column_widths(rows)
    gaps = len(GAP) * (len(widths) - 1)
    too_much = sum(widths) + gaps - width
    if too_much <= 0:
        return [list(row) for row in rows]
    narrow = min(widths[name], max(NARROWEST_NAME, widths[name] - too_much))
    last = max(len(ELLIPSIS), width - gaps - narrow - sum(w for i, w in enumerate(widths[:-1]) if i != name))
    fitted = [[shorten_middle(cell, narrow) if i == name else cell for i, cell in enumerate(row)] for row in rows]
    return [[*row[:-1], _shorten_end(row[-1], last)] for row in fitted]


def print_state_rows(
    rows: Sequence[Sequence[str]], *, name: int, state: int, header: Sequence[str] = (), wide: bool = False
) -> None:
    """Print rows for a terminal: a header, names that are shortened in the middle unless `wide`, a colour for each state.

    `name` and `state` are the numbers of these columns; all rows have as many.
    """
    import shutil  # its import loads all formats of archives, which takes longer than to print rows to a pipe

    table = [[visible_text.escape_to_one_line(cell) for cell in row] for row in ([header, *rows] if header else rows)]
    cells = table if wide else fit_rows(table, shutil.get_terminal_size().columns, name=name)
    start = sum(_column_widths(cells)[:state]) + len(GAP) * state
    lines = []
    for number, (line, row) in enumerate(zip(output.align_columns(cells), cells, strict=True)):
        is_header = bool(header) and number == 0
        color = "bold" if is_header else STATE_COLORS.get(row[state], "")
        begin, end = (0, len(line)) if is_header else (start, start + len(row[state]))
        if color and has_colors():
            line = f"{line[:begin]}\x1b[{_CODES[color]}m{line[begin:end]}\x1b[0m{line[end:]}"
        lines.append(line)
    stream = output.terminal_stream()
    stream.write("".join(f"{line}\n" for line in lines))
    stream.flush()


def _column_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _shorten_end(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - len(ELLIPSIS)] + ELLIPSIS
