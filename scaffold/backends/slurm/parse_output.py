"""What Slurm's commands print -> jobs' statuses, nodes and numbers. Pure functions."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from scaffold.backends.interface import JobState, JobStatus
from scaffold.backends.slurm.array_script import ArrayTask

# fixed widths and no -o: `exit_code` has no letter, and the last one alone may hold spaces
SQUEUE = "ArrayJobID:.20,ArrayTaskID:.20,State:.30,exit_code:.20,Name:.80,Reason:.200"
SACCT = "JobID,JobName,State,ExitCode"
SINFO = "%N|%t|%C|%G|%P"

# an array's tasks that never got a record of their own have one together, without an index
THE_REST = -1

# https://slurm.schedmd.com/job_state_codes.html
_STATES: dict[str, tuple[JobState, str | None]] = {
    "PENDING": ("waiting", None),
    **dict.fromkeys(("REQUEUED", "REQUEUE_FED"), ("waiting", "requeued")),
    **dict.fromkeys(("REQUEUE_HOLD", "SPECIAL_EXIT"), ("waiting", "requeued, held")),
    "RESV_DEL_HOLD": ("waiting", "held: its reservation was deleted"),
    **dict.fromkeys(("CONFIGURING", "POWER_UP_NODE"), ("starting", None)),
    **dict.fromkeys(("RUNNING", "COMPLETING", "EXPEDITING", "RESIZING", "SIGNALING", "STAGE_OUT"), ("running", None)),
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
# no signal: how slurmstepd says that it could not open the job's files
_LAUNCH_FAILED = 53


def parse_sbatch_job_number(sbatch: str) -> int | None:
    """The job's number as `sbatch --parsable` prints it; site plugins may have printed before it."""
    numbers = re.findall(r"^(\d+)(?:;\S*)?\s*$", sbatch, re.MULTILINE)
    return int(numbers[-1]) if numbers else None


def parse_max_array_size(config: str) -> int:
    """MaxArraySize from `scontrol show config`: the largest number of tasks of an array; Slurm's default where it is not said."""
    match = re.search(r"^MaxArraySize\s*=\s*(\d+)", config, re.MULTILINE)
    return int(match[1]) if match else 1001


def parse_squeue(stdout: str) -> dict[ArrayTask, JobStatus]:
    """The tasks that squeue lists in the format SQUEUE; those that were cancelled before they began stand under THE_REST."""
    statuses = {}
    for line in stdout.splitlines():
        words = line.split(maxsplit=5)
        if len(words) >= 5 and words[0].isdigit() and (words[1].isdigit() or words[1] == "N/A"):
            index = int(words[1]) if words[1].isdigit() else THE_REST
            task = ArrayTask(array=int(words[0]), index=index, name=words[4])
            statuses[task] = _job_status(words[2], words[3], words[5].strip() if len(words) > 5 else "")
    return statuses


def parse_sacct(stdout: str) -> dict[ArrayTask, JobStatus]:
    """The tasks that sacct lists in the format SACCT, parsable; what is not begun has no single line there and is left out."""
    statuses = {}
    for line in stdout.splitlines():
        words = line.split("|")
        numbers = re.fullmatch(r"(\d+)_(\d+)", words[0])
        if numbers and len(words) >= 4:
            task = ArrayTask(array=int(numbers[1]), index=int(numbers[2]), name=words[1])
            # `CANCELLED by 1000`
            statuses[task] = _job_status(words[2].split(" ")[0], words[3], "")
    return statuses


def _job_status(word: str, code: str, reason: str) -> JobStatus:
    if word not in _STATES:
        return JobStatus(state="unknown", reason=f"Slurm calls it {word}")
    state, because = _STATES[word]
    if state == "waiting" and because is None and reason not in ("", "None"):
        because = reason
    if word == "FAILED":
        because = _exit_reason(code) or because
    return JobStatus(state=state, reason=because)


def _exit_reason(code: str) -> str | None:
    """squeue prints what wait(2) gives, sacct `exit code:signal`."""
    status, colon, number = code.partition(":")
    if not status.isdigit() or (colon and not number.isdigit()):
        return None
    ended, signal = (int(status), int(number)) if colon else (int(status) >> 8, int(status) & 127)
    if signal:
        return "node could not start it" if signal == _LAUNCH_FAILED else f"signal {signal}"
    return f"exit {ended}" if ended else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeResources:
    """What there is in the partitions that a sweep may use: cores and GPUs of nodes that take work, busy or not."""

    cores: int
    gpus: int
    partitions: tuple[str, ...]


def parse_sinfo(stdout: str, partition: str | None) -> NodeResources:
    """What sinfo lists, node by node, in the format SINFO; without a partition, of the default one (where there is one)."""
    rows = [row for row in (line.split("|") for line in stdout.splitlines()) if len(row) == 5]
    if partition is None and any(row[4].endswith("*") for row in rows):
        rows = [row for row in rows if row[4].endswith("*")]
    nodes: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for node, state, cores, gres, _ in rows:
        if state.rstrip("*~#!%$@^-") in _USABLE and not set(_ABSENT) & set(state):
            used, idle = (int(number) for number in cores.split("/")[:2])
            nodes[node] = (used + idle, _count_gpus(gres))
    return NodeResources(
        cores=sum(cores for cores, _ in nodes.values()),
        gpus=sum(gpus for _, gpus in nodes.values()),
        partitions=tuple(sorted({row[4].rstrip("*") for row in rows})),
    )


def _count_gpus(gres: str) -> int:
    """`gpu:2`, `gpu:a100:4(S:0-1),mps:200`, `(null)`."""
    return sum(int(number) for number in re.findall(r"(?:^|,)gpu(?::[^:,()]+)?:(\d+)", gres))
