"""What a manifest says: its first state, the host, the tracking, the final metrics."""

from __future__ import annotations

import os
import time

from .json_text import from_json, read_json
from .messages import warn
from .redaction import HIDDEN, redact, redact_params, secrecy
from .request import VERSION
from .values import DIGITS, LETTERS, flatten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .attempt import Attempt
    from .request import Request
    from .values import Scalar


RUN_VARIABLES = ("RUN_NAME", "RUN_OUTPUT_DIR", "RUN_SEED", "RUN_MANIFEST")

TEXT_LENGTH = 1000


def timestamp(seconds: float) -> str:
    """RFC 3339, UTC, with milliseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%03dZ" % (seconds % 1 * 1000)


def shell_quoted(argv: Sequence[str]) -> str:
    """One line of shell that runs `argv`."""
    return " ".join(
        a if a and not a.strip(LETTERS + DIGITS + "_@%+=:,./-") else "'" + a.replace("'", "'\"'\"'") + "'" for a in argv
    )


def process_rank() -> int:
    """This process's rank among those of one run that each start a recorder; 0 where there is one."""
    text = os.environ.get("RANK") or os.environ.get("SLURM_PROCID") or "0"
    return int(text) if text.isdigit() else 0


VARIABLES = frozenset(
    [
        "CUDA_VISIBLE_DEVICES",
        "OMP_NUM_THREADS",
        "PYTHONHASHSEED",
        "WANDB_MODE",
        "WANDB_RUN_ID",
        "HYDRA_FULL_ERROR",
        "RANK",
        "WORLD_SIZE",
        "LOCAL_RANK",
        "MASTER_ADDR",
        "MASTER_PORT",
    ]
)


def first_manifest(attempt: Attempt) -> dict[str, Any]:
    """The manifest of an attempt that begins."""
    identity, env = attempt.identity, os.environ
    uuid = bytearray(os.urandom(16))
    uuid[6], uuid[8] = uuid[6] & 0x0F | 0x40, uuid[8] & 0x3F | 0x80
    dashed = "-".join(uuid.hex()[i:j] for i, j in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
    shell = shell_quoted(identity.argv)
    return {
        "schema_version": 1,
        "run": {"name": attempt.name, "experiment": identity.experiment, "attempt": attempt.number, "uuid": dashed},
        "status": "running",
        "command": {
            "argv": identity.argv,
            "shell": f"cd {shell_quoted([os.getcwd()])} && {shell}" if attempt.outside else shell,
            "cwd": identity.cwd or ".",
        },
        "seed": identity.seed,
        "params": identity.params,
        "git": attempt.state.git,
        "time": {"started_at": timestamp(attempt.started), "ended_at": None, "duration_s": None},
        "exit": {"code": None, "signal": None},
        "paths": {
            "stdout": attempt.log_path("out"),
            "stderr": attempt.log_path("err"),
            "outputs": attempt.outputs,
            "configs": [],
        },
        "environment": {
            "python": None,
            "executable": None,
            "manager": attempt.workspace.manager,
            "virtual_env": env.get("VIRTUAL_ENV"),
            "conda_env": env.get("CONDA_DEFAULT_ENV"),
            "packages": None,
            "variables": {
                k: HIDDEN if secrecy(k) else redact(env[k])
                for k in sorted(env)
                if k in VARIABLES or k.startswith("SLURM_")
            },
        },
        "host": describe_host(),
        "scheduler": {
            "kind": "slurm" if env.get("SLURM_JOB_ID") else None,
            "job_id": env.get("SLURM_JOB_ID"),
            "array_task_id": env.get("SLURM_ARRAY_TASK_ID"),
            "partition": env.get("SLURM_JOB_PARTITION"),
            "nodelist": env.get("SLURM_JOB_NODELIST"),
        },
        "resources": {"max_rss_bytes": None, "user_s": None, "system_s": None},
        "tracking": describe_tracking(attempt.request),
        "metrics": {},
        # scheme 1 is the one of manifests that do not say
        "recorder": {"version": VERSION, **({"name_scheme": identity.scheme} if identity.scheme != 1 else {})},
    }


def describe_tracking(request: Request) -> dict[str, str | None]:
    """Which plan task, sweep and server run this is."""
    env = os.environ
    server = {k: env.get("RUN_SERVER_" + k.upper()) or None for k in ("url", "sweep_id", "run_id")}
    backend = "server" if any(server.values()) else "slurm" if env.get("SLURM_JOB_ID") else "local"
    return {
        "backend": backend,
        "task": redact(request.task) if request.task else None,
        "sweep": redact(request.sweep) if request.sweep else None,
        "server_url": redact(server["url"]) if server["url"] else None,
        "sweep_id": server["sweep_id"],
        "run_id": server["run_id"],
    }


def describe_host() -> dict[str, Any]:
    """The machine, as far as it can be told at once; GPUs come later."""
    name = os.uname()
    try:
        memory: int | None = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        memory = None
    return {
        "hostname": name.nodename,
        "os": f"{name.sysname} {name.release}",
        "arch": name.machine,
        "cpu_count": os.cpu_count(),
        "memory_bytes": memory,
        "gpus": [],
    }


def final_metrics(outputs: str) -> dict[str, Scalar]:
    """The run's final values: `metrics.json`, else the last whole row of `metrics.jsonl`; nested names joined by `.`."""
    content: Any = None
    values: dict[str, Scalar] = {}
    try:
        try:
            content = read_json(os.path.join(outputs, "metrics.json"))
        except FileNotFoundError:
            content = last_row(os.path.join(outputs, "metrics.jsonl"))
        values = redact_params(flatten(content)) if isinstance(content, dict) else {}
    except (OSError, ValueError, RecursionError) as error:
        warn(f"the metrics of the run cannot be read ({error})")
    return {k: v[:TEXT_LENGTH] if isinstance(v, str) else v for k, v in values.items()}


def last_row(path: str) -> Any:
    """The last whole row of a file of JSON rows; None where there is none."""
    try:
        with open(path, "rb") as file:
            size, step = file.seek(0, os.SEEK_END), 1 << 16
            while True:
                file.seek(max(0, size - step))
                lines = file.read(step).split(b"\n")
                for line in reversed(lines if step >= size else lines[1:]):
                    try:
                        row = from_json(line.decode())
                    except (ValueError, RecursionError):
                        continue
                    if isinstance(row, dict):
                        return row
                if step >= size:
                    return None
                step *= 8
    except OSError:
        return None
