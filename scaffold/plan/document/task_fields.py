"""The rest of a task line -> its description and its fields; the lines under a task -> more fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from scaffold.plan.document.markdown_inline import mask_markup, strip_html_comments
from scaffold.plan.document.markdown_lines import MARKER, MarkdownLine
from scaffold.plan.document.model import TaskField

ALIASES = {
    "deliverables": "deliverable",
    "depends-on": "depends",
    "dependencies": "depends",
    "dependency": "depends",
    "follow-up": "follow-up-when",
    "followup-when": "follow-up-when",
    "continue-when": "continue-if",
}
FIELD_NAMES = ("deliverable", "done-when", "depends", "evidence", "follow-up-when", "continue-if", "kind")
NAME = re.compile(r"\s*(?:\*\*|__)?([A-Za-z][A-Za-z_ -]{0,30}?)(?:\*\*|__)?\s*:(?:\*\*|__)?(?!//)\s*")
BULLETS = (*FIELD_NAMES, "command")


def canonical_field_name(name: str) -> str:
    """A field's name as the contract writes it: `Done when` and `done_when` are `done-when`."""
    joined = "-".join(name.lower().replace("_", " ").replace("-", " ").split())
    return ALIASES.get(joined, joined)


def find_separators(text: str) -> list[int]:
    """Where fields are separated: a plain-text `|` with white space around it, or right before the name of a known field."""
    mask, cuts, start = mask_markup(text), [], 0
    while (cut := mask.find("|", start)) >= 0:
        start = cut + 1
        spaced = (cut == 0 or mask[cut - 1].isspace()) and (start == len(mask) or mask[start].isspace())
        if spaced or ((name := NAME.match(mask, start)) and canonical_field_name(name[1]) in FIELD_NAMES):
            cuts.append(cut)
    return cuts


def parse_task_fields(text: str, line: int, column: int) -> tuple[str, tuple[TaskField, ...]]:
    """Description and fields of `text`, which stands at `column` of `line`; a piece without a name belongs to the description."""
    cuts = find_separators(text)
    description = [strip_html_comments(text[: cuts[0]] if cuts else text)]
    fields = []
    for cut, end in zip(cuts, [*cuts[1:], len(text)], strict=False):
        piece = text[cut + 1 : end]
        name = NAME.match(piece)
        if name is None:
            description.append(strip_html_comments(piece))
            continue
        fields.append(_make_field(piece, name, line, column + cut + 1))
    return " | ".join(filter(None, description)), tuple(fields)


def ends_with_field_separator(text: str) -> bool:
    """Whether `text` ends with a separator, so that the line it is wrapped onto begins with a field."""
    text = text.rstrip()
    return text.endswith("|") and len(text) - 1 in find_separators(text)


def parse_task_text(
    text: str, line: int, column: int, body: Sequence[MarkdownLine]
) -> tuple[str, tuple[TaskField, ...]]:
    """Description and fields of a task: of its own line, of the lines it is wrapped onto, and of the bullets below."""
    description, more_fields = parse_task_fields(text, line, column)
    fields = list(more_fields)
    wrapped, above = True, text
    for below in body:
        wrapped = wrapped and below.kind == "text"
        if wrapped:
            lead = "| " if ends_with_field_separator(above) else ""
            continuation, more_fields = parse_task_fields(lead + below.text, below.number, 1 - len(lead))
            above = below.text
            if continuation and fields:
                fields[-1] = replace(fields[-1], value=f"{fields[-1].value} {continuation}".strip())
            elif continuation:
                description = f"{description} {continuation}".strip()
            fields += more_fields
        elif below.kind == "item":
            fields += _bullet_fields(below)
    return description, tuple(fields)


def _bullet_fields(line: MarkdownLine) -> list[TaskField]:
    stripped = line.text.strip()
    marker = MARKER.match(stripped)
    name = NAME.match(stripped, marker.end()) if marker else None
    if name is None or canonical_field_name(name[1]) not in BULLETS:
        return []
    return [_make_field(stripped, name, line.number, line.text.index(stripped) + 1)]


def _make_field(text: str, name: re.Match[str], line: int, column: int) -> TaskField:
    """The field whose name was matched in `text`, which stands at `column` of `line`."""
    value = strip_html_comments(text[name.end() :])
    return TaskField(name=canonical_field_name(name[1]), value=value, line=line, column=column + name.start(1))
