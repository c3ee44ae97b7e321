"""A workspace -> all that its report says: plan, records, tables, figures, failures, checklist, environment, commands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.plan.document import plan_file
from scaffold.plan.document.model import Plan
from scaffold.plan.document.parse import parse_plan
from scaffold.results.report import failures, plan_progress, provenance, result_table, sweep_progress, verdicts
from scaffold.results.report.checklist import build_analytics_checklist
from scaffold.results.report.folded_results import FoldedResults, fold_report_results
from scaffold.results.report.links import PageLinks
from scaffold.results.report.model import ExperimentReport, ReportTable
from scaffold.results.report.provenance import RunWithManifest
from scaffold.results.report.suggested_commands import reproduce_commands, suggest_first_commands
from scaffold.runs import audit, records
from scaffold.runs.model import Run
from scaffold.workspace import Workspace

MOST_RUNS, MOST_CAUSES, MOST_FINDINGS = 1000, 30, 12
TITLE_LENGTH = 120


def gather_report(workspace: Workspace, page: Path, *, files_address: str | None = None) -> ExperimentReport:
    """Everything, for a page that will lie at `page`. Raises ScaffoldError.

    `files_address` is that of the work directory as seen from the page, where it is not the way from the one to the other on the disk.
    """
    run_records = records.read_records(workspace)
    runs = run_records.runs
    links = PageLinks(workspace.workdir, page, base=files_address)
    plan = _read_plan(workspace)
    results = fold_report_results(workspace, runs, run_records=run_records)
    traced, data, part = _trace_numbers(workspace, runs, results, links)
    listed = min(MOST_RUNS, len(runs))
    main = results.main_metric
    compared = verdicts.compare_with_reference(results.table, main, results.result) if main is not None else ()
    failed = failures.collect_failures(workspace, _with_failed_runs(workspace, traced, runs), runs)
    goal = " ".join(str(workspace.answers.get("experiment_goal") or "").split())
    title = _title(goal, workspace)
    return ExperimentReport(
        title=title,
        goal="" if goal.rstrip(".") == title else goal,
        root=workspace.root,
        commit=git.locate_in_git(workspace.workdir).head or "",
        newest=runs[0].started_at if runs else "",
        counts=failures.count_by_status(runs),
        headline=verdicts.format_report_headline(results.table, main, compared) if main is not None else "",
        plan=plan_progress.build_plan_progress(plan, links, runs) if plan is not None else None,
        sweeps=sweep_progress.collect_open_sweeps(workspace, runs),
        experiments=provenance.summarize_experiments(runs, Counter(row.experiment for row in results.table.rows)),
        table=part if part.rows and part.metrics else None,
        verdicts=compared,
        figures=results.figures,
        figures_of_others=results.figures_of_others,
        failures=failures.group_by_cause(failed)[:MOST_CAUSES],
        checklist=build_analytics_checklist(plan, workspace, results.table, links) if plan is not None else (),
        findings=_audit_findings(workspace, run_records) if runs else (),
        environment=provenance.count_run_environments(traced),
        commands=reproduce_commands(workspace, traced) if runs else (),
        runs=tuple(provenance.build_report_run(run, index, links) for index, run in enumerate(runs[:listed])),
        unlisted_runs=len(runs) - listed,
        next_steps=() if main is not None else suggest_first_commands(plan, runs),
        data=data,
    )


def _title(goal: str, workspace: Workspace) -> str:
    first = goal.partition(". ")[0].rstrip(".")
    if first and len(first) <= TITLE_LENGTH:
        return first
    return f"Experiments of {workspace.workdir.resolve().name}"


def _read_plan(workspace: Workspace) -> Plan | None:
    try:
        return parse_plan(plan_file.read_plan(workspace.tasks))
    except ScaffoldError:
        return None


def _trace_numbers(
    workspace: Workspace, runs: Sequence[Run], results: FoldedResults, links: PageLinks
) -> tuple[list[RunWithManifest], dict[str, Any], ReportTable]:
    """Whole manifests of the runs that are listed or stand behind a number, the page's data, and its table."""
    behind = {measured.run.label for row in results.table.rows[: result_table.MOST_ROWS] for measured in row.runs}
    traced = [*runs[:MOST_RUNS], *(run for run in runs[MOST_RUNS:] if run.label in behind)]
    index = {run.label: number for number, run in enumerate(traced)}
    table = result_table.build_report_table(results.table, results.metrics, index.__getitem__, links)
    cells_of_run: dict[int, list[str]] = {}
    for key, cell in table.cells.items():
        for number, *_ in cell["runs"]:
            cells_of_run.setdefault(number, []).append(key)
    manifests = provenance.read_run_manifests(workspace, traced)
    entries = [
        provenance.run_provenance_json(record, cells_of_run.get(i, ()), links) for i, record in enumerate(manifests)
    ]
    return manifests, {"base": links.base, "cells": table.cells, "runs": entries}, table.part


def _with_failed_runs(
    workspace: Workspace, traced: Sequence[RunWithManifest], runs: Sequence[Run]
) -> list[RunWithManifest]:
    """`traced`, and those of failed runs that are not among them: a cause is counted over all runs."""
    read = {record.run.label for record in traced}
    unread = [run for run in runs if run.status in failures.FAILED and run.label not in read]
    return [*traced, *provenance.read_run_manifests(workspace, unread)]


def _audit_findings(workspace: Workspace, run_records: records.RunRecords) -> tuple[tuple[str, int], ...]:
    """The audit's findings by rule, in the words of the first, with how many there are."""
    first: dict[str, audit.AuditFinding] = {}
    counts: Counter[str] = Counter()
    for finding in audit.find_record_faults(workspace, run_records):
        counts[finding.code] += 1
        earlier = first.get(finding.code)
        if earlier is None or (finding.path, finding.message) < (earlier.path, earlier.message):
            first[finding.code] = finding
    texts = [(f"{code} {f.run or f.path}: {f.message}", counts[code]) for code, f in first.items()]
    return tuple(sorted(texts)[:MOST_FINDINGS])
