"""What this machine offers: GPUs and a Slurm scheduler, asked with short time-outs."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - asks the machine's own tools
from dataclasses import dataclass
from pathlib import Path

from scaffold.facts.search_path import find_program

TIMEOUT_S = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What this machine offers."""

    gpus: int = 0
    slurm: bool = False
    scheduler_partitions: tuple[str, ...] = ()


def read_machine() -> Machine:
    """GPUs that the driver lists, whether sbatch is there, and the scheduler's partitions (its default one first)."""
    slurm = find_program("sbatch") is not None
    return Machine(gpus=_gpus(), slurm=slurm, scheduler_partitions=_partitions() if slurm else ())


def read_tool_output(*command: str) -> str:
    """The stdout of a tool of this machine; empty when it is missing, fails, or takes longer than 3 s."""
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, env=environment, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def _gpus() -> int:
    proc = Path("/proc/driver/nvidia/gpus")
    if proc.is_dir():
        return sum(1 for _ in proc.iterdir())
    return (
        sum(line.startswith("GPU ") for line in read_tool_output("nvidia-smi", "-L").splitlines())
        if find_program("nvidia-smi")
        else 0
    )


def _partitions() -> tuple[str, ...]:
    names = read_tool_output("sinfo", "--noheader", "--format=%P").split()
    default_first = sorted(dict.fromkeys(names), key=lambda n: not n.endswith("*"))
    return tuple(dict.fromkeys(n.rstrip("*") for n in default_first))
