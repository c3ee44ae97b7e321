"""Runs that somebody else's tools wrote down here, as far as their files are understood: to be seen, never to be counted as ours.

The research server's sweep manifests (`{"sweep_id", "sweep_name", "runs": [...]}`, specs: server API, "Real manifests"), sacred's file
storage (`N/run.json`), MLflow's `mlruns/EXPERIMENT/RUN/meta.yaml`, Hydra's `multirun/DAY/TIME/N/.hydra/overrides.yaml`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import containment, structured_text
from scaffold.runs import records

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

# so many files of one kind are looked at
MOST = 10_000
# MLflow's numbers for how a run is: https://mlflow.org/docs/latest/rest-api.html#mlflowrunstatus
MLFLOW_STATUSES = {1: "running", 2: "scheduled", 3: "finished", 4: "failed", 5: "killed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignRun:
    """A run of somebody else's: which tool wrote it, what it is called there, how it is in the tool's words (empty: not said), its file."""

    kind: str
    name: str
    status: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)


def list_foreign_runs(workspace: Workspace) -> list[ForeignRun]:
    """All that is understood, by kind and path."""
    sources: Mapping[str, tuple[tuple[str, ...], Callable[[Path, Path], Iterator[ForeignRun]]]] = {
        "sacred": (("*/[0-9]*/run.json", "*/*/[0-9]*/run.json"), _read_sacred),
        "mlflow": (("mlruns/*/*/meta.yaml",), _read_mlflow),
        "hydra": (("multirun/*/*/*/.hydra/overrides.yaml",), _read_hydra),
    }
    runs: list[ForeignRun] = []
    for folder in records.manifest_directories(workspace):
        for path in sorted(folder.glob("*.json"))[:MOST]:
            runs += _read_server_sweep(path, workspace.workdir)
    for patterns, read in sources.values():
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
        yield _foreign_run("sacred", name, str(content.get("status") or "").lower(), path, top, config)


def _read_mlflow(path: Path, top: Path) -> Iterator[ForeignRun]:
    content = _read_mapping(top, path, structured_text.parse_yaml)
    if "run_id" not in content and "run_uuid" not in content:
        return
    params = {}
    for file in sorted((path.parent / "params").glob("*"))[:100]:
        with contextlib.suppress(OSError):
            params[file.name] = containment.locate(top, file).read_text(encoding="utf-8", errors="replace")[:200]
    status = content.get("status")
    word = MLFLOW_STATUSES.get(status, "") if isinstance(status, int) else str(status or "").lower()
    yield _foreign_run("mlflow", str(content.get("run_name") or path.parent.name), word, path, top, params)


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
        return parse(containment.locate(top, path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _foreign_run(kind: str, name: str, status: str, path: Path, top: Path, params: Mapping[str, Any]) -> ForeignRun:
    shown = {str(key): str(value) for key, value in sorted(params.items()) if not isinstance(value, (dict, list))}
    return ForeignRun(kind=kind, name=name, status=status, path=path.relative_to(top).as_posix(), params=shown)
