"""Task lists of other tools -> a plan of this contract, text -> text: what is not known becomes a choice, and no word is lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from scaffold.plan.document import phrase_patterns
from scaffold.plan.document.field_values import explain_bad_path
from scaffold.plan.document.markdown_inline import split_plain_markdown
from scaffold.plan.document.markdown_lines import MarkdownLine, scan_lines
from scaffold.plan.document.model import Plan
from scaffold.plan.document.parse import heading_title, parse_plan
from scaffold.plan.document.server_loop_protocol import SENTINEL, read_placeholder_plan_goal

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
# lines of one element: where nothing closes it, the rest of the text is not looked through again and again
LONGEST_ELEMENT = 200
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


def foreign_task_list_kind(plan: Plan) -> str | None:
    """The kind of task list that a text is, where it is no plan of this contract: no id, no field of it, and three boxes at least."""
    boxes = len(plan.tasks) + len(plan.near_misses)
    ours = any(task.id or task.get("deliverable") or task.get("done-when") for task in plan.tasks)
    if ours or SENTINEL in plan.text or read_placeholder_plan_goal(plan.text) is not None:
        return None
    if re.search(r"\[P\d+-T\d+\]|\|\s*(?:deliverable|done-when)\s*:", plan.text):
        return None
    for kind, pattern in KINDS.items():
        matching = sum(pattern.match(line.text) is not None for line in plan.lines if line.kind != "code")
        if matching >= (1 if kind == "GSD" and "</task>" in plan.text else 2):
            return kind
    return "plain list" if boxes >= 3 else None


def count_listed_tasks(plan: Plan) -> int:
    """How many tasks another tool's list has: boxes, whatever they stand in, and elements of XML."""
    elements = sum(KINDS["GSD"].match(line.text) is not None for line in plan.lines if line.kind != "code")
    return len(plan.tasks) + len(plan.near_misses) + elements


def convert_plan(text: str) -> str:
    """The same list as a plan: each box a task with an id, each heading with boxes below it a phase, all other lines as they are."""
    lines = scan_lines(text).lines
    title = next((heading_title(line)[1] for line in lines if line.kind == "heading"), "")
    pieces = [HEAD.format(goal=title or "[choice: what is to be found out]")]
    phase = number = 0
    pending: list[MarkdownLine] = []
    for index, line in enumerate(lines):
        element = _xml_task(lines, index)
        box = element or _box(line)
        if box is None:
            pending.append(line)
            continue
        headings = [place for place, other in enumerate(pending) if other.kind == "heading"]
        if headings or not phase:
            phase, number = phase + 1, 0
            last = headings[-1] if headings else len(pending)
            name = pending[last].text.strip().strip("#").strip() if headings else title or "Tasks"
            pieces += [*_texts(pending[:last]), "", f"## Phase {phase} - {name}", "", *_texts(pending[last + 1 :])]
        else:
            pieces += _texts(pending)
        number += 1
        pieces.append(f"{box.marker} [{box.mark}] [P{phase}-T{number}] {box.text} | {box.fields}")
        # an element stays below its task as it is: nothing of it is lost
        pending = [line._replace(text="", kind="blank"), line] if element else []
    return "\n".join([*pieces, *_texts(pending), "", TAIL])


def _texts(lines: Sequence[MarkdownLine]) -> list[str]:
    """The lines as they are, but that a title of the list is no title of the plan."""
    return [re.sub(r"^(\s*)#(?=\s)", r"\1##", line.text) if line.kind == "heading" else line.text for line in lines]


class ForeignTask(NamedTuple):
    """A task of another tool's list: its list marker with the indentation, its mark, its text, and the fields that it gets."""

    marker: str
    mark: str
    text: str
    fields: str = CHOICES


def _xml_task(lines: Sequence[MarkdownLine], index: int) -> ForeignTask | None:
    """The task of an element `<task>` that begins in a line, with its files as deliverables and what it calls done; None for any other."""
    if lines[index].kind == "code" or not KINDS["GSD"].match(lines[index].text):
        return None
    block = []
    for line in lines[index : index + LONGEST_ELEMENT]:
        block.append(line.text)
        if "</task>" in line.text:
            break
    text = "\n".join(block).partition("</task>")[0]
    name = next(filter(None, (_child(text, tag) for tag in ("name", "what-built", "decision", "action"))), "")
    attribute = re.search(r"""<task\b[^<>]*\bname\s*=\s*["']([^"'<>]*)["']""", text)
    content = re.sub(r"<[^<>]*>", " ", text.partition(">")[2])
    title = (attribute[1] if attribute else "") or name or " ".join(content.split())[:200] or "task"
    return ForeignTask(
        "-", " ", title.replace("|", "\\|"), f"deliverable: {_files(text)} | done-when: {_condition(text)}"
    )


def _child(text: str, tag: str) -> str:
    """The text of the first child of that name, in one line; empty where there is none."""
    inner = text.partition(f"<{tag}>")[2].partition(f"</{tag}>")
    return " ".join(inner[0].split()) if inner[1] else ""


def _files(text: str) -> str:
    paths = [path.strip().strip("`") for path in _child(text, "files").split(",")]
    if all(paths) and not any(explain_bad_path(path) or "|" in path for path in paths):
        return ", ".join(paths)
    return "[choice: the file it leaves behind]"


def _condition(text: str) -> str:
    done = _child(text, "done") or _child(text, "verify")
    if not done or phrase_patterns.is_vague_condition(done) or phrase_patterns.find_placeholder(done):
        return "[choice: what can be checked]"
    return done.replace("|", "\\|")


def _box(line: MarkdownLine) -> ForeignTask | None:
    """The task of a line with a box, also of a table's row; None for any other."""
    if line.kind in ("code", "comment", "heading", "quote", "blank"):
        return None
    match = ANY_BOX.match(line.text)
    if match and match[4].strip():
        return ForeignTask(
            f"{match[1]}{(match[2] or '-').strip()}", _mark(match[3]), match[4].strip().replace("|", "\\|")
        )
    cells = [cell.strip() for _, cell in split_plain_markdown(line.text.strip().strip("|"), "|")]
    boxes = (
        [box for cell in cells if (box := CELL_BOX.match(cell))]
        if line.kind in ("table", "text") and len(cells) > 1
        else []
    )
    if not boxes:
        return None
    words = [CELL_BOX.sub("", cell, count=1) for cell in cells]
    return ForeignTask("-", _mark(boxes[0][1]), "; ".join(word for word in words if word))


def _mark(mark: str) -> str:
    return {"x": "x", "/": "/", "~": "/", "-": "/"}.get(mark.lower(), " ")


def convert_foreign_plan(text: str) -> tuple[str | None, str]:
    """The kind of a text, and the plan that it makes; None and the text itself where it is a plan already."""
    kind = foreign_task_list_kind(parse_plan(text))
    return (kind, convert_plan(text)) if kind else (None, text)
