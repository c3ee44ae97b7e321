"""A report -> Markdown: what the page says, without its drawings; every text from runs and plans is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scaffold.results.report.model import Link, Report, TablePart
from scaffold.results.tables.text_format import count_noun

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&])")
MARKS = {True: "present", False: "missing", None: "to check"}
BOXES = {"done": "x", "in progress": "/"}


def text(report: Report) -> str:
    """The report as one Markdown text; the same for the same report."""
    return "\n".join(_lines(report)).rstrip("\n") + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# {escaped(report.title)}\n"
    if report.goal:
        yield f"> {escaped(report.goal)}\n"
    statuses = ", ".join(f"{number} {status}" for status, number in report.counts.items())
    commit = f"commit {code(report.commit[:12])}" if report.commit else "not committed yet"
    yield f"{count_noun(report.total, 'recorded run')}{f' ({statuses})' if statuses else ''}; {commit}.\n"
    if report.headline:
        yield f"**{escaped(report.headline)}**\n"
    for part in (_next, _results, _plan, _tried, _failures, _contract, _records, _reproduce):
        yield from part(report)


def _next(report: Report) -> Iterator[str]:
    if report.next_steps:
        yield "## No results yet\n"
        yield from (f"- {escaped(step.does)}: {code(step.text)}" for step in report.next_steps)
        yield ""


def _results(report: Report) -> Iterator[str]:
    if report.table is None and not report.verdicts:
        return
    yield "## Results\n"
    for verdict in report.verdicts:
        said = "" if verdict.distinguishable else "not distinguishable: "
        yield f"- {escaped(f'{verdict.pair}: {said}{verdict.text}')}{''.join(f' ({escaped(w)})' for w in verdict.warnings)}"
    if report.verdicts:
        yield ""
    if report.table is not None:
        table = report.table
        names = [f"{name} ({way} is better)" if way else name for name, way in table.metrics]
        yield _row(["experiment", *table.by, "seeds", *names])
        yield _row(["---"] * (len(table.by) + 1) + ["---:"] * (len(names) + 1), plain=True)
        for row in table.rows:
            cells = [f"{c.text} {c.below}".strip() + (" (best)" if c.best else "") if c.key else "-" for c in row.cells]
            seeds = f"{row.n}" + (f" (+{row.missing} without a result)" if row.missing else "")
            yield _row([row.experiment, *row.config, seeds, *cells])
        yield "\nMean over seeds, and its 95 % interval.\n"
        yield from (f"- {escaped(note)}" for note in (*table.notes, *_warnings(table)))


def _warnings(table: TablePart) -> Iterator[str]:
    """What is to be said of rows; what many have in common once."""
    rows: dict[str, list[str]] = {}
    for row in table.rows:
        for warning in row.warnings:
            rows.setdefault(warning, []).append(f"{row.experiment} {row.words}".strip())
    for warning, names in rows.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"{', '.join(names[:3])}{more}: {warning}"


def _plan(report: Report) -> Iterator[str]:
    if report.plan is None:
        return
    yield f"\n## Plan: {report.plan.done} of {report.plan.total} tasks done\n"
    for phase in report.plan.phases:
        yield f"### {escaped(phase.title)} ({phase.done} of {len(phase.tasks)})\n"
        for task in phase.tasks:
            files = ", ".join(_link(link) for link in task.deliverables)
            gate = " (gate)" if task.gate else ""
            yield f"- \\[{BOXES.get(task.state, ' ')}\\] {task.id} {escaped(task.text)}{gate}{f': {files}' if files else ''}"
        yield ""


def _tried(report: Report) -> Iterator[str]:
    if not report.experiments:
        return
    yield "## What was tried\n"
    yield _row(["experiment", "runs", "configurations", "seeds", "time", "tasks"])
    yield _row(["---", "---", "---:", "---:", "---:", "---"], plain=True)
    for one in report.experiments:
        counts = ", ".join(f"{number} {status}" for status, number in sorted(one.counts.items()))
        numbers = [str(one.configurations), str(one.seeds), one.took]
        yield _row([one.name, counts, *numbers, ", ".join(one.tasks)])
    yield ""


def _failures(report: Report) -> Iterator[str]:
    if not report.failures:
        return
    yield "## Failures by cause\n"
    for cause in report.failures:
        labels = ", ".join(code(failure.run.label) for failure in cause.failures[:12])
        more = f" and {len(cause.failures) - 12} more" if len(cause.failures) > 12 else ""
        mended = f"; {cause.mended} finished later" if cause.mended else ""
        yield f"- {len(cause.failures)} x {code(cause.text)}: {labels}{more}{mended}"
        if cause.failures[0].tail:
            yield "\n" + "\n".join(f"      {line}" for line in cause.failures[0].tail.splitlines()) + "\n"
    yield ""


def _contract(report: Report) -> Iterator[str]:
    if not report.contract:
        return
    yield "## Analytics contract\n"
    for item in report.contract:
        files = ", ".join(_link(link) for link in item.links)
        said = f": {escaped(' '.join(item.text.split()))}" if item.text else ""
        yield f"- **{MARKS[item.holds]}** {item.kind}{said} ({escaped(item.evidence)}{f': {files}' if files else ''})"
    yield ""


def _records(report: Report) -> Iterator[str]:
    if report.findings:
        yield "## Records\n"
        yield from (f"- {number} x {escaped(words)}" for words, number in report.findings)
        yield ""


def _reproduce(report: Report) -> Iterator[str]:
    if not report.commands:
        return
    yield "## Environment, and how to reproduce\n"
    for name, values in report.environment:
        yield f"- {name}: {escaped('; '.join(values))}"
    yield ""
    for command in report.commands:
        yield f"- {escaped(command.does)}: {code(command.text)}"


def escaped(words: str) -> str:
    """Text that means nothing to Markdown or HTML, on one line."""
    return SPECIAL.sub(r"\\\1", " ".join(words.split()))


def code(words: str) -> str:
    """Text as code, whatever back-ticks are in it."""
    flat = " ".join(words.split())
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    fence = "`" * (longest + 1)
    space = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{space}{flat}{space}{fence}"


def _link(link: Link) -> str:
    return f"[{escaped(link.path)}](<{link.href}>)" if link.href is not None else f"{code(link.path)} (missing)"


def _row(cells: Sequence[str], *, plain: bool = False) -> str:
    return "| " + " | ".join(cell if plain else escaped(cell) for cell in cells) + " |"
