"""Runs as the index keeps them: newest first, in columns of a few thousand runs each, with the listings of the folders that they are of.

Why columns, and `marshal`: what many runs have in common is written and made once, and of a hundred thousand runs a list shows fifty.
It is the fastest reader that the standard library has, and unlike pickle it starts no code.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import marshal
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, overload

from scaffold.runs.model import Run

# runs that are read at once: one by one they take twice as long, all together twice the memory
CHUNK = 2000
# of the formats of marshal one that all versions of Python read
FORMAT = 4
SHARED_FIELDS = frozenset({"experiment", "status", "commit", "code", "hostname", "purpose", "form", "task", "sweep"})
NO_BYTES = memoryview(b"")
PARAMS_FIELD = Run._fields.index("params")
_NO_ENTRIES: dict[str, Any] = {}


class FolderListing(NamedTuple):
    """The manifests of a folder in the file system's order: their names, and of each three numbers (time, size, inode)."""

    names: list[str]
    stamps: list[int]

    def select(self, names: Collection[str]) -> FolderListing:
        """The listing with those of its files alone that are among `names`."""
        if all(name in names for name in self.names):
            return self
        places = [place for place, name in enumerate(self.names) if name in names]
        stamps = [number for place in places for number in self.stamps[3 * place : 3 * place + 3]]
        return FolderListing([self.names[place] for place in places], stamps)

    def stamp_texts(self) -> Iterator[str]:
        """What changes when a file does, of each file: as `index.file_stamp` says it."""
        numbers = iter(self.stamps)
        for time, size, inode in zip(numbers, numbers, numbers, strict=True):
            yield f"{time}:{size}:{inode}"


NO_FILES = FolderListing([], [])


class IndexedRun(NamedTuple):
    """The run that a manifest told of, and the stamp of its file then."""

    stamp: str
    run: Run


