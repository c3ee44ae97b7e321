"""Runs in MLflow's stores, read without MLflow: folders of files (`mlruns`) and SQLite databases (`mlflow.db`).

Nothing is written, not even what SQLite keeps beside a database. Runs that were deleted there, and those that `runs export --mlflow`
wrote, are left out. Layouts: `FileStore` and `mlflow/store/tracking/dbmodels/models.py` of MLflow 1.30 to 3.17.
"""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scaffold import path_containment, structured_text

# how a run is, by MLflow's number: https://mlflow.org/docs/latest/rest-api.html#mlflowrunstatus
STATUSES = {1: "running", 2: "scheduled", 3: "finished", 4: "failed", 5: "killed"}
MOST_RUNS = 10_000
MOST_ENTRIES = 100  # parameters, or metrics, of one run
LONGEST_VALUE = 200
PART_BYTES = 4096  # so much of a file is read: of a value its beginning, of a metric's log its end
# what `runs export --mlflow` writes to each run
EXPORT_TAG = "scaffold.uuid"
_TABLES = ("runs", "params", "latest_metrics", "tags")
_ACTIVE_RUNS = f"""
    SELECT run_uuid FROM runs
    WHERE lifecycle_stage = 'active' AND run_uuid NOT IN (SELECT run_uuid FROM tags WHERE key = '{EXPORT_TAG}')
    ORDER BY start_time, run_uuid LIMIT {MOST_RUNS}
"""


class MlflowRun(NamedTuple):
    """A run as its store has it: its status in small letters (empty: not said), and the last value of each metric."""

    name: str
    status: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]


def read_folder_run(top: Path, path: Path) -> MlflowRun | None:
    """The run whose `meta.yaml` lies at `path`, below `top`; None where it is no run's, or cannot be read."""
    import yaml

    folder = path.parent
    try:
        content = structured_text.parse_yaml(
            path_containment.join_contained_path(top, path).read_text(encoding="utf-8")
        )
    except (OSError, ValueError, yaml.YAMLError):
        return None
    if not isinstance(content, dict) or not {"run_id", "run_uuid"} & content.keys():
        return None
    if content.get("lifecycle_stage") == "deleted" or (folder / "tags" / EXPORT_TAG).exists():
        return None
    status = content.get("status")
    return MlflowRun(
        name=str(content.get("run_name") or _read_part(top, folder / "tags/mlflow.runName") or folder.name),
        status=STATUSES.get(status, "") if isinstance(status, int) else str(status or "").lower(),
        params={name: text[:LONGEST_VALUE] for name, text in _named_texts(top, folder / "params")},
        metrics={
            n: value
            for n, text in _named_texts(top, folder / "metrics", ends=True)
            if (value := _last_value(text)) is not None
        },
    )


def _named_texts(top: Path, folder: Path, *, ends: bool = False) -> Iterator[tuple[str, str]]:
    """The files below a folder by their paths in it (a name with `/` is a file in a folder), each with how its text begins, or `ends`."""
    for path in sorted(folder.rglob("*"))[:MOST_ENTRIES]:
        if not path.is_dir() and (text := _read_part(top, path, end=ends)) is not None:
            yield path.relative_to(folder).as_posix(), text


def _read_part(top: Path, path: Path, *, end: bool = False) -> str | None:
    """How a file's text begins, or its `end`; None where it cannot be read."""
    with contextlib.suppress(OSError), path_containment.join_contained_path(top, path).open("rb") as file:
        if end:
            file.seek(max(0, file.seek(0, os.SEEK_END) - PART_BYTES))
        return file.read(PART_BYTES).decode("utf-8", "replace")
    return None


def _last_value(log: str) -> float | None:
    """The value at the highest step, of two the later one, in lines `time value step`; None where there is none.

    The first line may have lost its beginning: it is not the last, unless it is the only one.
    """
    points = []
    for line in log.splitlines():
        words = [*line.split(), "0"]
        with contextlib.suppress(ValueError, IndexError):
            points.append((int(words[2]), int(words[0]), float(words[1])))
    return max(points, key=lambda point: point[:2])[2] if points else None


def read_database_runs(top: Path, path: Path) -> list[MlflowRun]:
    """The runs in the SQLite database at `path`, below `top`, the oldest first; none where it is no store of MLflow's or is locked."""
    try:
        file = path_containment.join_contained_path(top, path)
        uri = f"{file.resolve().as_uri()}?{_access(file)}"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=1)) as connection:
            connection.text_factory = lambda data: data.decode("utf-8", "replace")
            return _select_runs(connection) if _is_store(connection) else []
    except (OSError, sqlite3.Error):
        return []


def _access(file: Path) -> str:
    """How SQLite opens a database without making a file beside it: one with a write-ahead log needs such, unless somebody has it open."""
    with file.open("rb") as opened:
        header = opened.read(20)
    if not header.startswith(b"SQLite format 3\0"):
        raise FileNotFoundError(f"{file} is no database")
    has_log = header[18:20] == b"\2\2"
    return "immutable=1" if has_log and not file.with_name(f"{file.name}-shm").exists() else "mode=ro"


def _is_store(connection: sqlite3.Connection) -> bool:
    """Whether the tables of runs are there; views of these names, which can take for ever, are no tables."""
    marks = ", ".join("?" * len(_TABLES))
    query = (
        f"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ({marks}) AND sql LIKE 'CREATE TABLE%'"
    )
    (count,) = connection.execute(query, _TABLES).fetchone()
    return bool(count == len(_TABLES))


def _select_runs(connection: sqlite3.Connection) -> list[MlflowRun]:
    params: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for run_id, name, value in connection.execute(
        f"SELECT run_uuid, key, substr(value, 1, {LONGEST_VALUE}) FROM params WHERE run_uuid IN ({_ACTIVE_RUNS}) ORDER BY key"
    ):
        _add_entry(params[run_id], name, str(value))
    metrics: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for run_id, name, value, is_nan in connection.execute(
        f"SELECT run_uuid, key, value, is_nan FROM latest_metrics WHERE run_uuid IN ({_ACTIVE_RUNS}) ORDER BY key"
    ):
        if isinstance(value, (int, float)):
            _add_entry(metrics[run_id], name, math.nan if is_nan else float(value))
    # before 2.0 a run's name was a tag alone
    names = dict(connection.execute("SELECT run_uuid, value FROM tags WHERE key = 'mlflow.runName'"))
    rows = connection.execute(
        f"SELECT run_uuid, name, status FROM runs WHERE run_uuid IN ({_ACTIVE_RUNS}) ORDER BY start_time, run_uuid"
    )
    return [
        MlflowRun(
            name=str(name or names.get(run_id) or run_id),
            status=str(status or "").lower(),
            params=params[run_id],
            metrics=metrics[run_id],
        )
        for run_id, name, status in rows
    ]


def _add_entry(entries: dict[str, Any], name: object, value: object) -> None:
    if len(entries) < MOST_ENTRIES:
        entries[str(name)] = value
