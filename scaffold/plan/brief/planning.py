"""Situation -> the brief for iteration 0: all that whoever writes the plan has to know, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.plan.brief import server_operations
from scaffold.plan.brief.context import (
    BriefContext,
    backticked_list,
    bullet_list,
    environment_section,
    goal_section,
    join_sections,
    tracked_runs_section,
)
from scaffold.plan.document import loop_protocol
from scaffold.plan.rules.check import all_rules

SHAPE = """\
```markdown
# Tasks
## Goal
## Planning Notes            (findings; risks and assumptions; experiment root and logging layout decision)
## Phase 1 - <title>         (4 to 6 phases of 2 to 6 tasks, 10 to 25 tasks in all)
- [ ] [P1-T1] <task> | depends: <ids> | deliverable: <relative path> | done-when: <what can be checked>
## Shared Metrics and Analytics Contract   (primary metrics, secondary diagnostics, statistical checks, required artifacts)
```"""
SHORT = """\
- marks: ` ` open, `/` in progress, `x` done; ids count within their phase; a deliverable is a relative path; a done-when can be checked
  (a command in back-ticks, `5 runs finished in baseline`, `val/loss <= 3.2 in baseline`)
- tasks that have to be there: baseline and main-method experiment; ablation or sensitivity; run names and stdout/stderr capture; run
  manifests and consistent paths; environment; prompt_skill_playbook.md; sweep and runs through the server where one is set
- midpoint reflection behind the first baseline and main-method tasks, final reflection last; each with evidence, follow-up-when,
  continue-if
- no placeholder (`...`, TODO, TBD, `<...>`); what only a human can decide is written `[choice: what]`
- `scaffold plan rules CODE` explains a rule"""
EVOLUTION = """\
## Evolutionary sweeps (enabled)

Emit strict JSON, without a fence around it, to let the server search; plan a task for it, with metric and search space:

    <evo_sweep>{"target_script": "train.py", "fitness_metric": "val/loss", "fitness_direction": "min",
    "search_space": {"lr": [0.001, 0.01], "dropout": {"low": 0.0, "high": 0.5}},
    "population_size": 4, "generations": 3, "top_k": 2}</evo_sweep>

- target_script and fitness_metric are required; the script has to take `--param=value`
- the server does not report the fitness back: read it from the manifests, and run the best configuration again with new seeds"""
EXAMPLE = "P2-T3"
OUTPUT = """\
## Output

1. Write the plan to its file, then `scaffold plan check --fresh` until it exits with 0 (`scaffold plan fix` mends ids and spacing).
2. Print what `scaffold plan emit` prints: the same text between `<plan>` and `</plan>`.
3. If preflight fails: `scaffold plan abort --reason "..."`, print its lines, stop."""


def planning_brief(now: BriefContext) -> str:
    """The brief for iteration 0."""
    evolution = EVOLUTION if now.answers.get("evolutionary_sweeps") else ""
    head = "# Planning brief (iteration 0)\n\nPlan only: inspect the code, write the plan, run no full experiment."
    body = (
        _repository_section(now),
        _layout_section(now),
        _contract_section(now),
        tracked_runs_section(now, EXAMPLE),
        _server_section(now),
        environment_section(now),
    )
    return join_sections([head, goal_section(now), *body, evolution, OUTPUT])


def _repository_section(now: BriefContext) -> str:
    parts = ["## Repository, with the evidence for each finding"]
    known = [entry for entry in now.list("entry_points") if isinstance(entry, Mapping)]
    entries = [f"`{one.get('command')}` ({one.get('kind')}; seed: {one.get('seed_flag') or 'none'})" for one in known]
    if entries:
        parts.append("Entry points:\n" + bullet_list(now, entries, 6))
    if findings := now.list("repository_findings"):
        parts.append("Findings:\n" + bullet_list(now, findings, 10))
    if risks := now.list("repository_risks"):
        parts.append("Risks:\n" + bullet_list(now, risks, 6))
    if metric := now.text("primary_metric"):
        parts.append(f"Primary metric: `{metric}` ({now.text('metric_direction') or 'direction not known'})")
    return "\n\n".join(parts) if len(parts) > 1 else ""


def _layout_section(now: BriefContext) -> str:
    root = now.text("experiment_root")
    where = f"{root}/EXPERIMENT/" if now.text("workspace_layout") == "per-experiment" else f"{root}/"
    folders = backticked_list(f"{folder}/" for folder in now.mapping("role_dirs").values())
    plan = now.text("tasks_path") or f"{root}/tasks.md"
    return (
        f"## Workspace\n\n- work directory `{now.workdir}`; all paths are relative to it\n- `{where}` holds {folders}\n"
        f"- plan `{plan}`; beside it `prompt_skill_playbook.md` (with a section `Execution Ops Protocol`) and `{loop_protocol.LOG_NAME}`"
    )


def _contract_section(now: BriefContext) -> str:
    every = "\n".join(f"- {one.code}{' (warning)' if one.warning else ''}: {one.demand}" for one in all_rules())
    return f"## Plan contract\n\n{SHAPE}\n{every if now.full else SHORT}"


def _server_section(now: BriefContext) -> str:
    if not now.server:
        return "## Research server\n\nNone is set: the recorder's manifests are the record."
    return (
        "## Research server\n\nPreflight first (`scaffold preflight --abort`, or):\n"
        f"```bash\n{server_operations.preflight(now.server)}\n```\nThen `scaffold playbook`.\n"
        f"Send `X-Auth-Token` with every request.\n{server_operations.text(now.server, full=now.full, operations=now.operations)}"
    )
