"""Files: what kind they are of, what they hash to, and how they are written."""

from __future__ import annotations

import os

from .lean_imports import sha256
from .messages import RecorderError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


CODE = (
    ".py",
    ".R",
    ".r",
    ".jl",
    ".m",
    ".lua",
    ".pl",
    ".rb",
    ".js",
    ".ts",
    ".c",
    ".cc",
    ".cpp",
    ".h",
    ".cu",
    ".go",
    ".rs",
    ".ipynb",
)

SHELL = (".sh", ".bash", ".sbatch", ".slurm")

CONFIG = (".yaml", ".yml", ".toml", ".ini", ".cfg", ".gin", ".jsonnet")

LARGEST_TEXT_BYTES = 1 << 20

LARGEST_HASHED_BYTES = 64 << 20


def hash_files(top: str, paths: Iterable[str]) -> list[tuple[str, str]]:
    """`(path, SHA-256)` of files; one that is very big counts by its size."""
    digests = []
    for path in paths:
        try:
            with open(os.path.join(top, path), "rb") as file:
                size = os.fstat(file.fileno()).st_size
                content = file.read() if size <= LARGEST_HASHED_BYTES else b"%d bytes" % size
        except OSError as error:
            raise RecorderError(f"{path} cannot be read ({error.strerror})") from error
        digests.append((path, sha256(content).hexdigest()))
    return digests


def file_size(path: str) -> int:
    """The bytes of a file; 0 where there is none."""
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def write_atomic(path: str, data: bytes, *, sync: bool = True) -> None:
    """Write a file whole or not at all: temporary file beside it, fsync (unless a cache), rename."""
    temporary = os.path.join(os.path.dirname(path), ".%d.%s.tmp" % (os.getpid(), os.urandom(4).hex()))
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(temporary, path)
    except OSError:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise


def append_to(path: str, data: bytes) -> None:
    """Append to a file in one write. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)
