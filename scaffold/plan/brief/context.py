"""What a brief is made of, and the sections that every brief has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.plan.brief import server_operations
from scaffold.plan.document.markdown_inline import printable
from scaffold.plan.rules.check import PlanReport
from scaffold.plan.tasks.run_summaries import RunSummary

UNLIMITED = 1_000_000
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")
# a command as a README shows it; the workspace's pages take it apart in the same way (template/parts/commands.jinja)
TYPED = re.compile(
    r"(?P<enters>(?:cd (?:'[^']*'|\S+) && )?)"
    r"(?P<variables>(?:[A-Za-z_][A-Za-z0-9_]*=(?:'[^']*'|\"[^\"]*\"|[^\s'\"])* )*)(?P<words>.*)",
    re.DOTALL,
)
FORMULA = """\
- `g` = `max(1, gpu_count)` on local GPUs, `max(1, gpu_count or 4)` on Slurm, else 1
- `r` = running + launching runs (`GET /cluster`), `q` = ready + queued runs
- start now: `max_new_runs = max(0, min(q, g - r))`; on local GPUs pin each run with `CUDA_VISIBLE_DEVICES=i`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefContext:
    """A workspace's answers, its plan as checked (None where there is none), its runs, its iteration log, and what its server can do.

    The brief for planning asks for no plan, no runs and no log.
    """

    answers: Mapping[str, Any]
    workdir: str
    full: bool
    report: PlanReport | None = None
    runs: Sequence[RunSummary] = ()
    log: str = ""
    operations: Sequence[server_operations.Operation] = server_operations.OPERATIONS

    def text(self, name: str) -> str:
        """An answer as text; empty where there is none."""
        return str(self.answers.get(name) or "").strip()

    def list(self, name: str) -> Sequence[Any]:
        """An answer as a list; empty where it is none."""
        value = self.answers.get(name)
        return value if isinstance(value, (list, tuple)) else ()

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An answer as a mapping; empty where it is none."""
        value = self.answers.get(name)
        return value if isinstance(value, Mapping) else {}

    def limit_or_all(self, short: int) -> int:
        """How much of something may be shown: `short`, or all of it in a full brief."""
        return UNLIMITED if self.full else short

    @property
    def server(self) -> str:
        """The research server's address without credentials; empty where none is set."""
        return CREDENTIALS.sub("", self.text("research_server_url")).rstrip("/")

    def script_path(self, name: str) -> str:
        """A script of the workspace, relative to the work directory."""
        return f"{self.text('experiment_root')}/{self.mapping('role_dirs').get('scripts', 'scripts')}/{name}"


def quote(text: str, limit: int) -> str:
    """A person's text as a quote: it can make no heading and no task of the brief."""
    cut = text if len(text) <= limit else text[:limit].rstrip() + " [...]"
    return "\n".join(f"> {line}" for line in cut.splitlines())


def bullet_list(now: BriefContext, texts: Iterable[object], most: int) -> str:
    """A list of one-line texts, each cut to a line's length, and how many are left out; a full brief has all of all."""
    flat, limit = [" ".join(str(text).split()) for text in texts], now.limit_or_all(most)
    more = [f"- and {len(flat) - limit} more (--full)"] if len(flat) > limit else []
    return "\n".join([*(f"- {printable(text, now.limit_or_all(140))}" for text in flat[:limit]), *more])


def backticked_list(values: Iterable[object]) -> str:
    """Values in back-ticks, with commas."""
    return ", ".join(f"`{value}`" for value in values)


def join_sections(parts: Iterable[str]) -> str:
    """The sections that say something, as one page."""
    return "\n\n".join(part for part in parts if part) + "\n"


def goal_section(now: BriefContext) -> str:
    """The goal, the steering text and the lessons, as they were given."""
    said = now.text("experiment_goal")
    parts = [
        "## Goal",
        quote(said, now.limit_or_all(1000)) if said else "None is written down yet: the plan has to name one.",
    ]
    if steering := now.text("steering_text"):
        parts.append("Steering, as given:\n" + quote(steering, now.limit_or_all(500)))
    if memories := now.list("memories"):
        parts.append("Lessons of earlier sessions:\n" + bullet_list(now, memories, 8))
    return "\n\n".join(parts)


