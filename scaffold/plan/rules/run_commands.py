"""The rules about the commands that tasks hold: whether what they run is recorded, and can run as it stands (P604, P607 to P610)."""

from __future__ import annotations

from collections.abc import Iterator

from scaffold.plan.document import task_commands
from scaffold.plan.document.markdown_inline import escape_for_message
from scaffold.plan.document.model import DONE, OPEN, Plan, Task
from scaffold.plan.rules.rule import Complaint, RuleContext, complain_about_task, register_plan_rule


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
        for launch in filter(None, map(task_commands.find_unrecorded_command, task_commands.list_command_texts(task))):
            hint = "put the recorder before it: `python exp/scripts/record_run.py --experiment NAME --seed N -- ...`"
            yield complain_about_task(
                task, f"task {task.name} starts `{escape_for_message(launch)}` directly, so no run is recorded", hint
            )
            break


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
            None, map(task_commands.find_shared_output_folder, task_commands.list_task_commands(task))
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
def check_command_open_choices(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
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
def check_command_blanks(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    for task in plan.tasks:
        blanks = [
            b for command in task_commands.list_task_commands(task) for b in task_commands.find_command_blanks(command)
        ]
        for blank in [*blanks, *(_first_open_choice(task) if task.state != OPEN else ())][:1]:
            hint = "write the value, or `[choice: what is to be decided]` while it is not decided"
            yield complain_about_task(
                task, f"a run of task {task.name} would start with `{escape_for_message(blank, 160)}`", hint
            )


@register_plan_rule(
    "P610",
    "a script that goes on until it is stopped is told when to end",
    wrong="- command: `scaffold sweep new baseline --seeds 1-5 ... -- python train.py`   (--max-steps: -1, run forever)",
    right="- command: `scaffold sweep new baseline --seeds 1-5 ... -- python train.py --max-steps 2000`",
    words="behind `--` of `scaffold run`, `scaffold sweep new` and record_run.py: a script that runs until it is "
    "stopped, by what `scaffold detect` says, without the option that ends it",
    warning=True,
)
def check_endless_runs(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    for task in (t for t in plan.tasks if t.state != DONE) if context.endless else ():
        for command in task_commands.list_task_commands(task):
            script = task_commands.find_endless_command(command, context.endless)
            if script is not None:
                message = (
                    f"a run of task {task.name} would go on until it is stopped: {script.path} without {script.option}"
                )
                yield complain_about_task(task, message, f"say when it ends: `{script.option} N`")
                break


def _first_open_choice(task: Task) -> list[str]:
    commands = task_commands.list_task_commands(task)
    return [choice for command in commands for choice in task_commands.find_open_choices(command)][:1]
