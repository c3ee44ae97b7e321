"""Between a sweep's runs and the research server's: handles, names, the command that is typed, and what its words mean."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from scaffold.backends.model import Job, Room, Seen
from scaffold.errors import ScaffoldError
from scaffold.server.answers import Cluster, Run

# what a started run should have left behind by then: the slowest measured start, of 36 at once, took 7 s
LAUNCH_S = 120.0
STARTABLE = ("ready", "queued")
PLAIN_PATH = re.compile(r"[A-Za-z0-9._/+@%=,-]+")
KNOWN_GPUS = ("local_gpu", "shared_head_node", "kubernetes", "ray")
SLURM_SLOTS = 4


class Handle(NamedTuple):
    """A run on the server: its id and its sweep's, both forgotten when the server restarts."""

    sweep_id: str
    run_id: str

    @classmethod
    def read(cls, text: str) -> Handle:
        """From the ledger's text, `<sweep id>/<run id>`."""
        sweep_id, _, run_id = text.partition("/")
        return cls(sweep_id, run_id)

    def __str__(self) -> str:
        return f"{self.sweep_id}/{self.run_id}"


def label(job: Job) -> str:
    """What a try is called on the server: the run's name, from the second on with its number (`NAME.2`)."""
    return job.name if job.number == 1 else f"{job.name}.{job.number}"


def command(launcher: Path) -> str:
    """`bash` and the launcher's path, as it can be typed into an interactive shell, which is what the server does.

    A Tab would be completed away, Ctrl-C is Ctrl-C, and bytes that are no UTF-8 end in a 500: those are written as octal escapes.
    """
    text = str(launcher)
    if text.isprintable():
        return "bash '" + text.replace("'", "'\\''") + "'"
    typed = (
        chr(byte) if 32 <= byte < 127 and chr(byte) not in "'\\!" else f"\\{byte:03o}" for byte in os.fsencode(launcher)
    )
    return "bash $'" + "".join(typed) + "'"


def belongs(typed: str, folder: Path) -> bool:
    """Whether a run's command starts a launcher in `folder`."""
    return typed.startswith(command(folder / "x").removesuffix("x'"))


def workdir(path: Path) -> str | None:
    """The directory to give to the server, which types `cd` and it without quotes; None where that would go wrong.

    The launcher goes where it belongs by itself.
    """
    return str(path) if PLAIN_PATH.fullmatch(str(path)) else None


def seen(run: Run, now: float) -> Seen:
    """What the server's word for a run means; `now` is in seconds since 1970.

    A run that hangs in `launching` is `gone`: the ticket says whether it can be started once more.
    """
    match run.status:
        case "ready" | "queued":
            return Seen(state="enlisted")
        case "launching":
            waited = now - (run.launched_at or now)
            if waited > LAUNCH_S:
                return Seen(state="gone", reason=f"the server has been launching it for {waited:.0f} s")
            return Seen(state="starting")
        case "running":
            return Seen(state="running")
        case "finished":
            return Seen(state="ended", reason="exit 0")
        case "failed":
            code = run.exit_code
            return Seen(state="ended", reason=f"exit {code}" if code is not None else run.error or "failed")
        case "stopped":
            return Seen(state="ended", reason="stopped")
        case other:
            return Seen(state="unknown", reason=f"the server calls it {other!r}")


def room(
    cluster: Cluster,
    *,
    cores: int | None,
    gpus_per_run: int | None,
    cpus_per_run: int | None,
    max_parallel: int | None,
) -> Room:
    """How many runs may be on the server at once, and how many are.

    `cores` are those of its machine, None where they are not known (another host). The server pins no devices: they are given by index.
    Raises ScaffoldError where a run wants more GPUs than there are.
    """
    busy, gpus = cluster.run_summary.active, cluster.gpu_count or 0
    if gpus and cluster.type in KNOWN_GPUS:
        wanted = 1 if gpus_per_run is None else gpus_per_run
        if wanted > gpus:
            raise ScaffoldError(
                f"a run wants {wanted} GPUs, and the research server's machine has {gpus}", hint="--gpus-per-run N"
            )
        if wanted:
            devices = tuple(str(index) for index in range(gpus))
            each = f", {wanted} for each run" if wanted > 1 else ""
            because = f"{_number(gpus, 'GPU')} on the research server's machine{each}"
            return Room(slots=gpus // wanted, busy=busy, gpus=devices, because=because)
    slots, because = _without_gpus(cluster, cores, cpus_per_run, max_parallel)
    return Room(slots=slots, busy=busy, gpus=(), because=because)


def _without_gpus(
    cluster: Cluster, cores: int | None, cpus_per_run: int | None, max_parallel: int | None
) -> tuple[int, str]:
    if cores is not None and cpus_per_run:
        return max(1, cores // cpus_per_run), f"{_number(cores, 'core')}, {cpus_per_run} for each run"
    if cluster.type == "slurm":
        slots = cluster.gpu_count or SLURM_SLOTS
        if cores is not None and cores < slots:
            return max(1, cores), f"Slurm on the research server's machine, which has {_number(cores, 'core')}"
        said = _number(cluster.gpu_count, "GPU") if cluster.gpu_count else "an unknown number of GPUs"
        return slots, f"Slurm on the research server's machine, with {said}"
    if max_parallel is not None:
        slots = max(1, max_parallel if cores is None else min(max_parallel, cores))
        return slots, f"the research server knows of no GPU; --max-parallel {max_parallel} says how many"
    return 1, "the research server knows of no GPU; --cpus-per-run or --max-parallel says how many"


def _number(count: int | None, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