def tracked_runs_section(now: BriefContext, task: str) -> str:
    """How an experiment of `task` is started so that it is recorded, and through the server where one is set."""
    command = _recorded_command(now, task)
    parts = [
        "## Tracked runs\n\nStart no experiment script directly: the recorder names it, keeps its output, "
        f"writes its manifest.\n```bash\n{command}\n```",
        "Several runs: `scaffold sweep new NAME --goal G --grid K=V,W --seeds 1-5 -- COMMAND`, "
        "`scaffold sweep launch NAME --wait`.",
    ]
    if now.server:
        parts.append(_server_requests(now))
        parts.append(f"Capacity:\n{FORMULA}")
    return "\n\n".join(parts)


def _recorded_command(now: BriefContext, task: str) -> str:
    """How the entry point that trains is run once, recorded: as the README shows it, with the environment's prefix and its seed, neither
    twice, and from the folder that it wants to be run in."""
    entries = [entry for entry in now.list("entry_points") if isinstance(entry, Mapping)]
    train = next((entry for entry in entries if entry.get("kind") == "train"), entries[0] if entries else {})
    shown, flag = str(train.get("command") or "COMMAND"), str(train.get("seed_flag") or "")
    match = TYPED.fullmatch(shown)
    enters, variables, words = match.group("enters", "variables", "words") if match else ("", "", shown)
    prefix = str(now.mapping("environment").get("run_prefix") or "")
    if prefix and not words.startswith(f"{prefix} "):
        words = f"{prefix} {words}"
    there = re.compile(rf"(?<=\s){re.escape(flag)}{'' if flag.endswith('=') else '[ =]'}\S+")
    if flag and not flag.startswith("config:"):
        seed = f"{flag}{'' if flag.endswith('=') else ' '}1"
        words = there.sub(lambda _: seed, words) if there.search(words) else f"{words} {seed}"
    up = "../" * (enters.count("/") + 1) if enters else ""
    recorder = f"{enters}python3 {up}{now.script_path('record_run.py')} --experiment baseline --seed 1 --task {task}"
    return f"{recorder} -- {f'env {variables}' if variables else ''}{words}"


def _server_requests(now: BriefContext) -> str:
    session = f'"{now.text("research_session_id")}"' if now.text("research_session_id") else "null"
    sweep = f'{{"name": "baseline", "goal": "noise floor", "chat_session_id": {session}}}'
    names = '"name": "RUN_NAME", "command": "RECORDER_COMMAND", "sweep_id": "SWEEP_ID"'
    run = f'{{{names}, "chat_session_id": {session}, "auto_start": false}}'
    post = f"curl -sf -X POST {server_operations.AUTH}"
    return (
        "By hand, each configuration and seed:\n"
        f"```bash\n{post} {server_operations.JSON} {now.server}/sweeps/wild -d '{sweep}'\n"
        f"{post} {server_operations.JSON} {now.server}/runs -d '{run}'\n{post} {now.server}/runs/RUN_ID/start\n```"
    )


def environment_section(now: BriefContext) -> str:
    """How the isolated environment is set up and used, and what Slurm wants to be told."""
    known = now.mapping("environment")
    setup = f", which does: `{known['setup']}`" if known.get("setup") else ""
    rows = [f"- set up with `bash {now.script_path('setup_env.sh')}`{setup}"]
    if known.get("run_prefix"):
        rows.append(f"- commands run as `{known['run_prefix']} ...`")
    if known.get("modules"):
        rows.append(f"- modules: {backticked_list(known['modules'])}")
    rows.append(f"- manager: {known.get('manager') or 'none'}; Python {known.get('python') or 'not stated'}")
    return "## Environment\n\n" + "\n".join(rows + _slurm_rows(now))


def _slurm_rows(now: BriefContext) -> list[str]:
    known = now.mapping("slurm")
    if not known:
        return []
    names = ("partitions", "accounts", "qos", "gres", "time", "modules")
    scripts, most = list(known.get("scripts") or ()), now.limit_or_all(4)
    more = f" and {len(scripts) - most} more" if len(scripts) > most else ""
    where = (
        f", as in {backticked_list(scripts[:most])}{more}" if scripts else ", which no script of the repository uses"
    )
    rows = [f"- Slurm{where}: submit `{now.script_path('run.sbatch')}`"]
    rows += [f"  - {name}: {backticked_list(known[name])}" for name in names if known.get(name)]
    return [*rows, "  - a run on the server has to wait for its job: `srun`, or `sbatch --wait`"]
