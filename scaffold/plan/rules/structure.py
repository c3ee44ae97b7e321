"""The rules about the file as a whole: its title, goal, notes, choices, phases and analytics contract (P0, P1, P502, P901)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scaffold.plan.document import server_loop_protocol
from scaffold.plan.document.markdown_inline import escape_for_message, mask_markup
from scaffold.plan.document.model import Plan
from scaffold.plan.document.parse import CHECKBOX, heading_title
from scaffold.plan.rules import labelled_entries
from scaffold.plan.rules.labelled_entries import RequiredEntry
from scaffold.plan.rules.rule import Complaint, RuleContext, register_plan_rule

PHASES, PHASE_TASKS, TASKS = (4, 6), (2, 6), (10, 25)
# of a short plan, for one question
SHORT_PHASES, SHORT_PHASE_TASKS, SHORT_TASKS = (3, 3), (1, 6), (5, 8)
CHOICE = re.compile(r"\[choice:\s*([^\[\]]*)\]", re.IGNORECASE)
NOTES = (
    RequiredEntry(name="findings", labels=("finding",)),
    RequiredEntry(name="risks", labels=("risk",)),
    RequiredEntry(name="assumptions", labels=("assumption",)),
    RequiredEntry(
        name="the experiment root and logging decision",
        labels=("experiment root", "experiment-root", "logging layout", "layout decision"),
    ),
)
CONTRACT = (
    RequiredEntry(name="Primary metrics", labels=("primary metric",)),
    RequiredEntry(name="Secondary diagnostics", labels=("secondary diagnostic", "diagnostics")),
    RequiredEntry(name="Statistical checks", labels=("statistical", "statistics", "confidence")),
    RequiredEntry(name="Required artifacts", labels=("artifact",)),
)


def title_line_number(plan: Plan) -> int:
    """Where the title stands or should stand: what is missing in the whole file is reported there."""
    return next((line.number for line in plan.lines if line.kind not in ("blank", "comment")), 1)


@register_plan_rule("P001", "the file starts with `# Tasks`", wrong="# My plan", right="# Tasks")
def check_title(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    number = title_line_number(plan)
    line = plan.lines[number - 1] if plan.lines else None
    if line is None or line.kind != "heading" or heading_title(line) != (1, "Tasks"):
        beginning = f"with `{escape_for_message(line.text.strip())}`" if line and line.text.strip() else "empty"
        yield Complaint(number, f"the plan starts {beginning}, not with `# Tasks`", "make `# Tasks` its first line")


@register_plan_rule(
    "P002",
    "`## Goal` exists and is not empty or a placeholder",
    wrong="## Goal\n\nTBD",
    right="## Goal\n\nFind out whether label smoothing lowers the validation loss of the baseline.",
    words="placeholders: `...`, `TODO`, `TBD`, `FIXME`, `n/a`, `none`, `<...>`",
)
def check_goal(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    goal = plan.find_section("Goal")
    hint = "say in at least one sentence what is to be found out"
    if goal is None:
        yield Complaint(title_line_number(plan), "the plan has no section `## Goal`", hint)
        return
    text = labelled_entries.strip_section_markup(goal.body)
    if not text or labelled_entries.is_all_placeholders(text):
        state = f'a placeholder ("{escape_for_message(text)}")' if text else "empty"
        yield Complaint(goal.line, f"the goal is {state}", hint)


@register_plan_rule(
    "P003",
    "`## Planning Notes` has findings, risks and assumptions, and the experiment-root/logging decision, none a placeholder",
    wrong="- Key codebase findings: ...",
    right="- Key codebase findings: train.py is the only entry point; it seeds from --seed (train.py:12)",
    words="labels that hold `finding`, `risk`, `assumption`, and `experiment root` or `logging layout`",
)
def check_planning_notes(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    yield from _check_entries(plan, "Planning Notes", NOTES)


@register_plan_rule(
    "P007",
    "a choice that the plan leaves open is made",
    wrong="- Primary metrics: [choice: name the metric that decides]",
    right="- Primary metrics: val/loss, lower is better",
    words="`[choice: what has to be chosen]`, anywhere but in code, comments and quotes",
    warning=True,
)
def check_plan_open_choices(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    for line in plan.lines:
        if line.kind in ("code", "comment", "quote") or "[" not in line.text:
            continue
        for choice in CHOICE.finditer(mask_markup(line.text)):
            message = (
                f'a choice is open: "{escape_for_message(line.text[choice.start(1) : choice.end(1)].strip(), 120)}"'
            )
            hint = "write the decision in the place of the whole bracket"
            yield Complaint(line.number, message, hint, choice.start() + 1)


@register_plan_rule(
    "P101",
    "4 to 6 phases",
    wrong="a plan of two phases",
    right="Preparation, Baselines, Main method, Analysis, Reflection",
    short="3 phases",
)
def check_phase_count(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    low, high = SHORT_PHASES if plan.is_short else PHASES
    if not low <= len(plan.phases) <= high:
        hint = "a phase is a heading `## Phase N - title`"
        yield Complaint(
            title_line_number(plan), f"the plan has {len(plan.phases)} phases, not {_range(low, high)}", hint
        )


@register_plan_rule(
    "P102",
    "phases are numbered 1, 2, 3, ... in order, none twice",
    wrong="## Phase 3 - Baselines   (after Phase 1)",
    right="## Phase 2 - Baselines",
)
def check_phase_numbers(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    expected, seen = 1, set[int]()
    for phase in plan.phases:
        if phase.level != 2:
            message = f"a phase is a heading of level 2, and this is one of level {phase.level}"
            yield Complaint(phase.line, message, "write `## Phase N - title`")
        if phase.number is None:
            hint = f"write `## Phase {expected} - title`"
            yield Complaint(phase.line, "the phase's number is not written in digits", hint)
        elif phase.number in seen:
            yield Complaint(phase.line, f"phase {phase.number} stands twice", f"this is phase {expected}")
        elif phase.number != expected:
            message = f"phase {phase.number} stands where phase {expected} is expected"
            yield Complaint(phase.line, message, "number phases 1, 2, 3, ...")
        if phase.number is not None:
            seen.add(phase.number)
        expected = (expected if phase.number is None else phase.number) + 1


@register_plan_rule(
    "P103",
    "each phase has 2 to 6 tasks",
    wrong="a phase of one task",
    right="two tasks that each fit one iteration",
    short="each phase has 1 to 6 tasks",
)
def check_tasks_per_phase(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    low, high = SHORT_PHASE_TASKS if plan.is_short else PHASE_TASKS
    for phase in plan.phases:
        count = sum(1 for task in phase.tasks if task.id_numbers or not task.nested)
        if not low <= count <= high:
            hint = "merge it with its neighbour, or split a task" if count < low else "split the phase, or merge tasks"
            which = "the phase" if phase.number is None else f"phase {phase.number}"
            yield Complaint(
                phase.line, f"{which} has {count} task{'' if count == 1 else 's'}, not {low} to {high}", hint
            )


@register_plan_rule(
    "P104",
    "10 to 25 tasks in all",
    wrong="a plan of eight tasks",
    right="a plan of fourteen tasks",
    warning=True,
    short="5 to 8 tasks in all",
)
def check_task_count(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    low, high = SHORT_TASKS if plan.is_short else TASKS
    count = sum(1 for task in plan.tasks if task.id_numbers or not task.nested)
    if not low <= count <= high:
        yield Complaint(
            title_line_number(plan), f"the plan has {count} tasks, not {low} to {high}", "a task fits one iteration"
        )


@register_plan_rule(
    "P502",
    "`## Shared Metrics and Analytics Contract` has its four entries, none a placeholder",
    wrong="- Statistical checks: TBD",
    right="- Statistical checks: mean and 95% bootstrap interval over 5 seeds",
    words="labels that hold `primary metric`, `diagnostics`, `statistical` or `confidence`, `artifact`",
)
def check_analytics_contract(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    yield from _check_entries(plan, "Shared Metrics and Analytics Contract", CONTRACT)


@register_plan_rule(
    "P901",
    f"a file that holds `{server_loop_protocol.SENTINEL}` has every checkbox checked",
    wrong=f"- [ ] {server_loop_protocol.SENTINEL}",
    right=f"- [x] {server_loop_protocol.SENTINEL}",
)
def check_aborted_boxes(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    if server_loop_protocol.SENTINEL not in plan.text:
        return
    near_misses = {oddity.line: oddity for oddity in plan.near_misses}
    for line in plan.lines:
        item = CHECKBOX.match(line.text) if line.kind == "item" else None
        if (item and item[1] not in "xX") or (not item and line.number in near_misses):
            yield Complaint(
                line.number,
                "the plan holds the abort sentinel, and this box is not checked",
                "check it, or take the sentinel out",
            )


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def is_plan_aborted(plan: Plan) -> bool:
    """Whether the file is an abort checklist: the sentinel, and every box checked."""
    return server_loop_protocol.SENTINEL in plan.text and next(check_aborted_boxes(plan, RuleContext()), None) is None


def _check_entries(plan: Plan, title: str, required_entries: Sequence[RequiredEntry]) -> Iterator[Complaint]:
    section = plan.find_section(title)
    if section is None:
        missing = ", ".join(required.name for required in required_entries)
        yield Complaint(title_line_number(plan), f"the plan has no section `## {title}`", f"it holds: {missing}")
        return
    for required in required_entries:
        entry = labelled_entries.find_section_entry(section.body, required)
        hint = f"write `- {required.name}: ...` and say it"
        if entry is None:
            yield Complaint(
                section.line,
                f"`## {title}` has no entry for {required.name}",
                f"a label that holds {' or '.join(required.labels)}",
            )
        elif not entry.text:
            yield Complaint(entry.line, f"the entry for {required.name} is empty", hint)
        elif labelled_entries.is_all_placeholders(entry.text):
            yield Complaint(
                entry.line, f'the entry for {required.name} is a placeholder ("{escape_for_message(entry.text)}")', hint
            )
