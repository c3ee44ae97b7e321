"""Paths below the work directory -> links as seen from where the page lies."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLink:
    """A file below the work directory, and its address as seen from the page; `href` is None where it is missing."""

    path: str
    href: str | None


class PageLinks:
    """Links from a page to files of a work directory; a path that leads out of it, or to nothing, is no link.

    `base` is the address of the work directory as seen from the page.
    """

    def __init__(self, workdir: Path, page: Path, *, base: str | None = None) -> None:
        self.workdir = workdir.resolve()
        away = os.path.relpath(self.workdir, page.resolve().parent)
        self.base = base if base is not None else quote(away.replace(os.sep, "/")) + "/"
        # each path is asked of the disk once: many numbers of a page lead to one file
        self._exists: dict[str, bool] = {}

    def exists(self, path: str) -> bool:
        """Whether a file or a folder lies at `path`."""
        if path not in self._exists:
            self._exists[path] = self._look_up(path)
        return self._exists[path]

    def _look_up(self, path: str) -> bool:
        inside = bool(path) and not path.startswith("/") and ".." not in PurePosixPath(path).parts and "\0" not in path
        try:
            return inside and (self.workdir / path).exists()
        except OSError:
            return False

    def link_to(self, path: str) -> FileLink:
        """The link to a path."""
        return FileLink(
            path=path, href=self.base + quote(path, errors="surrogateescape") if self.exists(path) else None
        )
