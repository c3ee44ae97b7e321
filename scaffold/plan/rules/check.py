"""Plan -> Findings, in the order of its lines."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from scaffold.plan.document import server_loop_protocol
from scaffold.plan.document.fix import mend_near_misses
from scaffold.plan.document.model import Plan, PlanFinding
from scaffold.plan.document.parse import parse_plan
from scaffold.plan.rules import dependencies, experiments, required_tasks, run_commands, structure, task_lines
from scaffold.plan.rules.rule import RULES, Complaint, PlanRule, RuleContext

FAMILIES = (structure, task_lines, dependencies, experiments, required_tasks, run_commands)
ABORTED = ("P901",)
# the rules that look at lines as they are written
LITERAL = ("P208", *ABORTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReport:
    """What a check found, and in what; `ignored` counts the findings that the plan's own ignores took out."""

    plan: Plan
    aborted: bool
    findings: tuple[PlanFinding, ...]
    ignored: int = 0

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(1 for finding in self.findings if finding.severity == "error")


def list_plan_rules() -> list[PlanRule]:
    """All rules by code."""
    return [RULES[code] for code in sorted(RULES)]


def check_plan(
    text: str, *, context: RuleContext | None = None, select: Collection[str] = (), ignore: Collection[str] = ()
) -> PlanReport:
    """Check the text of a plan. `select` and `ignore` are codes or beginnings of codes ("P2").

    A file that holds the abort sentinel is only asked whether every box is checked.
    """
    plan, context = parse_plan(text), context or RuleContext()
    intended = parse_plan(mend_near_misses(plan)) if plan.near_misses else plan
    sentinel = server_loop_protocol.SENTINEL in text
    findings: list[PlanFinding] = []
    ignored = 0
    for rule in list_plan_rules():
        if sentinel != (rule.code in ABORTED) or not _is_selected(rule.code, select, ignore):
            continue
        rule_findings = _apply(rule, plan, intended, context)
        if rule.code in plan.ignores:
            ignored += len(rule_findings)
        else:
            findings += rule_findings
    aborted = structure.is_plan_aborted(plan)
    return PlanReport(plan=plan, aborted=aborted, findings=tuple(sorted(findings, key=_reading_order)), ignored=ignored)


def _apply(rule: PlanRule, plan: Plan, intended: Plan, context: RuleContext) -> list[PlanFinding]:
    """The findings of a rule, without those that only follow from a box that is drawn wrong: that one is P208, and says all of it.

    What the rule finds in the lines as they are written counts where it also finds it in the lines as they were meant.
    """
    literal = [_make_finding(rule, complaint) for complaint in rule.check(plan, context)]
    if rule.code in LITERAL or plan is intended or not literal:
        return literal
    meant = {(complaint.line, complaint.task and complaint.task.id) for complaint in rule.check(intended, context)}
    return [finding for finding in literal if (finding.line, finding.task) in meant or (finding.line, "") in meant]


def _is_selected(code: str, select: Collection[str], ignore: Collection[str]) -> bool:
    return (not select or code.startswith(tuple(select))) and not code.startswith(tuple(ignore))


def _reading_order(finding: PlanFinding) -> tuple[int, int, str, str]:
    return finding.line, finding.column, finding.code, finding.message


def _make_finding(rule: PlanRule, complaint: Complaint) -> PlanFinding:
    return PlanFinding(
        line=complaint.line,
        column=complaint.column,
        code=rule.code,
        severity=rule.severity,
        task=(complaint.task.id or None) if complaint.task else None,
        message=complaint.message,
        hint=complaint.hint,
        fixable=complaint.fixable,
    )
