"""Runs and plan -> the commands that a report offers: how to repeat what was done, or what comes next where there is no result."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence

from scaffold import git
from scaffold.plan.document.model import Plan
from scaffold.results.report.model import SuggestedCommand
from scaffold.results.report.provenance import MOST_COMMAND, RunWithManifest
from scaffold.runs import recorder
from scaffold.runs.model import Run
from scaffold.sweeps.spec import script_arguments
from scaffold.workspace import Workspace

MOST_EXPERIMENTS = 12


def reproduce_commands(workspace: Workspace, records: Sequence[RunWithManifest]) -> tuple[SuggestedCommand, ...]:
    """How to repeat it: the code, the environment, one run of each experiment, and this page."""
    finished = [record for record in records if record.run.status == "finished" and record.manifest is not None]
    commands = []
    commits = Counter(record.run.commit for record in finished if record.run.commit)
    if commits:
        commit = min(commits.items(), key=lambda pair: (-pair[1], pair[0]))[0]
        code = next((record.manifest or {})["git"] for record in finished if record.run.commit == commit)
        remote = git.strip_credentials(str(code["remote"] or ""))
        clone = f"git clone {shlex.quote(remote)} && " if remote else ""
        text = f"{clone}git checkout {commit}"
        commands.append(SuggestedCommand(text=text, does="The code that most finished runs had"))
    scripts = f"{shlex.quote(workspace.root)}/{workspace.role_folder('scripts').name}"
    commands.append(SuggestedCommand(text=f"bash {scripts}/setup_env.sh", does="The environment"))
    examples = {record.run.experiment: record for record in finished}
    commands += [_repeat_command(workspace, examples[name]) for name in sorted(examples)[:MOST_EXPERIMENTS]]
    if examples:
        rerun = f"scaffold runs rerun {examples[min(examples)].run.label}"
        does = "Any run again from its own commit and patch, metrics compared"
        commands.append(SuggestedCommand(text=rerun, does=does))
    return (*commands, SuggestedCommand(text="scaffold results && scaffold report", does="The table and this page"))


def _repeat_command(workspace: Workspace, record: RunWithManifest) -> SuggestedCommand:
    """A command that gives the run again under its name: with what the recorder was told beside the command."""
    assert record.manifest is not None
    run, command = record.run, record.manifest["command"]
    words = ["--experiment", run.experiment]
    words += ["--seed", str(run.seed)] if run.seed is not None else []
    for name, value in recorder.configuration.told_params(record.manifest).items():
        words += ["--param", f"{name}={recorder.values.format_value(value)}"]
    # a seed that is not in the command `scaffold run` may put there, which would be another run
    folder = workspace.workdir / command["cwd"]
    adds = (
        run.seed is not None
        and script_arguments.choose_seed_passing(workspace, command["argv"], folder, run.seed).words
    )
    scripts = workspace.role_folder("scripts").relative_to(workspace.workdir).as_posix()
    start = f"python3 -IS {shlex.quote(scripts)}/record_run.py" if adds else "scaffold run"
    inside = f", in {command['cwd']}" if command["cwd"] not in (".", "") else ""
    text = f"{start} {shlex.join(words)} -- {command['shell']}"
    if (
        len(command["shell"]) > MOST_COMMAND or recorder.redaction.HIDDEN in text
    ):  # half a command would do something else
        text = f"scaffold runs rerun {run.label}"
    return SuggestedCommand(text=text, does=f"A run of {run.experiment}{inside}; all others stand below")


def suggest_first_commands(plan: Plan | None, runs: Sequence[Run]) -> tuple[SuggestedCommand, ...]:
    """What to do where no run has a result yet: to see why, or to begin."""
    if runs:
        does = "See how the runs ended; `scaffold runs show NAME` shows the logs of one"
        metrics = 'echo \'{"val/acc": 0.9}\' > "$RUN_OUTPUT_DIR/metrics.json"'
        return (
            SuggestedCommand(text="scaffold runs list", does=does),
            SuggestedCommand(text=metrics, does="Let the command write its metrics where the recorder reads them"),
        )
    first = SuggestedCommand(text="scaffold init --goal '...'", does="Write a plan")
    if plan is not None and plan.tasks:
        first = SuggestedCommand(text="scaffold plan next", does="Take up the first task of the plan")
    record = "scaffold run --experiment baseline --seed 1 -- COMMAND"
    return (
        first,
        SuggestedCommand(text=record, does="Record the first run"),
        SuggestedCommand(text="scaffold report", does="Write this page again"),
    )
