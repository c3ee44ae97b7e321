"""A workspace -> all that its report says: plan, records, tables, figures, failures, contract, environment, commands."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.plan.document import plan_location
from scaffold.plan.document.model import Plan
from scaffold.plan.document.parse import parse_plan
from scaffold.results.evidence import failures
from scaffold.results.metrics import query, series, spelling
from scaffold.results.metrics.directions import MetricDirections
from scaffold.results.metrics.model import MetricSeries
from scaffold.results.plots import choose, ranking
from scaffold.results.plots.figures import Figure
from scaffold.results.report import checklist, plans, provenance, tables, verdicts
from scaffold.results.report.links import Links
from scaffold.results.report.model import Command, Item, Report
from scaffold.results.tables import fold
from scaffold.results.tables.model import ResultRow, ResultTable
from scaffold.runs import audit, records
from scaffold.runs.model import Run
from scaffold.workspace import Workspace

MOST_RUNS, MOST_CAUSES, MOST_FINDINGS, MOST_POINTS = 1000, 30, 12, 400
TITLE_LENGTH = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What runs measured, folded: the table, the metric that decides, and the figures worth showing."""

    table: ResultTable
    metrics: tuple[str, ...]
    main: str | None
    figures: tuple[Figure, ...]


def results(workspace: Workspace, runs: Sequence[Run], only: Sequence[str] = ()) -> Results:
    """Read and fold all metrics of a workspace, or `only` some (names or patterns), and choose its figures."""
    directions = MetricDirections(workspace)
    folded = fold.fold_seeds(query.run_query(workspace, query.Query(metrics=only)), directions)
    main = tables.main_metric(folded, directions.primary_among(folded.metrics))
    if main is not None:
        folded = fold.select_metrics(folded, [main, *(name for name in folded.metrics if name != main)])
    metrics = tuple(tables.chosen_metrics(folded)) if folded.metrics else ()
    courses, unread = _courses(workspace, folded, metrics)
    folded = replace(folded, notes=(*folded.notes, *unread))
    return Results(table=folded, metrics=metrics, main=main, figures=choose.figures(folded, courses, runs, metrics))


def figures(workspace: Workspace, only: Sequence[str]) -> tuple[Figure, ...]:
    """The figures of a workspace; of `only` some metrics where they are named. Raises ScaffoldError where no run has one of these."""
    found = results(workspace, records.read_records(workspace).runs, only)
    if only and found.main is None:
        raise ScaffoldError(f"no finished run has {', '.join(only)}", hint="see what they have: scaffold results")
    return found.figures


def _courses(
    workspace: Workspace, folded: ResultTable, metrics: Sequence[str]
) -> tuple[dict[str, dict[str, MetricSeries]], list[str]]:
    """The series of the runs that learning curves show, by label and metric; and why some cannot be read."""
    wanted = {spelling.normalize_name(metric): metric for metric in metrics}
    found: dict[str, dict[str, MetricSeries]] = {}
    reasons: list[str] = []
    rows: list[ResultRow] = ranking.featured(folded, metrics[0]) if metrics else []
    for one in (one for row in rows for one in row.runs):
        try:
            courses = series.read_series(workspace.workdir, one.run, most=MOST_POINTS)
        except ScaffoldError as error:
            reasons.append(f"no learning curves: {error.message}")
            continue
        found[one.run.label] = {
            wanted[key]: course for name, course in courses.items() if (key := spelling.normalize_name(name)) in wanted
        }
    return found, list(dict.fromkeys(reasons))[:1]


def gather(workspace: Workspace, page: Path) -> Report:
    """Everything, for a page that will lie at `page`."""
    runs = records.read_records(workspace).runs
    links = Links(workspace.workdir, page)
    plan = _plan(workspace)
    found = results(workspace, runs)
    known, data, part = _provenance(workspace, runs, found, links)
    listed = known[: min(MOST_RUNS, len(runs))]
    said = verdicts.part(found.table, found.main) if found.main is not None else ()
    goal = " ".join(str(workspace.answers.get("experiment_goal") or "").split())
    return Report(
        title=_title(goal, workspace),
        goal="" if goal.rstrip(".") == _title(goal, workspace) else goal,
        root=workspace.root,
        commit=git.locate(workspace.workdir).head or "",
        newest=runs[0].started_at if runs else "",
        counts=failures.count_by_status(runs),
        headline=tables.headline(found.table, found.main, said) if found.main is not None else "",
        plan=plans.part(plan, links, Counter(run.task for run in runs if run.task)) if plan is not None else None,
        experiments=provenance.experiments(runs, Counter(row.experiment for row in found.table.rows)),
        table=part if part.rows and part.metrics else None,
        verdicts=said,
        figures=found.figures,
        failures=failures.group(provenance.failures(workspace, _failed(workspace, known, runs), runs))[:MOST_CAUSES],
        contract=_contract(plan, workspace, found, links),
        findings=_findings(workspace) if runs else (),
        environment=provenance.environment(known),
        commands=provenance.commands(workspace, known, shlex.quote(workspace.root)) if runs else (),
        runs=tuple(provenance.row(one, index, links) for index, one in enumerate(listed)),
        older=len(runs) - len(listed),
        next_steps=() if found.main is not None else _next_steps(plan, runs),
        data=data,
    )


