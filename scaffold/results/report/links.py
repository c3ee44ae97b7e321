"""Paths below the work directory -> links as seen from where the page lies."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from scaffold.results.report.model import Link


class Links:
    """Links from a page to files of a work directory; a path that leads out of it, or to nothing, is no link."""

    def __init__(self, workdir: Path, page: Path) -> None:
        self.workdir = workdir.resolve()
        away = os.path.relpath(self.workdir, page.resolve().parent)
        self.base = quote(away.replace(os.sep, "/")) + "/"
        self._known: dict[str, bool] = {}

    def is_there(self, path: str) -> bool:
        """Whether a file or a folder lies at `path`; asked once."""
        if path not in self._known:
            self._known[path] = self._look(path)
        return self._known[path]

    def _look(self, path: str) -> bool:
        inside = bool(path) and not path.startswith("/") and ".." not in PurePosixPath(path).parts and "\0" not in path
        try:
            return inside and (self.workdir / path).exists()
        except OSError:
            return False

    def to(self, path: str) -> Link:
        """The link to a path."""
        return Link(path=path, href=self.base + quote(path, errors="surrogateescape") if self.is_there(path) else None)
