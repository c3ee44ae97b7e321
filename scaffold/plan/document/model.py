"""What a plan is, as types: every part with the line it stands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scaffold.plan.document.markdown_lines import MarkdownLine

OPEN, STARTED, DONE = " ", "/", "x"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskField:
    """`name: value` of a task, from its line or from an indented bullet under it."""

    name: str
    value: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A checkbox item under a phase. `mark` is as written; `at` is the mark's offset in the text; `body` are the lines below it.

    `tag` is the id as written, `""` where there is none; `number` is the n and m of `[Pn-Tm]`.
    """

    line: int
    column: int
    mark_offset: int
    mark: str
    written_id: str
    id_numbers: tuple[int, int] | None
    description: str
    fields: tuple[TaskField, ...]
    body: tuple[MarkdownLine, ...]
    nested: bool

    @property
    def id(self) -> str:
        """`P2-T1`; empty where the task has none."""
        return f"P{self.id_numbers[0]}-T{self.id_numbers[1]}" if self.id_numbers else ""

    @property
    def state(self) -> str:
        """The mark, `X` as `x`; anything that is no mark counts as open."""
        return self.mark.lower() if self.mark in "/xX" else OPEN

    @property
    def name(self) -> str:
        """The task for a message: its id, or what it says."""
        return self.id or f'"{self.description[:40]}"'

    def get(self, name: str) -> str:
        """The value of a field, several of one name joined by commas; empty where there is none."""
        return ", ".join(f.value for f in self.fields if f.name == name and f.value)

    def field_column(self, name: str) -> int:
        """Where a field stands on the task's own line; the task's column where it does not."""
        return next((f.column for f in self.fields if f.name == name and f.line == self.line), self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSection:
    """A heading and the lines below it, up to the next heading that is no deeper."""

    level: int
    title: str
    line: int
    body: tuple[MarkdownLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A section `## Phase N - title` and its tasks. `number` is None where it is no number; `level` is the heading's."""

    number: int | None
    title: str
    level: int
    line: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNearMiss:
    """A line that looks like a task and is not one, and why; `fixable` where only spacing keeps it from being one.

    `only_on_server`: only the research server would take it for one, so without a server it is none.
    """

    line: int
    column: int
    reason: str
    text: str
    fixable: bool = False
    only_on_server: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole tasks.md. `ignores` maps a rule's code to the reason for which this plan does not follow it.

    `is_short`: it says that it is a short plan, of which less is asked.
    `invalid_ignores` are the lines with an ignore that cannot be read, or gives no reason.
    """

    text: str
    lines: tuple[MarkdownLine, ...]
    sections: tuple[PlanSection, ...]
    phases: tuple[Phase, ...]
    near_misses: tuple[TaskNearMiss, ...]
    ignores: Mapping[str, str] = field(default_factory=dict)
    invalid_ignores: tuple[int, ...] = ()
    is_short: bool = False

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks in the order of the file."""
        return tuple(task for phase in self.phases for task in phase.tasks)

    @property
    def tasks_by_id(self) -> dict[str, Task]:
        """The tasks that have an id, by it; where two have the same, the first."""
        tasks: dict[str, Task] = {}
        for task in self.tasks:
            if task.id:
                tasks.setdefault(task.id, task)
        return tasks

    def find_section(self, title: str) -> PlanSection | None:
        """The first section of that title, in any case."""
        return next((s for s in self.sections if s.title.lower() == title.lower()), None)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PlanFinding:
    """What a rule has to say about a line."""

    line: int
    column: int
    code: str
    severity: str
    task: str | None
    message: str
    hint: str
    fixable: bool
