"""What was asked of which backend: a sweep's ledger, one JSON file, replaced in one step, written under a lock (docs/sweeps.md).

What a run is like now is not in it: manifests, start tokens and the backend say that (run_states.py).
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scaffold import structured_text
from scaffold.atomic_write import write_atomic
from scaffold.errors import ScaffoldError
from scaffold.runs import records_home
from scaffold.runs.records_home import RecordCopy
from scaffold.sweeps.launch import sweep_locks
from scaffold.sweeps.launch.ledger_entries import (
    LaunchOptions,
    RunSubmission,
    format_ledger_entry,
    parse_ledger_entry,
    require_object,
)

VERSION = 1
# the file is written anew for job ids at most this often, and never for more than a tenth of the time
BATCH_S = 0.1


class Ledger:
    """A ledger in memory. What `put_submission`, `change_newest`, `set_options` and `keep_note` change is on disk after `save`."""

    def __init__(self, path: Path, sweep: str) -> None:
        self.path = path
        self.sweep = sweep
        self.options = LaunchOptions()
        self.notes: dict[str, dict[str, str]] = {}
        self._submissions: dict[str, tuple[RunSubmission, ...]] = {}
        # of each run the line that was written last, and which of them are out of date: a thousand runs are not formatted anew for each
        # job id
        self._lines: dict[str, str] = {}
        self._changed_runs: dict[str, None] = {}
        # the runs whose submissions were changed, in order, one as often as that was done: who looks again and again begins where it ended
        self.changes: list[str] = []
        self.stamp: tuple[int, int, int] | None = None
        self._dirty = False
        self._copy = RecordCopy(path)
        self.opened_at = -1e9
        self._saved_at = -1e9
        self._took_s = 0.0

    @property
    def run_names(self) -> tuple[str, ...]:
        """The runs that anything was ever asked for, in the order of asking."""
        return tuple(self._submissions)

    def submissions(self, name: str) -> tuple[RunSubmission, ...]:
        """All submissions of a run, oldest first."""
        return self._submissions.get(name, ())

    def newest_submission(self, name: str) -> RunSubmission | None:
        """The newest submission of a run."""
        submissions = self._submissions.get(name)
        return submissions[-1] if submissions else None

    def includes(self, other: Ledger) -> bool:
        """Whether every submission of another state of this ledger is in this one, and there are more."""
        numbers, others = (
            {(name, s.number) for name in ledger.run_names for s in ledger.submissions(name)}
            for ledger in (self, other)
        )
        return numbers > others

    def put_submission(self, name: str, submission: RunSubmission) -> None:
        """Add a submission, or replace the one of the same number."""
        before = self._submissions.get(name, ())
        if before and before[-1] == submission:
            return
        others = (s for s in before if s.number != submission.number)
        self._submissions[name] = tuple(sorted((*others, submission), key=lambda s: s.number))
        self._changed_runs[name] = None
        self.changes.append(name)
        self._dirty = True

    def change_newest(self, name: str, **values: Any) -> None:
        """Change fields of a run's newest submission."""
        self.put_submission(name, dataclasses.replace(self._submissions[name][-1], **values))

    def set_options(self, **values: Any) -> None:
        """Change launch options."""
        options = dataclasses.replace(self.options, **values)
        self._dirty |= options != self.options
        self.options = options

    def keep_note(self, backend: str, key: str, value: str) -> None:
        """Keep a backend's note."""
        notes = self.notes.setdefault(backend, {})
        self._dirty |= notes.get(key) != value
        notes[key] = value

    def save(self, *, batch: bool = False) -> None:
        """Write what has changed; with `batch` only if the last writing, or reading, is long enough ago for a thousand such to cost little.

        Raises ScaffoldError where it cannot be written.
        """
        began = time.monotonic()
        last = max(self._saved_at, self.opened_at)
        if not self._dirty or (batch and began - last < max(BATCH_S, 10 * self._took_s)):
            return
        self.stamp = None
        try:
            data = self._format().encode()
            write_atomic(self.path, data)
            self._copy.store(data)
            self.stamp = _file_stamp(self.path)
        except OSError as error:
            raise ScaffoldError(
                f"the ledger {self.path} cannot be written: {error.strerror or error}",
                hint="nothing is lost: make room or mend the rights, then launch again",
            ) from error
        self._dirty = False
        self._saved_at = time.monotonic()
        self._took_s = self._saved_at - began

    def _format(self) -> str:
        for name in self._changed_runs:
            submissions = ", ".join(_json_line(format_ledger_entry(s)) for s in self._submissions[name])
            self._lines[name] = f"  {_json_line(name)}: [{submissions}]"
        self._changed_runs.clear()
        runs = ",\n".join(self._lines.values())
        head = {
            "version": VERSION,
            "sweep": self.sweep,
            "orders": format_ledger_entry(self.options),
            "notes": self.notes,
        }
        lines = [f" {_json_line(key)}: {_json_line(value)}" for key, value in head.items()]
        return "{\n" + ",\n".join([*lines, ' "runs": {\n' + runs + ("\n" if runs else "") + " }"]) + "\n}\n"


