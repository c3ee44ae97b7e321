"""Task lists of other tools -> a plan of this contract, text -> text: what is not known becomes a choice, and no word is lost."""

from __future__ import annotations

import re

from scaffold.plan.document.loop_protocol import SENTINEL, placeholder_goal
from scaffold.plan.document.markdown_inline import split_plain_markdown
from scaffold.plan.document.markdown_lines import MarkdownLine, scan_lines
from scaffold.plan.document.model import Plan
from scaffold.plan.document.parse import heading_title, parse_plan

# kind -> what a line of it looks like
KINDS = {
    "spec-kit": re.compile(r"\s*[-*+]\s+\[[ xX]\]\s+\**T\d{3}\b"),
    "OpenSpec": re.compile(r"\s*[-*+]\s+\[[ xX]\]\s+\**\d+\.\d+\b"),
    "GSD": re.compile(r"\s*<task\b"),
}
ANY_BOX = re.compile(
    r"(\s*)((?:[-*+]|\d{1,9}[.)])[ \t]*)?\\?\[[ \t]*([xX/~-]?)[ \t]*\\?\](?![(\[:])[ \t]*(.*)$", re.DOTALL
)
CELL_BOX = re.compile(r"\s*[*_`]{0,3}\[\s*([xX/~-]?)\s*\][*_`]{0,3}\s*")
CHOICES = "deliverable: [choice: the file it leaves behind] | done-when: [choice: what can be checked]"
HEAD = """\
# Tasks

## Goal

{goal}

## Planning Notes

- Key codebase findings: [choice: what was read off the code, with file and line]
- Key risks and assumptions: [choice: what could make a result wrong]
- Experiment root and logging layout decision: [choice: where runs and results lie]
"""
TAIL = """\
## Shared Metrics and Analytics Contract

- Primary metrics: [choice: the metric that decides, and whether lower or higher is better]
- Secondary diagnostics: [choice: what else is looked at]
- Statistical checks: [choice: interval, seeds, pairing]
- Required artifacts: [choice: tables and plots]
"""


def foreign_kind(plan: Plan) -> str | None:
    """The kind of task list that a text is, where it is no plan of this contract: no id, no field of it, and three boxes at least."""
    boxes = len(plan.tasks) + len(plan.near_misses)
    ours = any(task.id or task.get("deliverable") or task.get("done-when") for task in plan.tasks)
    if ours or SENTINEL in plan.text or placeholder_goal(plan.text) is not None:
        return None
    if re.search(r"\[P\d+-T\d+\]|\|\s*(?:deliverable|done-when)\s*:", plan.text):
        return None
    for kind, pattern in KINDS.items():
        if sum(pattern.match(line.text) is not None for line in plan.lines) >= 2:
            return kind
    return "plain list" if boxes >= 3 else None


def convert_plan(text: str) -> str:
    """The same list as a plan: each box a task with an id, each heading with boxes below it a phase, all other lines as they are."""
    lines = scan_lines(text).lines
    title = next((heading_title(line)[1] for line in lines if line.kind == "heading"), "")
    pieces = [HEAD.format(goal=title or "[choice: what is to be found out]")]
    phase = number = 0
    pending: list[str] = []
    for line in lines:
        box = _box(line)
        if box is None:
            pending.append(line.text)
            continue
        headings = [index for index, text in enumerate(pending) if re.match(r"\s{0,3}#{1,6}\s", text)]
        if headings or not phase:
            phase, number = phase + 1, 0
            last = headings[-1] if headings else len(pending)
            name = pending[last].strip().strip("#").strip() if headings else title or "Tasks"
            pieces += [*pending[:last], "", f"## Phase {phase} - {name}", "", *pending[last + 1 :]]
        else:
            pieces += pending
        pending = []
        number += 1
        marker, mark, rest = box
        pieces.append(f"{marker} [{mark}] [P{phase}-T{number}] {rest} | {CHOICES}")
    body = "\n".join([*pieces[1:], *pending])
    # a title of the list is no title of the plan
    return "\n".join([pieces[0], re.sub(r"^(\s{0,3})#(?=\s)", r"\1##", body, flags=re.MULTILINE), "", TAIL])


def _box(line: MarkdownLine) -> tuple[str, str, str] | None:
    """Marker with its indentation, mark and text of a line with a box, also of a table's row; None for any other."""
    if line.kind in ("code", "comment", "heading", "quote", "blank"):
        return None
    match = ANY_BOX.match(line.text)
    if match and match[4].strip():
        return f"{match[1]}{(match[2] or '-').strip()}", _mark(match[3]), match[4].strip().replace("|", "\\|")
    cells = [cell.strip() for _, cell in split_plain_markdown(line.text.strip().strip("|"), "|")]
    boxes = (
        [found for cell in cells if (found := CELL_BOX.match(cell))]
        if line.kind in ("table", "text") and len(cells) > 1
        else []
    )
    if not boxes:
        return None
    words = [CELL_BOX.sub("", cell, count=1) for cell in cells]
    return "-", _mark(boxes[0][1]), "; ".join(word for word in words if word)


def _mark(mark: str) -> str:
    return {"x": "x", "/": "/", "~": "/", "-": "/"}.get(mark.lower(), " ")


def convert_if_foreign(text: str) -> tuple[str | None, str]:
    """The kind of a text, and the plan that it makes; None and the text itself where it is a plan already."""
    kind = foreign_kind(parse_plan(text))
    return (kind, convert_plan(text)) if kind else (None, text)
