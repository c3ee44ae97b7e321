"""A Report as text, JSON, GitHub annotations or SARIF."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from scaffold.plan.document.model import PlanFinding
from scaffold.plan.rules.check import PlanReport, all_rules
from scaffold.plan.rules.rule import PlanRule

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def report_text(report: PlanReport, findings: Sequence[PlanFinding], path: str) -> str:
    """One line for each of `findings`, its hint below it, and what was checked."""
    lines = []
    for found in findings:
        mark = " (warning)" if found.severity == "warning" else ""
        lines.append(f"{path}:{found.line}:{found.column}: {found.code}{mark} {found.message}")
        if found.hint:
            lines.append(f"    hint: {found.hint}")
    return "\n".join([*lines, report_summary(report, path)])


def report_summary(report: PlanReport, path: str) -> str:
    """What was checked, in one line."""
    if report.aborted:
        return f"{path}: an aborted plan"
    warnings = len(report.findings) - report.errors
    counts = [f"{report.errors} error{_s(report.errors)}", f"{warnings} warning{_s(warnings)}"]
    if report.ignored:
        counts.append(f"{report.ignored} ignored by the plan")
    phases, tasks = len(report.plan.phases), len(report.plan.tasks)
    return f"{path}: {phases} phase{_s(phases)}, {tasks} task{_s(tasks)}: {', '.join(counts)}"


def report_json(report: PlanReport, findings: Sequence[PlanFinding], path: str) -> dict[str, Any]:
    """What `plan check --json` prints, with these of its findings (specs: plan contract, a finding)."""
    return {
        "path": path,
        "aborted": report.aborted,
        "phases": len(report.plan.phases),
        "tasks": len(report.plan.tasks),
        "errors": report.errors,
        "warnings": len(report.findings) - report.errors,
        "findings": [_as_dict(found) for found in findings],
    }


def github(report: PlanReport, findings: Sequence[PlanFinding], path: str) -> str:
    """Workflow commands that GitHub shows at the lines of a change."""
    lines = []
    for found in findings:
        place = f"file={_property(path)},line={found.line},col={found.column},title={found.code}"
        lines.append(f"::{found.severity} {place}::{_data(found.message + (' | ' + found.hint if found.hint else ''))}")
    return "\n".join(lines)


def sarif(report: PlanReport, findings: Sequence[PlanFinding], path: str) -> str:
    """SARIF 2.1.0."""
    driver = {
        "name": "scaffold plan check",
        "rules": [
            {
                "id": rule.code,
                "shortDescription": {"text": rule.demand},
                "defaultConfiguration": {"level": rule.severity},
            }
            for rule in all_rules()
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(found, path) for found in findings],
    }
    return json.dumps({"$schema": SARIF, "version": "2.1.0", "runs": [run]}, indent=2)


def rule_list(found: Sequence[PlanRule]) -> str:
    """One line for each rule."""
    return "\n".join(f"{rule.code}{' W' if rule.warning else '  '}  {rule.demand}" for rule in found)


def rule_text(rule: PlanRule) -> str:
    """A rule with the words that it reads, and a wrong and a right line."""
    rows = [f"{rule.code} ({rule.severity}): {rule.demand}", "", f"wrong:  {rule.wrong}", f"right:  {rule.right}"]
    indented = [row.replace("\n", "\n        ") for row in rows]
    return "\n".join([*indented, *(["", f"words:  {rule.words}"] if rule.words else [])])


def rules_json(found: Sequence[PlanRule]) -> list[dict[str, str]]:
    """The rules as `plan rules --json` prints them."""
    return [
        {key: getattr(rule, key) for key in ("code", "severity", "demand", "wrong", "right", "words")} for rule in found
    ]


def rules_markdown(found: Sequence[PlanRule]) -> str:
    """The rules as a Markdown table, as docs/plan_contract.md shows them."""
    rows = [
        f"| {rule.code}{' W' if rule.warning else ''} | {_cell(rule.demand)} | {_cell(rule.words)} |" for rule in found
    ]
    return "\n".join(["| code | what it demands | words that it reads |", "|---|---|---|", *rows])


FORMATS = {"text": report_text, "github": github, "sarif": sarif}


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _as_dict(found: PlanFinding) -> dict[str, Any]:
    return {
        "line": found.line,
        "column": found.column,
        "code": found.code,
        "severity": found.severity,
        "task": found.task,
        "message": found.message,
        "hint": found.hint,
        "fixable": found.fixable,
    }


def _result(found: PlanFinding, path: str) -> dict[str, Any]:
    region = {"startLine": found.line, "startColumn": found.column}
    place = {"physicalLocation": {"artifactLocation": {"uri": quote(path)}, "region": region}}
    message = found.message + (f" ({found.hint})" if found.hint else "")
    return {"ruleId": found.code, "level": found.severity, "message": {"text": message}, "locations": [place]}


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", "<br>")
