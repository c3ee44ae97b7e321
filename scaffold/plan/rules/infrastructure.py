"""The rules about how experiments are run: logging, playbook, tracking, environment (P6)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scaffold.plan.document import keywords, task_commands
from scaffold.plan.document.markdown_inline import escape_for_message
from scaffold.plan.document.model import DONE, OPEN, Plan, Task
from scaffold.plan.rules.experiments import tasks_of_kind
from scaffold.plan.rules.rule import Complaint, RuleContext, complain_about_task, register_plan_rule
from scaffold.plan.rules.structure import title_line

# aspect -> patterns that one task has to match, all of them
LOGGING = {
    "deterministic run names": (r"\brun[ -]nam(?:e|es|ing)\b|\bnames? (?:of|for) (?:each |every |the )?runs?\b",),
    "stdout/stderr capture": (r"\bstdout\b|\bstandard output\b", r"\bstderr\b|\bstandard error\b"),
    "run manifests (command, seed, commit, timestamp)": (r"\bmanifests?\b",),
    "consistent paths": (r"\bconsistent\b|\bsame\b", r"\bpaths?\b"),
}
SERVER = re.compile(r"\bserver\b|/sweeps\b|/runs\b|--backend[ =]server", re.IGNORECASE)


def _task_text(task: Task) -> str:
    return "\n".join(task_commands.task_texts(task))


@register_plan_rule(
    "P601",
    "the plan has tasks for logging quality: deterministic run names, stdout/stderr capture, run manifests (command, seed, "
    "commit, timestamp), and consistent paths",
    wrong="a plan whose runs leave nothing behind",
    right="- [ ] [P1-T3] Verify deterministic run names and stdout/stderr capture ...\n"
    "- [ ] [P1-T4] Verify run manifests and consistent paths ...",
    words="run name(s)/naming; stdout and stderr; manifest(s); consistent ... paths; or `kind: logging`",
)
def check_logging_quality(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
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
            title_line(plan),
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
def check_playbook(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    if not tasks_of_kind(plan, "playbook") and not any(
        "prompt_skill_playbook.md" in task.get("deliverable") for task in plan.tasks
    ):
        yield Complaint(
            title_line(plan), "no task writes prompt_skill_playbook.md", "add one with that file as its deliverable"
        )


@register_plan_rule(
    "P603",
    "where a plan has experiment tasks and a server is set, some task creates a sweep and runs through the server",
    wrong="experiments, a server, and no task that tells the server",
    right="- [ ] [P2-T2] Create the sweep and its runs through the server: `scaffold sweep launch --backend server` ...",
    words="sweep, together with server, /sweeps, /runs or --backend server; or `kind: tracking`",
)
def check_server_tracking(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    experiments = [task for kind in ("baseline", "main", "ablation") for task in tasks_of_kind(plan, kind)]
    if not context.server or not experiments or tasks_of_kind(plan, "tracking"):
        return
    if not any("sweep" in (said := _task_text(task)).lower() and SERVER.search(said) for task in plan.tasks):
        hint = "POST /sweeps/wild, then POST /runs for each configuration; or mark the task with the field `kind: tracking`"
        yield Complaint(title_line(plan), "a server is set, and no task creates a sweep and runs through it", hint)


@register_plan_rule(
    "P604",
    "no task starts an experiment script directly outside the tracked way",
    wrong="- [ ] [P2-T1] Run `python train.py --seed 1` ...",
    right="- [ ] [P2-T1] Run `python exp/scripts/record_run.py --experiment baseline --seed 1 -- python train.py --seed 1` ...",
    words="`python x.py`, `bash x.sh`, `./x.sh`, torchrun, accelerate launch, deepspeed, mpirun, srun, sbatch; "
    "tracked: record_run.py, run.sbatch, "
    "`scaffold run`, `scaffold sweep`, a request to /runs; set-up, test, analysis and plot scripts are no experiments",
    warning=True,
)
def check_untracked_launches(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    for task in plan.tasks:
        for launch in filter(None, map(task_commands.find_untracked_launch, task_commands.list_command_texts(task))):
            hint = "put the recorder before it: `python exp/scripts/record_run.py --experiment NAME --seed N -- ...`"
            yield complain_about_task(
                task, f"task {task.name} starts `{escape_for_message(launch)}` directly, so no run is recorded", hint
            )
            break


@register_plan_rule(
    "P605",
    "in a fresh plan (iteration 0) nothing is in progress or done",
    wrong="- [x] [P1-T1] ...   (in iteration 0)",
    right="- [ ] [P1-T1] ...",
    words="a plan is fresh where `--fresh` says so",
    warning=True,
)
def check_fresh_plan(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    for task in plan.tasks if context.fresh else ():
        if task.state != OPEN:
            state = "done" if task.state == DONE else "in progress"
            yield complain_about_task(
                task, f"task {task.name} is {state} in a fresh plan", "iteration 0 only plans: write `[ ]`"
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
def check_environment(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    if not plan.is_short and not any("environment" in keywords.task_kinds(task) for task in plan.tasks):
        yield Complaint(
            title_line(plan),
            "no task sets up or checks the isolated environment",
            "add one, or mark it with `kind: environment`",
        )


@register_plan_rule(
    "P607",
    "the runs of a sweep do not all write into one folder",
    wrong="- command: `scaffold sweep new baseline --seeds 1-5 ... -- python train.py --out-dir out`",
    right="- command: `scaffold sweep new baseline --seeds 1-5 ... -- python train.py --out-dir '{RUN_OUTPUT_DIR}'`",
    words="behind `scaffold sweep new ... --`: -o, --out, --output, --out-dir, --output_dir, --work-dir, --logdir, --save-dir, "
    "hydra.run.dir= and their like, with a value without `{...}` and `$`",
    warning=True,
)
def check_shared_folders(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    for task in plan.tasks:
        for folder, instead in filter(
            None, map(task_commands.find_shared_folder, task_commands.list_task_commands(task))
        ):
            yield complain_about_task(
                task,
                f"all runs of the sweep of task {task.name} are told to write into one folder (`{escape_for_message(folder)}`)",
                f"give each run its own: `{instead}`",
            )
            break


@register_plan_rule(
    "P608",
    "a choice that a command leaves open is made",
    wrong="- command: `scaffold sweep new baseline ... -- python train.py --data '[choice: --data, shown as /path/to/data]'`",
    right="- command: `scaffold sweep new baseline ... -- python train.py --data /data/imagenet`",
    words="`[choice: ...]` in the command of a task that is not begun",
    warning=True,
)
def check_open_choices(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    for task in (t for t in plan.tasks if t.state == OPEN):
        for choice in _first_open_choice(task):
            hint = "write the value in the place of the whole bracket, in every command that has it"
            yield complain_about_task(
                task, f"a command of task {task.name} leaves open: {escape_for_message(choice, 160)}", hint
            )


@register_plan_rule(
    "P609",
    "no run is started with a blank or an open choice",
    wrong="- command: `scaffold run -- python train.py --config <path/to/config>`",
    right="- command: `scaffold run -- python train.py --config configs/base.yaml`",
    words="behind `--` of `scaffold run`, `scaffold sweep new` and record_run.py: `<...>`, path/to, YOUR_..., ..._HERE; "
    "`[choice: ...]` in a task that is begun",
)
def check_blanks(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    for task in plan.tasks:
        blanks = [
            b for command in task_commands.list_task_commands(task) for b in task_commands.find_command_blanks(command)
        ]
        for blank in [*blanks, *(_first_open_choice(task) if task.state != OPEN else ())][:1]:
            hint = "write the value, or `[choice: what is to be decided]` while it is not decided"
            yield complain_about_task(
                task, f"a run of task {task.name} would start with `{escape_for_message(blank, 160)}`", hint
            )


def _first_open_choice(task: Task) -> list[str]:
    commands = task_commands.list_task_commands(task)
    return [choice for command in commands for choice in task_commands.find_open_choices(command)][:1]
