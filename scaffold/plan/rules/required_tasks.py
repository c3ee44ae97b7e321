"""The rules about the tasks that have to be there beside the experiments: logging, playbook, tracking, environment (P601 to P603, P606)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scaffold.plan.document import phrase_patterns, task_commands
from scaffold.plan.document.model import Plan, Task
from scaffold.plan.rules.experiments import tasks_of_kind
from scaffold.plan.rules.rule import Complaint, RuleContext, register_plan_rule
from scaffold.plan.rules.structure import title_line_number

# aspect -> patterns that one task has to match, all of them
LOGGING = {
    "deterministic run names": (r"\brun[ -]nam(?:e|es|ing)\b|\bnames? (?:of|for) (?:each |every |the )?runs?\b",),
    "stdout/stderr capture": (r"\bstdout\b|\bstandard output\b", r"\bstderr\b|\bstandard error\b"),
    "run manifests (command, seed, commit, timestamp)": (r"\bmanifests?\b",),
    "consistent paths": (r"\bconsistent\b|\bsame\b", r"\bpaths?\b"),
}
SERVER = re.compile(r"\bserver\b|/sweeps\b|/runs\b|--backend[ =]server", re.IGNORECASE)


def _task_text(task: Task) -> str:
    return "\n".join(task_commands.list_task_texts(task))


@register_plan_rule(
    "P601",
    "the plan has tasks for logging quality: deterministic run names, stdout/stderr capture, run manifests (command, seed, "
    "commit, timestamp), and consistent paths",
    wrong="a plan whose runs leave nothing behind",
    right="- [ ] [P1-T3] Verify deterministic run names and stdout/stderr capture ...\n"
    "- [ ] [P1-T4] Verify run manifests and consistent paths ...",
    words="run name(s)/naming; stdout and stderr; manifest(s); consistent ... paths; or `kind: logging`",
)
def check_logging_quality_task(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    if tasks_of_kind(plan, "logging"):
        return
    texts = [_task_text(task).lower() for task in plan.tasks]
    missing = [
        name
        for name, parts in LOGGING.items()
        if not any(all(re.search(part, text) for part in parts) for text in texts)
    ]
    if missing:
        yield Complaint(
            title_line_number(plan),
            f"no task sees to {'; '.join(missing)}",
            "add tasks for it, or mark one with the field `kind: logging`",
        )


@register_plan_rule(
    "P602",
    "a task writes `prompt_skill_playbook.md`",
    wrong="a plan without a playbook",
    right="- [ ] [P1-T2] Write the prompt-skill playbook | deliverable: exp/prompt_skill_playbook.md | ...",
    words="`playbook` in the description, prompt_skill_playbook.md as a deliverable, or `kind: playbook`",
)
def check_playbook_task(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    if not tasks_of_kind(plan, "playbook") and not any(
        "prompt_skill_playbook.md" in task.get("deliverable") for task in plan.tasks
    ):
        yield Complaint(
            title_line_number(plan),
            "no task writes prompt_skill_playbook.md",
            "add one with that file as its deliverable",
        )


@register_plan_rule(
    "P603",
    "where a plan has experiment tasks and a server is set, some task creates a sweep and runs through the server",
    wrong="experiments, a server, and no task that tells the server",
    right="- [ ] [P2-T2] Create the sweep and its runs through the server: `scaffold sweep launch --backend server` ...",
    words="sweep, together with server, /sweeps, /runs or --backend server; or `kind: tracking`",
)
def check_server_tracking_task(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    experiments = [task for kind in ("baseline", "main", "ablation") for task in tasks_of_kind(plan, kind)]
    if not context.server or not experiments or tasks_of_kind(plan, "tracking"):
        return
    if not any("sweep" in (text := _task_text(task)).lower() and SERVER.search(text) for task in plan.tasks):
        hint = "POST /sweeps/wild, then POST /runs for each configuration; or mark the task with the field `kind: tracking`"
        yield Complaint(
            title_line_number(plan), "a server is set, and no task creates a sweep and runs through it", hint
        )


@register_plan_rule(
    "P606",
    "a task sets up or checks the isolated environment",
    wrong="a plan that runs in whatever is installed",
    right="- [ ] [P1-T1] Set up the isolated environment: `source exp/scripts/setup_env.sh` ...",
    words="environment, virtualenv, venv, conda, mamba, uv sync, setup_env; or `kind: environment`",
    warning=True,
    short="",
)
def check_environment_task(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    if not plan.is_short and not any("environment" in phrase_patterns.task_kinds(task) for task in plan.tasks):
        yield Complaint(
            title_line_number(plan),
            "no task sets up or checks the isolated environment",
            "add one, or mark it with `kind: environment`",
        )
