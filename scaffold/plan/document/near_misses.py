"""Which lines look like tasks and are not, and why: nothing that a person may have meant as a task is skipped silently."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from scaffold.plan.document import server_loop_protocol
from scaffold.plan.document.markdown_inline import escape_for_message, mask_markup, split_plain_markdown
from scaffold.plan.document.markdown_lines import MarkdownLine, ScannedMarkdown
from scaffold.plan.document.model import TaskNearMiss

BULLET = r"(?:(?:[-*+\u2022\u2023\u25e6\u2013\u2014\u00b7]|\d{1,9}[.)])[ \t]*)"
# what stands in a box that somebody drew: nothing, or one mark, with white space around it; no link, no footnote, no reference
BOX = r"\\?\[(?:\s*|\s*[/\\xX~\-*+oOvV?!>\u2713\u2714\u2717\u2718]\s*|[^\w\]])\\?\](?![(\[:])"
BULLET_BOX = re.compile(rf"\s*(?:{BULLET}|>[ \t]*)+{BOX}")
BULLET_ANY = re.compile(rf"\s*{BULLET}+\[[^\]\s\d]\](?![(\[:])")
BARE_BOX = re.compile(rf"\s*{BOX}")
BALLOT = "[\u2610\u2611\u2612\u25a2\u25fb\u25fd\u2b1c\U0001f532\U0001f533\U0001f5f9]"
BALLOT_ITEM = re.compile(rf"\s*(?:{BULLET}|>[ \t]*)*{BALLOT}")
CELL = re.compile(rf"\s*(?:{BULLET})*[*_`]{{0,3}}(?:{BOX}|{BALLOT})[*_`]{{0,3}}(?P<rest>\s*$)?")
HTML_CHECKBOX = re.compile(r"<input\b[^<>]*\btype\s*=\s*[\"']?checkbox", re.IGNORECASE)
HTML_BOX = re.compile(rf">\s*(?:{BOX}|{BALLOT})")
ID = r"(?:\*\*|__)?\[ ?P ?\d+ ?[-_]? ?T ?\d+ ?\](?![(:])"
TAGGED = re.compile(rf"\s*(?:{BULLET}|>[ \t]*)*{ID}", re.IGNORECASE)
# what people and their tools write in the place of a box: a state in brackets, a word for it, a symbol
SYMBOL = "[\u2600-\u27bf\u2b1b\u2b1c\U0001f300-\U0001faff]\ufe0f?"
INSTEAD = re.compile(
    rf"\s*{BULLET}+(\[[^\[\]]{{0,20}}\]:?|[({{][ \txX/]?[)}}]|`\[[ xX/]?\]`|(?:todo|doing|done|wip)\b:?|{SYMBOL})[ \t]*{ID}",
    re.IGNORECASE,
)
FIELDED = re.compile(rf"\s*{BULLET}.*\|\s*(?:deliverable|done-when)s?\s*:", re.IGNORECASE)
MENDABLE = re.compile(r"(\s*)([-*+]|\d{1,9}[.)])([ \t]*)\[\s*([xX/]?)\s*\]([ \t]*)((?!:)\S.*)$", re.DOTALL)
# a list item with an id behind whatever stands in the place of its box
BEFORE_ID = re.compile(rf"(\s*){BULLET}+(?:[^|]{{0,25}}?[\]\s)}}:`])?({ID}.*)$", re.IGNORECASE | re.DOTALL)
MARK = re.compile(rf"\s*{BULLET}+\\?\[(.*?)\]")


def near_miss_reason(line: MarkdownLine, item: re.Match[str] | None, *, under_phase: bool) -> str | None:
    """Why `line` is no task although it looks like one; None where it does not look like one, or is one.

    `item` is its match as a checkbox item, None where it is none.
    """
    if line.kind in ("blank", "heading", "code", "comment"):
        return None
    if line.kind == "quote" and not under_phase:
        return None
    if item is None:
        return _malformed_reason(line, under_phase=under_phase)
    if not under_phase:
        return "it stands outside every phase" if BULLET_BOX.match(line.text) else None
    if item[1] not in " /xX" and not TAGGED.match(item[2]):
        return f"its mark is `[{escape_for_message(item[1])}]`, and a mark is a space, `/` or `x`"
    return None


def heading_near_miss_reason(title: str, *, under_phase: bool) -> str | None:
    """Why a heading is no task although its title looks like one."""
    return "it is a heading" if BARE_BOX.match(title) or (under_phase and TAGGED.match(title)) else None


def as_near_miss(line: MarkdownLine, reason: str, *, under_phase: bool) -> TaskNearMiss:
    """The line as a TaskNearMiss; it can be mended where all that keeps it from being a task is a space too few or too many."""
    text = line.text.strip()
    fixable = under_phase and line.kind in ("text", "item") and MENDABLE.match(line.text) is not None
    return TaskNearMiss(
        line=line.number, column=len(line.text) - len(line.text.lstrip()) + 1, reason=reason, text=text, fixable=fixable
    )


def _malformed_reason(line: MarkdownLine, *, under_phase: bool) -> str | None:
    text = line.text
    if not any(sign in text for sign in "[|<") and not BALLOT_ITEM.match(text):
        return None
    if reason := _markup_reason(line):
        return reason
    if "\\[" in text and not under_phase:
        return None
    if line.kind == "quote":
        return "it stands in a quote" if BULLET_BOX.match(text) or TAGGED.match(text) else None
    if BULLET_BOX.match(text) or (under_phase and BULLET_ANY.match(text)):
        return _box_reason(text)
    if BARE_BOX.match(text):
        return "no list marker stands before its box"
    if BALLOT_ITEM.match(text):
        return "its box is a symbol, not `[ ]`"
    return _unboxed_reason(text, under_phase=under_phase)


def _markup_reason(line: MarkdownLine) -> str | None:
    """Why a line with a box in it is none: the box stands in a table or in HTML."""
    if line.kind != "item" and "|" in line.text and _has_cell_with_box(line):
        return "it is a row of a table"
    if "<" not in line.text:
        return None
    masked = mask_markup(line.text)
    if HTML_CHECKBOX.search(masked):
        return "its box is HTML, not `[ ]`"
    return "it stands between HTML tags" if line.kind == "html" and HTML_BOX.search(masked) else None


def _unboxed_reason(text: str, *, under_phase: bool) -> str | None:
    """Why a line that has what only a task has, and no box, is none."""
    fielded = FIELDED.match(mask_markup(text)) is not None
    # outside the phases a line may begin with an id because it speaks of that task
    if TAGGED.match(text) and (under_phase or fielded):
        return "it has a task's id and no box"
    if under_phase and (instead := INSTEAD.match(text)):
        return _instead_reason(instead[1])
    return "it has a task's fields and no box" if under_phase and fielded else None


def _has_cell_with_box(line: MarkdownLine) -> bool:
    """Whether a line is a row of a table with a box in it: at the beginning of any cell, or where nothing else says
    that it is a row, as all of a cell."""
    cells = split_plain_markdown(line.text.strip().lstrip("> \t"), "|")
    is_row = len(cells) > 1 and (line.kind == "table" or not cells[0][1].strip())
    return len(cells) > 1 and any(
        match is not None and (is_row or match["rest"] is not None) for match in (CELL.match(cell) for _, cell in cells)
    )


def _box_reason(text: str) -> str:
    mark = MARK.match(text)
    inside = mark[1].rstrip("\\") if mark else ""
    if "\\[" in text:
        return "its box is escaped"
    if inside not in (" ", "/", "x", "X"):
        return f"its box is `[{escape_for_message(inside)}]`, and a box is `[ ]`, `[/]` or `[x]`"
    after = text[mark.end() :] if mark else ""
    if not after.strip():
        return "nothing stands behind its box"
    if not after[0].isspace():
        return "no space stands behind its box"
    return "no space stands between its list marker and its box, or it has several markers"


def _instead_reason(written: str) -> str:
    if written.lower() in ("[ ]", "[/]", "[x]"):
        return "no space stands behind its box"
    return f"before its id stands `{escape_for_message(written)}`, and a box is `[ ]`, `[/]` or `[x]`"


def unclosed_blocks(scanned: ScannedMarkdown) -> Iterator[TaskNearMiss]:
    """A fence or comment that nothing closes, where it swallows lines that look like tasks."""
    opened = scanned.unclosed
    if opened is None:
        return
    hidden = [line for line in scanned.lines if line.number > opened.number and BULLET_BOX.match(line.text)]
    if hidden:
        block = "a comment" if "<!--" in opened.text else "a code fence"
        reason = f"{block} opened here is never closed and hides {len(hidden)} line(s) that look like tasks"
        yield TaskNearMiss(line=opened.number, column=1, reason=reason, text=opened.text.strip())


def find_server_misread_line(lines: Sequence[MarkdownLine], task_lines: AbstractSet[int]) -> Iterator[TaskNearMiss]:
    """The line that the research server takes for the current task although it is none (it knows no code, no comments).

    The server ends a line at every character that Unicode calls a line's end; Markdown does at carriage return and line feed only.
    """
    pieces = [
        (line, piece, index_in_line == 0)
        for line in lines
        for index_in_line, piece in enumerate(line.text.splitlines())
    ]
    index = server_loop_protocol.current_task_index([piece for _, piece, _ in pieces])
    if index is None:
        return
    line, piece, is_first = pieces[index]
    if line.number not in task_lines or not is_first:
        location = (
            f"in a {'comment' if line.kind == 'comment' else 'code block'}"
            if line.kind in ("code", "comment")
            else "here"
        )
        reason = f"the research server takes the line {location} for the current task"
        yield TaskNearMiss(line=line.number, column=1, reason=reason, text=piece.strip(), only_on_server=True)
