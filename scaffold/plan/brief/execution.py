"""Situation -> the brief for the iterations after the plan: the task at hand and what happened so far, as Markdown."""

from __future__ import annotations

from scaffold.plan.brief.context import UNLIMITED, Situation, bullets, environment, goal, joined, quote, tracked
from scaffold.plan.document import commands, protocol
from scaffold.plan.document.inline import shown
from scaffold.plan.document.model import STARTED, Task
from scaffold.plan.tasks import progress
from scaffold.plan.tasks.run_summaries import Run

OUTPUT = f"""\
## Output

- `scaffold plan start ID`, work, `scaffold plan done ID` (it verifies), `scaffold plan log TEXT`; `scaffold plan add` for follow-ups
- at the end print what `scaffold plan emit --summary "..."` prints; add `--promise WAITING` while runs go on, `--promise DONE` when all is
  done
- if the plan holds {protocol.SENTINEL}, print `<promise>DONE</promise>` and stop"""


def execution(now: Situation) -> str:
    """The brief for the iterations after the plan."""
    due = progress.of(now.report.plan).next if now.report is not None else None
    return joined(
        [
            "# Execution brief",
            goal(now),
            _task(now),
            _findings(now),
            _runs(now),
            _log(now),
            tracked(now, due.id if due and due.id else "ID"),
            environment(now),
            OUTPUT,
        ]
    )


def _task(now: Situation) -> str:
    if now.report is None:
        return "## Task\n\nThere is no plan yet; `scaffold brief` is the brief for writing one."
    if now.report.aborted:
        return f"## Task\n\nThe plan is aborted ({protocol.SENTINEL})."
    state = progress.of(now.report.plan)
    if state.next is not None:
        said = _described(state.next)
    elif state.done < state.total:
        said = "Every open task waits for another: `scaffold plan show`."
    elif state.lost:
        said = "What looks like a task and is not one is left: `scaffold plan check`."
    else:
        said = "Every task is done."
    return f"## Task ({state.done} of {state.total} done)\n\n{said}"


def _described(task: Task) -> str:
    rows = [f"**{task.name}** ({'in progress' if task.state == STARTED else 'next'}): {shown(task.description, 600)}"]
    named = dict.fromkeys(field.name for field in task.fields if field.name != "command")
    rows += [f"- {name}: {shown(value, 400)}" for name in named if (value := task.get(name))]
    if found := commands.of(task):
        rows += ["```bash", *(shown(command, 1000) for command in found), "```"]
    return "\n".join(rows)


def _findings(now: Situation) -> str:
    if now.report is None or not now.report.findings:
        return ""
    texts = [f"line {found.line}: {found.code} {found.message}" for found in now.report.findings]
    return "## Open findings of `scaffold plan check`\n\n" + bullets(now, texts, 8)


def _runs(now: Situation) -> str:
    rows = [_run(run) for run in reversed(now.runs[-now.limit(8) :])]
    return f"## Recent runs ({len(now.runs)} in all)\n\n" + ("\n".join(rows) or "None is recorded yet.")


def _run(run: Run) -> str:
    metrics = ", ".join(f"{shown(name, 40)}={value:.6g}" for name, value in sorted(run.metrics.items())[:4])
    about = [shown(run.status, 20), f"task {shown(str(run.task), 20)}" if run.task else "", metrics]
    return f"- `{shown(run.name, 120)}`: {', '.join(filter(None, about))}"


def _log(now: Situation) -> str:
    said, limit = now.log.strip(), now.limit(1500)
    if not said:
        return ""
    return "## Iteration log (its end)\n\n" + quote(
        said if len(said) <= limit else "[...] " + said[-limit:].lstrip(), UNLIMITED
    )
