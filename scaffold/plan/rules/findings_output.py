"""A report, or the rules themselves, as text, as JSON, or as the table of the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scaffold.plan.document.model import PlanFinding
from scaffold.plan.rules.check import PlanReport
from scaffold.plan.rules.rule import PlanRule

FINDING_KEYS = ("line", "column", "code", "severity", "task", "message", "hint", "fixable")
RULE_KEYS = ("code", "severity", "demand", "wrong", "right", "words")


def format_plan_report(report: PlanReport, findings: Sequence[PlanFinding], path: str) -> str:
    """One line for each of `findings`, its hint below it, and what was checked."""
    lines = []
    for finding in findings:
        mark = " (warning)" if finding.severity == "warning" else ""
        lines.append(f"{path}:{finding.line}:{finding.column}: {finding.code}{mark} {finding.message}")
        if finding.hint:
            lines.append(f"    hint: {finding.hint}")
    return "\n".join([*lines, summarize_plan_report(report, path)])


def summarize_plan_report(report: PlanReport, path: str) -> str:
    """What was checked, in one line."""
    if report.aborted:
        return f"{path}: an aborted plan"
    warnings = len(report.findings) - report.errors
    counts = [f"{report.errors} error{_plural(report.errors)}", f"{warnings} warning{_plural(warnings)}"]
    if report.ignored:
        counts.append(f"{report.ignored} ignored by the plan")
    phases, tasks = len(report.plan.phases), len(report.plan.tasks)
    return f"{path}: {phases} phase{_plural(phases)}, {tasks} task{_plural(tasks)}: {', '.join(counts)}"


def plan_report_json(report: PlanReport, findings: Sequence[PlanFinding], path: str) -> dict[str, Any]:
    """What `plan check --json` prints, with these of its findings (specs: plan contract, a finding)."""
    return {
        "path": path,
        "aborted": report.aborted,
        "phases": len(report.plan.phases),
        "tasks": len(report.plan.tasks),
        "errors": report.errors,
        "warnings": len(report.findings) - report.errors,
        "findings": [{key: getattr(finding, key) for key in FINDING_KEYS} for finding in findings],
    }


def format_plan_rules(rules: Sequence[PlanRule]) -> str:
    """One line for each rule."""
    return "\n".join(f"{rule.code}{' W' if rule.warning else '  '}  {rule.demand}" for rule in rules)


def format_rule_details(rule: PlanRule) -> str:
    """A rule with the words that it reads, and a wrong and a right line."""
    rows = [f"{rule.code} ({rule.severity}): {rule.demand}", "", f"wrong:  {rule.wrong}", f"right:  {rule.right}"]
    indented = [row.replace("\n", "\n        ") for row in rows]
    short = [] if rule.short is None else ["", f"of a short plan:  {rule.short or 'nothing'}"]
    return "\n".join([*indented, *(["", f"words:  {rule.words}"] if rule.words else []), *short])


def plan_rules_json(rules: Sequence[PlanRule]) -> list[dict[str, str]]:
    """The rules as `plan rules --json` prints them."""
    return [{key: getattr(rule, key) for key in RULE_KEYS} for rule in rules]


def plan_rules_markdown(rules: Sequence[PlanRule]) -> str:
    """The rules as a Markdown table, as docs/plan_contract.md shows them."""
    rows = [
        f"| {rule.code}{' W' if rule.warning else ''} | {_escape_cell(rule.demand)} | {_escape_cell(rule.words)} |"
        for rule in rules
    ]
    return "\n".join(["| code | what it demands | words that it reads |", "|---|---|---|", *rows])


def short_plan_rules_table(rules: Sequence[PlanRule]) -> str:
    """What a short plan is asked that a full plan is not, as a Markdown table."""
    rows = [
        f"| {rule.code} | {rule.demand} | {rule.short or 'not asked'} |" for rule in rules if rule.short is not None
    ]
    return "\n".join(["| rule | a full plan | a short plan |", "|---|---|---|", *rows])


def _plural(count: int) -> str:
    return "" if count == 1 else "s"


def _escape_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")
