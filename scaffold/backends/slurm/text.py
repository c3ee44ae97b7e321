"""Slurm as text: the array script that is submitted, and what sbatch, squeue, sacct and sinfo print. Pure functions."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold.backends.model import Job, Seen, State
from scaffold.backends.slurm.options import Option

# fixed widths and no -o: `exit_code` has no letter, and the last one alone may hold spaces
SQUEUE = "ArrayJobID:.20,ArrayTaskID:.20,State:.30,exit_code:.20,Name:.80,Reason:.200"
SACCT = "JobID,JobName,State,ExitCode"
SINFO = "%N|%t|%C|%G|%P"

# an array's tasks that never got a record of their own have one together, without an index
THE_REST = -1

# https://slurm.schedmd.com/job_state_codes.html
_STATES: dict[str, tuple[State, str | None]] = {
    "PENDING": ("waiting", None),
    "REQUEUED": ("waiting", "requeued"),
    "REQUEUE_FED": ("waiting", "requeued"),
    "REQUEUE_HOLD": ("waiting", "requeued, held"),
    "RESV_DEL_HOLD": ("waiting", "held: its reservation was deleted"),
    "SPECIAL_EXIT": ("waiting", "requeued, held"),
    "CONFIGURING": ("starting", None),
    "POWER_UP_NODE": ("starting", None),
    "RUNNING": ("running", None),
    "COMPLETING": ("running", None),
    "EXPEDITING": ("running", None),
    "RESIZING": ("running", None),
    "SIGNALING": ("running", None),
    "STAGE_OUT": ("running", None),
    "STOPPED": ("running", "stopped"),
    "SUSPENDED": ("running", "suspended"),
    "COMPLETED": ("ended", None),
    "FAILED": ("ended", "failed"),
    "BOOT_FAIL": ("ended", "node did not boot"),
    "CANCELLED": ("ended", "cancelled"),
    "DEADLINE": ("ended", "deadline"),
    "LAUNCH_FAILED": ("ended", "node could not start it"),
    "NODE_FAIL": ("ended", "node failed"),
    "OUT_OF_MEMORY": ("ended", "out of memory"),
    "PREEMPTED": ("ended", "preempted"),
    "RECONFIG_FAIL": ("ended", "node could not be set up"),
    "REVOKED": ("ended", "revoked"),
    "TIMEOUT": ("ended", "time limit"),
}
_USABLE = ("idle", "mix", "alloc", "comp", "plnd", "planned")
# not responding, in a maintenance reservation, about to reboot
_ABSENT = "*$@"
_MAPPED = re.compile(r"#: (?P<index>\d+) (?P<number>\d+) (?P<name>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task of an array. As a handle it reads `1234_7 NAME`: the name is the array's, because Slurm uses numbers again."""

    array: int
    index: int
    name: str

    @classmethod
    def parse(cls, handle: str) -> Task | None:
        """The task that a handle means; None where it is none of Slurm's."""
        found = re.fullmatch(r"(\d+)_(\d+) (\S+)", handle)
        return found and cls(array=int(found[1]), index=int(found[2]), name=found[3])

    def __str__(self) -> str:
        return f"{self.array}_{self.index} {self.name}"


def array_name(sweep: str, folder: Path, jobs: Sequence[Job]) -> str:
    """The job name of one array: the sweep's name as far as Slurm's commands can be trusted with it, and a digest of its tries."""
    tries = "\n".join([str(folder), *(f"{job.name} {job.number}" for job in jobs)])
    digest = hashlib.sha256(tries.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9._+-]', '-', sweep)[:40].lstrip('-') or 'sweep'}.{digest}"


def indices(numbers: Iterable[int]) -> str:
    """Numbers as Slurm writes sets of them: `0-3,7`."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def array(count: int, at_once: int | None) -> str:
    """The value of --array for `count` tasks, `at_once` of them at the same time."""
    held = "" if at_once is None or at_once >= count else f"%{max(1, at_once)}"
    return f"0-{count - 1}{held}"


def script(name: str, jobs: Sequence[Job], options: Sequence[Option], at_once: int | None) -> str:
    """The array script: which options, each with its source, and which task starts which launcher."""
    asked = [line for option in options for line in (f"# {option.origin}", f"#SBATCH {_directive(option.word)}")]
    lines = [
        "#!/bin/bash",
        "# Written by `scaffold sweep launch`: one task for each run, `#: INDEX TRY NAME`. Where output goes is said when it is submitted.",
        f"#SBATCH --job-name={name}",
        f"#SBATCH --array={array(len(jobs), at_once)}",
        "#SBATCH --open-mode=append",
        *asked,
        *(f"#: {index} {job.number} {job.name}" for index, job in enumerate(jobs)),
        "set -euo pipefail",
        "launchers=(",
        *(f"  {shlex.quote(str(job.launcher))}" for job in jobs),
        ")",
        "index=${SLURM_ARRAY_TASK_ID:-}",
        "if [[ ! $index =~ ^[0-9]{1,9}$ ]] || ((10#$index >= ${#launchers[@]})); then",
        f"  echo \"{name}: there is no task '$index', only 0 to {len(jobs) - 1}; nothing is started\" >&2",
        "  exit 2",
        "fi",
        "launcher=${launchers[10#$index]}",
        "if [[ ! -f $launcher ]]; then",
        f'  echo "{name}: $launcher is missing; nothing is started; scaffold sweep launch writes it again" >&2',
        "  exit 2",
        "fi",
        "# the launcher takes this process's place, and then the recorder its: Slurm's signals have one to reach",
        'exec bash "$launcher"',
    ]
    return "\n".join(lines) + "\n"


def _directive(word: str) -> str:
    """A word on an #SBATCH line: quotes as a shell's, but sbatch drops backslashes inside them."""
    return shlex.quote(word.replace("\\", "\\\\"))


