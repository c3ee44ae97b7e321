"""tasks.md text -> Plan. Parsing never fails: what is wrong is kept, with its line, for the rules to say."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from scaffold.plan.document import near_misses, task_fields
from scaffold.plan.document.markdown_inline import strip_html_comments
from scaffold.plan.document.markdown_lines import HEADING, MarkdownLine, scan_lines
from scaffold.plan.document.model import Phase, Plan, PlanSection, Task, TaskNearMiss

CHECKBOX = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+\[(.)\]\s+(\S.*)$", re.DOTALL)
TAG = re.compile(r"(\*\*|__)?\[ ?P ?(\d{1,9}) ?[-_]? ?T ?(\d{1,9}) ?\](?(1)\1)[:.]?\s*", re.IGNORECASE)
# an id that somebody wrote without its brackets; before `and` it is spoken of
BARE = re.compile(
    r"(\*\*|__|`|\()?P(\d{1,9})-T(\d{1,9})[:.]?(?(1)(?:\1|\)))[:.]?(?=\s|$)(?!\s+(?:and|or|to)\s)(?:\s+[-\u2013\u2014](?=\s))?\s*",
    re.IGNORECASE,
)
SPELLED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SEPARATOR = r"[-\u2013\u2014:.]"
PHASE = re.compile(
    rf"[*_]*phase\s+(?:(\d{{1,9}})\b|(?:{'|'.join(SPELLED)}|[ivx]{{1,5}})\b(?=\s*(?:{SEPARATOR}|$)))\s*(?:{SEPARATOR}\s*)?(.*)$",
    re.IGNORECASE,
)
DIRECTIVE = re.compile(r"<!--\s*plan:", re.IGNORECASE)
IGNORE = re.compile(r"<!--\s*plan:\s*ignore\s+((?:P\d{3}[,\s]+)+)because\s+(.{0,400}?\S)\s*-->", re.IGNORECASE)


SHORT = re.compile(r"<!--\s*plan:\s*short\s*-->", re.IGNORECASE)


# a command checks, mends and shows one text, each of which reads it: what is read is frozen, and may be shared
@functools.lru_cache(maxsize=4)
def parse_plan(text: str) -> Plan:
    """Read a plan; every text is one, though perhaps a bad one."""
    scanned = scan_lines(text)
    sections = _parse_sections(scanned.lines)
    reader = _PlanParser(scanned.lines)
    phases = tuple(reader.phases())
    odd = [*reader.near_misses, *near_misses.unclosed_blocks(scanned)]
    odd += near_misses.find_server_misread_line(
        scanned.lines, {task.line for phase in phases for task in phase.tasks} | {o.line for o in odd}
    )
    ignores, unheeded = _parse_ignores(scanned.lines)
    return Plan(
        text=text,
        lines=scanned.lines,
        sections=sections,
        phases=phases,
        near_misses=tuple(sorted(odd, key=lambda o: o.line)),
        ignores=ignores,
        is_short=any(line.kind not in ("code", "quote") and SHORT.search(line.text) for line in scanned.lines),
        invalid_ignores=unheeded,
    )


def heading_title(line: MarkdownLine) -> tuple[int, str]:
    """Level and title of a heading."""
    stripped = line.text.strip()
    match = HEADING.match(stripped)
    level = len(match[1]) if match else 0
    title = strip_html_comments(stripped[level:])
    bare = title.rstrip("#")
    return level, bare.rstrip() if bare != title and (not bare or bare[-1] in " \t") else title


def _parse_sections(lines: Sequence[MarkdownLine]) -> tuple[PlanSection, ...]:
    headings = [(index, *heading_title(line)) for index, line in enumerate(lines) if line.kind == "heading"]
    sections, open_at = [], [len(lines)] * 7
    for index, level, title in reversed(headings):
        end = min(open_at[: level + 1])
        sections.append(
            PlanSection(level=level, title=title, line=lines[index].number, body=tuple(lines[index + 1 : end]))
        )
        open_at[level] = index
    return tuple(reversed(sections))


def _parse_ignores(lines: Sequence[MarkdownLine]) -> tuple[dict[str, str], tuple[int, ...]]:
    reasons: dict[str, str] = {}
    unheeded = []
    for line in lines:
        if line.kind in ("code", "quote") or not (directives := DIRECTIVE.findall(line.text)):
            continue
        ignores = list(IGNORE.finditer(line.text))
        for match in ignores:
            reasons |= dict.fromkeys(re.findall(r"P\d{3}", match[1].upper()), match[2])
        if len(ignores) + len(SHORT.findall(line.text)) < len(directives):
            unheeded.append(line.number)
    return reasons, tuple(unheeded)


class _PlanParser:
    """Goes through the lines once, collecting phases, their tasks, and lines that only look like tasks."""

    def __init__(self, lines: Sequence[MarkdownLine]) -> None:
        self.lines = lines
        self.near_misses: list[TaskNearMiss] = []

    def phases(self) -> Iterator[Phase]:
        """The phases in order, each with its tasks."""
        heading: MarkdownLine | None = None
        level, start = 0, 0
        for index, line in enumerate(self.lines):
            if line.kind != "heading":
                continue
            depth, title = heading_title(line)
            if reason := near_misses.heading_near_miss_reason(title, under_phase=heading is not None):
                self.near_misses.append(near_misses.as_near_miss(line, reason, under_phase=heading is not None))
            if heading is not None and depth > level and not PHASE.match(title):
                continue
            yield from self._phase(heading, start, index)
            heading, level, start = (line, depth, index + 1) if PHASE.match(title) else (None, 0, index + 1)
        yield from self._phase(heading, start, len(self.lines))

    def _phase(self, heading: MarkdownLine | None, start: int, end: int) -> Iterator[Phase]:
        tasks = tuple(self._tasks(self.lines[start:end], under_phase=heading is not None))
        if heading is None:
            return
        level, title = heading_title(heading)
        match = PHASE.match(title)
        assert match is not None
        number = int(match[1]) if match[1] else None
        yield Phase(number=number, title=match[2].rstrip("*_ "), level=level, line=heading.number, tasks=tasks)

    def _tasks(self, lines: Sequence[MarkdownLine], *, under_phase: bool) -> Iterator[Task]:
        outer: Task | None = None
        outer_indent = 0
        for index, line in enumerate(lines):
            match = CHECKBOX.match(line.text) if line.kind == "item" else None
            reason = near_misses.near_miss_reason(line, match, under_phase=under_phase)
            if reason is not None:
                self.near_misses.append(near_misses.as_near_miss(line, reason, under_phase=under_phase))
            elif match is not None and under_phase:
                nested = outer is not None and line.indent > outer_indent
                task = _make_task(line, match, _task_body(lines, index), nested=nested)
                if not nested:
                    outer, outer_indent = task, line.indent
                yield task


def _task_body(lines: Sequence[MarkdownLine], index: int) -> tuple[MarkdownLine, ...]:
    """The lines under a task, up to the next task, what looks like one, or a line that neither is indented nor goes on."""
    indent, end = lines[index].indent, index + 1
    while end < len(lines):
        line = lines[end]
        item = CHECKBOX.match(line.text) if line.kind == "item" else None
        if item or (line.kind in ("heading", "item") and line.indent <= indent):
            break
        if near_misses.near_miss_reason(line, item, under_phase=True) is not None:
            break
        outside = line.kind != "blank" and line.indent <= indent
        if outside and (lines[end - 1].kind == "blank" or line.kind not in ("text", "comment")):
            break
        end += 1
    while lines[end - 1].kind == "blank":
        end -= 1
    return tuple(lines[index + 1 : end])


def _make_task(line: MarkdownLine, match: re.Match[str], body: tuple[MarkdownLine, ...], *, nested: bool) -> Task:
    rest, start = match[2], match.start(2)
    # a box below a task may well begin with the id of the task that it is about
    tag = TAG.match(rest) or (None if nested else BARE.match(rest))
    cut = tag.end() if tag else 0
    description, fields = task_fields.parse_task_text(rest[cut:], line.number, start + cut + 1, body)
    return Task(
        line=line.number,
        column=len(line.text) - len(line.text.lstrip()) + 1,
        mark_offset=line.start + match.start(1),
        mark=match[1],
        written_id=rest[:cut].strip() if tag else "",
        id_numbers=(int(tag[2]), int(tag[3])) if tag else None,
        description=description,
        fields=fields,
        body=body,
        nested=nested,
    )
