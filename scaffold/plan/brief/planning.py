"""BriefContext -> the brief for iteration 0: all that whoever writes the plan has to know, as Markdown."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from scaffold.plan.brief import server_api
from scaffold.plan.brief.context import BriefContext, backticked_list, bullet_list, join_sections
from scaffold.plan.brief.sections import environment_section, goal_section, recording_instructions_section
from scaffold.plan.document.server_loop_protocol import LOG_NAME
from scaffold.plan.rules.check import list_plan_rules
from scaffold.runs import recorder

SHAPE = """\
```markdown
# Tasks
%s## Goal
## Planning Notes            (findings; risks and assumptions; experiment root and logging layout decision)
## Phase 1 - <title>         (%s)
- [ ] [P1-T1] <task> | depends: <ids> | deliverable: <relative path> | done-when: <what can be checked>
## Shared Metrics and Analytics Contract   (primary metrics, secondary diagnostics, statistical checks, required artifacts)
```"""
CONTRACT_IN_SHORT = """\
- marks: ` ` open, `/` in progress, `x` done; ids count within their phase; a deliverable is a relative path; a done-when can be checked
  (a command in back-ticks, `5 runs finished in baseline`, `val/loss <= 3.2 in baseline`)
- tasks that have to be there: %s
- no placeholder (`...`, TODO, TBD, `<...>`); what is not decided yet is `[choice: what]`: whoever carries the task out decides
- `scaffold plan rules CODE` explains a rule"""
FULL_TASKS = """\
baseline and main-method experiment; ablation or sensitivity; run names and stdout/stderr capture; run
  manifests and consistent paths; environment; prompt_skill_playbook.md; sweep and runs through the server where one is set
- midpoint reflection behind the first baseline and main-method tasks, final reflection last; each with evidence, follow-up-when,
  continue-if"""
SHORT_TASKS = """\
baseline and main-method experiment; run names and stdout/stderr capture; run manifests and
  consistent paths; prompt_skill_playbook.md; sweep and runs through the server where one is set
- final reflection last, with evidence, follow-up-when, continue-if"""
EVOLUTION = """\
## Evolutionary sweeps (enabled)

Plan a task for it: `scaffold sweep evolve SPEC --seeds 1-3`, SPEC being a file with

    <evo_sweep>%s</evo_sweep>

