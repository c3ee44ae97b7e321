"""Situation -> the brief for the iterations after the plan: the task at hand and what happened so far, as Markdown."""

from __future__ import annotations

from scaffold.plan.brief.context import (
    UNLIMITED,
    BriefContext,
    bullet_list,
    environment_section,
    goal_section,
    join_sections,
    quote,
    tracked_runs_section,
)
from scaffold.plan.document import loop_protocol, task_commands
from scaffold.plan.document.markdown_inline import printable
from scaffold.plan.document.model import STARTED, Task
from scaffold.plan.tasks import progress
from scaffold.plan.tasks.run_summaries import RunSummary

OUTPUT = f"""\
## Output

- `scaffold plan start ID`, work, `scaffold plan done ID` (it verifies), `scaffold plan log TEXT`; `scaffold plan add` for follow-ups
- at the end print what `scaffold plan emit --summary "..."` prints; add `--promise WAITING` while runs go on, `--promise DONE` when all is
  done
- if the plan holds {loop_protocol.SENTINEL}, print `<promise>DONE</promise>` and stop"""


def execution_brief(now: BriefContext) -> str:
    """The brief for the iterations after the plan."""
    due = progress.measure_progress(now.report.plan).next if now.report is not None else None
    return join_sections(
        [
            "# Execution brief",
            goal_section(now),
            _task_section(now),
            _findings_section(now),
            _runs_section(now),
            _log_section(now),
            tracked_runs_section(now, due.id if due and due.id else "ID"),
            environment_section(now),
            OUTPUT,
        ]
    )


def _task_section(now: BriefContext) -> str:
    if now.report is None:
        return "## Task\n\nThere is no plan yet; `scaffold brief` is the brief for writing one."
    if now.report.aborted:
        return f"## Task\n\nThe plan is aborted ({loop_protocol.SENTINEL})."
    state = progress.measure_progress(now.report.plan)
    if state.next is not None:
        said = _describe_task(state.next)
    elif state.done < state.total:
        said = "Every open task waits for another: `scaffold plan show`."
    elif state.lost:
        said = "What looks like a task and is not one is left: `scaffold plan check`."
    else:
        said = "Every task is done."
    return f"## Task ({state.done} of {state.total} done)\n\n{said}"


def _describe_task(task: Task) -> str:
    rows = [
        f"**{task.name}** ({'in progress' if task.state == STARTED else 'next'}): {printable(task.description, 600)}"
    ]
    named = dict.fromkeys(field.name for field in task.fields if field.name != "command")
    rows += [f"- {name}: {printable(value, 400)}" for name in named if (value := task.get(name))]
    if found := task_commands.list_commands(task):
        rows += ["```bash", *(printable(command, 1000) for command in found), "```"]
    return "\n".join(rows)


def _findings_section(now: BriefContext) -> str:
    if now.report is None or not now.report.findings:
        return ""
    texts = [f"line {found.line}: {found.code} {found.message}" for found in now.report.findings]
    return "## Open findings of `scaffold plan check`\n\n" + bullet_list(now, texts, 8)


def _runs_section(now: BriefContext) -> str:
    rows = [_run_row(run) for run in reversed(now.runs[-now.limit_or_all(8) :])]
    return f"## Recent runs ({len(now.runs)} in all)\n\n" + ("\n".join(rows) or "None is recorded yet.")


def _run_row(run: RunSummary) -> str:
    metrics = ", ".join(f"{printable(name, 40)}={value:.6g}" for name, value in sorted(run.metrics.items())[:4])
    about = [printable(run.status, 20), f"task {printable(str(run.task), 20)}" if run.task else "", metrics]
    return f"- `{printable(run.name, 120)}`: {', '.join(filter(None, about))}"


def _log_section(now: BriefContext) -> str:
    said, limit = now.log.strip(), now.limit_or_all(1500)
    if not said:
        return ""
    return "## Iteration log (its end)\n\n" + quote(
        said if len(said) <= limit else "[...] " + said[-limit:].lstrip(), UNLIMITED
    )
