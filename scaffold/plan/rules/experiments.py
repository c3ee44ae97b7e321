"""The rules about the experiments that a plan holds, and its gates (P4, P501)."""

from __future__ import annotations

from collections.abc import Iterator

from scaffold.plan.document import phrase_patterns
from scaffold.plan.document.model import Plan, Task
from scaffold.plan.rules.rule import Complaint, RuleContext, complain_about_task, register_plan_rule
from scaffold.plan.rules.structure import title_line_number

GATE_FIELDS = {
    "evidence": "what to inspect",
    "follow-up-when": "when to add tasks or phases",
    "continue-if": "what decides between going on and replanning",
}


def tasks_of_kind(plan: Plan, kind: str) -> list[Task]:
    """The tasks of a kind, in order."""
    return [task for task in plan.tasks if kind in phrase_patterns.task_kinds(task)]


@register_plan_rule(
    "P401",
    "a baseline task and a main-method (proposed) experiment task exist",
    wrong="a plan in which nothing is compared",
    right="- [ ] [P2-T1] Run the baseline with 5 seeds ... and - [ ] [P3-T1] Run the main method ...",
    words="baseline; main method, main experiment, main approach, proposed, our method; or `kind: baseline`, `kind: main`",
)
def check_baseline_and_main(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    for kind, name in (("baseline", "baseline"), ("main", "main-method")):
        if not tasks_of_kind(plan, kind):
            yield Complaint(
                title_line_number(plan),
                f"no task is a {name} experiment",
                f"add one, or mark it with the field `kind: {kind}`",
            )


@register_plan_rule(
    "P402",
    "a midpoint reflection task exists and stands after the first baseline task and the first main-method task",
    wrong="a midpoint reflection before anything ran",
    right="- [ ] [P3-T4] Midpoint reflection: compare main method and baseline ...   (after both)",
    words="reflect...; with midpoint, midway, halfway, interim; or `kind: midpoint-reflection`; a task that only implements, writes, plans "
    "or prepares an experiment is not the first of them",
    short="",
)
def check_midpoint_reflection(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    gates = tasks_of_kind(plan, "midpoint-reflection")
    if not gates and plan.is_short:
        return
    if not gates:
        hint = "add one behind the first main-method task, or mark it with `kind: midpoint-reflection`"
        yield Complaint(title_line_number(plan), "no task is a midpoint reflection", hint)
        return
    for kind, name in (("baseline", "baseline"), ("main", "main-method")):
        tasks = tasks_of_kind(plan, kind)
        earliest = next(
            (task for task in tasks if not phrase_patterns.is_preparation(task)), tasks[0] if tasks else None
        )
        if earliest and all(gate.line < earliest.line for gate in gates):
            message = f"the midpoint reflection {gates[0].name} stands before the first {name} task ({earliest.name}, line {earliest.line})"
            yield complain_about_task(gates[0], message, "move it behind both")


@register_plan_rule(
    "P403",
    "a final reflection task exists and is the last task of the last phase",
    wrong="a final reflection that another task follows",
    right="- [ ] [P5-T2] Final reflection: ...   (the last task of the plan)",
    words="reflect...; with final, closing, end-of-plan; or `kind: final-reflection`",
)
def check_final_reflection(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    gates = tasks_of_kind(plan, "final-reflection")
    if not gates:
        hint = "make it the last task, or mark it with `kind: final-reflection`"
        yield Complaint(title_line_number(plan), "no task is a final reflection", hint)
    elif gates[-1] is not plan.tasks[-1]:
        last = plan.tasks[-1]
        yield complain_about_task(
            gates[-1],
            f"after the final reflection {gates[-1].name} comes {last.name} (line {last.line})",
            "make it the last task",
        )
    elif not plan.phases[-1].tasks:
        yield complain_about_task(
            gates[-1], f"the final reflection {gates[-1].name} does not stand in the last phase", "move it there"
        )


@register_plan_rule(
    "P404",
    "each reflection task says what evidence to inspect, when to add follow-up tasks or phases, "
    "and the criteria for continuing against replanning",
    wrong="- [ ] [P5-T2] Final reflection | deliverable: exp/analysis/final.md | done-when: it names a decision",
    right="  - evidence: exp/results/table.csv\n  - follow-up-when: an interval overlaps the baseline's\n"
    "  - continue-if: the gain is larger than the noise floor",
    words="the fields `evidence`, `follow-up-when` and `continue-if`, on the line or as bullets under it",
)
def check_gate_fields(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    for task in plan.tasks:
        if not phrase_patterns.is_reflection(task):
            continue
        missing = [
            name for name in GATE_FIELDS if not (value := task.get(name)) or phrase_patterns.find_placeholder(value)
        ]
        if missing:
            hint = "; ".join(f"{name}: {GATE_FIELDS[name]}" for name in missing)
            yield complain_about_task(
                task, f"the reflection task {task.name} does not say its {', '.join(missing)}", hint
            )


@register_plan_rule(
    "P501",
    "an ablation or sensitivity task exists",
    wrong="a plan that never takes a part away",
    right="- [ ] [P4-T1] Ablation: the main method without warm-up ...",
    words="ablation, ablate, sensitivity, vary, varying; or `kind: ablation`",
    short="",
)
def check_ablation_task(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    if not plan.is_short and not tasks_of_kind(plan, "ablation"):
        yield Complaint(
            title_line_number(plan),
            "no task is an ablation or a sensitivity analysis",
            "add one, or mark it with the field `kind: ablation`",
        )
