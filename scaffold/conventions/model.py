"""What `scaffold detect` answers, as types: values read off a repository, with their evidence (specs: conventions)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from scaffold.conventions.certainty import certainty_of_fields
from scaffold.facts.git_state import GitState
from scaffold.facts.machine import Machine

__all__ = [
    "Conventions",
    "EntryPoint",
    "Evidence",
    "GitState",
    "Machine",
    "MetricPattern",
    "PrimaryMetricChoice",
    "RepositoryEnvironment",
    "RepositoryTests",
    "SlurmConventions",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The file and line that say so; `line` is None where the file's being there says it."""

    path: str
    line: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryEnvironment:
    """How the repository's isolated environment is declared and built."""

    manager: str = "none"
    files: tuple[str, ...] = ()
    python: str | None = None
    setup: str = ""
    run_prefix: str = ""
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmConventions:
    """What the repository's own sbatch scripts ask for, most used first."""

    scripts: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    qos: tuple[str, ...] = ()
    gres: tuple[str, ...] = ()
    time: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()


# what evidence of an entry point says of the line that declares its seed option, the option behind it
SEED_EVIDENCE = "seed option "


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint:
    """A script one runs: kind is train, eval, sweep, preprocess or other; `seed_flag` as one types it.

    `length_option`: it goes on until it is stopped, unless this option says when.
    """

    path: str
    kind: str
    seed_flag: str | None
    command: str
    length_option: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryTests:
    """How the repository tests itself."""

    runner: str | None = None
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryMetricChoice:
    """The metric that decides: its name and which way it is better, as far as the code says; else the candidates with their places."""

    name: str | None = None
    direction: Literal["minimize", "maximize"] | None = None
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPattern:
    """A metric that the code prints: the regular expression that finds it in what was printed, and the `path:line` that prints it.

    `script`: that file is run by itself; what another script prints is not looked for in its runs.
    """

    name: str
    pattern: str
    source: str
    script: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """Everything read off one repository; what could not be known is None or empty.

    `evidence` says what each field was read from, `lost` what spoke for another value and why it did not count; `confirmed` are the
    commands of entry points that a run of them has shown to work.
    """

    workdir: str = "."
    experiment_root: str = ".wild/experiments"
    existing_experiment_dirs: tuple[str, ...] = ()
    role_dirs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    environment: RepositoryEnvironment = field(default_factory=RepositoryEnvironment)
    config_systems: tuple[str, ...] = ()
    trackers: tuple[str, ...] = ()
    launchers: tuple[str, ...] = ()
    slurm: SlurmConventions | None = None
    entry_points: tuple[EntryPoint, ...] = ()
    tests: RepositoryTests = field(default_factory=RepositoryTests)
    workflow: tuple[str, ...] = ()
    agent_guides: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    primary_metric: PrimaryMetricChoice = field(default_factory=PrimaryMetricChoice)
    printed_metrics: tuple[MetricPattern, ...] = ()
    git: GitState | None = None
    machine: Machine = field(default_factory=Machine)
    risks: tuple[str, ...] = ()
    evidence: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)
    lost: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)
    history: tuple[str, ...] | None = None
    confirmed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What `scaffold detect --json` prints; `history` only where it was asked for."""
        answer = asdict(self)
        del answer["lost"], answer["confirmed"]
        answer["certainty"] = certainty_of_fields(answer, self.confirmed)
        if self.history is None:
            del answer["history"]
        return answer
