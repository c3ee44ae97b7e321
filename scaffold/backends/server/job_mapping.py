"""Between a sweep's jobs and the research server's runs: ids, names, the command that is typed, what its statuses and its cluster mean."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from scaffold.backends import capacity
from scaffold.backends.interface import BackendLoad, Job, JobState, JobStatus
from scaffold.errors import ScaffoldError
from scaffold.server.responses import ServerCluster, ServerRun
from scaffold.server.sanitize import sanitize_line

# what a started run should have left behind by then: the slowest measured start, of 36 at once, took 7 s
LAUNCH_S = 120.0
STARTABLE = ("ready", "queued")
# the server's words for what has not ended
ALIVE: dict[str, JobState] = {**dict.fromkeys(STARTABLE, "enlisted"), "launching": "starting", "running": "running"}
# how the path of a run's allocation ends (allocation.py)
ALLOCATION_SUFFIX = ".slurm.sh"
# what an allocation ends with where somebody cancelled its job before the launcher began
CANCELLED_CODE = 76
QUEUED = "in Slurm's queue"
PLAIN_PATH = re.compile(r"[A-Za-z0-9._/+@%=,-]+")
WITH_GPUS = ("local_gpu", "shared_head_node", "kubernetes", "ray")


class ServerJobId(NamedTuple):
    """A run on the server: its id and its sweep's, both forgotten when the server restarts."""

    sweep_id: str
    run_id: str

    @classmethod
    def parse(cls, text: str) -> ServerJobId:
        """From the ledger's text, `<sweep id>/<run id>`."""
        sweep_id, _, run_id = text.partition("/")
        return cls(sweep_id, run_id)

    def __str__(self) -> str:
        return f"{self.sweep_id}/{self.run_id}"


def format_submission_label(job: Job) -> str:
    """What a submission is called on the server: the run's name, from the second on with its number (`NAME.2`)."""
    return job.name if job.number == 1 else f"{job.name}.{job.number}"


def format_launcher_command(launcher: Path) -> str:
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


def starts_launcher_in(typed: str, folder: Path) -> bool:
    """Whether a run's command starts a launcher in `folder`."""
    return typed.startswith(format_launcher_command(folder / "x").removesuffix("x'"))


def will_slurm_start_run(run: ServerRun) -> bool:
    """Whether Slurm is to start a run's launcher."""
    return run.command.endswith(f"{ALLOCATION_SUFFIX}'")


def to_shell_safe_workdir(path: Path) -> str | None:
    """The directory to give to the server, which types `cd` and it without quotes; None where that would go wrong.

    The launcher goes where it belongs by itself.
    """
    return str(path) if PLAIN_PATH.fullmatch(str(path)) else None


def to_job_status(run: ServerRun, now: float, *, has_token: bool = False) -> JobStatus:
    """What the server's word for a run means; `now` is in seconds since 1970, `has_token` whether nobody has taken its start token.

    A run that hangs is `gone`: in `launching`, or in `running` while its launcher has not begun (its terminal waits for something).
    One that is allocated by Slurm waits for Slurm then, however long.
    """
    waited = now - (run.launched_at or now)
    if run.status == "running" and has_token and will_slurm_start_run(run):
        return JobStatus(state="waiting", reason=QUEUED)
    if waited > LAUNCH_S and (run.status == "launching" or (run.status == "running" and has_token)):
        return JobStatus(
            state="gone", reason=f"the server calls it {run.status} for {waited:.0f} s, and it has not begun"
        )
    if run.status in ALIVE:
        return JobStatus(state=ALIVE[run.status])
    failure = sanitize_line(run.error or "failed", 200) if run.exit_code is None else f"exit {run.exit_code}"
    if run.exit_code == CANCELLED_CODE:
        failure = "cancelled"
    reasons = {"finished": "exit 0", "failed": failure, "stopped": "stopped"}
    if run.status in reasons:
        return JobStatus(state="ended", reason=reasons[run.status])
    return JobStatus(state="unknown", reason=f"the server calls it {run.status!r}")


def has_untaken_token(folder: Path, run: ServerRun) -> bool:
    """Whether nobody has taken the start token of the submission that a run on the server is."""
    # a run's own name may end in `.2` as well as a label
    return any((folder / f"{name}.ticket").exists() for name in {run.name, re.sub(r"\.\d+$", "", run.name)})


def count_server_slots(
    cluster: ServerCluster,
    *,
    cores: int | None,
    gpus_per_run: int | None,
    cpus_per_run: int | None,
    max_parallel: int | None,
) -> BackendLoad:
    """How many runs may be on the server at once, and how many are; the GPUs by index, None where runs get none.

    `cores` are those of its machine, None where they are not known (another host). Where nothing is known of the machine,
    `max_parallel` is believed. Raises ScaffoldError where a run wants more GPUs than there are.
    """
    gpus = cluster.gpu_count or 0
    if (gpus_per_run or 0) > gpus and cluster.type != "slurm":
        raise ScaffoldError(
            f"a run needs {capacity.plural(gpus_per_run or 0, 'GPU')}, and the research server's machine has {gpus}",
            hint="--gpus-per-run says how many a run takes",
        )
    pinned = gpus > 0 and gpus_per_run != 0 and cluster.type in WITH_GPUS
    kind = "local_gpu" if pinned else "slurm" if cluster.type == "slurm" else "cpu_only"
    limit, because = capacity.compute_run_limit(
        kind, gpus=gpus or None, cores=cores, gpus_per_run=gpus_per_run, cpus_per_run=cpus_per_run
    )
    if kind == "cpu_only" and max_parallel is not None and not cpus_per_run:
        limit = max(1, max_parallel if cores is None else min(max_parallel, cores))
        because = "it knows of no GPU, and --max-parallel says how many"
    return BackendLoad(
        limit=limit,
        active=cluster.run_summary.active,
        gpus=tuple(map(str, range(gpus))) if pinned else None,
        gpus_each=1 if gpus_per_run is None else gpus_per_run,
        because=f"the research server: {because}",
    )