def mapped(script: str) -> dict[tuple[str, int], int]:
    """(run's name, try) -> index, as an array script says it."""
    found = (_MAPPED.fullmatch(line) for line in script.splitlines())
    return {(m["name"], int(m["number"])): int(m["index"]) for m in found if m}


def named(script: str) -> str | None:
    """The job name that an array script gives."""
    found = re.search(r"^#SBATCH --job-name=(\S+)$", script, re.MULTILINE)
    return found and found[1]


def array_size(config: str) -> int:
    """MaxArraySize from `scontrol show config`: the largest number of tasks of an array; Slurm's default where it is not said."""
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", config, re.MULTILINE)
    return int(found[1]) if found else 1001


def file_pattern(folder: Path, ending: str) -> str:
    """The value of --output for a file in `folder`, one for each task."""
    return f"{str(folder).replace('%', '%%')}/%x.%a.{ending}"


def submitted(stdout: str) -> int | None:
    """The job's number as `sbatch --parsable` prints it; site plugins may have printed before it."""
    found = re.findall(r"^(\d+)(?:;\S*)?\s*$", stdout, re.MULTILINE)
    return int(found[-1]) if found else None


def squeue(stdout: str) -> dict[Task, Seen]:
    """The tasks that squeue lists in the format SQUEUE; those that were cancelled before they began stand under THE_REST."""
    seen = {}
    for line in stdout.splitlines():
        words = line.split(maxsplit=5)
        if len(words) >= 5 and words[0].isdigit() and (words[1].isdigit() or words[1] == "N/A"):
            index = int(words[1]) if words[1].isdigit() else THE_REST
            task = Task(array=int(words[0]), index=index, name=words[4])
            seen[task] = _seen(words[2], words[3], words[5].strip() if len(words) > 5 else "")
    return seen


def sacct(stdout: str) -> dict[Task, Seen]:
    """The tasks that sacct lists in the format SACCT, parsable; what is not begun has no single line there and is left out."""
    seen = {}
    for line in stdout.splitlines():
        words = line.split("|")
        found = re.fullmatch(r"(\d+)_(\d+)", words[0])
        if found and len(words) >= 4:
            task = Task(array=int(found[1]), index=int(found[2]), name=words[1])
            # `CANCELLED by 1000`
            seen[task] = _seen(words[2].split(" ")[0], words[3], "")
    return seen


def _seen(word: str, code: str, reason: str) -> Seen:
    if word not in _STATES:
        return Seen(state="unknown", reason=f"Slurm calls it {word}")
    state, because = _STATES[word]
    if state == "waiting" and because is None and reason not in ("", "None"):
        because = reason
    if word == "FAILED":
        because = _exit(code) or because
    return Seen(state=state, reason=because)


def _exit(code: str) -> str | None:
    """squeue prints what wait(2) gives, sacct `exit code:signal`."""
    status, colon, number = code.partition(":")
    if not status.isdigit() or (colon and not number.isdigit()):
        return None
    ended, signal = (int(status), int(number)) if colon else (int(status) >> 8, int(status) & 127)
    if signal:
        return "node could not start it" if signal == _LAUNCH_FAILED else f"signal {signal}"
    return f"exit {ended}" if ended else None


# no signal: how slurmstepd says that it could not open the job's files
_LAUNCH_FAILED = 53


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """What there is in the partitions that a sweep may use: cores and GPUs of nodes that take work, busy or not."""

    cores: int
    gpus: int
    partitions: tuple[str, ...]


def sinfo(stdout: str, partition: str | None) -> Nodes:
    """What sinfo lists, node by node, in the format SINFO; without a partition, of the default one (where there is one)."""
    rows = [row for row in (line.split("|") for line in stdout.splitlines()) if len(row) == 5]
    if partition is None and any(row[4].endswith("*") for row in rows):
        rows = [row for row in rows if row[4].endswith("*")]
    nodes: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for node, state, cores, gres, _ in rows:
        if state.rstrip("*~#!%$@^-") in _USABLE and not set(_ABSENT) & set(state):
            used, idle = (int(number) for number in cores.split("/")[:2])
            nodes[node] = (used + idle, _gpus(gres))
    return Nodes(
        cores=sum(cores for cores, _ in nodes.values()),
        gpus=sum(gpus for _, gpus in nodes.values()),
        partitions=tuple(sorted({row[4].rstrip("*") for row in rows})),
    )


def _gpus(gres: str) -> int:
    """`gpu:2`, `gpu:a100:4(S:0-1),mps:200`, `(null)`."""
    return sum(int(number) for number in re.findall(r"(?:^|,)gpu(?::[^:,()]+)?:(\d+)", gres))
