"""BriefContext -> the brief for the iterations after the plan: the task at hand and what happened so far, as Markdown."""

from __future__ import annotations

from scaffold.plan.brief.context import UNLIMITED, BriefContext, bullet_list, join_sections, quote_as_markdown
from scaffold.plan.brief.sections import environment_section, goal_section, recording_instructions_section
from scaffold.plan.document import server_loop_protocol, task_commands
from scaffold.plan.document.markdown_inline import escape_for_message
from scaffold.plan.document.model import STARTED, Task
from scaffold.plan.tasks import progress
from scaffold.plan.tasks.run_summaries import RunSummary

OUTPUT = f"""\
## Output

- `scaffold plan start ID`, work, `scaffold plan done ID` (it verifies), `scaffold plan log TEXT`; `scaffold plan add` for follow-ups
- at the end print what `scaffold plan emit --summary "..."` prints; add `--promise WAITING` while runs go on, `--promise DONE` when all is
  done
- if the plan holds {server_loop_protocol.SENTINEL}, print `<promise>DONE</promise>` and stop"""


def format_execution_brief(context: BriefContext) -> str:
    """The brief for the iterations after the plan."""
    due = progress.measure_plan_progress(context.report.plan).next if context.report is not None else None
    return join_sections(
        [
            "# Execution brief",
            goal_section(context),
            _task_section(context),
            _findings_section(context),
            _ideas_section(context),
            _runs_section(context),
            _log_section(context),
            recording_instructions_section(context, due.id if due and due.id else "ID"),
            environment_section(context),
            OUTPUT,
        ]
    )


def _task_section(context: BriefContext) -> str:
    if context.report is None:
        return "## Task\n\nThere is no plan yet; `scaffold brief` is the brief for writing one."
    if context.report.aborted:
        return f"## Task\n\nThe plan is aborted ({server_loop_protocol.SENTINEL}): `scaffold plan resume` brings the one before back."
    state = progress.measure_plan_progress(context.report.plan, server=bool(context.server))
    if state.next is not None:
        text = _describe_task(state.next)
    elif state.done < state.total:
        text = "Every open task waits for another: `scaffold plan show`."
    elif state.lost:
        text = "What looks like a task and is not one is left: `scaffold plan check`."
    else:
        text = "Every task is done."
    return f"## Task ({state.done} of {state.total} done)\n\n{text}"


def _describe_task(task: Task) -> str:
    state = "in progress" if task.state == STARTED else "next"
    rows = [f"**{task.name}** ({state}): {escape_for_message(task.description, 600)}"]
    names = dict.fromkeys(field.name for field in task.fields if field.name != "command")
    rows += [f"- {name}: {escape_for_message(value, 400)}" for name in names if (value := task.get(name))]
    if commands := task_commands.list_task_commands(task):
        rows += ["```bash", *(escape_for_message(command, 1000) for command in commands), "```"]
    return "\n".join(rows)


def _findings_section(context: BriefContext) -> str:
    if context.report is None or not context.report.findings:
        return ""
    texts = [f"line {finding.line}: {finding.code} {finding.message}" for finding in context.report.findings]
    return "## Open findings of `scaffold plan check`\n\n" + bullet_list(context, texts, 8)


def _ideas_section(context: BriefContext) -> str:
    return "## Ideas\n\n" + "\n".join(context.ideas) if context.ideas else ""


def _runs_section(context: BriefContext) -> str:
    rows = [_run_row(run) for run in reversed(context.runs[-context.limit_or_all(8) :])]
    return f"## Recent runs ({len(context.runs)} in all)\n\n" + ("\n".join(rows) or "None is recorded yet.")


def _run_row(run: RunSummary) -> str:
    metrics = ", ".join(
        f"{escape_for_message(name, 40)}={value:.6g}" for name, value in sorted(run.metrics.items())[:4]
    )
    parts = [
        escape_for_message(run.status, 20),
        f"task {escape_for_message(str(run.task), 20)}" if run.task else "",
        metrics,
    ]
    return f"- `{escape_for_message(run.name, 120)}`: {', '.join(filter(None, parts))}"


def _log_section(context: BriefContext) -> str:
    log, limit = context.log.strip(), context.limit_or_all(1500)
    if not log:
        return ""
    end = log if len(log) <= limit else "[...] " + log[-limit:].lstrip()
    return "## Iteration log (its end)\n\n" + quote_as_markdown(end, UNLIMITED)
