"""What a manifest says: its first state, the host, the tracking, the final metrics."""

from __future__ import annotations

import os
import time

from .config_files import CONFIG_FILES
from .json_text import from_json, quote, read_json
from .messages import warn
from .redaction import redact, redact_metrics, redact_variable
from .request import VERSION
from .values import DIGITS, LETTERS, flatten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO, Any

    from .attempt import Attempt
    from .request import Request
    from .values import Scalar


RUN_VARIABLES = ("RUN_NAME", "RUN_OUTPUT_DIR", "RUN_SEED", "RUN_MANIFEST")

# what a run is for: only what is a run counts in results
PURPOSES = ("run", "smoke", "rerun")
# what a run starts has its purpose: the variable is passed on
PURPOSE_VARIABLE = "RUN_PURPOSE"

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
    counted = {redact(path): digest for path, digest in attempt.state.files if not path.endswith(CONFIG_FILES)}
    return {
        "schema_version": 1,
        "run": {"name": attempt.name, "experiment": identity.experiment, "attempt": attempt.number, "uuid": dashed},
        "status": "running",
        "purpose": env[PURPOSE_VARIABLE] if env.get(PURPOSE_VARIABLE) in PURPOSES else PURPOSES[0],
        "command": {
            "argv": identity.argv,
            "shell": f"cd {shell_quoted([os.getcwd()])} && {shell}" if attempt.outside else shell,
            "cwd": identity.cwd or ".",
            # of which the name knows nothing
            **({"secrets_left_out": identity.secrets} if identity.secrets and identity.scheme != 1 else {}),
            # scripts that no code state has: of the workspace, ignored, or all of them outside git
            **({"files": counted} if counted else {}),
        },
        "seed": identity.seed,
        "seed_source": attempt.seed_source,
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
                **{k: redact_variable(k, env[k]) for k in sorted(env) if k in VARIABLES or k.startswith("SLURM_")},
                # set by us: as it would be written in a command
                **{k: "{RUN_OUTPUT_DIR}" for k in attempt.workspace.tracker_variables()},
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
    """The run's final values: `metrics.json`, else of each name in `metrics.jsonl` the last; nested names joined by `.`."""
    values: dict[str, Scalar] = {}
    try:
        try:
            content = read_json(os.path.join(outputs, "metrics.json"))
            values = redact_metrics(flatten(content)) if isinstance(content, dict) else {}
        except FileNotFoundError:
            values = redact_metrics(last_values(os.path.join(outputs, "metrics.jsonl")))
    except (OSError, ValueError, RecursionError) as error:
        warn(f"the metrics of the run cannot be read ({error})")
    return {k: v[:TEXT_LENGTH] if isinstance(v, str) else v for k, v in values.items()}


# a file of rows up to twice as long is read whole
ROWS_READ = 1 << 16


def last_values(path: str) -> dict[str, Scalar]:
    """Of each name in a file of JSON rows the last value; empty where there is no whole row.

    Of a long file its end and its beginning are read, and each name that only the beginning has is looked for from the end.
    """
    values: dict[str, Scalar] = {}
    try:
        with open(path, "rb") as file:
            size, length = file.seek(0, os.SEEK_END), ROWS_READ
            while not values:
                start = 0 if size <= 2 * length else size - length
                file.seek(start)
                lines = file.read(size - start).split(b"\n")
                for line in reversed(lines[1:] if start else lines):
                    values = {**row_values(line), **values}
                if not start:
                    return values
                length *= 8
            file.seek(0)
            names: set[str] = set()
            for line in file.read(ROWS_READ).split(b"\n")[:-1]:
                names.update(row_values(line))
            for name in sorted(names):
                if name not in values:
                    values = {**last_row_with(file, name, start), **values}
    except OSError:
        pass
    return values


def row_values(line: bytes) -> dict[str, Scalar]:
    """The values of one row; none where it is no whole row."""
    try:
        row = from_json(line.decode()) if line else None
    except (ValueError, RecursionError):
        return {}
    return flatten(row) if isinstance(row, dict) else {}


def last_row_with(file: IO[bytes], name: str, end: int) -> dict[str, Scalar]:
    """The values of the last row before `end` that has a name."""
    key = quote(name.rpartition(".")[2], ascii=True).encode()
    length, rest = 1 << 20, b""
    while end > 0:
        start = max(0, end - length)
        file.seek(start)
        block = file.read(end - start) + rest
        first = block.find(b"\n") + 1 if start else 0
        place = block.rfind(key, first)
        while place >= 0:
            values = row_values(block[block.rfind(b"\n", 0, place) + 1 : (block + b"\n").index(b"\n", place)])
            if name in values:
                return values
            place = block.rfind(key, first, place)
        end, rest = start, block[:first]
    return {}
