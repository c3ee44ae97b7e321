"""Which files of a workspace the live page may show, and as what: records, logs, outputs and results, never as a page of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scaffold.path_containment import OutsidePathError
from scaffold.workspace import Workspace

ROLES = ("metadata", "logs", "outputs", "results", "analysis")
PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
TEXTS = frozenset(
    (
        ".json",
        ".jsonl",
        ".out",
        ".err",
        ".txt",
        ".log",
        ".csv",
        ".tsv",
        ".md",
        ".yml",
        ".yaml",
        ".toml",
        ".patch",
        ".py",
        ".sh",
        "",
    )
)
TEXT, BINARY = "text/plain; charset=utf-8", "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedFile:
    """A file that may be shown: where it lies, its media type, and whether the browser is to save it in place of showing it."""

    path: Path
    media_type: str
    is_download: bool


def locate_served_file(workspace: Workspace, address: str) -> ServedFile | None:
    """The file at an address below the work directory; None where there is none, or it is none of the workspace's.

    HTML and SVG are shown as text: what a run wrote must not run in the page's own place.
    """
    parts = PurePosixPath(address).parts
    if not parts or address.startswith("/") or ".." in parts or "\0" in address:
        return None
    try:
        path = workspace.locate(address)
        if not path.is_file() or not _is_shown(workspace, path):
            return None
    except (OutsidePathError, OSError, ValueError):
        return None
    kind = path.suffix.lower()
    media_type = PICTURES.get(kind, TEXT if kind in TEXTS or kind in (".html", ".svg") else BINARY)
    return ServedFile(path=path, media_type=media_type, is_download=media_type == BINARY)


def _is_shown(workspace: Workspace, path: Path) -> bool:
    """Whether a path lies in one of the workspace's folders, or is its plan."""
    if path == workspace.tasks:
        return True
    if not path.is_relative_to(workspace.path):
        return False
    experiment = path.relative_to(workspace.path).parts[0] if workspace.per_experiment else None
    return any(path.is_relative_to(workspace.role_folder(role, experiment)) for role in ROLES)
