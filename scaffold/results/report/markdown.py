"""A report -> Markdown: what the page says, without its drawings; every text from runs and plans is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scaffold import visible_text
from scaffold.results.report.links import FileLink
from scaffold.results.report.model import ExperimentReport, ReportTable
from scaffold.results.tables.text_format import pluralize

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&])")
MARKS = {True: "present", False: "missing", None: "to check"}
BOXES = {"done": "x", "in progress": "/"}


def render_report_markdown(report: ExperimentReport) -> str:
    """The report as one Markdown text; the same for the same report."""
    return visible_text.escape_hidden("\n".join(_lines(report)).rstrip("\n") + "\n")


def _lines(report: ExperimentReport) -> Iterator[str]:
    yield f"# {escape_markdown(report.title)}\n"
    if report.goal:
        yield f"> {escape_markdown(report.goal)}\n"
    statuses = ", ".join(f"{number} {status}" for status, number in report.counts.items())
    commit = f"commit {format_markdown_code(report.commit[:12])}" if report.commit else "not committed yet"
    yield f"{pluralize(report.total, 'recorded run')}{f' ({statuses})' if statuses else ''}; {commit}.\n"
    if report.headline:
        yield f"**{escape_markdown(report.headline)}**\n"
    for part in (_next_steps, _results, _ideas, _plan, _experiments, _failures, _checklist, _audit, _reproduce):
        yield from part(report)


def _next_steps(report: ExperimentReport) -> Iterator[str]:
    if report.next_steps:
        yield "## No results yet\n"
        yield from (f"- {escape_markdown(step.does)}: {format_markdown_code(step.text)}" for step in report.next_steps)
        yield ""


def _results(report: ExperimentReport) -> Iterator[str]:
    if report.table is None and not report.verdicts:
        return
    yield "## Results\n"
    for verdict in report.verdicts:
        prefix = "" if verdict.distinguishable else "not distinguishable: "
        warnings = "".join(f" ({escape_markdown(warning)})" for warning in verdict.warnings)
        yield f"- {escape_markdown(f'{verdict.pair}: {prefix}{verdict.text}')}{warnings}"
    if report.verdicts:
        yield ""
    if report.table is not None:
        table = report.table
        names = [f"{name} ({way} is better)" if way else name for name, way in table.metrics]
        if table.constants:
            yield f"The same in all rows: {escape_markdown(' '.join(table.constants))}\n"
        yield _row(["experiment", *table.by, "seeds", *names])
        yield _row(["---"] * (len(table.by) + 1) + ["---:"] * (len(names) + 1), plain=True)
        for row in table.rows:
            cells = [f"{c.text} {c.below}".strip() + (" (best)" if c.best else "") if c.key else "-" for c in row.cells]
            seeds = f"{row.seeds}" + (f" (+{row.missing} without a result)" if row.missing else "")
            yield _row([row.experiment, *row.config_values, seeds, *cells])
        yield "\nMean over seeds, and its 95 % interval.\n"
        yield from (f"- {escape_markdown(note)}" for note in (*table.notes, *_row_warnings(table)))


def _row_warnings(table: ReportTable) -> Iterator[str]:
    """What is to be said of rows; what many have in common once."""
    rows: dict[str, list[str]] = {}
    for row in table.rows:
        for warning in row.warnings:
            rows.setdefault(warning, []).append(f"{row.experiment} {row.config_text}".strip())
    for warning, names in rows.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"{', '.join(names[:3])}{more}: {warning}"


def _ideas(report: ExperimentReport) -> Iterator[str]:
    for study in report.ideas:
        yield f"## Ideas: {escape_markdown(study.name)}\n"
        yield escape_markdown(study.question) + "\n"
        yield from (f"**{escape_markdown(claim)}**\n" for claim in study.claims)
        for idea in study.ideas:
            stands = ", stands" if idea.stands else ""
            effect = f", {idea.effect}" if idea.effect else ""
            yield f"- {escape_markdown(f'{idea.number}, {idea.status}{stands}{effect}: {idea.text}')}"
        yield ""


def _plan(report: ExperimentReport) -> Iterator[str]:
    if report.plan is None:
        return
    yield f"\n## Plan: {report.plan.done} of {report.plan.total} tasks done\n"
    for phase in report.plan.phases:
        yield f"### {escape_markdown(phase.title)} ({phase.done} of {len(phase.tasks)})\n"
        for task in phase.tasks:
            files = ", ".join(_link(link) for link in task.deliverables)
            more = (" (gate)" if task.gate else "") + (f": {files}" if files else "")
            yield f"- \\[{BOXES.get(task.state, ' ')}\\] {task.id} {escape_markdown(task.text)}{more}"
        yield ""


def _experiments(report: ExperimentReport) -> Iterator[str]:
    if not report.experiments:
        return
    yield "## What was tried\n"
    yield _row(["experiment", "runs", "configurations", "seeds", "time", "tasks"])
    yield _row(["---", "---", "---:", "---:", "---:", "---"], plain=True)
    for experiment in report.experiments:
        counts = ", ".join(f"{number} {status}" for status, number in sorted(experiment.counts.items()))
        numbers = [str(experiment.configurations), str(experiment.seeds), experiment.took]
        yield _row([experiment.name, counts, *numbers, ", ".join(experiment.tasks)])
    yield ""


def _failures(report: ExperimentReport) -> Iterator[str]:
    if not report.failures:
        return
    yield "## Failures by cause\n"
    for group in report.failures:
        labels = ", ".join(format_markdown_code(failure.run.label) for failure in group.failures[:12])
        more = f" and {len(group.failures) - 12} more" if len(group.failures) > 12 else ""
        later = f"; {group.finished_later} finished later" if group.finished_later else ""
        yield f"- {len(group.failures)} x {format_markdown_code(group.cause)}: {labels}{more}{later}"
        if tail := group.failures[0].tail:
            yield "\n" + "\n".join(f"      {line}" for line in tail.splitlines()) + "\n"
    yield ""


def _checklist(report: ExperimentReport) -> Iterator[str]:
    if not report.checklist:
        return
    yield "## Analytics contract\n"
    for item in report.checklist:
        files = ", ".join(_link(link) for link in item.links)
        text = f": {escape_markdown(item.text)}" if item.text else ""
        evidence = escape_markdown(item.evidence) + (f": {files}" if files else "")
        yield f"- **{MARKS[item.holds]}** {item.kind}{text} ({evidence})"
    yield ""


def _audit(report: ExperimentReport) -> Iterator[str]:
    if report.findings:
        yield "## Records\n"
        yield from (f"- {number} x {escape_markdown(text)}" for text, number in report.findings)
        yield ""


def _reproduce(report: ExperimentReport) -> Iterator[str]:
    if not report.commands:
        return
    yield "## Environment, and how to reproduce\n"
    for name, values in report.environment:
        yield f"- {name}: {escape_markdown('; '.join(values))}"
    yield ""
    for command in report.commands:
        yield f"- {escape_markdown(command.does)}: {format_markdown_code(command.text)}"


def escape_markdown(text: str) -> str:
    """Text that means nothing to Markdown or HTML, on one line."""
    return SPECIAL.sub(r"\\\1", visible_text.escape_to_one_line(" ".join(text.split())))


def format_markdown_code(text: str) -> str:
    """Text as code, whatever back-ticks are in it."""
    flat = visible_text.escape_to_one_line(" ".join(text.split()))
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    fence = "`" * (longest + 1)
    space = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{space}{flat}{space}{fence}"


def _link(link: FileLink) -> str:
    return (
        f"[{escape_markdown(link.path)}](<{link.href}>)"
        if link.href is not None
        else f"{format_markdown_code(link.path)} (missing)"
    )


def _row(cells: Sequence[str], *, plain: bool = False) -> str:
    return "| " + " | ".join(cell if plain else escape_markdown(cell) for cell in cells) + " |"
