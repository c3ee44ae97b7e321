"""The git command, and what it says of a working tree."""

from __future__ import annotations

import os
import time

from .messages import RecorderError
from .processes import Subprocess, communicate
from .redaction import redact
from .values import parse_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


TIMEOUT_S = 10
MOST_UNTRACKED = 200


class Git:
    """The git command, asked in one repository until a deadline."""

    # what git sets for its hooks, and what would have it look at another repository
    HOOKS = (
        "DIR",
        "WORK_TREE",
        "INDEX_FILE",
        "PREFIX",
        "COMMON_DIR",
        "OBJECT_DIRECTORY",
        "CONFIG",
        "CONFIG_PARAMETERS",
        "NAMESPACE",
    )

    def __init__(self, top: str) -> None:
        self.top = top
        self.seconds = parse_number(os.environ.get("RUN_GIT_TIMEOUT", "")) or TIMEOUT_S
        self.deadline = time.monotonic() + self.seconds
        dropped = {"GIT_" + name for name in self.HOOKS}
        self.env = {k: v for k, v in os.environ.items() if k not in dropped}
        self.env.update(LC_ALL="C", GIT_OPTIONAL_LOCKS="0", GIT_TERMINAL_PROMPT="0")

    def start(self, *args: str, stdin: bytes = b"") -> Subprocess:
        """Start `git ARGS` in the repository. Raises RecorderError when there is no git."""
        settings = ["-C", self.top, "-c", "core.quotePath=false", "-c", "core.fsmonitor=false"]
        try:
            return Subprocess(["git", *settings, *args], stdin, self.env)
        except OSError as error:
            raise RecorderError(f"git cannot be started ({error.strerror})") from error

    def finish(self, *processes: Subprocess) -> None:
        """Read to the end. Raises RecorderError when git is too slow, or fails."""
        if not communicate(processes, self.deadline):
            raise RecorderError(f"git did not answer within {self.seconds:g} s (more: RUN_GIT_TIMEOUT)")
        for process in processes:
            if process.status != 0:
                raise RecorderError(
                    "git failed: %s" % (process.err.decode("utf-8", "replace").strip().split("\n")[0] or process.status)
                )

    def output(self, *args: str, stdin: bytes = b"") -> bytes:
        """What `git ARGS` prints."""
        process = self.start(*args, stdin=stdin)
        self.finish(process)
        return bytes(process.out)


def repository(folder: str) -> str | None:
    """The top of the working tree that holds `folder`; found without git, by its `.git`."""
    while not os.path.exists(os.path.join(folder, ".git")):
        if folder in ("/", ""):
            return None
        folder = os.path.dirname(folder)
    return folder


class Status:
    """`git status --porcelain=v2 --branch -z`, parsed: what is changed among the files that count, and what is untracked."""

    def __init__(self, output: bytes, excluded: Sequence[str]) -> None:
        self.commit: str | None = None
        self.branch: str | None = None
        self.changed: dict[str, str] = {}
        self._modes: dict[str, str] = {}
        self.untracked: list[str] = []
        self.workspace: list[str] = []
        self.workspace_new: list[str] = []
        for raw in output.split(b"\0"):
            row = os.fsdecode(raw)
            kind = row[:2]
            if row.startswith("# branch.oid ") and row[13:] != "(initial)":
                self.commit = row[13:]
            elif row.startswith("# branch.head ") and row[14:] != "(detached)":
                self.branch = row[14:]
            elif kind in ("1 ", "u ", "? "):
                fields = row.split(" ", {"1 ": 8, "u ": 10, "? ": 1}[kind])
                self._add(fields[-1], kind, fields[2] if kind != "? " else "", excluded)
                if kind != "? ":
                    self._modes[fields[-1]] = fields[5 if kind == "1 " else 6]

    def _add(self, path: str, kind: str, submodule: str, excluded: Sequence[str]) -> None:
        if is_below(path, excluded):
            (self.workspace_new if kind == "? " else self.workspace).append(path)
        elif kind == "? ":
            if not any(e.startswith(path) for e in excluded if path.endswith("/")):
                self.untracked.append(path)
        else:
            self.changed[path] = submodule

    def submodule(self, path: str) -> str:
        """What is changed in the submodule at `path`: `SCMU`, with `.` where nothing is; empty where there is none."""
        state = self.changed.get(path, "")
        return state if state.startswith("S") else ""

    def mode(self, path: str) -> str | None:
        """The mode of a changed file, as git sees it (which may be told not to look at permissions); None where git does not say."""
        mode = self._modes.get(path, "000000")
        return mode if mode.startswith("100") else None


def is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether `path` is one of `folders`, or lies below one."""
    return any(path.rstrip("/") == f or path.startswith(f + "/") for f in folders)


def parent_folders(path: str) -> list[str]:
    """The folders that hold `path`, topmost first: of `a/b/c` they are ``, `a`, `a/b`."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:i]) for i in range(len(parts) + 1)]


def common_directory(top: str) -> str | None:
    """Git's own directory that all worktrees of a repository share; found by its files, which costs less than asking."""
    place = os.path.join(top, ".git")
    try:
        if os.path.isfile(place):
            with open(place, encoding="utf-8") as file:
                place = os.path.join(top, file.read().partition("gitdir:")[2].strip())
        if os.path.isfile(os.path.join(place, "commondir")):
            with open(os.path.join(place, "commondir"), encoding="utf-8") as file:
                place = os.path.join(place, file.read().strip())
    except OSError:
        return None
    return os.path.normpath(place)


def _read_config(common: str | None) -> list[tuple[str, str, str]]:
    """(section, key, value) of the config file in git's `common` directory, in order; empty where it cannot be read."""
    settings, section = [], ""
    try:
        with open(os.path.join(common or "", "config"), encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file]
    except OSError:
        return []
    for line in lines:
        key, equals, value = line.partition("=")
        if line.startswith("["):
            section = line
        elif equals:
            settings.append((section, key.strip(), value.strip().strip('"')))
    return settings


def heeds_modes(common: str | None) -> bool:
    """Whether git looks at the permissions of this repository's files: a file system may not keep them."""
    values = [v for section, key, v in _read_config(common) if (section.lower(), key.lower()) == ("[core]", "filemode")]
    return not values or values[-1].lower() not in ("false", "no", "off", "0")


def remote_url(common: str | None) -> str | None:
    """The URL of `origin`, or of the first remote, without secrets; read from the file of git's `common` directory."""
    urls: dict[str, str] = {}
    for section, key, value in _read_config(common):
        if key == "url" and section.startswith('[remote "'):
            urls.setdefault(section[9:].rstrip('"]'), value)
    url = urls.get("origin") or next(iter(urls.values()), None)
    return redact(url) if url else None
