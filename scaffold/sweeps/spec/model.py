"""A sweep and its runs, as types: what `sweep new` plans, launchers are written from, and the ledger speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from scaffold.runs.model import Scalar

Style = Literal["flags", "equals", "hydra"]
BackendName = Literal["local", "slurm", "server"]
BooleanStyle = Literal["switch", "paired"]
NO_SEED_OPTION = "env"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResources:
    """What one run needs; None is not said. `sbatch` are options for Slurm as they are typed (`--time=1:00:00`)."""

    gpus: int | None = None
    cpus: int | None = None
    timeout_s: float | None = None
    sbatch: tuple[str, ...] = ()

    def with_defaults(self, defaults: RunResources) -> RunResources:
        """These, and for what is not said the defaults."""
        fields = {name: getattr(self, name) for name in RunResources.__slots__}
        return replace(defaults, **{name: value for name, value in fields.items() if value not in (None, ())})


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFilesCodeState:
    """The code state of runs whose commands name other source or config files than the sweep's own command, or files that the
    code state does not hold (below the experiment root, or outside git): `words` are the names as they stand in the command,
    `files` the SHA-256 of such files."""

    words: tuple[str, ...]
    state: str | None
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepCode:
    """The code that a sweep was planned with: the code state's SHA-256, the commit, and the kept patch's path (None: clean).

    `state` is a manifest's `git.code`, None outside git; the patch's path is relative to the work directory. `pin` is the commit that keeps
    it in this repository, and `tracked` the same without untracked files: they say where the code is, and not what it is.
    """

    state: str | None
    commit: str | None
    patch: str | None
    named: tuple[CommandFilesCodeState, ...] = ()
    pin: str | None = field(default=None, compare=False)
    tracked: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRule:
    """What configurations come from: listed ones x groups that move together x the grid x drawn ones, those where `only_if` holds.

    Values are text, as the user spelled them. `space` says what the `draws` are drawn from with `space_seed`; `baseline` puts
    the configuration without parameters in front.
    """

    listed: tuple[Mapping[str, str], ...] = ()
    zips: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    grid: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    space: Mapping[str, str] = field(default_factory=dict)
    draws: int = 0
    space_seed: int = 0
    drawn: tuple[Mapping[str, str], ...] = ()
    only_if: str | None = None
    baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A sweep as its YAML file says it.

    `command` is the command line without swept parameters; `cwd` is relative to the work directory; `configurations` is the
    expanded list, in order, without seeds (texts, passed as they are spelled); `seeds` may be empty: then each configuration is
    one run. `seed_option` is how the script takes its seed (`--seed`, `trainer.seed=`; NO_SEED_OPTION: it reads $RUN_SEED; None:
    `seed` in the sweep's style). `booleans` are flags that are there or not (`switch`), or have a `--no-` form (`paired`).
    `labels` are parameters that the recorder is told of every run, without being passed to it: they are part of the names.
    `metric_from` are patterns of metrics that the runs print, for the recorder. `name_scheme` is the recorder's scheme of names that
    the runs are named by, for good: so those that are finished are found.
    """

    name: str
    goal: str
    experiment: str
    command: tuple[str, ...]
    cwd: str
    style: Style
    configurations: tuple[Mapping[str, str], ...]
    seeds: tuple[int, ...]
    task: str | None
    backend: BackendName | None
    resources: RunResources
    code: SweepCode
    rule: ConfigurationRule = field(default_factory=ConfigurationRule)
    seed_option: str | None = None
    booleans: Mapping[str, BooleanStyle] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    metric_from: tuple[str, ...] = ()
    name_scheme: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One configuration with one seed: its name is the recorder's own, for exactly this command, code and seed.

    `recorder_params` are parameters that do not show in the command, and so are told to the recorder (`--param`), as text.
    """

    name: str
    seed: int | None
    params: Mapping[str, Scalar]
    argv: tuple[str, ...]
    recorder_params: Mapping[str, str] = field(default_factory=dict)
