"""The rules about the file as a whole: its title, goal, notes, choices, phases and analytics contract (P0, P1, P502, P901)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scaffold.plan.document import entries, protocol
from scaffold.plan.document.entries import Wanted
from scaffold.plan.document.inline import masked, shown
from scaffold.plan.document.model import Plan
from scaffold.plan.document.parse import ITEM, title_of
from scaffold.plan.rules.rule import Complaint, Context, rule

PHASES, PHASE_TASKS, TASKS = (4, 6), (2, 6), (10, 25)
CHOICE = re.compile(r"\[choice:\s*([^\[\]]*)\]", re.IGNORECASE)
NOTES = (
    Wanted(name="findings", labels=("finding",)),
    Wanted(name="risks", labels=("risk",)),
    Wanted(name="assumptions", labels=("assumption",)),
    Wanted(
        name="the experiment root and logging decision",
        labels=("experiment root", "experiment-root", "logging layout", "layout decision"),
    ),
)
CONTRACT = (
    Wanted(name="Primary metrics", labels=("primary metric",)),
    Wanted(name="Secondary diagnostics", labels=("secondary diagnostic", "diagnostics")),
    Wanted(name="Statistical checks", labels=("statistical", "statistics", "confidence")),
    Wanted(name="Required artifacts", labels=("artifact",)),
)


def first_line(plan: Plan) -> int:
    """Where the title stands or should stand: what is missing in the whole file is reported there."""
    return next((line.number for line in plan.lines if line.kind not in ("blank", "comment")), 1)


@rule("P001", "the file starts with `# Tasks`", wrong="# My plan", right="# Tasks")
def starts_with_tasks(plan: Plan, context: Context) -> Iterator[Complaint]:
    number = first_line(plan)
    line = plan.lines[number - 1] if plan.lines else None
    if line is None or line.kind != "heading" or title_of(line) != (1, "Tasks"):
        found = f"with `{shown(line.text.strip())}`" if line and line.text.strip() else "empty"
        yield Complaint(number, f"the plan starts {found}, not with `# Tasks`", "make `# Tasks` its first line")


@rule(
    "P002",
    "`## Goal` exists and is not empty or a placeholder",
    wrong="## Goal\n\nTBD",
    right="## Goal\n\nFind out whether label smoothing lowers the validation loss of the baseline.",
    words="placeholders: `...`, `TODO`, `TBD`, `FIXME`, `n/a`, `none`, `<...>`",
)
def has_goal(plan: Plan, context: Context) -> Iterator[Complaint]:
    goal = plan.section("Goal")
    hint = "say in at least one sentence what is to be found out"
    if goal is None:
        yield Complaint(first_line(plan), "the plan has no section `## Goal`", hint)
        return
    said = entries.content(goal.body)
    if not said or entries.is_placeholder(said):
        what = f'a placeholder ("{shown(said)}")' if said else "empty"
        yield Complaint(goal.line, f"the goal is {what}", hint)


@rule(
    "P003",
    "`## Planning Notes` has findings, risks and assumptions, and the experiment-root/logging decision, none a placeholder",
    wrong="- Key codebase findings: ...",
    right="- Key codebase findings: train.py is the only entry point; it seeds from --seed (train.py:12)",
    words="labels that hold `finding`, `risk`, `assumption`, and `experiment root` or `logging layout`",
)
def has_notes(plan: Plan, context: Context) -> Iterator[Complaint]:
    yield from _entries(plan, "Planning Notes", NOTES)


@rule(
    "P007",
    "a choice that only a human can make is made",
    wrong="- Primary metrics: [choice: name the metric that decides]",
    right="- Primary metrics: val/loss, lower is better",
    words="`[choice: what has to be chosen]`, anywhere but in code, comments and quotes",
    warning=True,
)
def choices_are_made(plan: Plan, context: Context) -> Iterator[Complaint]:
    for line in plan.lines:
        if line.kind in ("code", "comment", "quote") or "[" not in line.text:
            continue
        for found in CHOICE.finditer(masked(line.text)):
            message = f'a choice is open: "{shown(line.text[found.start(1) : found.end(1)].strip(), 120)}"'
            yield Complaint(
                line.number, message, "write the decision in the place of the whole bracket", found.start() + 1
            )


@rule(
    "P101",
    "4 to 6 phases",
    wrong="a plan of two phases",
    right="Preparation, Baselines, Main method, Analysis, Reflection",
)
def phase_count(plan: Plan, context: Context) -> Iterator[Complaint]:
    least, most = PHASES
    if not least <= len(plan.phases) <= most:
        hint = "a phase is a heading `## Phase N - title`"
        yield Complaint(first_line(plan), f"the plan has {len(plan.phases)} phases, not {least} to {most}", hint)


@rule(
    "P102",
    "phases are numbered 1, 2, 3, ... in order, none twice",
    wrong="## Phase 3 - Baselines   (after Phase 1)",
    right="## Phase 2 - Baselines",
)
def phase_numbers(plan: Plan, context: Context) -> Iterator[Complaint]:
    expected, seen = 1, set[int]()
    for phase in plan.phases:
        if phase.level != 2:
            yield Complaint(
                phase.line,
                f"a phase is a heading of level 2, and this is one of level {phase.level}",
                "write `## Phase N - title`",
            )
        if phase.number is None:
            yield Complaint(
                phase.line, "the phase's number is not written in digits", f"write `## Phase {expected} - title`"
            )
        elif phase.number in seen:
            yield Complaint(phase.line, f"phase {phase.number} stands twice", f"this is phase {expected}")
        elif phase.number != expected:
            yield Complaint(
                phase.line,
                f"phase {phase.number} stands where phase {expected} is expected",
                "number phases 1, 2, 3, ...",
            )
        if phase.number is not None:
            seen.add(phase.number)
        expected = (phase.number or expected) + 1


@rule("P103", "each phase has 2 to 6 tasks", wrong="a phase of one task", right="two tasks that each fit one iteration")
def phase_tasks(plan: Plan, context: Context) -> Iterator[Complaint]:
    least, most = PHASE_TASKS
    for phase in plan.phases:
        count = sum(1 for task in phase.tasks if task.number or not task.nested)
        if not least <= count <= most:
            hint = (
                "merge it with its neighbour, or split a task" if count < least else "split the phase, or merge tasks"
            )
            which = f"phase {phase.number}" if phase.number else "the phase"
            yield Complaint(
                phase.line, f"{which} has {count} task{'' if count == 1 else 's'}, not {least} to {most}", hint
            )


@rule("P104", "10 to 25 tasks in all", wrong="a plan of eight tasks", right="a plan of fourteen tasks", warning=True)
def task_count(plan: Plan, context: Context) -> Iterator[Complaint]:
    least, most = TASKS
    count = sum(1 for task in plan.tasks if task.number or not task.nested)
    if not least <= count <= most:
        yield Complaint(
            first_line(plan), f"the plan has {count} tasks, not {least} to {most}", "a task fits one iteration"
        )


@rule(
    "P502",
    "`## Shared Metrics and Analytics Contract` has its four entries, none a placeholder",
    wrong="- Statistical checks: TBD",
    right="- Statistical checks: mean and 95% bootstrap interval over 5 seeds",
    words="labels that hold `primary metric`, `diagnostics`, `statistical` or `confidence`, `artifact`",
)
def analytics_contract(plan: Plan, context: Context) -> Iterator[Complaint]:
    yield from _entries(plan, "Shared Metrics and Analytics Contract", CONTRACT)


@rule(
    "P901",
    f"a file that holds `{protocol.SENTINEL}` has every checkbox checked",
    wrong=f"- [ ] {protocol.SENTINEL}",
    right=f"- [x] {protocol.SENTINEL}",
)
def aborted_is_checked(plan: Plan, context: Context) -> Iterator[Complaint]:
    if protocol.SENTINEL not in plan.text:
        return
    odd = {oddity.line: oddity for oddity in plan.oddities}
    for line in plan.lines:
        item = ITEM.match(line.text) if line.kind == "item" else None
        if (item and item[1] not in "xX") or (not item and line.number in odd):
            yield Complaint(
                line.number,
                "the plan holds the abort sentinel, and this box is not checked",
                "check it, or take the sentinel out",
            )


def is_aborted(plan: Plan) -> bool:
    """Whether the file is an abort checklist: the sentinel, and every box checked."""
    return protocol.SENTINEL in plan.text and next(aborted_is_checked(plan, Context()), None) is None


def _entries(plan: Plan, title: str, wanted: Sequence[Wanted]) -> Iterator[Complaint]:
    section = plan.section(title)
    if section is None:
        missing = ", ".join(want.name for want in wanted)
        yield Complaint(first_line(plan), f"the plan has no section `## {title}`", f"it holds: {missing}")
        return
    for want in wanted:
        entry = entries.find(section.body, want)
        hint = f"write `- {want.name}: ...` and say it"
        if entry is None:
            yield Complaint(
                section.line,
                f"`## {title}` has no entry for {want.name}",
                f"a label that holds {' or '.join(want.labels)}",
            )
        elif not entry.text:
            yield Complaint(entry.line, f"the entry for {want.name} is empty", hint)
        elif entries.is_placeholder(entry.text):
            yield Complaint(entry.line, f'the entry for {want.name} is a placeholder ("{shown(entry.text)}")', hint)
