"""Earlier launches in this repository, from the shell history and Slurm's accounting; read only when asked for."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from scaffold import recorder_modules
from scaffold.facts import machine

MOST = 20
_LAUNCH = re.compile(
    r"\b(sbatch|srun|torchrun|accelerate\s+launch|deepspeed|python3?\s+(?:-m\s+)?\S*(?:train|main|run|finetune|pretrain)\S*)"
)


def read_history_launches(workdir: Path, files: Iterable[str]) -> list[str]:
    """At most 20 lines, the latest last, with what looks like a secret replaced; the shell's before Slurm's.

    `files` are those of the repository: a line counts where it names one of its scripts, or the work directory.
    """
    scripts = frozenset(f for f in files if f.endswith((".py", ".sh", ".sbatch", ".slurm")))
    launches = (line for file in _files() for line in _lines(file) if _LAUNCH.search(line))
    own_launches = [line for line in launches if _names_repository(line, scripts, workdir)]
    latest = list(dict.fromkeys(reversed(own_launches)))[::-1]
    jobs = [f"sacct: {line}" for line in _jobs(workdir)]
    return [redact_command_line(line) for line in (latest + jobs)][-MOST:]


def redact_command_line(line: str) -> str:
    """The line without secrets, as the recorder keeps one."""
    return str(recorder_modules.load_recorder_module("redaction").redact(line))


def _files() -> list[Path]:
    named = os.environ.get("HISTFILE")
    candidates = [Path(named)] if named else []
    with contextlib.suppress(RuntimeError):  # who has no home has no history there
        home = Path.home()
        candidates += [home / ".bash_history", home / ".zsh_history", home / ".local/share/fish/fish_history"]
    return list(dict.fromkeys(p for p in candidates if _is_file(p)))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a home that is somebody else's, as in a container
        return False


def _lines(file: Path) -> Iterator[str]:
    """The commands of a history file: bash as they are, zsh without its time, fish without its keys."""
    try:
        with file.open("rb") as handle:
            handle.seek(max(0, file.stat().st_size - 4_000_000))
            text = handle.read().decode("utf-8", "replace")
    except OSError:
        return
    for line in text.splitlines():
        command = re.sub(r"^(: \d+:\d+;|- cmd: )", "", line).strip()
        if command and not command.startswith(("#", "when: ", "paths:")):
            yield " ".join(command.split())


def _names_repository(line: str, scripts: frozenset[str], workdir: Path) -> bool:
    """Whether a command names this directory, or a script that lies in it."""
    if str(workdir.resolve()) in line:
        return True
    words = [w.removeprefix("./") for w in line.split()]
    modules = [w.replace(".", "/") + ".py" for before, w in pairwise(words) if before == "-m"]
    return any(w in scripts for w in words + modules)


def _jobs(workdir: Path) -> list[str]:
    fields = "JobName,Partition,Account,QOS,AllocTRES,Elapsed,State,WorkDir"
    text = machine.read_tool_output("sacct", "-X", "-n", "-P", "-S", "now-7days", f"--format={fields}")
    folder = str(workdir.resolve())
    rows = [line.rsplit("|", 1) for line in text.splitlines() if "|" in line]
    jobs = [row[0].replace("|", " ") for row in rows if row[1] == folder or row[1].startswith(folder + "/")]
    return list(dict.fromkeys(jobs))[-MOST:]
