"""The sections that every brief has: the goal, how a run is recorded and tracked, the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scaffold.conventions import endless_scripts
from scaffold.plan.brief.context import BriefContext, backticked_list, bullet_list, quote_as_markdown
from scaffold.plan.brief.server_api import AUTH_HEADER, JSON_HEADER

# a command as a README shows it; the workspace's pages take it apart in the same way (template/parts/commands.jinja)
TYPED_COMMAND = re.compile(
    r"(?P<enters>(?:cd (?:'[^']*'|\S+) && )?)"
    r"(?P<variables>(?:[A-Za-z_][A-Za-z0-9_]*=(?:'[^']*'|\"[^\"]*\"|[^\s'\"])* )*)(?P<words>.*)",
    re.DOTALL,
)
CAPACITY_FORMULA = """\
- `g` = `max(1, gpu_count)` on local GPUs, `max(1, gpu_count or 4)` on Slurm, else 1
- `r` = running + launching runs (`GET /cluster`), `q` = ready + queued runs
- start now: `max_new_runs = max(0, min(q, g - r))`; on local GPUs pin each run with `CUDA_VISIBLE_DEVICES=i`"""

CODE_CHANGE = (
    "A change of the code, judged by itself: `scaffold ideas start`, `scaffold try WHAT`, `scaffold ideas claim`."
)


def goal_section(context: BriefContext) -> str:
    """The goal, the steering text and the lessons, as they were given."""
    goal = context.text("experiment_goal")
    quoted = (
        quote_as_markdown(goal, context.limit_or_all(1000))
        if goal
        else "None is written down yet: the plan has to name one."
    )
    parts = ["## Goal", quoted]
    if steering := context.text("steering_text"):
        parts.append("Steering, as given:\n" + quote_as_markdown(steering, context.limit_or_all(460)))
    if memories := context.list("memories"):
        parts.append("Lessons of earlier sessions:\n" + bullet_list(context, memories, 6))
    return "\n\n".join(parts)


def recording_instructions_section(context: BriefContext, task: str) -> str:
    """How an experiment of `task` is started so that it is recorded, and through the server where one is set."""
    sweep = (
        "`scaffold sweep new NAME --goal G --grid K=V,W --seeds 1-5 -- COMMAND`, `scaffold sweep launch NAME --wait`"
    )
    recorded = f"```bash\n{_recorded_command(context, task)}\n```"
    if context.server:
        parts = [
            "## Tracked runs\n\nStart no experiment script directly, and no run past the server (R305 of the audit): "
            f"{sweep}; one run: `--seeds 1`.",
            f"The recorder names each, keeps its output, writes its manifest:\n{recorded}",
            _server_requests(context),
            f"Capacity:\n{CAPACITY_FORMULA}",
        ]
    else:
        parts = [
            "## Tracked runs\n\nStart no experiment script directly: the recorder names it, keeps its output, "
            f"writes its manifest.\n{recorded}",
            f"Several runs: {sweep}.",
        ]
    parts.append(CODE_CHANGE)
    return "\n\n".join(parts)


def _recorded_command(context: BriefContext, task: str) -> str:
    """How the entry point that trains is run once, recorded: as the README shows it, with the environment's prefix and its seed, neither
    twice, and from the folder that it wants to be run in."""
    entries = [entry for entry in context.list("entry_points") if isinstance(entry, Mapping)]
    train = next((entry for entry in entries if entry.get("kind") == "train"), entries[0] if entries else {})
    command, flag = str(train.get("command") or "COMMAND"), str(train.get("seed_flag") or "")
    match = TYPED_COMMAND.fullmatch(command)
    enters, variables, words = match.group("enters", "variables", "words") if match else ("", "", command)
    prefix = str(context.mapping("environment").get("run_prefix") or "")
    if prefix and not words.startswith(f"{prefix} "):
        words = f"{prefix} {words}"
    if flag and not flag.startswith("config:"):
        seed = f"{flag}{'' if flag.endswith('=') else ' '}1"
        stated_seed = re.compile(rf"(?<=\s){re.escape(flag)}{'' if flag.endswith('=') else '[ =]'}\S+")
        words = stated_seed.sub(lambda _: seed, words) if stated_seed.search(words) else f"{words} {seed}"
    length = str(train.get("length_option") or "")
    if length and not endless_scripts.has_option_value(words.split(), length):
        words += f" {length} '[choice: {length}, else it runs until it is stopped]'"
    up = "../" * (enters.count("/") + 1) if enters else ""
    recorder = f"python3 {up}{context.script_path('record_run.py')} --experiment baseline --seed 1 --task {task}"
    return f"{enters}{recorder} -- {f'env {variables}' if variables else ''}{words}"


def _server_requests(context: BriefContext) -> str:
    session = f'"{context.text("research_session_id")}"' if context.text("research_session_id") else "null"
    sweep = f'{{"name": "baseline", "goal": "noise floor", "chat_session_id": {session}}}'
    names = '"name": "RUN_NAME", "command": "RECORDER_COMMAND", "sweep_id": "SWEEP_ID"'
    run = f'{{{names}, "chat_session_id": {session}, "auto_start": false}}'
    post, server = f"curl -sf -X POST {AUTH_HEADER}", context.server
    return (
        f"By hand, each configuration and seed:\n```bash\n{post} {JSON_HEADER} {server}/sweeps/wild -d '{sweep}'\n"
        f"{post} {JSON_HEADER} {server}/runs -d '{run}'\n{post} {server}/runs/RUN_ID/start\n```"
    )


def environment_section(context: BriefContext) -> str:
    """How the isolated environment is set up and used, and what Slurm wants to be told."""
    environment = context.mapping("environment")
    setup = f", which does: `{environment['setup']}`" if environment.get("setup") else ""
    rows = [f"- set up with `bash {context.script_path('setup_env.sh')}`{setup}"]
    if environment.get("run_prefix"):
        rows.append(f"- commands run as `{environment['run_prefix']} ...`")
    if environment.get("modules"):
        rows.append(f"- modules: {backticked_list(environment['modules'])}")
    rows.append(
        f"- manager: {environment.get('manager') or 'none'}; Python {environment.get('python') or 'not stated'}"
    )
    return "## Environment\n\n" + "\n".join(rows + _slurm_rows(context))


def _slurm_rows(context: BriefContext) -> list[str]:
    slurm = context.mapping("slurm")
    if not slurm:
        return []
    options = ("partitions", "accounts", "qos", "gres", "time", "modules")
    scripts, limit = list(slurm.get("scripts") or ()), context.limit_or_all(4)
    more = f" and {len(scripts) - limit} more" if len(scripts) > limit else ""
    source = (
        f", as in {backticked_list(scripts[:limit])}{more}" if scripts else ", which no script of the repository uses"
    )
    rows = [f"- Slurm{source}: submit `{context.script_path('run.sbatch')}`"]
    rows += [f"  - {name}: {backticked_list(slurm[name])}" for name in options if slurm.get(name)]
    return [*rows, "  - a run on the server has to wait for its job: `srun`, or `sbatch --wait`"]
