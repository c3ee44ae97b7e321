"""A folder of manifests: which files are in it, when that last changed, and what is said of one that cannot be read."""

from __future__ import annotations

import contextlib
import functools
import itertools
import operator
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scaffold.errors import ScaffoldError
from scaffold.runs.index_columns import NO_FILES, FolderListing

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


def list_manifests(folder: Path) -> Iterator[tuple[str, str]]:
    """Names and stamps, as `read_listing` has them."""
    listing = read_listing(folder)
    return zip(listing.names, listing.stamp_texts(), strict=True)


def read_listing(folder: Path) -> FolderListing:
    """A folder's JSON files as they are now; none where there is no folder. Raises ScaffoldError where it may not be listed."""
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # not `scandir`: its entries keep all that they were asked for, 70 MB of a hundred thousand, and take a quarter longer
            listed = os.listdir(place)  # noqa: PTH208 - a descriptor is no path
            names = [name for name in listed if name.endswith(".json") and not name.startswith(".")]
            stat_file = functools.partial(os.stat, dir_fd=place)
            try:
                stamps = [*itertools.chain.from_iterable(map(STAMP_NUMBERS, map(stat_file, names)))]
            except FileNotFoundError:  # a file that has gone since, or a link that leads nowhere
                names, stamps = _stat_existing(names, stat_file)
            return FolderListing(names, stamps)
        finally:
            os.close(place)
    except (FileNotFoundError, NotADirectoryError):
        return NO_FILES
    except OSError as error:
        raise ScaffoldError(
            f"the records in {folder} cannot be read: {error.strerror}",
            hint="`ls -ld` says whose they are, and who may",
        ) from error


def _stat_existing(names: Sequence[str], stat_file: Callable[[str], os.stat_result]) -> tuple[list[str], list[int]]:
    """Those of the files that there are, and their stamps."""
    existing, stamps = [], list[int]()
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            stamps += STAMP_NUMBERS(stat_file(name))
            existing.append(name)
    return existing, stamps