def _json_line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def read_ledger(path: Path, sweep: str) -> Ledger:
    """The ledger as it is on disk; an empty one where there is none. Needs no lock.

    Where the second home of records has all that is in it and more (a checkout brought an older one back), or has it alone, that counts.
    Raises ScaffoldError where the file is damaged, or of a newer version: it is left as it is.
    """
    ledger = Ledger(path, sweep)
    ledger.stamp = _file_stamp(path)
    try:
        _fill_from_json(ledger, structured_text.parse_json(path.read_bytes()))
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise ScaffoldError(
            f"the ledger {path} cannot be used: {' '.join(str(error).split())}",
            hint="mend it, or bring an older one back from git; without any (move it away) manifests and tickets tell what has run",
        ) from error
    return _newer_copy(ledger) or ledger


def _newer_copy(ledger: Ledger) -> Ledger | None:
    """The state of a ledger in the second home of records, where all that is in this one is in it, and more; else None."""
    copy = records_home.find_record_copy(ledger.path)
    if copy is None or _file_stamp(copy) == ledger.stamp:
        return None
    newer = Ledger(ledger.path, ledger.sweep)
    newer.stamp = ledger.stamp
    try:
        _fill_from_json(newer, structured_text.parse_json(copy.read_bytes()))
    except (OSError, ValueError):
        return None  # one that is damaged counts for nothing
    return newer if newer.includes(ledger) else None


def _file_stamp(path: Path) -> tuple[int, int, int] | None:
    """What tells one state of a file from another: each writing makes a new one."""
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_ino, info.st_mtime_ns, info.st_size


def _fill_from_json(ledger: Ledger, content: Any) -> None:
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    if content.get("version") != VERSION:
        raise ValueError(f"its version is {content.get('version')!r}; this scaffold reads {VERSION}")
    if unknown := sorted(set(content) - {"version", "sweep", "orders", "notes", "runs"}):
        raise ValueError(f"nothing is known of `{unknown[0]}`")
    if content.get("sweep") != ledger.sweep:
        raise ValueError(f"it is the ledger of {content.get('sweep')!r}, not of {ledger.sweep!r}")
    ledger.options = parse_ledger_entry(LaunchOptions, content.get("orders"), "orders")
    notes = require_object(content.get("notes"), "notes")
    ledger.notes = {backend: dict(require_object(values, f"notes.{backend}")) for backend, values in notes.items()}
    for name, entries in require_object(content.get("runs"), "runs").items():
        if not isinstance(entries, list) or not entries:
            raise ValueError(f"runs.{name} is no list of tries")
        submissions = [parse_ledger_entry(RunSubmission, entry, f"runs.{name}[{i}]") for i, entry in enumerate(entries)]
        if [s.number for s in submissions] != sorted({s.number for s in submissions}):
            raise ValueError(f"the tries of runs.{name} are not numbered upwards")
        ledger._submissions[name] = tuple(submissions)
        ledger._changed_runs[name] = None


@contextmanager
def lock_sweep_ledger(
    path: Path, sweep: str, *, doing: str, wait_s: float = 60, before: Ledger | None = None
) -> Iterator[Ledger]:
    """The ledger, read under its lock, and saved at the end, however that comes. `doing` is told to whoever waits for it.

    `before` is the one of the last time, which is used again where nobody has written since.

    Raises ScaffoldError when somebody else holds the lock for more than `wait_s` seconds, or the ledger is damaged.
    """
    with sweep_locks.hold_ledger_lock(path.parent, sweep, doing=doing, wait_s=wait_s):
        unchanged = before is not None and before.stamp is not None and before.stamp == _file_stamp(path)
        ledger = before if unchanged and before is not None else read_ledger(path, sweep)
        ledger.opened_at = time.monotonic()
        try:
            yield ledger
        finally:
            ledger.save()
