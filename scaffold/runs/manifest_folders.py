"""A folder of manifests: which files are in it, when that last changed, and what is said of one that cannot be read."""

from __future__ import annotations

import contextlib
import itertools
import operator
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scaffold.errors import ScaffoldError
from scaffold.runs.run_table import NO_FILES, FolderListing

# clocks of file systems are coarse, and those of other hosts differ
SETTLED_NS = 3_000_000_000
# what changes when a file does, in the order of a stamp
STAMP_NUMBERS = operator.attrgetter("st_mtime_ns", "st_size", "st_ino")


class DamagedManifest(NamedTuple):
    """A manifest that cannot be read: its path below the work directory, and why."""

    path: str
    reason: str


def read_settled_mtime(folder: Path) -> int | None:
    """When a folder's list of files last changed; None where that is too fresh to be told from a change still to come."""
    try:
        at = folder.stat().st_mtime_ns
    except OSError:
        return None
    return at if time.time_ns() - at > SETTLED_NS else None


def list_manifests(folder: Path) -> Iterator[tuple[str, str, bool]]:
    """Names, stamps, and which are links, as `read_listing` has them."""
    listing = read_listing(folder)
    for name, stamp in zip(listing.names, listing.stamp_texts(), strict=True):
        yield name, stamp, name in listing.links


def read_listing(folder: Path) -> FolderListing:
    """A folder's JSON files as they are now; none where there is no folder. Raises ScaffoldError where it may not be listed."""
    try:
        with os.scandir(folder) as entries:
            files = [entry for entry in entries if entry.name.endswith(".json") and not entry.name.startswith(".")]
            try:
                # the loop is in C, since a hundred thousand files are asked each time
                stamps = [*itertools.chain.from_iterable(map(STAMP_NUMBERS, map(os.DirEntry.stat, files)))]
            except FileNotFoundError:  # a file that has gone since, or a link that leads nowhere
                files, stamps = _stat_existing(files)
            return FolderListing(
                names=[file.name for file in files],
                stamps=stamps,
                links=frozenset(file.name for file in files if file.is_symlink()),
            )
    except (FileNotFoundError, NotADirectoryError):
        return NO_FILES
    except OSError as error:
        raise ScaffoldError(
            f"the records in {folder} cannot be read: {error.strerror}",
            hint="`ls -ld` says whose they are, and who may",
        ) from error


def _stat_existing(files: Sequence[os.DirEntry[str]]) -> tuple[list[os.DirEntry[str]], list[int]]:
    """Those of the files that there are, and their stamps."""
    existing, stamps = [], list[int]()
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            stamps += STAMP_NUMBERS(file.stat())
            existing.append(file)
    return existing, stamps
