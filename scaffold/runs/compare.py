"""Two manifests -> what is different between their runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import path_containment
from scaffold.runs import records_home

if TYPE_CHECKING:
    from scaffold.runs.model import Scalar

MISSING = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDifference:
    """One thing that differs: in which part (`params`, `code`, ...), its name, and both values."""

    part: str
    name: str
    a: Any
    b: Any


def find_run_differences(a: Mapping[str, Any], b: Mapping[str, Any], workdir: Path) -> list[RunDifference]:
    """What differs in command, parameters, code, environment, host and metrics, in that order."""
    differences = _mapping_differences("command", _command_fields(a), _command_fields(b))
    differences += _mapping_differences(
        "params", {"seed": a["seed"], **a["params"]}, {"seed": b["seed"], **b["params"]}
    )
    differences += _mapping_differences("code", _code_fields(a), _code_fields(b))
    differences += _mapping_differences("environment", _environment_fields(a), _environment_fields(b))
    differences += _mapping_differences("packages", recorded_packages(a, workdir), recorded_packages(b, workdir))
    differences += _mapping_differences("host", _host_fields(a), _host_fields(b))
    differences += _mapping_differences(
        "outcome", {"status": a["status"], **a["exit"]}, {"status": b["status"], **b["exit"]}
    )
    return differences + _mapping_differences("metrics", a["metrics"], b["metrics"])


def _mapping_differences(part: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> list[RunDifference]:
    names = sorted(a.keys() | b.keys())
    rows = [RunDifference(part=part, name=n, a=a.get(n, MISSING), b=b.get(n, MISSING)) for n in names]
    return [row for row in rows if row.a != row.b or isinstance(row.a, bool) != isinstance(row.b, bool)]


def _command_fields(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {"shell": manifest["command"]["shell"], "cwd": manifest["command"]["cwd"]}


def _code_fields(manifest: Mapping[str, Any]) -> dict[str, Any]:
    git = manifest["git"] or {}
    files = {path: digest[:12] for path, digest in (manifest["command"].get("files") or {}).items()}
    stdin = {"standard input": path} if (path := manifest["paths"].get("stdin")) else {}
    return {**{k: git.get(k) for k in ("code", "commit", "branch", "dirty", "patch")}, **files, **stdin}


def _environment_fields(manifest: Mapping[str, Any]) -> dict[str, Any]:
    environment = manifest["environment"]
    plain = {k: environment[k] for k in ("python", "executable", "manager", "virtual_env", "conda_env")}
    return {**plain, **environment["variables"]}


def _host_fields(manifest: Mapping[str, Any]) -> dict[str, Any]:
    host = manifest["host"]
    gpus = ", ".join(f"{g['index']}: {g['name']}" for g in host["gpus"])
    return {**{k: host[k] for k in ("hostname", "os", "arch", "cpu_count", "memory_bytes")}, "gpus": gpus}


def _locate_record(workdir: Path, path: str) -> Path:
    """Where a record is that a manifest names. Raises OutsidePathError."""
    return records_home.locate_record(path_containment.join_contained_path(workdir, path))


def recorded_packages(manifest: Mapping[str, Any], workdir: Path) -> dict[str, str]:
    """The packages of a run, name -> version; empty where none were recorded."""
    path = manifest["environment"]["packages"]
    try:
        text = _locate_record(workdir, path).read_text(encoding="utf-8", errors="replace") if path else ""
    except OSError:
        return {}
    return {name: version for name, _, version in (line.partition("==") for line in text.splitlines())}


def recorded_patch(manifest: Mapping[str, Any], workdir: Path) -> str:
    """A run's saved patch; empty where there is none."""
    path = (manifest["git"] or {}).get("patch")
    try:
        return _locate_record(workdir, path).read_bytes().decode("utf-8", "surrogateescape") if path else ""
    except OSError:
        return ""


def unequal_metrics(a: Mapping[str, Scalar], b: Mapping[str, Scalar], tolerance: float) -> list[RunDifference]:
    """Metrics that are not the same within a tolerance, relative to the larger value; all of both are compared."""
    return [row for row in _mapping_differences("metrics", a, b) if not _is_close(row.a, row.b, tolerance)]


def _is_close(a: Any, b: Any, tolerance: float) -> bool:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a, b))
    return numbers and math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance * 1e-6)


def diff_saved_patches(a: Mapping[str, Any], b: Mapping[str, Any], workdir: Path, names: tuple[str, str]) -> str:
    """A diff of both runs' saved patches; empty where they are the same."""
    import difflib

    patch_a, patch_b = (recorded_patch(m, workdir).splitlines(keepends=True) for m in (a, b))
    return "".join(difflib.unified_diff(patch_a, patch_b, f"patch of {names[0]}", f"patch of {names[1]}"))
