"""The second home of records: a folder in git's common directory, which all branches and worktrees share and no reset reaches.

`<common directory>/scaffold/records/<key>/` holds the records of one workspace, each by its path below the experiment root. The package
finds and fills it by these same functions.
"""

from __future__ import annotations

import os

from .files import append_to, write_atomic
from .git import common_directory, repository
from .json_text import read_json
from .lean_imports import sha256
from .messages import RecorderError, warn
from .values import DIGITS, LETTERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .workspace import Workspace

LONGEST_KEY = 150
PLAIN = frozenset(LETTERS + DIGITS + "._-")
# beside the manifests: a line for each that is complete, what its content hashes to and its run's uuid
DIGESTS = ".digests"
DIGEST_LENGTH = 16


def home_key(path: str, workspace_id: str) -> str:
    """The folder's name for a workspace: its root's path below the repository's top, and behind `@` the id in its answers, if any.

    Both, because either alone fails: a workspace that was moved has another path, and one that was copied has the same id.
    """
    name = quote(path)
    if len(name) > LONGEST_KEY:
        name = "%s%%%s" % (name[:LONGEST_KEY], sha256(os.fsencode(path)).hexdigest()[:8])
    return f"{name}@{quote(workspace_id)}" if workspace_id else name


def quote(text: str) -> str:
    """`text` as a part of a path: whatever is no plain letter, digit, `.`, `_` or `-` in hex, as in URLs."""
    return "".join(c if c in PLAIN else "".join("%%%02X" % b for b in os.fsencode(c)) for c in text)


def workspace_key(top: str, workdir: str, root: str, workspace_id: str) -> str:
    """The folder's name for the workspace `root` of `workdir`, in the working tree `top`."""
    workdir = os.path.relpath(os.path.realpath(workdir), os.path.realpath(top))
    return home_key(os.path.normpath(workdir + "/" + root), workspace_id)


def records_folder(top: str) -> str:
    """Where all workspaces of a repository have their second home; `top` is the top of a working tree. Raises RecorderError."""
    common = common_directory(top)
    if common is None:
        raise RecorderError(f"git's directory cannot be found: {top}/.git cannot be read")
    return common + "/scaffold/records"


class RecordsHome:
    """The second home of one workspace: `folder`, and the `others` that it may have had: of its id, or its place without one."""

    def __init__(self, folder: str, root: str, others: Iterable[str] = ()) -> None:
        """`root` is the experiment root as paths of records begin with it."""
        self.folder = folder
        self.others = list(others)
        self._prefix = len(os.path.normpath(root))

    def path(self, relative: str) -> str:
        """Where a record lies here that lies at `relative` below the work directory."""
        return self.folder + relative[self._prefix :]

    def claim(self, relative: str) -> bool:
        """Take a manifest's place for this process alone: an empty file, until the manifest comes. Raises OSError.

        Whether it was free; all worktrees see it, so that an attempt's number is given once.
        """
        path = self.path(relative)
        if self.is_taken(relative):
            return False
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            return False
        return True

    def is_taken(self, relative: str) -> bool:
        """Whether a manifest's place is claimed or filled."""
        places = [self.path(relative), *(other + relative[self._prefix :] for other in self.others)]
        return any(os.path.lexists(place) for place in places)

    def store(self, source: str, relative: str, data: bytes, *, sync: bool = True) -> None:
        """Keep a record that was just written to `source`, which holds `data`. Raises OSError.

        On one file system it is a hard link, on the disk already; elsewhere, and where `source` has gone since, it is written again.
        """
        path = self.path(relative)
        try:
            if os.path.samefile(source, path):
                return
        except OSError:
            pass
        temporary = os.path.join(os.path.dirname(path), ".%d.%s.tmp" % (os.getpid(), os.urandom(4).hex()))
        try:
            os.link(source, temporary)
        except OSError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            try:
                os.link(source, temporary)
            except OSError:
                write_atomic(path, data, sync=sync)
                return
        os.replace(temporary, path)

    def note_digest(self, relative: str, uuid: str, data: bytes) -> None:
        """Keep what a complete manifest hashes to: who edits it in place edits its copy too, where they are one file. Raises OSError."""
        folder = os.path.dirname(self.path(relative))
        append_to(f"{folder}/{DIGESTS}", f"{content_digest(data)} {uuid}\n".encode())


def content_digest(data: bytes) -> str:
    """What a manifest hashes to, as it is noted."""
    return sha256(data).hexdigest()[:DIGEST_LENGTH]


