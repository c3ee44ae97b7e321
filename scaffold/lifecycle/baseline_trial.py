"""The baseline command, run once where nothing can be spoiled: did it start, was the seed taken, did a metric come out?"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess  # noqa: TID251 - the command that is tried
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from scaffold import git, transaction
from scaffold.conventions.blanks import list_open_choices_in_command
from scaffold.errors import ScaffoldError
from scaffold.lifecycle.disposable_tree import disposable_tree
from scaffold.lifecycle.init import InitPlan

SECONDS, SETUP_SECONDS = 60, 600
SEED = "1"
_FOLDER = re.compile(r"^cd (?:'[^']*'|\S+) && ")
_NOT_TOLD = (
    "record_run:",
    "Set the environment variable HYDRA_FULL_ERROR",
)  # Hydra's last line says nothing of the cause
_VARIABLES = re.compile(r"^(?:[A-Za-z_]\w*=(?:'[^']*'|\"[^\"]*\"|[^\s'\"])* )+")


class KnownFailureCause(NamedTuple):
    """What a log says of why a command failed, what to do about it, and whether the script's own work had begun by then."""

    pattern: str
    hint: str
    began: bool = True


_CAUSES = (
    KnownFailureCause(
        r"cannot open shared object file|undefined symbol|version `?GLIBC|symbol not found|DLL load failed",
        "the environment is damaged: build it anew, bash {scripts}/setup_env.sh, or try it with --setup",
        began=False,
    ),
    KnownFailureCause(
        r"ModuleNotFoundError|ImportError|Could not load 'hydra/|there is no package called|No module named",
        "build the environment: bash {scripts}/setup_env.sh, or try it with --setup",
        began=False,
    ),
    KnownFailureCause(
        r"unrecognized arguments|[Nn]o such option|unexpected keyword|Could not override",
        "the command is of another version of the script: correct it in the plan",
        began=False,
    ),
    KnownFailureCause(
        r"arguments are required|Missing (?:option|argument)|Missing mandatory value|MissingMandatoryValue",
        "give what is required, in the plan's commands",
        began=False,
    ),
    KnownFailureCause(r"command not found|not found$", "install it, or enter the environment that has it", began=False),
    KnownFailureCause(
        r"FileNotFoundError|No such file or directory|does not exist",
        "bring the data there, or name where it is in the plan's commands",
    ),
    KnownFailureCause(r"CUDA|cuDNN|NVIDIA|no GPU|NCCL", "run it where there is a GPU"),
    KnownFailureCause(r"api_key not configured|wandb\.errors|WANDB_API_KEY", "log in, or export WANDB_MODE=offline"),
    KnownFailureCause(
        r"ConnectionError|Max retries|Name or service not known|Temporary failure in name resolution",
        "it wants the network: fetch what it needs first",
    ),
    KnownFailureCause(r"MemoryError|Killed|out of memory", "give it a smaller model or batch, or a larger machine"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineCommandTrial:
    """What happened; `exit_code` is None where the time ran out, `seed` is taken, refused, or None where the script takes none.

    `stray` are files that it left outside of its folder, `changed` files of the repository that it changed, `problem` the line of
    its log that says what went wrong, with what to do next in `hint`.
    """

    command: str
    seconds: float
    exit_code: int | None
    started: bool
    seed: str | None
    metric: str | None
    stray: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    problem: str | None = None
    hint: str = ""

    @property
    def confirmed(self) -> bool:
        """Whether the command works as it stands: it ran to its end, or for as long as it was let."""
        return self.started and self.problem is None and self.seed != "refused"


def find_missing_environment_setup(planned: InitPlan) -> str:
    """The line that would build the environment, where there is none yet; empty where one is there, or none is declared."""
    setup = str(planned.answers["environment"].get("setup") or "")
    return (
        ""
        if _own_environment(planned.workdir) or os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
        else setup
    )


def find_baseline_entry_point(answers: Mapping[str, Any]) -> dict[str, Any] | None:
    """The script that the plan's baseline runs."""
    from scaffold.conventions.baseline_command import choose_baseline_entry_point

    entries: list[dict[str, Any]] = list(answers.get("entry_points") or ())
    at = choose_baseline_entry_point([entry["kind"] for entry in entries])
    return None if at is None else entries[at]


def try_baseline_command(planned: InitPlan, *, seconds: int = SECONDS, setup: bool = False) -> BaselineCommandTrial:
    """Run the baseline command of a planned workspace in a disposable tree, recorded as a smoke run, for at most `seconds`.

    With `setup` the environment is built there first. Raises ScaffoldError where there is no command, or it leaves a choice open.
    """
    entry = find_baseline_entry_point(planned.answers)
    if entry is None:
        raise ScaffoldError(
            "there is no script to try", hint="no script that runs an experiment was found: scaffold detect"
        )
    if choices := list_open_choices_in_command(entry["command"]):
        raise ScaffoldError(
            f"the baseline command leaves open: {choices[0]}", hint="decide it in the plan, then: scaffold run"
        )
    with disposable_tree(planned.workdir) as tree:
        transaction.apply_file_changes(tree, planned.changes)
        git.run_git_as_user(tree, "add", "--all", "--force", planned.root)
        environment = _environment(planned.workdir, tree)
        if setup and (line := str(planned.answers["environment"].get("setup") or "")):
            code, text, _ = _run(f"set -e; {line}", tree, environment, SETUP_SECONDS)
            if code != 0:
                raise ScaffoldError(f"the environment cannot be built: {_problem(text)}", hint=f"by hand: {line}")
            environment["PATH"] = f"{tree / '.venv/bin'}{os.pathsep}{environment['PATH']}"
            environment.pop("UV_NO_SYNC", None)
        line = _recorded(planned, tree, entry, enters=setup or _own_environment(planned.workdir) is not None)
        before = _status(tree)
        code, text, took = _run(line, tree, environment, seconds)
        return _judge(planned, tree, entry, code, text, took, before)


def _own_environment(workdir: Path) -> Path | None:
    return next((f for f in (workdir / ".venv", workdir / "venv", workdir / ".pixi") if f.is_dir()), None)


def _environment(workdir: Path, tree: Path) -> dict[str, str]:
    """The variables of the try: the repository's own environment where it has one, which nothing may change."""
    environment = {
        **os.environ,
        "UV_NO_SYNC": "1",
        "WANDB_MODE": "offline",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(tree.parent),
    }
    own = _own_environment(workdir)
    if own is not None:
        environment |= {"UV_PROJECT_ENVIRONMENT": str(own), "VIRTUAL_ENV": str(own)}
        environment["PATH"] = f"{own / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    return environment


def _recorded(planned: InitPlan, tree: Path, entry: Mapping[str, Any], *, enters: bool) -> str:
    """The shell line of one recorded run with a seed; without an environment that is there its prefix would install one."""
    command = str(entry["command"])
    folder = _FOLDER.match(command)
    rest = command[folder.end() :] if folder else command
    variables = _VARIABLES.match(rest)
    rest = rest[variables.end() :] if variables else rest
    prefix = str(planned.answers["environment"].get("run_prefix") or "")
    if prefix and not enters:
        rest = rest.removeprefix(f"{prefix} ")
    flag = entry.get("seed_flag")
    if flag and not str(flag).startswith("config:"):
        own = re.compile(rf"(?<=\s){re.escape(flag)}{'' if flag.endswith('=') else '[ =]'}\S+")
        seeded = f"{flag}{SEED}" if flag.endswith("=") else f"{flag} {SEED}"
        rest = own.sub(seeded, rest) if own.search(rest) else f"{rest} {seeded}"
    recorder = tree / planned.root / planned.answers["role_dirs"]["scripts"] / "record_run.py"
    started = f"{shlex.quote(sys.executable)} -IS {shlex.quote(str(recorder))} --experiment smoke --seed {SEED}"
    return f"{folder[0] if folder else ''}exec {started} -- {'env ' + variables[0] if variables else ''}{rest}"


def _run(line: str, tree: Path, environment: Mapping[str, str], seconds: int) -> tuple[int | None, str, float]:
    """(exit code or None, output, seconds) of a shell line; where the time is up it is interrupted, then killed with all it started."""
    log = tree.parent / "first_run.log"
    began = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["bash", "-c", line],
            cwd=tree,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            for number in (signal.SIGINT, signal.SIGKILL) if process.poll() is None else ():
                os.killpg(process.pid, number)
                try:
                    process.wait(10)
                    break
                except subprocess.TimeoutExpired:
                    continue
    return code, log.read_text("utf-8", "replace"), round(time.monotonic() - began, 1)


def _judge(
    planned: InitPlan,
    tree: Path,
    entry: Mapping[str, Any],
    code: int | None,
    text: str,
    took: float,
    before: Mapping[str, str],
) -> BaselineCommandTrial:
    """What a run came to, by its exit code, its log, and what git says of the tree after it."""
    problem = _problem(text) if code not in (0, None) else None
    cause = find_known_failure_cause(problem) if problem else None
    hint = cause.hint if cause else "look into its log, and run it by hand"
    scripts = f"{planned.root}/{planned.answers['role_dirs']['scripts']}"
    after = {path: state for path, state in _status(tree).items() if before.get(path) != state}
    outside = {path: state for path, state in after.items() if not path.startswith(f"{planned.root}/")}
    return BaselineCommandTrial(
        command=str(entry["command"]),
        seconds=took,
        exit_code=code,
        started=cause is None or cause.began,
        seed=_seed(entry, problem),
        metric=_metric(planned, tree, text),
        stray=tuple(p for p, state in outside.items() if state == "??"),
        changed=tuple(p for p, state in outside.items() if state != "??"),
        problem=problem,
        hint=hint.format(scripts=scripts) if problem else "",
    )


def find_known_failure_cause(problem: str) -> KnownFailureCause | None:
    """What the line of a log that says what went wrong stands for; None where it is not known."""
    return next((cause for cause in _CAUSES if re.search(cause.pattern, problem)), None)


def _seed(entry: Mapping[str, Any], problem: str | None) -> str | None:
    """Whether the script took its seed; None where it takes none, or failed before one can tell."""
    flag = str(entry.get("seed_flag") or "")
    if not flag or flag.startswith("config:"):
        return None
    refused = problem is not None and flag.strip("-=") in problem and re.search(r"argument|option|override", problem)
    return "refused" if refused else "taken" if problem is None else None


def _status(tree: Path) -> dict[str, str]:
    """Path -> what git says of it; a folder of which git knows nothing is one path."""
    rows = git.run_git_as_user(tree, "status", "--porcelain", "-z", "--untracked-files=normal").text.split("\0")
    return {row[3:]: row[:2].strip() for row in rows if len(row) > 3 and "__pycache__" not in row}


def _problem(text: str) -> str:
    """The line of a log that says what went wrong: the last that names an error, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(_NOT_TOLD)]
    telling = [
        line
        for line in lines
        if re.search(r"\b\w*(?:Error|Exception)\b|Could not (?:load|find)|^error\b|error:|not found|No such", line)
    ]
    return (telling or lines or ["it said nothing"])[-1][:300]


def _metric(planned: InitPlan, tree: Path, text: str) -> str | None:
    """Where the primary metric was seen: the file that the run wrote it to, or the line of its log; any loss where none is named."""
    name = str(planned.answers.get("primary_metric") or "loss")
    outputs = tree / planned.root / planned.answers["role_dirs"]["outputs"]
    for path in sorted(outputs.rglob("metrics.json*")) if outputs.is_dir() else ():
        if name in path.read_text("utf-8", "replace"):
            return str(path.name)
    pieces = [piece for piece in re.split(r"[^a-z0-9]+", name.lower()) if piece]
    return next((line.strip()[:160] for line in text.splitlines() if _has_number_of(line.lower(), pieces)), None)


def _has_number_of(line: str, pieces: Sequence[str]) -> bool:
    """Whether a line has all pieces of a metric's name, in any order (`test loss` of `Loss/test`), and a number behind one of them."""
    spelled = all(re.search(rf"(?<![a-z0-9]){re.escape(piece)}(?![a-z0-9])", line) for piece in pieces)
    return spelled and re.search(rf"(?:{'|'.join(map(re.escape, pieces))})\W{{0,4}}\s*-?\d", line) is not None


def add_baseline_trial_answers(answers: Mapping[str, Any], run: BaselineCommandTrial) -> dict[str, Any]:
    """The answers with what a first run taught: a command that works is marked as confirmed, what went wrong is a risk."""
    entry = find_baseline_entry_point(answers)
    entries = [
        {**e, "confirmed": True} if run.confirmed and entry is not None and e == entry else e
        for e in answers["entry_points"]
    ]
    risks = [f"the baseline command was tried and failed: {run.problem}"] if run.problem else []
    if run.confirmed and run.exit_code is None:
        risks.append(f"the baseline command had not ended after {run.seconds:.0f} s")
    if run.metric is None and run.confirmed and run.exit_code == 0:
        risks.append(f"the baseline command ended without a sign of {answers.get('primary_metric') or 'a metric'}")
    risks += [f"a run leaves {path} outside of its own folder" for path in run.stray[:3]]
    risks += [f"a run changes {path}, a file of the repository" for path in run.changed[:3]]
    return {**answers, "entry_points": entries, "repository_risks": [*answers["repository_risks"], *risks]}
