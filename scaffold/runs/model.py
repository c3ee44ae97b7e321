"""A manifest -> the Run that lists and tables are made of: what one attempt was, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from scaffold.runs import recorder, timestamps

Scalar = str | int | float | bool | None
SCALAR_TYPES = (str, int, float, bool, type(None))
MAX_NAME_BYTES = 255
# what the plan has the recorder tried with, before anything is a result: no server need know of it
TRIAL_EXPERIMENT = "smoke"
# the smoke sweep's name is the sweep's with this behind it
SMOKE_SUFFIX = "-smoke"
# how a script on standard input is called among the scripts of a run
STDIN_SCRIPT = "standard input"
# what the fields of a Run may be
FIELD_TYPES = (
    (str, ("name", "experiment", "status", "started_at", "hostname", "outputs", "uuid", "purpose")),
    ((str, type(None)), ("task", "sweep", "commit", "signal", "code", "seed_source", "withdrawn")),
    (int, ("attempt",)),
    ((int, type(None)), ("seed", "exit_code")),
    ((int, float, type(None)), ("duration_s",)),
    ((bool, type(None)), ("dirty",)),
    (dict, ("params", "metrics", "metric_sources")),
)


class Run(NamedTuple):
    """One attempt of a run, as far as lists and tables need it. `status` may be `lost`; paths are below the work directory.

    `code` is the code state's SHA-256, None outside git. `metric_sources` says of metrics that were printed where (specs: manifest).
    `only_in_home`: the working tree lacks this record, the second home has it; `path` is where the manifest lies then too, absolute where
    that is not below the work directory.
    `params` are all that the command says, not only what its manifest read off it; `form` is what else of the command tells
    configurations apart, `words` its arguments where only the script's parser could say which value belongs to which option, `configs`
    the copies of its config files, `scripts` what it ran that is no part of `code` (`path digest`). `seed_source` says how the seed
    reached the command (`arguments`, `environment`, `label` where it did not, None where the manifest cannot tell), `purpose` is `run`,
    `smoke` or `rerun`, `withdrawn` why the attempt does not count any more.

    A tuple and no dataclass, because lists make ten thousand of them.
    """

    name: str
    attempt: int
    experiment: str
    status: str
    seed: int | None
    params: Mapping[str, Scalar]
    metrics: Mapping[str, Scalar]
    task: str | None
    sweep: str | None
    commit: str | None
    dirty: bool | None
    started_at: str
    duration_s: float | None
    exit_code: int | None
    signal: str | None
    hostname: str
    outputs: str
    path: str
    code: str | None = None
    metric_sources: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    uuid: str = ""
    only_in_home: bool = False
    purpose: str = "run"
    seed_source: str | None = None
    withdrawn: str | None = None
    form: str = ""
    words: Sequence[str] = ()
    configs: Sequence[str] = ()
    scripts: Sequence[str] = ()

    @property
    def effective_seed(self) -> int | None:
        """The seed that the run really had; None where it has none, or what was recorded is a mere label."""
        return None if self.seed_source == "label" else self.seed

    @property
    def label(self) -> str:
        """The name, with `.N` for a later attempt: what `runs show` takes."""
        return self.name if self.attempt == 1 else f"{self.name}.{self.attempt}"

    @property
    def is_smoke_test(self) -> bool:
        """Whether it was a quick try, which is no result."""
        return self.purpose == "smoke"


def run_from_fields(fields: Sequence[Any]) -> Run:
    """A run whose fields were kept as JSON, which has no tuples."""
    return Run._make(tuple(field) if isinstance(field, list) else field for field in fields)


def _purpose(manifest: Mapping[str, Any]) -> str:
    """What a manifest says that its run was for; older ones do not, but a smoke sweep's runs show."""
    sweep, purpose = manifest["tracking"]["sweep"], manifest.get("purpose")
    if sweep is None and manifest["run"]["experiment"] == TRIAL_EXPERIMENT and purpose != "rerun":
        return "smoke"
    if isinstance(sweep, str) and sweep.endswith(SMOKE_SUFFIX) and manifest["params"].get("smoke") is True:
        return "smoke"
    return purpose if purpose in ("smoke", "rerun") else "run"