def _title(goal: str, workspace: Workspace) -> str:
    first = goal.partition(". ")[0].rstrip(".")
    if first and len(first) <= TITLE_LENGTH:
        return first
    return f"Experiments of {workspace.workdir.resolve().name}"


def _plan(workspace: Workspace) -> Plan | None:
    try:
        return parse_plan(plan_location.read_plan(workspace.tasks))
    except ScaffoldError:
        return None


def _provenance(
    workspace: Workspace, runs: Sequence[Run], found: Results, links: Links
) -> tuple[list[provenance.Known], dict[str, Any], Any]:
    """Whole manifests of the runs that are listed or stand behind a number, the page's data, and its table."""
    behind = {one.run.label for row in found.table.rows[: tables.MOST_ROWS] for one in row.runs}
    wanted = [*runs[:MOST_RUNS], *(run for run in runs[MOST_RUNS:] if run.label in behind)]
    index = {run.label: number for number, run in enumerate(wanted)}
    numbers = tables.part(found.table, found.metrics, index.__getitem__, links.is_there)
    of_run: dict[int, list[str]] = {}
    for key, cell in numbers.cells.items():
        for number, *_ in cell["runs"]:
            of_run.setdefault(number, []).append(key)
    known = provenance.read(workspace, wanted)
    entries = [provenance.provenance(one, of_run.get(number, ()), links) for number, one in enumerate(known)]
    return known, {"base": links.base, "cells": numbers.cells, "runs": entries}, numbers.part


def _failed(workspace: Workspace, known: Sequence[provenance.Known], runs: Sequence[Run]) -> list[provenance.Known]:
    """The failed runs, those that are not listed too."""
    there = {one.run.label for one in known}
    rest = [run for run in runs if run.status in failures.FAILED and run.label not in there]
    return [*known, *provenance.read(workspace, rest)]


def _contract(plan: Plan | None, workspace: Workspace, found: Results, links: Links) -> tuple[Item, ...]:
    if plan is None:
        return ()
    seeds = tuple(len(row.runs) for row in found.table.rows)
    measured = sum(seeds)
    known = checklist.Known(metrics=frozenset(found.table.metrics), seeds=seeds, runs=measured)
    return checklist.checklist(plan, workspace, known, links.to)


def _findings(workspace: Workspace) -> tuple[tuple[str, int], ...]:
    """The audit's findings by rule, in the words of the first."""
    by_code: dict[str, list[audit.AuditFinding]] = {}
    for finding in audit.audit_records(workspace):
        by_code.setdefault(finding.code, []).append(finding)
    told = [
        (f"{code} {found[0].run or found[0].path}: {found[0].message}", len(found)) for code, found in by_code.items()
    ]
    return tuple(sorted(told)[:MOST_FINDINGS])


def _next_steps(plan: Plan | None, runs: Sequence[Run]) -> tuple[Command, ...]:
    if runs:
        return (
            Command(
                text="scaffold runs list",
                does="See how the runs ended; `scaffold runs show NAME` shows the logs of one",
            ),
            Command(
                text='echo \'{"val/acc": 0.9}\' > "$RUN_OUTPUT_DIR/metrics.json"',
                does="Let the command write its metrics where the recorder reads them",
            ),
        )
    plan_step = (
        Command(text="scaffold plan next", does="Take up the first task of the plan")
        if plan is not None and plan.tasks
        else Command(text="scaffold init --goal '...'", does="Write a plan")
    )
    return (
        plan_step,
        Command(text="scaffold run --experiment baseline --seed 1 -- COMMAND", does="Record the first run"),
        Command(text="scaffold report", does="Write this page again"),
    )
