"""What a launch would meet, looked at before a night is lost: on this machine, or in Slurm. Nothing is submitted and nothing written."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from scaffold.backends import capacity
from scaffold.backends.interface import BackendLoad
from scaffold.backends.local import devices
from scaffold.backends.slurm import repository_sbatch_block, sbatch_options, slurm_capacity
from scaffold.backends.slurm.commands import run_slurm_command
from scaffold.errors import ScaffoldError
from scaffold.facts.search_path import find_program
from scaffold.runs import recorder_command
from scaffold.server.preflight import FAILED, OK, UNKNOWN, PreflightCheck, ServerPreflightReport
from scaffold.workspace import Workspace

# less would not hold the logs of a sweep
LEAST_BYTES = 200 * 2**20
GIB = 2**30
# (outcome, text)
Finding = tuple[str, str]


def check_launch_backend(workspace: Workspace, backend: str) -> ServerPreflightReport:
    """What `sweep launch --backend BACKEND` (`local` or `slurm`) would meet; each check with its time."""
    common: list[tuple[str, str, bool, Callable[[], Finding]]] = [
        ("environment", "PATH", backend == "local", lambda: _check_prefix(workspace)),
        ("python", "PATH", False, lambda: _check_python(workspace.workdir)),
        ("disk", "df", True, lambda: _check_disk(workspace.role_folder("logs"))),
    ]
    own = _local_checks(workspace) if backend == "local" else _slurm_checks(workspace)
    started = time.perf_counter()
    checks = tuple(_run_check(*check) for check in (*own, *common))
    where = "this machine" if backend == "local" else "Slurm"
    return ServerPreflightReport(server=where, checks=checks, seconds=time.perf_counter() - started)


def _run_check(name: str, asks: str, mandatory: bool, check: Callable[[], Finding]) -> PreflightCheck:
    started = time.perf_counter()
    try:
        outcome, text = check()
    except ScaffoldError as error:
        outcome, text = FAILED, error.message
    seconds = time.perf_counter() - started
    return PreflightCheck(name=name, asks=asks, outcome=outcome, text=text, seconds=seconds, mandatory=mandatory)


def _check_prefix(workspace: Workspace) -> Finding:
    words = recorder_command.read_run_prefix(workspace)
    if not words:
        return OK, "no tool is needed to enter the environment"
    recorder_command.read_environment_run_prefix(workspace, cwd=workspace.workdir)
    return OK, f"`{shlex.join(words)}`: {find_program(words[0], cwd=workspace.workdir)}"


def _check_python(cwd: Path) -> Finding:
    """Commands that say `python` find what is on PATH then, and never the interpreter that scaffold lives in unless that is the same."""
    python = find_program("python", cwd=cwd)
    if python is not None:
        return OK, f"`python` is {python}; the recorder runs in {sys.executable}"
    other = find_program("python3", cwd=cwd)
    text = f"there is no `python` on PATH{f', only python3 ({other})' if other else ''}"
    return FAILED, f"{text}: a command that says `python` needs an environment that has one"


def _check_disk(logs: Path) -> Finding:
    folder = next(path for path in (logs, *logs.parents) if path.is_dir())
    free = shutil.disk_usage(folder).free
    text = f"{free / GIB:.1f} GiB free for logs and outputs in {folder}"
    return (OK if free >= LEAST_BYTES else FAILED), text


def _local_checks(workspace: Workspace) -> list[tuple[str, str, bool, Callable[[], Finding]]]:
    return [("devices", "nvidia-smi", True, _check_devices)]


def _check_devices() -> Finding:
    visible, cores = devices.visible_devices(), devices.usable_cores()
    busy = sum(device.uuid in devices.gpus_in_use() for device in visible)
    text = capacity.plural(len(visible), "GPU") + (f", {busy} of them in use" if busy else "")
    return OK, f"{text}; {capacity.plural(cores or 0, 'core')}"


def _slurm_checks(workspace: Workspace) -> list[tuple[str, str, bool, Callable[[], Finding]]]:
    block = repository_sbatch_block.read_training_sbatch_block(workspace)
    options = sbatch_options.choose_sbatch_options(
        workspace.answers.get("slurm"),
        block=block.options if block is not None else (),
        other_scripts=block.others if block is not None else (),
    )
    return [
        (
            "controller",
            "sinfo",
            True,
            lambda: _check_room(slurm_capacity.measure_slurm_load(options, None, None)),
        ),
        ("request", "sbatch --test-only", True, lambda: _check_request(options)),
        ("srun", "PATH", False, _check_srun),
    ]


def _check_room(room: BackendLoad) -> Finding:
    return OK, f"{room.because}; {capacity.plural(room.active, 'job')} of yours run there"


def _check_request(options: Sequence[sbatch_options.SbatchOption]) -> Finding:
    """Whether Slurm would take a job with the repository's options: partition, account, QOS, time and devices, all in one."""
    words = [option.word for option in options]
    result = run_slurm_command(["sbatch", "--test-only", "--output=/dev/null", *words, "--wrap=true"])
    origins = "; ".join(f"{option.word} is from {option.origin}" for option in options)
    if result.code == 0:
        return OK, f"it would be taken: {' '.join(words) or 'with no options'}"
    return (UNKNOWN if result.late else FAILED), f"{result.complaint}{f' ({origins})' if origins else ''}"


def _check_srun() -> Finding:
    if find_program("srun"):
        return OK, "a research server's runs would be steps of srun"
    return FAILED, "there is no srun: a research server's runs would wait for sbatch"
