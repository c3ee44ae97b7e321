"""What is kept of manifests and metric files in the user's cache directory, so that lists, tables and the audit are quick.

Each part is a file of lines: what was read (its key), the stamp (time, size, inode) of what it was read from, and what it said, as JSON
that is parsed only where it is asked for: of a hundred thousand runs a list shows fifty. An entry is never believed over the file. The
index can be deleted at any time; where it cannot be written nothing is lost but time.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from scaffold import scratch
from scaffold.runs.model import Run

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

# a change of what an entry holds (`model.Run`, a digest, what the audit asks) needs a new number
INDEX_VERSION = 7
# `runs`: manifest's path -> its Run. `homes`: folder of the second home -> what `home_records.HomeReader` says.
# `digests`: output directory -> what its metric files say. `audits`: manifest's path -> what `audited_manifests` says.
IndexPart = Literal["runs", "homes", "digests", "audits"]
# runs that are parsed at once: each by itself takes twice as long, all together twice the memory
CHUNK = 2000
SHARED_FIELDS = [*map(Run._fields.index, ("experiment", "status", "commit", "code", "hostname", "purpose", "form"))]
EMPTY_FIELDS = [*map(Run._fields.index, ("words", "configs", "scripts"))]


def file_stamp(info: os.stat_result) -> str:
    """What changes when a file does. No digest of it: that would cost the reading that the index saves."""
    return f"{info.st_mtime_ns}:{info.st_size}:{info.st_ino}"


class IndexEntry:
    """What was read: the stamp of the files that it was read from, and what they said, as JSON."""

    __slots__ = ("stamp", "text")

    def __init__(self, stamp: str, text: str) -> None:
        self.stamp, self.text = stamp, text

    @classmethod
    def pack(cls, stamp: str, value: object) -> IndexEntry:
        """An entry of something that was read just now."""
        return cls(stamp, json.dumps(value, separators=(",", ":")))

    @property
    def value(self) -> Any:
        """What the files said."""
        return json.loads(self.text)

    @property
    def run(self) -> Run:
        """The run that a manifest told of."""
        return Run(*self.value)


def parse_runs(entries: Iterable[IndexEntry]) -> Iterator[Run]:
    """The runs of many entries."""
    texts = (entry.text for entry in entries)
    shared: dict[str, str] = {}
    while chunk := list(islice(texts, CHUNK)):
        many = json.loads(f"[{','.join(chunk)}]")
        for fields in many:
            # what many runs have in common is in memory once: a third of what a hundred thousand of them take
            for place in SHARED_FIELDS:
                text = fields[place]
                if text is not None:
                    fields[place] = shared.setdefault(text, text)
            for place in EMPTY_FIELDS:
                fields[place] = fields[place] or ()
        yield from [Run(*fields) for fields in many]


class StoredRuns(Sequence[Run]):
    """The runs of many entries, in their order: one is parsed when it is asked for, all when they are gone through."""

    def __init__(self, entries: Sequence[IndexEntry]) -> None:
        self._entries = entries
        self._runs: tuple[Run, ...] | None = None

    def __len__(self) -> int:
        return len(self._entries) if self._runs is None else len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._parsed())

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | Sequence[Run]:
        if self._runs is not None:
            return self._runs[index]
        chosen = self._entries[index]
        return chosen.run if isinstance(chosen, IndexEntry) else tuple(parse_runs(chosen))

    def _parsed(self) -> tuple[Run, ...]:
        if self._runs is None:
            self._runs, self._entries = tuple(parse_runs(self._entries)), ()
        return self._runs


@dataclass(frozen=True, slots=True)
class RunIndex:
    """The index of one workspace; `file` is how the names of its files begin, None where there is no directory for them."""

    file: Path | None

    @classmethod
    def find(cls, workspace: Workspace) -> RunIndex:
        """The index of a workspace, whether or not there is anything in it."""
        digest = hashlib.sha256(os.fsencode(workspace.path.resolve())).hexdigest()[:24]
        return cls(scratch.cache_path(f"runs-{digest}"))

    def read(self, part: IndexPart) -> dict[str, IndexEntry]:
        """One part, in the order in which it was stored; empty where there is none, or it is damaged or of another version."""
        try:
            header, _, body = self._part(part).read_bytes().partition(b"\n")
            if header != _header(body):
                return {}
            lines = body.decode(errors="surrogateescape").split("\n")
            return {
                key: IndexEntry(stamp, text) for key, stamp, text in (line.split("\t", 2) for line in lines if line)
            }
        except (OSError, ValueError):
            return {}

    def store(self, part: IndexPart, entries: Mapping[str, IndexEntry]) -> None:
        """Keep these in place of what a part held."""
        if self.file is None:
            return
        lines = (f"{key}\t{entry.stamp}\t{entry.text}\n" for key, entry in entries.items())
        # what would break a line is read again each time
        body = "".join(line for line in lines if line.count("\t") == 2 and line.count("\n") == 1).encode(
            errors="surrogateescape"
        )
        scratch.write_cache(self._part(part), _header(body) + b"\n" + body)

    def _part(self, part: IndexPart) -> Path:
        if self.file is None:
            raise FileNotFoundError(part)
        return self.file.with_name(f"{self.file.name}.{part}")


def _header(body: bytes) -> bytes:
    return b"%d %d" % (INDEX_VERSION, zlib.adler32(body))
