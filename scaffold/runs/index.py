"""What is kept of manifests and metric files in the user's cache directory, so that lists, tables and the audit are quick.

Each part is a file of lines: what was read (its key), the stamp (time, size, inode) of what it was read from, and what it said, as JSON
that is parsed only where it is asked for. The runs themselves, of which every command needs many, are a table (`index_columns`). An entry
is never believed over the file. The index can be deleted at any time; where it cannot be written nothing is lost but time.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scaffold import scratch
from scaffold.runs import recorder
from scaffold.runs.index_columns import EMPTY_TABLE, FolderListing, RunTable, pack_run_table, unpack_run_table

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace

# a change of what an entry holds (`model.Run`, a digest, what the audit asks) needs a new number
INDEX_VERSION = 10
# bytes that a file's first line never reaches
MAX_HEADER = 40
# `homes`: folder of the second home -> what `record_home_additions.RecordHomeReader` says.
# `digests`: output directory -> what its metric files say. `audits`: manifest's path -> what `audit_inputs` says.
IndexPart = Literal["homes", "digests", "audits"]


def file_stamp(info: os.stat_result) -> str:
    """What changes when a file does. No digest of it: that would cost the reading that the index saves."""
    return f"{info.st_mtime_ns}:{info.st_size}:{info.st_ino}"


class ManifestIndexEntry:
    """What was read: the stamp of the files that it was read from, and what they said, as JSON."""

    __slots__ = ("stamp", "text")

    def __init__(self, stamp: str, text: str) -> None:
        self.stamp, self.text = stamp, text

    @classmethod
    def pack(cls, stamp: str, value: object) -> ManifestIndexEntry:
        """An entry of something that was read just now."""
        return cls(stamp, json.dumps(value, separators=(",", ":")))

    @property
    def value(self) -> Any:
        """What the files said."""
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class RunIndex:
    """The index of one workspace; `file` is how the names of its files begin, None where there is no directory for them."""

    file: Path | None

    @classmethod
    def find(cls, workspace: Workspace) -> RunIndex:
        """The index of a workspace, whether or not there is anything in it."""
        digest = recorder.lean_imports.sha256(os.fsencode(workspace.path.resolve())).hexdigest()[:24]
        return cls(scratch.cache_path(f"runs-{digest}"))

    def read(self, part: IndexPart) -> dict[str, ManifestIndexEntry]:
        """One part, in the order in which it was stored; empty where there is none, or it is damaged or of another version."""
        try:
            lines = str(self._read_body(part), errors="surrogateescape").split("\n")
            return {
                key: ManifestIndexEntry(stamp, text)
                for key, stamp, text in (line.split("\t", 2) for line in lines if line)
            }
        except (OSError, ValueError):
            return {}

    def store(self, part: IndexPart, entries: Mapping[str, ManifestIndexEntry]) -> None:
        """Keep these in place of what a part held."""
        if self.file is None:
            return
        lines = (f"{key}\t{entry.stamp}\t{entry.text}\n" for key, entry in entries.items())
        # what would break a line is read again each time
        body = "".join(line for line in lines if line.count("\t") == 2 and line.count("\n") == 1).encode(
            errors="surrogateescape"
        )
        self._write_body(part, body)

    def read_runs(self) -> RunTable:
        """The runs; none where there is no table of them, or it is damaged or of another version."""
        try:
            return unpack_run_table(self._read_body("runs"))
        except (OSError, ValueError, EOFError, TypeError):
            return EMPTY_TABLE

    def store_runs(self, runs: Sequence[Run], listings: Mapping[str, FolderListing]) -> None:
        """Keep these runs, newest first, which the manifests in the listed folders (by path) tell of."""
        if self.file is not None:
            self._write_body("runs", pack_run_table(runs, listings))

    def _read_body(self, part: str) -> memoryview:
        """What a part's file holds. Raises OSError, and ValueError where it is damaged or of another version."""
        data = memoryview(self._part(part).read_bytes())
        end = bytes(data[:MAX_HEADER]).find(b"\n")
        body = data[end + 1 :]
        if end < 0 or data[:end] != _header(body):
            raise ValueError(f"the index of {part} is damaged, or of another version")
        return body

    def _write_body(self, part: str, body: bytes) -> None:
        scratch.write_cache(self._part(part), _header(body) + b"\n" + body)

    def _part(self, part: str) -> Path:
        if self.file is None:
            raise FileNotFoundError(part)
        return self.file.with_name(f"{self.file.name}.{part}")


def _header(body: bytes | memoryview) -> bytes:
    return b"%d %d" % (INDEX_VERSION, zlib.adler32(body))
