"""Files of the working tree: which are new, and what git would make of those that it has not committed."""

from __future__ import annotations

import os
import stat

from .git import Git, common_directory, heeds_modes
from .lean_imports import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from .git import Status
    from .trees import Entry


def expand_folders(git: Git, untracked: Sequence[str]) -> list[str]:
    """Untracked files, those in new folders too; a folder of very many files stays one entry (it is data)."""
    small = [p for p in untracked if p.endswith("/") and _is_small(os.path.join(git.top, p))]
    files = [p for p in untracked if p not in small]
    if small:
        listing = git.output("--literal-pathspecs", "ls-files", "--others", "--exclude-standard", "-z", "--", *small)
        files += [os.fsdecode(p) for p in listing.split(b"\0") if p]
    return sorted(files)


def _is_small(folder: str) -> bool:
    left = 1000
    for _, folders, files in os.walk(folder):
        left -= len(folders) + len(files)
        if left < 0:
            return False
    return True


def read_entries(
    git: Git,
    status: Status,
    paths: Iterable[str],
    *,
    write: Collection[str] = (),
    heads: dict[str, str] | None = None,
) -> dict[str, Entry | None]:
    """What `git add` would make of paths of the working tree: (mode, id), or None where there is nothing any more.

    Those in `write` become objects of the repository; `heads` gets the commits of submodules, whose ids tell of changed files besides.
    Raises RecorderError where git fails, or cannot write them.
    """
    entries: dict[str, Entry | None] = {}
    files: list[str] = []
    for path in paths:
        full = os.path.join(git.top, path)
        try:
            mode = os.lstat(full).st_mode
        except OSError:
            entries[path] = None
            continue
        if status.submodule(path):
            head, state = _submodule_state(full, changed="M" in status.submodule(path))
            entries[path] = ("160000", state)
            if heads is not None:
                heads[path] = head
        elif stat.S_ISLNK(mode):
            options = ["-w"] if path in write else []
            target = os.fsencode(os.readlink(full))
            entries[path] = ("120000", git.output("hash-object", *options, "--stdin", stdin=target).decode().strip())
        elif stat.S_ISREG(mode) and "\n" not in path:
            entries[path] = (
                status.mode(path)
                or ("100755" if mode & 0o100 and heeds_modes(common_directory(git.top)) else "100644"),
                "",
            )
            files.append(path)
    _hash(git, [p for p in files if p not in write], entries)
    _hash(git, [p for p in files if p in write], entries, "-w")
    return entries


def _hash(git: Git, paths: Sequence[str], entries: dict[str, Entry | None], *options: str) -> None:
    if paths:
        names = os.fsencode("".join(p + "\n" for p in paths))
        ids = git.output("hash-object", *options, "--stdin-paths", stdin=names).decode().split()
        entries.update((path, ((entries[path] or ("100644",))[0], blob)) for path, blob in zip(paths, ids))


def _submodule_state(folder: str, *, changed: bool) -> tuple[str, str]:
    """The commit of a submodule, and what stands for its state: the same, or where files are changed a digest of commit and changes."""
    inner = Git(folder)
    head = inner.output("rev-parse", "HEAD").decode().strip()
    inside = inner.output("diff", "--no-ext-diff", "--binary", "HEAD") if changed else b""
    return head, sha256(head.encode() + inside).hexdigest()[: len(head)] if inside else head