- a list is a choice, `low` and `high` a range; fitness is read from the manifests (the research server's own search reports none)
- run the best configuration again with seeds that the search has not seen"""
EXAMPLE_TASK = "P2-T3"
OUTPUT = """\
## Output

1. Write the plan to its file, then `scaffold plan check --fresh` until it exits with 0 (`scaffold plan fix` mends ids and spacing).
2. Print what `scaffold plan emit` prints: the same text between `<plan>` and `</plan>`.
3. If preflight fails: `scaffold plan abort --reason "..."`, print its lines, stop."""


def format_planning_brief(context: BriefContext) -> str:
    """The brief for iteration 0."""
    return join_sections(
        [
            "# Planning brief (iteration 0)\n\nPlan only: inspect the code, write the plan, run no full experiment.",
            goal_section(context),
            _repository_section(context),
            _history_section(context),
            _layout_section(context),
            _contract_section(context),
            recording_instructions_section(context, EXAMPLE_TASK),
            _server_section(context),
            environment_section(context),
            _evolution_section(context) if context.answers.get("evolutionary_sweeps") else "",
            OUTPUT,
        ]
    )


def _repository_section(context: BriefContext) -> str:
    parts = ["## Repository, with the evidence for each finding"]
    entries = [
        f"`{entry.get('command')}` ({entry.get('kind')}; seed: {entry.get('seed_flag') or 'none'})"
        for entry in context.list("entry_points")
        if isinstance(entry, Mapping)
    ]
    if entries:
        parts.append("Entry points:\n" + bullet_list(context, entries, 4))
    if findings := context.list("repository_findings"):
        parts.append("Findings:\n" + bullet_list(context, findings, 8))
    if risks := context.list("repository_risks"):
        parts.append("Risks:\n" + bullet_list(context, risks, 5))
    if metric := context.text("primary_metric"):
        parts.append(f"Primary metric: `{metric}` ({context.text('metric_direction') or 'direction not known'})")
    return "\n\n".join(parts) if len(parts) > 1 else ""


def _history_section(context: BriefContext) -> str:
    """What was run here before anybody recorded it: budgets, partitions and options that worked."""
    if context.history is None:
        return ""
    rows = bullet_list(context, reversed(context.history), 4) or "None was found."
    return f"## Earlier launches (shell history, `sacct`; the latest first)\n\nLearn from what was tried, and for how long.\n{rows}"


def _evolution_section(context: BriefContext) -> str:
    """The search with this repository's script and metric, over the numbers that its command sets."""
    entries = [entry for entry in context.list("entry_points") if isinstance(entry, Mapping)]
    trainers = [entry for entry in entries if entry.get("kind") == "train"]
    entry = next(iter([*trainers, *entries]), {})
    spec = {
        "target_script": str(entry.get("path") or "train.py")[:80],
        "fitness_metric": (context.text("primary_metric") or "val/loss")[:80],
        "fitness_direction": "max" if context.text("metric_direction").startswith("max") else "min",
        "search_space": _search_space(str(entry.get("command") or "")) or {"lr": {"low": 0.0001, "high": 0.1}},
        "population_size": 4,
        "generations": 3,
        "top_k": 2,
    }
    return EVOLUTION % json.dumps(spec)


def _search_space(command: str) -> dict[str, object]:
    """A tenth to ten times of each fraction that a command sets, half to twice of each whole number but the seed; the first three."""
    try:
        params = recorder.naming.command_params(shlex.split(command))
    except ValueError:
        return {}
    space: dict[str, object] = {}
    for name, value in params.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 and "seed" not in name:
            low, high = (value // 2 or 1, value * 2) if isinstance(value, int) else (value / 10, value * 10)
            space[name] = {"low": low, "high": high}
    return dict(list(space.items())[:3])


def _layout_section(context: BriefContext) -> str:
    root = context.text("experiment_root")
    folder = f"{root}/EXPERIMENT/" if context.text("workspace_layout") == "per-experiment" else f"{root}/"
    roles = backticked_list(f"{role}/" for role in context.mapping("role_dirs").values())
    plan = context.text("tasks_path") or f"{root}/tasks.md"
    return (
        f"## Workspace\n\n- work directory `{context.workdir}`; all paths are relative to it\n- `{folder}` holds {roles}\n"
        f"- plan `{plan}`; beside it `prompt_skill_playbook.md` (with a section `Execution Ops Protocol`) and `{LOG_NAME}`"
    )


def _contract_section(context: BriefContext) -> str:
    is_short = context.text("plan_kind") == "short"
    demanded = [(rule, rule.demand if rule.short is None or not is_short else rule.short) for rule in list_plan_rules()]
    demands = "\n".join(
        f"- {rule.code}{' (warning)' if rule.warning else ''}: {demand}" for rule, demand in demanded if demand
    )
    if is_short:
        shape = SHAPE % ("<!-- plan: short -->\n", "3 phases of 1 to 6 tasks, 5 to 8 tasks in all")
        contract = CONTRACT_IN_SHORT % SHORT_TASKS
    else:
        shape = SHAPE % ("", "4 to 6 phases of 2 to 6 tasks, 10 to 25 tasks in all")
        contract = CONTRACT_IN_SHORT % FULL_TASKS
    return f"## Plan contract\n\n{shape}\n{demands if context.full else contract}"


def _server_section(context: BriefContext) -> str:
    if not context.server:
        return "## Research server\n\nNone is set: the recorder's manifests are the record."
    operations = server_api.operation_list(context.server, full=context.full, operations=context.operations)
    return (
        "## Research server\n\nPreflight first (`scaffold preflight --abort`, or):\n"
        f"```bash\n{server_api.format_preflight_requests(context.server)}\n```\nThen `scaffold playbook`.\n"
        f"Send `X-Auth-Token` with every request.\n{operations}"
    )
