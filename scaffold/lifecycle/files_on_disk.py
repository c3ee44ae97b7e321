"""What stands on disk where the template has a file: read without following links, compared whatever its line ends."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scaffold import transaction
from scaffold.errors import ScaffoldError
from scaffold.lifecycle.template.render import RenderedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesOnDisk:
    """What stands at some paths: `files` as the template would have them (line ends as LF), `raw` as they are, and `linked`:
    the paths that are a symbolic link or lie behind one, with that link. A link is never read and never written through.
    """

    files: Mapping[str, RenderedFile]
    raw: Mapping[str, bytes]
    linked: Mapping[str, str]

    def make_change(
        self, path: str, new: RenderedFile | None, *, executable: bool | None = None
    ) -> transaction.FileChange:
        """Replace what stands at `path` by `new` (None: delete), in the line ends that it has; the bit where it is to change."""
        old = self.raw.get(path)
        if old is None and new is not None:
            executable = new.executable
        data = None if new is None else new.data
        if data is not None and old is not None and _is_crlf(old):
            data = data.replace(b"\n", b"\r\n")
        return transaction.FileChange(path=path, old=old, new=data, executable=executable)


def read_files_on_disk(workdir: Path, paths: Iterable[str]) -> FilesOnDisk:
    """What stands at `paths`. Raises ScaffoldError where a folder stands in a file's place, or a file in a folder's."""
    files: dict[str, RenderedFile] = {}
    raw: dict[str, bytes] = {}
    linked: dict[str, str] = {}
    for path in paths:
        link = _first_link(workdir, path)
        if link is not None:
            linked[path] = link
            continue
        target = workdir / path
        try:
            mode = target.lstat().st_mode
            if not stat.S_ISREG(mode):
                raise ScaffoldError(f"{path} is not a file", hint="rename what stands there, or choose another --root")
            data = target.read_bytes()
        except FileNotFoundError:
            continue
        except NotADirectoryError as error:
            raise ScaffoldError(
                f"{path} cannot be written: one of its folders is a file",
                hint="rename that file, or choose another --root",
            ) from error
        except OSError as error:
            raise ScaffoldError(
                f"{path} cannot be read: {error.strerror}", hint="make it readable, then try again"
            ) from error
        raw[path] = data
        files[path] = RenderedFile(data.replace(b"\r\n", b"\n") if _is_crlf(data) else data, bool(mode & 0o100))
    return FilesOnDisk(files=files, raw=raw, linked=linked)


def _is_crlf(data: bytes) -> bool:
    """Whether every line ends in CR LF, as git checks files out where `core.autocrlf` says so."""
    lines = data.count(b"\n")
    return lines > 0 and data.count(b"\r\n") == lines


def _first_link(workdir: Path, path: str) -> str | None:
    """The first symbolic link on the way to `path`, which may be `path` itself."""
    folder = workdir
    for part in Path(path).parts:
        folder = folder / part
        if folder.is_symlink():
            return folder.relative_to(workdir).as_posix()
    return None
