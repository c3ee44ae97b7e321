"""Runs that somebody else's tools wrote down here, as far as their files are understood: to be seen, never to be counted as ours.

The research server's sweep manifests (`{"sweep_id", "sweep_name", "runs": [...]}`, specs: server API, "Real manifests"), sacred's file
storage (`N/run.json`, `N/metrics.json`), MLflow's stores (folders `mlruns`, SQLite databases), Hydra's
`multirun/DAY/TIME/N/.hydra/overrides.yaml`; each in the work directory or one folder below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import path_containment, structured_text
from scaffold.runs import mlflow_stores, records

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

# so many files of one kind are looked at
MOST = 10_000
_DATABASE_SUFFIXES = (".db", ".sqlite", ".sqlite3")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignRun:
    """A run of somebody else's: which tool wrote it, what it is called there, how it is in the tool's words (empty: not said), its file.

    `metrics` are the last values that the tool's own files have.
    """

    kind: str
    name: str
    status: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


def list_foreign_runs(workspace: Workspace) -> list[ForeignRun]:
    """All that is understood, by kind and path."""
    sources: tuple[tuple[Sequence[str], Callable[[Path, Path], Iterator[ForeignRun]]], ...] = (
        (("*/[0-9]*/run.json", "*/*/[0-9]*/run.json"), _read_sacred),
        (("mlruns/*/*/meta.yaml", "*/mlruns/*/*/meta.yaml"), _read_mlflow_folder),
        ([f"{folder}*{suffix}" for folder in ("", "*/") for suffix in _DATABASE_SUFFIXES], _read_mlflow_database),
        (("multirun/*/*/*/.hydra/overrides.yaml", "*/multirun/*/*/*/.hydra/overrides.yaml"), _read_hydra),
    )
    runs: list[ForeignRun] = []
    for folder in records.manifest_directories(workspace):
        for path in sorted(folder.glob("*.json"))[:MOST]:
            runs += _read_server_sweep(path, workspace.workdir)
    for patterns, read in sources:
        for pattern in patterns:
            for path in sorted(workspace.workdir.glob(pattern))[:MOST]:
                runs += read(path, workspace.workdir)
    return sorted(runs, key=lambda run: (run.kind, run.path, run.name))


def _read_server_sweep(path: Path, top: Path) -> Iterator[ForeignRun]:
    content = _read_mapping(top, path, structured_text.parse_json)
    listed = content.get("runs")
    if "sweep_id" not in content or not isinstance(listed, list):
        return
    for entry in listed:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            params = {k: v for k, v in entry.items() if k not in ("run_id", "name", "command", "type", "profile")}
            yield _foreign_run("research server", entry["name"], "", path, top, params)


def _read_sacred(path: Path, top: Path) -> Iterator[ForeignRun]:
    content = _read_mapping(top, path, structured_text.parse_json)
    if isinstance(experiment := content.get("experiment"), dict):
        name = f"{experiment.get('name') or 'experiment'} {path.parent.name}"
        config = _read_mapping(top, path.with_name("config.json"), structured_text.parse_json)
        status = str(content.get("status") or "").lower()
        yield _foreign_run("sacred", name, status, path, top, config, _sacred_metrics(path, top))


def _sacred_metrics(path: Path, top: Path) -> dict[str, float]:
    """The last value of each metric that a run of sacred logged."""
    content = _read_mapping(top, path.with_name("metrics.json"), structured_text.parse_json)
    logged = {
        name: course["values"] for name, course in content.items() if isinstance(course, dict) and "values" in course
    }
    values = {name: course[-1] for name, course in logged.items() if isinstance(course, list) and course}
    return {name: float(value) for name, value in values.items() if isinstance(value, (int, float))}


def _read_mlflow_folder(path: Path, top: Path) -> Iterator[ForeignRun]:
    if (run := mlflow_stores.read_folder_run(top, path)) is not None:
        yield _foreign_run("mlflow", run.name, run.status, path, top, run.params, run.metrics)


def _read_mlflow_database(path: Path, top: Path) -> Iterator[ForeignRun]:
    for run in mlflow_stores.read_database_runs(top, path):
        yield _foreign_run("mlflow", run.name, run.status, path, top, run.params, run.metrics)


def _read_hydra(path: Path, top: Path) -> Iterator[ForeignRun]:
    overrides = _read_content(top, path, structured_text.parse_yaml)
    pairs = [text.partition("=") for text in overrides if isinstance(text, str)] if isinstance(overrides, list) else []
    job = path.parent.parent
    name = "/".join(job.parts[-3:])
    yield _foreign_run("hydra", name, "", path, top, {key.lstrip("+~"): value for key, _, value in pairs})


def _read_mapping(top: Path, path: Path, parse: Callable[[Any], Any]) -> dict[str, Any]:
    """What a file says; empty where it cannot be read, or is no mapping."""
    content = _read_content(top, path, parse)
    return content if isinstance(content, dict) else {}


def _read_content(top: Path, path: Path, parse: Callable[[Any], Any]) -> Any:
    import yaml

    try:
        return parse(path_containment.join_contained_path(top, path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _foreign_run(
    kind: str,
    name: str,
    status: str,
    path: Path,
    top: Path,
    params: Mapping[str, Any],
    metrics: Mapping[str, float] | None = None,
) -> ForeignRun:
    shown = {str(key): str(value) for key, value in sorted(params.items()) if not isinstance(value, (dict, list))}
    place = path.relative_to(top).as_posix()
    return ForeignRun(kind=kind, name=name, status=status, path=place, params=shown, metrics=dict(metrics or {}))
