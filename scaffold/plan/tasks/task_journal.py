"""What was written down when tasks were started and done: times, and a hash of each deliverable. One JSON file beside the plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffold import structured_text
from scaffold.atomic_write import write_atomic
from scaffold.errors import ScaffoldError
from scaffold.runs import timestamps

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """One task's: RFC 3339 times in UTC, deliverable -> SHA-256, and the reason where `done` was forced."""

    started_at: str | None = None
    done_at: str | None = None
    deliverables: Mapping[str, str] = field(default_factory=dict)
    forced: str | None = None

    @property
    def started(self) -> float | None:
        """`started_at` in seconds since the epoch; None where it is missing or no time."""
        return timestamps.to_epoch_seconds(self.started_at) if self.started_at else None

    def to_json(self) -> dict[str, Any]:
        """What the file holds for it."""
        answer: dict[str, Any] = {"started_at": self.started_at, "done_at": self.done_at}
        if self.deliverables:
            answer["deliverables"] = dict(sorted(self.deliverables.items()))
        return answer | ({"forced": self.forced} if self.forced is not None else {})


def task_journal_path(plan: Path) -> Path:
    """Where the record of a plan lies: `tasks.record.json` beside `tasks.md`."""
    return plan.with_name(f"{plan.stem}.record.json")


def load_task_records(path: Path) -> dict[str, TaskRecord]:
    """The records by task id; an empty dict where there is no file yet. Raises ScaffoldError where it cannot be read."""
    try:
        tasks = structured_text.parse_json(path.read_text(encoding="utf-8"))["tasks"]
        return {str(name): _parse_record(value) for name, value in tasks.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        hint = f"restore it (git checkout -- {path.name}), or remove it and lose the times and hashes in it"
        raise ScaffoldError(f"{path} cannot be read: {reason}", hint=hint) from error


def save_task_records(path: Path, records: Mapping[str, TaskRecord]) -> None:
    """Write the records, in one step."""
    tasks = {name: records[name].to_json() for name in sorted(records)}
    text = json.dumps({"version": 1, "tasks": tasks}, indent=2, ensure_ascii=False) + "\n"
    try:
        write_atomic(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ScaffoldError(f"{path} cannot be written: {error.strerror}") from error


def _parse_record(value: Mapping[str, Any]) -> TaskRecord:
    deliverables = value.get("deliverables") or {}
    return TaskRecord(
        started_at=_text_or_none(value.get("started_at")),
        done_at=_text_or_none(value.get("done_at")),
        deliverables={str(path): str(hash_path) for path, hash_path in deliverables.items()},
        forced=_text_or_none(value.get("forced")),
    )


def _text_or_none(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def hash_file_or_directory(path: Path) -> str:
    """SHA-256 of a file, or of all files of a directory with their names. Raises OSError."""
    if not path.is_dir():
        return _hash_file(path)
    whole = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        whole.update(f"{file.relative_to(path).as_posix()}\0{_hash_file(file)}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