def _scripts(manifest: Mapping[str, Any]) -> list[str]:
    """What a command ran that no code state has: scripts of the workspace, or one on standard input, which is called by its content."""
    files, stdin = manifest["command"].get("files") or {}, manifest["paths"].get("stdin")
    scripts = [f"{path} {files[path]}" for path in sorted(files)]
    return [*scripts, f"{STDIN_SCRIPT} {stdin.rpartition('/')[2]}"] if stdin else scripts


def summarize_manifest(manifest: Mapping[str, Any], path: str) -> Run:
    """What lists need of a manifest, which lies at `path`. Raises KeyError, TypeError or ValueError where it is no manifest."""
    identity, git, tracking = manifest["run"], manifest["git"], manifest["tracking"]
    argv, cwd, seed = manifest["command"]["argv"], manifest["command"]["cwd"], manifest["seed"]
    if not isinstance(argv, list) or not all(isinstance(word, str) for word in argv):
        raise TypeError(f"command.argv is {json.dumps(argv)[:80]}")
    if not isinstance(manifest["params"], dict):
        raise TypeError(f"params is {json.dumps(manifest['params'])[:80]}")
    configuration = recorder.configuration
    reading = configuration.read_command(argv, seed=seed, source=manifest.get("seed_source"))
    run = Run(
        name=identity["name"],
        attempt=identity["attempt"],
        experiment=identity["experiment"],
        status=manifest["status"],
        seed=reading.seed if seed is None else seed,
        params=configuration.run_params(manifest, reading),
        metrics=manifest["metrics"],
        task=tracking["task"],
        sweep=tracking["sweep"],
        commit=git["commit"] if git else None,
        dirty=git["dirty"] if git else None,
        started_at=manifest["time"]["started_at"],
        duration_s=manifest["time"]["duration_s"],
        exit_code=manifest["exit"]["code"],
        signal=manifest["exit"]["signal"],
        hostname=manifest["host"]["hostname"],
        outputs=manifest["paths"]["outputs"],
        path=path,
        code=git.get("code") if git else None,
        metric_sources=manifest.get("metric_sources") or {},
        uuid=identity.get("uuid", ""),
        purpose=_purpose(manifest),
        seed_source=configuration.describe_seed_source(manifest, reading),
        form=reading.form if cwd == "." else f"cd {cwd} && {reading.form}",
        words=tuple(reading.words),
        configs=tuple(manifest["paths"]["configs"]),
        scripts=tuple(_scripts(manifest)),
    )
    _check_fields(run)
    return run


def _check_fields(run: Run) -> None:
    """Raise TypeError or ValueError where lists could not rely on a run. Why not by the schema: that costs as much as reading the
    file, ten thousand times; a manifest that is shown whole is held against it then."""
    for types, names in FIELD_TYPES:
        for name in names:
            if not isinstance(getattr(run, name), types):
                raise TypeError(f"{name} is {json.dumps(getattr(run, name))[:80]}")
    if not all(isinstance(value, SCALAR_TYPES) for values in (run.params, run.metrics) for value in values.values()):
        raise TypeError("params and metrics hold single values only")
    if not all(isinstance(source, dict) for source in run.metric_sources.values()):
        raise TypeError("metric_sources holds objects only")
    if timestamps.parse_timestamp(run.started_at).tzinfo is None:
        raise ValueError(f"started_at has no time zone: {run.started_at}")
    parts = run.outputs.split("/")
    if run.outputs.startswith("/") or ".." in parts or "\0" in run.outputs or max(map(len, parts)) > MAX_NAME_BYTES:
        raise ValueError(f"its outputs are no path below the work directory: {run.outputs[:80]!r}")
