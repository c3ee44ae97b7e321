"""Tickets: a try of a run may start only once, because only one launcher can take its ticket (docs/sweeps.md).

A ticket is a file of `KEY=VALUE` lines beside the launcher, `<run>.ticket`: `number` (the try), and what the launcher exports
for this try (EXPORTED, a key that is absent is left as it is). The launcher takes it by renaming it to `<run>.taken`, and adds
`host`, `pid` and `taken_at` lines to it. A new ticket is written only by who holds the ledger's lock, after the try before is over;
the taken ticket of the try before is kept as `<run>.taken.<number>`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scaffold.atomic_write import write_atomic
from scaffold.errors import ScaffoldError

# what a launcher exports for one try; everything else in a ticket is not passed on
EXPORTED = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "RUN_SERVER_URL", "RUN_SERVER_SWEEP_ID", "RUN_SERVER_RUN_ID")
NO_TICKET = 75


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket as it lies there: which try's, whether it was taken, and then by which process and when (seconds since 1970)."""

    number: int
    taken: bool
    host: str | None = None
    pid: int | None = None
    taken_at: float = 0.0


def issue(folder: Path, name: str, number: int, exports: Mapping[str, str]) -> bool:
    """Write the ticket of a try, in place of one of the same run that nobody took; False where the try's was taken already.

    Only for who holds the ledger's lock. Raises ScaffoldError where it cannot be written.
    """
    for key, value in exports.items():
        if key not in EXPORTED or "\n" in value or "\0" in value:
            raise ValueError(f"{key} cannot be in a ticket")
    ticket, taken = folder / f"{name}.ticket", folder / f"{name}.taken"
    try:
        # a launcher that comes late may take the old one at any moment: then nothing new may be written. Only after the old one
        # is out of reach does a look say who took it.
        if ticket.exists() and not withdraw(folder, name):
            return False
        before = _read(taken, taken=True)
        if before is not None:
            if before.number >= number:
                return False
            taken.replace(folder / f"{name}.taken.{before.number}")
        lines = [f"number={number}", *(f"{key}={exports[key]}" for key in EXPORTED if key in exports)]
        # not synced: power that fails takes the launcher along that would have taken it
        write_atomic(ticket, ("\n".join(lines) + "\n").encode(), sync=False)
    except OSError as error:
        raise ScaffoldError(f"the ticket {ticket} cannot be written: {error.strerror or error}") from error
    return True


def withdraw(folder: Path, name: str) -> bool:
    """Take a ticket back, so that no launcher can; False where there is none (any more). Raises OSError."""
    back = folder / f"{name}.withdrawn"
    try:
        (folder / f"{name}.ticket").rename(back)
    except FileNotFoundError:
        return False
    back.unlink(missing_ok=True)
    return True


def there(folder: Path) -> frozenset[str]:
    """The runs that have a ticket, taken or not: one look at the folder."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except FileNotFoundError:
        return frozenset()
    return frozenset(n.rpartition(".")[0] for n in names if n.endswith((".ticket", ".taken")))


def read(folder: Path, name: str) -> Ticket | None:
    """A run's ticket, the one that nobody took before the one that somebody took; None where there is neither."""
    return _read(folder / f"{name}.ticket", taken=False) or _read(folder / f"{name}.taken", taken=True)


def _read(path: Path, *, taken: bool) -> Ticket | None:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        since = path.stat().st_mtime
    except OSError:
        return None
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return Ticket(
        number=_whole(said.get("number")) or 1,
        taken=taken,
        host=said.get("host") or None,
        pid=_whole(said.get("pid")),
        taken_at=since,
    )


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
