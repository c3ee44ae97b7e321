"""What was asked of which backend: a sweep's ledger, one JSON file, replaced in one step, written under a lock (docs/sweeps.md).

What a run is like now is not in it: manifests, tickets and the backend say that (states.py).
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.atomic_write import write_atomic
from scaffold.errors import ScaffoldError
from scaffold.sweeps.launch import locks

VERSION = 1
# the file is written anew for handles at most this often, and never for more than a tenth of the time
BATCH_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One try of a run, from the moment that it is intended.

    `after` is the highest attempt of the run's name that had a manifest by then: later attempts are this try's. `handle` is what the
    backend calls it, `earlier` what it was called before the backend forgot it. `starts` counts how often the backend was told to
    start it. `over_at` is when the backend was first seen to call it over although no manifest did; `reason` is the backend's word for why.
    `withdrawn`: its ticket was taken back before anybody took it, so that it will never run. Times are UTC, in seconds.
    """

    number: int
    backend: str
    after: int = 0
    handle: str | None = None
    earlier: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    starts: int = 0
    intended_at: str = ""
    started_at: str | None = None
    over_at: str | None = None
    reason: str | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """How the user wants the sweep executed, so that whoever goes on with it does the same; `stopped`: start nothing more.

    `code` is where runs take their code from, `current` or `original`; `session` is the research server's.
    """

    backend: str | None = None
    max_parallel: int | None = None
    gpus_per_run: int | None = None
    cpus_per_run: int | None = None
    code: str | None = None
    session: str | None = None
    stopped: bool = False


_KINDS: Mapping[str, tuple[type, str]] = {
    "str": (str, "a text"),
    "int": (int, "a whole number"),
    "bool": (bool, "true or false"),
    "tuple": (list, "a list of texts"),
}


class Ledger:
    """A ledger in memory. What `put`, `order` and `note` change is on disk after `save`."""

    def __init__(self, path: Path, sweep: str) -> None:
        self.path = path
        self.sweep = sweep
        self.orders = Orders()
        self.notes: dict[str, dict[str, str]] = {}
        self._tries: dict[str, tuple[Try, ...]] = {}
        self._lines: dict[str, str] = {}
        self.stamp: tuple[int, int, int] | None = None
        self._dirty = False
        self._saved = -1e9
        self._took = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """The runs that anything was ever asked for, in the order of asking."""
        return tuple(self._tries)

    def tries(self, name: str) -> tuple[Try, ...]:
        """All tries of a run, oldest first."""
        return self._tries.get(name, ())

    def newest(self, name: str) -> Try | None:
        """The newest try of a run."""
        found = self._tries.get(name)
        return found[-1] if found else None

    def put(self, name: str, one: Try) -> None:
        """Add a try, or replace the one of the same number."""
        before = self._tries.get(name, ())
        if before and before[-1] == one:
            return
        rest = tuple(t for t in before if t.number != one.number)
        self._tries[name] = tuple(sorted((*rest, one), key=lambda t: t.number))
        self._lines.pop(name, None)
        self._dirty = True

    def change(self, name: str, **values: Any) -> None:
        """Change fields of a run's newest try."""
        found = self._tries[name][-1]
        self.put(name, dataclasses.replace(found, **values))

    def order(self, **values: Any) -> None:
        """Change orders."""
        changed = dataclasses.replace(self.orders, **values)
        self._dirty |= changed != self.orders
        self.orders = changed

    def note(self, backend: str, key: str, value: str) -> None:
        """Keep a backend's note."""
        kept = self.notes.setdefault(backend, {})
        self._dirty |= kept.get(key) != value
        kept[key] = value

    def save(self, *, batch: bool = False) -> None:
        """Write what has changed; with `batch` only if the last writing is long enough ago for a thousand such to cost little.

        Raises ScaffoldError where it cannot be written.
        """
        began = time.monotonic()
        if not self._dirty or (batch and began - self._saved < max(BATCH_S, 10 * self._took)):
            return
        self.stamp = None
        try:
            write_atomic(self.path, self._text().encode())
            self.stamp = _stamp(self.path)
        except OSError as error:
            raise ScaffoldError(
                f"the ledger {self.path} cannot be written: {error.strerror or error}",
                hint="nothing is lost: make room or mend the rights, then launch again",
            ) from error
        self._dirty = False
        self._saved = time.monotonic()
        self._took = self._saved - began

    def _text(self) -> str:
        for name in self._tries:
            if name not in self._lines:
                tries = ", ".join(_dump(_as_json(t)) for t in self._tries[name])
                self._lines[name] = f"  {_dump(name)}: [{tries}]"
        runs = ",\n".join(self._lines[name] for name in self._tries)
        head = {"version": VERSION, "sweep": self.sweep, "orders": _as_json(self.orders), "notes": self.notes}
        lines = [f" {_dump(key)}: {_dump(value)}" for key, value in head.items()]
        return "{\n" + ",\n".join([*lines, ' "runs": {\n' + runs + ("\n" if runs else "") + " }"]) + "\n}\n"


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _as_json(one: Try | Orders) -> dict[str, Any]:
    fields = dataclasses.fields(one)
    return {f.name: getattr(one, f.name) for f in fields if getattr(one, f.name) != f.default}


