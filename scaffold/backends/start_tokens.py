"""Start tokens: a submission of a run starts at most once, because only one launcher can take its token (docs/sweeps.md).

A token is a file of `KEY=VALUE` lines beside the launcher, `<run>.ticket`: `number` (the submission's), and what the launcher exports
for it (EXPORTED, a key that is absent is left as it is). The launcher takes it by renaming it to `<run>.taken`, and adds
`host`, `pid` and `taken_at` lines to it, under Slurm also `job`. A new token is written only by who holds the ledger's lock, after the
submission before is over; the taken token of that one is kept as `<run>.taken.<number>`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scaffold.atomic_write import write_atomic
from scaffold.errors import ScaffoldError

# what a launcher exports for one submission; everything else in a token is not passed on
EXPORTED = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "RUN_SERVER_URL", "RUN_SERVER_SWEEP_ID", "RUN_SERVER_RUN_ID")
# the exit code of a launcher that finds no token
NO_TOKEN = 75
LARGEST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class StartToken:
    """A token as it is on disk: which submission's, whether it was taken, and then by which process and when.

    `changed_at` is when its file was last written, in seconds since 1970: of a taken one, when the launcher signed it. `exports` is what
    the launcher exports; `job` is Slurm's job of the launcher that took it.
    """

    number: int
    taken: bool
    host: str | None = None
    pid: int | None = None
    changed_at: float = 0.0
    exports: Mapping[str, str] = field(default_factory=dict)
    job: str | None = None

    @property
    def job_id(self) -> str | None:
        """What the backend calls the job that took it, which of two that were started is the one that counts; None where it is not told."""
        if not self.taken:
            return None
        server_ids = self.exports.get("RUN_SERVER_SWEEP_ID"), self.exports.get("RUN_SERVER_RUN_ID")
        return f"{server_ids[0]}/{server_ids[1]}" if all(server_ids) else self.job


def issue_start_token(folder: Path, name: str, number: int, exports: Mapping[str, str]) -> bool:
    """Write the token of a submission, in place of one of the same run that nobody took; False where it was taken already.

    Only for who holds the ledger's lock. Raises ScaffoldError where it cannot be written.
    """
    for key, value in exports.items():
        if key not in EXPORTED or "\n" in value or "\0" in value:
            raise ValueError(f"{key} cannot be in a start token")
    path, taken = f"{folder}/{name}.ticket", f"{folder}/{name}.taken"
    try:
        # a launcher that comes late may take the old one at any moment: then nothing new may be written. Only after the old one
        # is out of reach can one see who took it.
        if os.path.lexists(path) and not withdraw_start_token(folder, name):
            return False
        before = read_start_token_file(taken)
        if before is not None:
            if before.number >= number:
                return False
            Path(taken).replace(f"{taken}.{before.number}")
        lines = [f"number={number}", *(f"{key}={exports[key]}" for key in EXPORTED if key in exports)]
        # not synced: power that fails takes the launcher along that would have taken it
        write_atomic(Path(path), ("\n".join(lines) + "\n").encode(), sync=False)
    except OSError as error:
        raise ScaffoldError(f"the ticket {path} cannot be written: {error.strerror or error}") from error
    return True


def withdraw_start_token(folder: Path, name: str) -> bool:
    """Take a token back, so that no launcher can take it; False where there is none (any more). Raises OSError."""
    withdrawn = folder / f"{name}.withdrawn"
    try:
        # renamed, not deleted, as a launcher does: of two renames of one file exactly one succeeds
        (folder / f"{name}.ticket").rename(withdrawn)
    except FileNotFoundError:
        return False
    withdrawn.unlink(missing_ok=True)
    return True


def list_start_tokens(folder: Path) -> frozenset[str]:
    """The runs that have a token, taken or not: the folder is read once."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except FileNotFoundError:
        return frozenset()
    return frozenset(n.rpartition(".")[0] for n in names if n.endswith((".ticket", ".taken")))


def read_start_token(folder: Path, name: str) -> StartToken | None:
    """A run's token, the one that nobody took before the one that somebody took; None where there is neither."""
    return read_start_token_file(f"{folder}/{name}.ticket") or read_start_token_file(f"{folder}/{name}.taken")


def read_start_token_file(path: Path | str) -> StartToken | None:
    """The token in a file that ends in `.ticket` or `.taken`; None where it cannot be read."""
    try:
        # a link would be somebody else's file
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        text = os.read(handle, LARGEST_BYTES).decode("utf-8", "replace")
        changed_at = os.fstat(handle).st_mtime
    except OSError:
        return None
    finally:
        os.close(handle)
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return StartToken(
        number=_whole_number(values.get("number")) or 1,
        taken=os.fspath(path).endswith(".taken"),
        host=values.get("host") or None,
        pid=_whole_number(values.get("pid")),
        changed_at=changed_at,
        exports={key: values[key] for key in EXPORTED if key in values},
        job=values.get("job") or None,
    )


def _whole_number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
