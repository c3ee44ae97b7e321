"""How many runs the partition of a sweep could carry, and how many this user has in it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from scaffold.backends import capacity
from scaffold.backends.interface import BackendLoad
from scaffold.backends.slurm import parse_output
from scaffold.backends.slurm.commands import run_slurm_command
from scaffold.backends.slurm.sbatch_options import SbatchOption
from scaffold.errors import ScaffoldError


def measure_slurm_load(
    options: Sequence[SbatchOption], gpus_per_run: int | None, cpus_per_run: int | None
) -> BackendLoad:
    """What the partition that `options` name (else the default one) could carry; active is what this user runs in it.

    Raises ScaffoldError where Slurm cannot be asked.
    """
    partition = next((option.value for option in options if option.name == "partition"), None)
    where = [] if partition is None else [f"--partition={partition}"]
    nodes = parse_output.parse_sinfo(_ask_for_room(["sinfo", "-h", "-N", "-o", parse_output.SINFO, *where]), partition)
    states = "--states=RUNNING,CONFIGURING,COMPLETING,SUSPENDED"
    active = _ask_for_room(["squeue", "-h", "-r", f"--user={os.getuid()}", states, "-o", "%i", *where])
    limit, because = capacity.compute_run_limit(
        "slurm", gpus=nodes.gpus or None, cores=nodes.cores, gpus_per_run=gpus_per_run, cpus_per_run=cpus_per_run
    )
    return BackendLoad(limit=limit, active=len(active.split()), gpus=None, because=because)


def _ask_for_room(words: Sequence[str]) -> str:
    result = run_slurm_command(words)
    if result.code != 0:
        raise ScaffoldError(
            f"Slurm cannot be asked how much room there is: {result.complaint}",
            hint="see whether its controller is up: scontrol ping",
        )
    return result.stdout