class PackedRuns(Sequence[Run]):
    """The runs of packed columns, in their order: a few are made when they are asked for, all when they are gone through."""

    def __init__(self, chunks: Sequence[memoryview], count: int, packed_params: memoryview = NO_BYTES) -> None:
        self._chunks, self._count, self._packed_params = chunks, count, packed_params
        self._runs: tuple[Run, ...] | None = None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Run]:
        return iter(self._unpacked())

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | Sequence[Run]:
        if self._runs is None:
            places = range(self._count)[index]
            if isinstance(places, int):
                return unpack_runs(self._chunks[places // CHUNK], self._params)[places % CHUNK]
            if not places:
                return ()
            first, last = (end // CHUNK for end in (min(places), max(places)))
            if 2 * (last - first) < len(self._chunks):
                runs = [run for chunk in self._chunks[first : last + 1] for run in unpack_runs(chunk, self._params)]
                return tuple(runs[place - first * CHUNK] for place in places)
        return self._unpacked()[index]

    @functools.cached_property
    def _params(self) -> Sequence[Mapping[str, Any]]:
        params: Sequence[Mapping[str, Any]] = marshal.loads(self._packed_params)
        return params

    def _unpacked(self) -> tuple[Run, ...]:
        if self._runs is None:
            with garbage_collector_off():
                self._runs = tuple(run for chunk in self._chunks for run in unpack_runs(chunk, self._params))
            self._chunks, self._packed_params = (), NO_BYTES
        return self._runs


class RunTable(NamedTuple):
    """All runs of the index, newest first; `listings` are those of the folders (by path) that hold exactly their manifests.

    `has_live`: some of them were running when they were read, so that they may be over, or lost, by now.
    """

    runs: PackedRuns
    listings: Mapping[str, FolderListing]
    has_live: bool

    def rows(self) -> dict[str, dict[str, IndexedRun]]:
        """Each folder -> its manifests' paths -> the run with its stamp."""
        runs = {run.path: run for run in self.runs}
        return {
            folder: {
                f"{folder}/{name}": IndexedRun(stamp, runs[f"{folder}/{name}"])
                for name, stamp in zip(listing.names, listing.stamp_texts(), strict=True)
            }
            for folder, listing in self.listings.items()
        }

    def has_listed(self, folder: str, listing: FolderListing) -> bool:
        """Whether a folder's files are, as far as names and stamps tell, the very manifests that the runs were read from."""
        stored = self.listings.get(folder, NO_FILES)
        return listing.stamps == stored.stamps and listing.names == stored.names


EMPTY_TABLE = RunTable(runs=PackedRuns((), 0), listings={}, has_live=False)


@contextlib.contextmanager
def garbage_collector_off() -> Iterator[None]:
    """Ten thousand manifests are no garbage: searching them for some takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def pack_run_table(runs: Sequence[Run], listings: Mapping[str, FolderListing]) -> bytes:
    """A table of runs, newest first, which are those of the listings' manifests."""
    head = {folder: (listing.names, listing.stamps) for folder, listing in listings.items()}
    params = _SharedParams()
    chunks = [pack_runs(runs[start : start + CHUNK], params) for start in range(0, len(runs), CHUNK)]
    has_live = any(run.status == "running" for run in runs)
    packed_params = marshal.dumps(params.distinct, FORMAT)
    packed_head = marshal.dumps((head, has_live, len(runs), [*map(len, chunks)], len(packed_params)), FORMAT)
    return b"".join([len(packed_head).to_bytes(8, "big"), packed_head, packed_params, *chunks])


def unpack_run_table(data: bytes | memoryview) -> RunTable:
    """The table that `pack_table` made; raises ValueError, EOFError or TypeError where it did not."""
    view = memoryview(data)
    end = 8 + int.from_bytes(view[:8], "big")
    head, has_live, count, sizes, size_of_params = marshal.loads(view[8:end])
    bounds = [*itertools.accumulate([end, size_of_params, *sizes])]
    # views: of what nobody asks for nothing is copied
    params, *chunks = (view[start:stop] for start, stop in itertools.pairwise(bounds))
    listings = {folder: FolderListing(names, stamps) for folder, (names, stamps) in head.items()}
    return RunTable(runs=PackedRuns(chunks, count, params), listings=listings, has_live=has_live)


class _SharedParams:
    """Parameters that are equal in values and types, once: the seeds of a configuration have them in common."""

    def __init__(self) -> None:
        self.distinct: list[dict[str, Any]] = []
        self._places: dict[str, int] = {}

    def place_of(self, params: Mapping[str, Any]) -> int:
        """Which of the distinct ones these are."""
        place = self._places.setdefault(repr(params), len(self.distinct))
        if place == len(self.distinct):
            self.distinct.append(_share(params, sys.intern))
        return place


def pack_runs(runs: Sequence[Run], params: _SharedParams) -> bytes:
    """Runs by column, with places in `params` for theirs; of a column that is the same all the way its value."""
    texts: dict[str, str] = {}

    def share_text(text: str) -> str:
        return texts.setdefault(text, text)

    columns = []
    for field, column in zip(Run._fields, zip(*runs, strict=True), strict=True):
        share = sys.intern if field in SHARED_FIELDS else share_text
        values = [*map(params.place_of, column)] if field == "params" else [_share(value, share) for value in column]
        is_constant = all(value is values[0] for value in values)
        columns.append((is_constant, values[0] if is_constant else values))
    return marshal.dumps((len(runs), columns), FORMAT)


def unpack_runs(data: bytes | memoryview, params: Sequence[Mapping[str, Any]]) -> list[Run]:
    """The runs that `pack_runs` was given; `params` are the distinct ones of all runs, and a run's own is one of these."""
    count, columns = marshal.loads(data)
    is_constant, places = columns[PARAMS_FIELD]
    columns[PARAMS_FIELD] = (is_constant, params[places] if is_constant else [params[place] for place in places])
    by_field = [itertools.repeat(value, count) if is_constant else value for is_constant, value in columns]
    if len(by_field) != len(Run._fields):
        raise ValueError(f"{len(by_field)} columns are no runs")
    # as `Run._make`, which counts the fields of each of a hundred thousand
    return [*map(functools.partial(tuple.__new__, Run), zip(*by_field, strict=True))]


def _share(value: Any, share_text: Callable[[str], str]) -> Any:
    """A field of a run in which equal texts are one object, for marshal writes an object once; empty mappings are one too."""
    if isinstance(value, str):
        return share_text(value)
    if isinstance(value, Mapping):
        return {sys.intern(name): _share(inner, share_text) for name, inner in value.items()} if value else _NO_ENTRIES
    if isinstance(value, list | tuple):
        return type(value)(_share(inner, share_text) for inner in value)
    return value
