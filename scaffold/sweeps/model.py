"""A sweep and its runs, as types: what `sweep new` plans, launchers are written from, and the ledger speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from scaffold.runs.manifests import Scalar

Style = Literal["flags", "equals", "hydra"]
BackendName = Literal["local", "slurm", "server"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What one run needs; None is not said. `sbatch` are options for Slurm as they are typed (`--time=1:00:00`)."""

    gpus: int | None = None
    cpus: int | None = None
    timeout_s: float | None = None
    sbatch: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The code that a sweep was planned with: the code state's SHA-256, the commit, and the kept patch's path (None: clean)."""

    state: str | None
    commit: str | None
    patch: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A sweep as its YAML file says it.

    `command` is the command line without swept parameters; `cwd` is relative to the work directory; `configurations` is the
    expanded list, in order, without seeds; `seeds` may be empty (the script takes none): then each configuration is one run.
    """

    name: str
    goal: str
    experiment: str
    command: tuple[str, ...]
    cwd: str
    style: Style
    configurations: tuple[Mapping[str, Scalar], ...]
    seeds: tuple[int, ...]
    task: str | None
    backend: BackendName | None
    resources: Resources
    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One configuration with one seed: its name is the recorder's own, for exactly this command, code and seed."""

    name: str
    seed: int | None
    params: Mapping[str, Scalar]
    argv: tuple[str, ...]