class RecordFiles:
    """Where an attempt's records go: its workspace, and the second home where there is one. Paths are relative to the work directory."""

    def __init__(self, workdir: str, home: RecordsHome | None) -> None:
        self.workdir = workdir
        self.home = home

    def claim(self, manifest: str) -> bool:
        """Take a manifest's place for all working trees of the repository; whether it was free."""
        try:
            return self.home is None or self.home.claim(manifest)
        except OSError as error:
            self._give_up_home(error)
            return True

    def release(self, manifest: str) -> None:
        """Give back a place that was claimed and is not used."""
        if self.home is not None:
            os.unlink(self.home.path(manifest))

    def is_taken(self, manifest: str) -> bool:
        """Whether a manifest's place is claimed or filled in the second home."""
        return self.home is not None and self.home.is_taken(manifest)

    def has_ended(self, manifest: str) -> bool:
        """Whether the second home has a manifest here that says that its run is over."""
        try:
            return self.home is not None and bool(read_json(self.home.path(manifest))["status"] != "running")
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def write(self, path: str, content: bytes, *, sync: bool = True) -> None:
        """Write a record to where it belongs, whole or not at all. Raises OSError where it can be written nowhere.

        The workspace's folders may be gone, since a reset or a clean takes them along while the command runs: they are not made again,
        and the second home has the record alone.
        """
        place = os.path.join(self.workdir, path)
        try:
            write_atomic(place, content, sync=sync)
        except OSError as error:
            if self.home is None:
                raise
            self.home.store(place, path, content, sync=sync)
            warn(f"{path} cannot be written ({error.strerror}): it is in {self.home.folder} alone")
            return
        self.add_to_home(path, content, sync=sync)

    def add_to_home(self, path: str, content: bytes, *, sync: bool = True) -> None:
        """Keep a record that the workspace has in the second home too; trouble is said once."""
        try:
            if self.home is not None:
                self.home.store(os.path.join(self.workdir, path), path, content, sync=sync)
        except OSError as error:
            self._give_up_home(error)

    def note_digest(self, path: str, uuid: str, content: bytes) -> None:
        """Keep what the complete manifest of a run hashes to; trouble is said once."""
        try:
            if self.home is not None:
                self.home.note_digest(path, uuid, content)
        except OSError as error:
            self._give_up_home(error)

    def remove_mark(self, path: str) -> None:
        """Take away what said that the run is alive."""
        mark = os.path.join(self.workdir, path)
        for file in [mark] if self.home is None else [self.home.path(path), mark]:
            try:
                os.unlink(file)
            except OSError:
                pass
        try:
            os.rmdir(os.path.dirname(mark))  # not the one of the home: another working tree may be about to write there
        except OSError:
            pass

    def _give_up_home(self, error: OSError) -> None:
        if self.home is not None:
            warn(
                f"records are kept in this working tree alone: {self.home.folder} cannot be written ({error.strerror})"
            )
            self.home = None


def find_obstacle(common: str, top: str) -> str | None:
    """Why nothing may be written to git's common directory for the working tree `top`; None where it may. Raises OSError or ValueError."""
    if os.stat(common + "/objects").st_uid != os.geteuid():
        return f"{common} is of another user"
    if not (os.access(common, os.W_OK) and os.access(common + "/objects", os.W_OK)):
        return f"{common} is not writable"
    return None if belongs_to(common, top) else f"{top}/.git names {common}, which is of another repository"


def belongs_to(common: str, top: str) -> bool:
    """Whether git's common directory is that of the working tree `top`: a `.git` file alone proves nothing, it may name any."""
    own = os.path.join(top, ".git")
    if not os.path.isfile(own):
        return True
    with open(own, encoding="utf-8") as file:
        place = os.path.realpath(os.path.join(top, file.read().partition("gitdir:")[2].strip()))
    try:
        with open(place + "/gitdir", encoding="utf-8") as file:  # of a linked worktree: it points back
            return os.path.realpath(os.path.join(place, file.read().strip())) == os.path.realpath(own)
    except OSError:
        above = repository(os.path.dirname(top))  # a submodule's lies in that of the repository around it
        around = common_directory(above) if above is not None else None
        return around is not None and place.startswith(os.path.realpath(around) + "/modules/")


def existing_homes(root: str, workspace_id: str) -> list[str]:
    """The second homes of the workspace whose experiment root is `root`, absolute, to be read; none without git."""
    try:
        top = repository(os.path.realpath(root))
        if top is None:
            return []
        folder, key = records_folder(top), workspace_key(top, root, "", workspace_id)
        return [f"{folder}/{name}" for name in sorted(os.listdir(folder)) if name in (key, key.partition("@")[0])]
    except (OSError, ValueError, RecorderError):
        return []


def open_home(top: str, workspace: Workspace) -> RecordsHome | None:
    """The second home of a workspace in the working tree `top`; None without git, and, said in one line, where it cannot be had."""
    try:
        return make_home(top, workspace.workdir, workspace.root, workspace.id)
    except (RecorderError, OSError, ValueError) as error:
        warn(f"records are kept in this working tree alone: {error}")
        return None


def make_home(top: str, workdir: str, root: str, workspace_id: str) -> RecordsHome | None:
    """The second home of the workspace `root` in `workdir`; its folders are made when something comes. None without git.

    Raises RecorderError where git's directory is not this user's, or leads elsewhere; OSError or ValueError where it is none.
    """
    if not os.path.lexists(top + "/.git"):
        return None
    records = records_folder(top)
    common = os.path.dirname(os.path.dirname(records))
    try:
        obstacle = find_obstacle(common, top)
        if obstacle is not None:
            raise RecorderError(obstacle)
        key = workspace_key(top, workdir, root, workspace_id)
        if os.path.realpath(f"{records}/{key}") != f"{os.path.realpath(common)}/scaffold/records/{key}":
            raise RecorderError(f"{records}/{key} is behind a link")
        os.makedirs(records, exist_ok=True)
    except OSError as error:
        raise RecorderError(f"{records} cannot be made ({error.strerror})") from error
    place, _, own_id = key.partition("@")
    names = [n for n in os.listdir(records) if n != key]
    others = [n for n in names if n == place or (own_id and n.endswith("@" + own_id))]
    return RecordsHome(f"{records}/{key}", root, [f"{records}/{name}" for name in others])
