"""Slurm's commands as processes: one call, its output, and its own words where it fails."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - it asks Slurm
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaffold.errors import ScaffoldError

ASK_S = 30.0
SUBMIT_S = 120.0
# of what an enclosing job sets, only where Slurm is; SLURM_RESTART_COUNT for one would make a launcher believe in a requeue
_KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT")
# with it sbatch would answer only when everything is over
_DROPPED = ("SBATCH_WAIT",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What a command printed, and how it ended; `late` where it was ended because it took too long."""

    code: int
    stdout: str
    stderr: str
    late: bool = False

    @property
    def complaint(self) -> str:
        """Its complaint in one line."""
        return " ".join(f"{self.stderr} {self.stdout}".split())


def run_slurm_command(words: Sequence[str], *, seconds: float | None = None) -> CommandResult:
    """Run one of Slurm's commands to its end, `seconds` at most (ASK_S).

    Raises ScaffoldError where there is no such command on this machine.
    """
    limit = ASK_S if seconds is None else seconds
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit,
            env=slurm_environment(os.environ),
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        return CommandResult(code=-1, stdout="", stderr=f"{words[0]} did not answer within {limit:g} s", late=True)
    except OSError as error:
        raise ScaffoldError(
            f"{words[0]} cannot be started: {error.strerror}",
            hint="run this where Slurm's commands are (a login node), or use another backend: --backend local",
        ) from error
    return CommandResult(
        code=done.returncode,
        stdout=done.stdout.decode("utf-8", "surrogateescape"),
        stderr=done.stderr.decode("utf-8", "replace"),
    )


def slurm_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment for Slurm's commands: without what an enclosing Slurm job says of itself, and without formats of the user's."""
    return {
        name: value
        for name, value in variables.items()
        if not (name.startswith(("SLURM_", "SQUEUE_", "SACCT_", "SINFO_", "SCANCEL_")) and name not in _KEPT)
        and name not in _DROPPED
    }
