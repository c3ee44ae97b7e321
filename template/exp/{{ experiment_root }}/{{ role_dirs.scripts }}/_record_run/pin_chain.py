"""The chain of pins of a repository: a few commits below one ref, whose parents are the pinned ones."""

from __future__ import annotations

import os
import time
import zlib

from .files import append_to
from .git import Git
from .lean_imports import sha1, sha256
from .messages import RecorderError
from .trees import object_id, read_objects, start_objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Objects = dict[str, tuple[str, bytes]]


# a graph is drawn this wide; the ref's commit is replaced by one with another parent until it has so many
BATCH = 24

# pins that the ref's commit names in its message, so that a run sees at a glance that its code is pinned
RECENT = 256

CHANGE_S = 10.0

KINDS = {"commit": 1, "tree": 2, "blob": 3}


class PinChain:
    """The pins of a repository below one ref, whose last part is a name that this clone has for itself.

    So what two clones push to one place does not collide. `local` is the chain whose pins hold lines that a patch would hide.
    """

    def __init__(self, top: str, common: str, *, local: bool) -> None:
        """Find the clone's name, or give it one. Raises OSError."""
        from .code_state import PINNED, PINNED_LOCAL

        self.top = top
        self.file = os.path.join(common, "scaffold", "pins")
        os.makedirs(os.path.dirname(self.file), exist_ok=True)
        self.ref = (PINNED_LOCAL if local else PINNED) + self._name()

    def _name(self) -> str:
        name = self._read_name()
        if not name:
            # two who name it at once append to one file: the first name counts
            append_to(self.file, os.urandom(4).hex().encode())
            name = self._read_name()
        return name

    def _read_name(self) -> str:
        try:
            with open(self.file, encoding="ascii") as file:
                return file.read(8)
        except FileNotFoundError:
            return ""

    def add(self, commit: str, objects: Objects, *, last_seen: tuple[str, bytes] | None = None) -> None:
        """Have the chain hold `commit`, which needs `objects`. Raises RecorderError, or OSError.

        The lock only saves work, where many runs start at once: what keeps every pin is that git changes the ref only from what it was.
        `last_seen` is the ref's commit and its content as they were a moment ago, which is still so where nobody has the lock.
        """
        import fcntl

        lock = os.open(self.file, os.O_RDONLY)  # it may be another user's
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                last_seen = None
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError:  # a file system without locks
                pass
            limit = time.monotonic() + CHANGE_S
            while not self._try_add(commit, objects, last_seen):
                last_seen = None
                if time.monotonic() > limit:
                    raise RecorderError(f"{self.ref} changes all the time")
        finally:
            os.close(lock)

    def _try_add(self, commit: str, objects: Objects, last_seen: tuple[str, bytes] | None) -> bool:
        """One try; False where somebody else changed the chain meanwhile."""
        git = Git(self.top)
        tip, content = last_seen or self._read(git)
        if b"\n%s\n" % commit.encode() in content:
            return True
        new = next_commit(tip, content, commit)
        name = object_id("commit", new, len(commit))
        empty = object_id("tree", b"", len(commit))
        pack = pack_objects({**objects, empty: ("tree", b""), name: ("commit", new)}, len(commit))
        git.output("unpack-objects", "-q", stdin=pack)
        try:
            # no hook of the repository is asked whether a run may be recorded
            git.output("-c", "core.hooksPath=/dev/null", "update-ref", self.ref, name, tip or "0" * len(commit))
        except RecorderError:
            if self._read(git)[0] == tip:
                raise
            return False
        return True

    def _read(self, git: Git) -> tuple[str, bytes]:
        process = start_objects(git, [self.ref])
        git.finish(process)
        tip, _, content = read_objects(bytes(process.out))[0]
        return tip, content


def next_commit(tip: str, content: bytes, commit: str) -> bytes:
    """The chain's commit that holds `commit` too: it replaces `tip`, whose content this is, or has it as a parent where that is full."""
    from .pins import commit_content

    head, _, message = content.decode().partition("\n\n")
    parents = [line[7:] for line in head.split("\n") if line.startswith("parent ")]
    recent = message.split("\n")[2:-1]
    held = [parent for parent in parents if parent in recent]
    parents = [*parents, commit] if len(held) < BATCH else [tip, commit]
    recent = [*recent, commit][-RECENT:]
    message = "Code that runs ran with; it is kept by this ref\n\n" + "\n".join(recent)
    return commit_content(object_id("tree", b"", len(commit)), parents, message.encode())


def pack_objects(objects: Objects, digits: int) -> bytes:
    """A git pack, as `git unpack-objects` takes it."""
    parts = [b"PACK" + (2).to_bytes(4, "big") + len(objects).to_bytes(4, "big")]
    for kind, content in objects.values():
        parts += [bytes(_header(KINDS[kind], len(content))), zlib.compress(content, 1)]
    pack = b"".join(parts)
    return pack + (sha256 if digits == 64 else sha1)(pack).digest()


def _header(kind: int, size: int) -> Iterable[int]:
    byte = kind << 4 | size & 15
    size >>= 4
    while size:
        yield byte | 128
        byte, size = size & 127, size >> 7
    yield byte