def read(path: Path, sweep: str) -> Ledger:
    """The ledger as it is on disk; an empty one where there is none. Needs no lock.

    Raises ScaffoldError where the file is damaged, or of a newer version: it is left as it is.
    """
    made = Ledger(path, sweep)
    made.stamp = _stamp(path)
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return made
    except (OSError, ValueError) as error:
        raise _damaged(path, " ".join(str(error).split())) from error
    try:
        _fill(made, found)
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    return made


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What tells one state of a file from another: each writing makes a new one."""
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_ino, info.st_mtime_ns, info.st_size


def _damaged(path: Path, reason: str) -> ScaffoldError:
    return ScaffoldError(
        f"the ledger {path} cannot be used: {reason}",
        hint="mend it, or bring an older one back from git; without any (move it away) manifests and tickets tell what has run",
    )


def _fill(made: Ledger, found: Any) -> None:
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    if found.get("version") != VERSION:
        raise ValueError(f"its version is {found.get('version')!r}; this scaffold reads {VERSION}")
    if unknown := sorted(set(found) - {"version", "sweep", "orders", "notes", "runs"}):
        raise ValueError(f"nothing is known of `{unknown[0]}`")
    if found.get("sweep") != made.sweep:
        raise ValueError(f"it is the ledger of {found.get('sweep')!r}, not of {made.sweep!r}")
    made.orders = _from_json(Orders, found.get("orders"), "orders")
    notes = _object(found.get("notes"), "notes")
    made.notes = {backend: dict(_object(kept, f"notes.{backend}")) for backend, kept in notes.items()}
    for name, tries in _object(found.get("runs"), "runs").items():
        if not isinstance(tries, list) or not tries:
            raise ValueError(f"runs.{name} is no list of tries")
        read_tries = [_from_json(Try, one, f"runs.{name}[{i}]") for i, one in enumerate(tries)]
        if [t.number for t in read_tries] != sorted({t.number for t in read_tries}):
            raise ValueError(f"the tries of runs.{name} are not numbered upwards")
        made._tries[name] = tuple(read_tries)


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"`{where}` is no object")
    return value


def _from_json(kind: Any, value: Any, where: str) -> Any:
    given = dict(_object(value, where))
    made: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.name not in given:
            if field.default is dataclasses.MISSING:
                raise ValueError(f"{where} has no `{field.name}`")
            continue
        one: Any = given.pop(field.name)
        word, _, optional = str(field.type).partition(" | ")
        accepted, said = _KINDS[word.partition("[")[0]]
        texts = one if isinstance(one, list) else ()
        fits = type(one) is accepted and all(isinstance(text, str) for text in texts)
        if not fits and not (one is None and optional):
            raise ValueError(f"{where}.{field.name} is not {said}")
        made[field.name] = tuple(one) if accepted is list else one
    if given:
        raise ValueError(f"nothing is known of `{sorted(given)[0]}` in {where}")
    return kind(**made)


@contextmanager
def opened(path: Path, sweep: str, *, doing: str, wait_s: float = 60, before: Ledger | None = None) -> Iterator[Ledger]:
    """The ledger, read under its lock, and saved at the end, however that comes. `doing` is told to whoever waits for it.

    `before` is the one of the last time, which is used again where nobody has written since.

    Raises ScaffoldError when somebody else holds the lock for more than `wait_s` seconds, or the ledger is damaged.
    """
    with locks.held(path.parent, sweep, doing=doing, wait_s=wait_s):
        same = before is not None and before.stamp is not None and before.stamp == _stamp(path)
        ledger = before if same and before is not None else read(path, sweep)
        try:
            yield ledger
        finally:
            ledger.save()
