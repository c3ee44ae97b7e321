"""What is kept of manifests and metric files, in one file of the user's cache directory, so that lists and tables are quick.

Each entry carries the stamp (time, size, inode) of what it was read from, and is never believed over the file. The index
can be deleted at any time; where it cannot be written nothing is lost but time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import structured_text
from scaffold.atomic_write import write_atomic

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

# a change of what `manifests.Run` or a digest holds needs a new number
INDEX_VERSION = 6


def file_stamp(info: os.stat_result) -> str:
    """What changes when a file does. No digest of it: that would cost the reading that the index saves."""
    return f"{info.st_mtime_ns}:{info.st_size}:{info.st_ino}"


@dataclass(frozen=True, slots=True)
class RunIndex:
    """`rows`: manifest's path -> [stamp, run]. `homes`: folder of the second home -> what `home_records.HomeReader` says.
    `digests`: output directory -> [stamp, what its metric files say]."""

    file: Path | None
    rows: dict[str, list[Any]]
    digests: dict[str, list[Any]]
    homes: dict[str, dict[str, Any]]

    @classmethod
    def load(cls, workspace: Workspace) -> RunIndex:
        """The index of a workspace; empty where there is none, or it is damaged or of another version."""
        cache = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("HOME") and f"{os.environ['HOME']}/.cache")
        if not cache or not cache.startswith("/"):
            return cls(None, {}, {}, {})
        digest = hashlib.sha256(os.fsencode(workspace.path.resolve())).hexdigest()[:24]
        file = Path(cache, "experiment-scaffold", f"runs-{digest}.json")
        try:
            content = structured_text.parse_json(file.read_bytes(), is_own=True)
            parts = (
                [content[key] for key in ("rows", "digests", "homes")] if content["version"] == INDEX_VERSION else []
            )
        except (OSError, ValueError, KeyError, TypeError):
            parts = []
        return cls(file, *([part if isinstance(part, dict) else {} for part in parts] or ({}, {}, {})))

    def store(
        self,
        *,
        rows: dict[str, list[Any]] | None = None,
        digests: dict[str, list[Any]] | None = None,
        homes: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        """Keep these in place of what was loaded."""
        if self.file is None:
            return
        content = {
            "rows": self.rows if rows is None else rows,
            "digests": self.digests if digests is None else digests,
            "homes": self.homes if homes is None else homes,
        }
        data = json.dumps({"version": INDEX_VERSION, **content}, separators=(",", ":")).encode()
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomic(self.file, data, mode=0o600)
