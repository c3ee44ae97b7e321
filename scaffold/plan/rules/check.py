"""Plan -> Findings, in the order of its lines."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from scaffold.plan.document import protocol
from scaffold.plan.document.model import Finding, Plan
from scaffold.plan.document.parse import parse
from scaffold.plan.rules import dependencies, experiments, operations, structure, tasks
from scaffold.plan.rules.rule import RULES, Complaint, Context, Rule

FAMILIES = (structure, tasks, dependencies, experiments, operations)
ABORTED = ("P901",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a check found, and in what; `ignored` counts the findings that the plan's own ignores took out."""

    plan: Plan
    aborted: bool
    findings: tuple[Finding, ...]
    ignored: int = 0

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(1 for finding in self.findings if finding.severity == "error")


def rules() -> list[Rule]:
    """All rules by code."""
    return [RULES[code] for code in sorted(RULES)]


def check(
    text: str, *, context: Context | None = None, select: Collection[str] = (), ignore: Collection[str] = ()
) -> Report:
    """Check the text of a plan. `select` and `ignore` are codes or beginnings of codes ("P2").

    A file that holds the abort sentinel is only asked whether every box is checked.
    """
    plan = parse(text)
    aborted = structure.is_aborted(plan)
    sentinel = protocol.SENTINEL in text
    findings: list[Finding] = []
    ignored = 0
    for rule in rules():
        if sentinel != (rule.code in ABORTED) or not _wanted(rule.code, select, ignore):
            continue
        found = [_finding(rule, complaint) for complaint in rule.check(plan, context or Context())]
        if rule.code in plan.ignores:
            ignored += len(found)
        else:
            findings += found
    return Report(plan=plan, aborted=aborted, findings=tuple(sorted(findings, key=_reading_order)), ignored=ignored)


def _wanted(code: str, select: Collection[str], ignore: Collection[str]) -> bool:
    return (not select or code.startswith(tuple(select))) and not code.startswith(tuple(ignore))


def _reading_order(finding: Finding) -> tuple[int, int, str, str]:
    return finding.line, finding.column, finding.code, finding.message


def _finding(rule: Rule, complaint: Complaint) -> Finding:
    return Finding(
        line=complaint.line,
        column=complaint.column,
        code=rule.code,
        severity=rule.severity,
        task=(complaint.task.id or None) if complaint.task else None,
        message=complaint.message,
        hint=complaint.hint,
        fixable=complaint.fixable,
    )
