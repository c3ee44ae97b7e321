"""The one door to git: one question per function.

Every path that goes in or comes out is relative to the directory that was asked, with `/` between its parts. Questions are
asked of the git command itself and not of GitPython, whose import alone takes longer (0.2 s) than all that a quick command does.

There are two ways in. `run` reads, and nothing that the repository configures is run by it. `run_as_user` is git as the user's own
git, with the filters and hooks of the repository, for what records, checks out or commits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from operator import eq
from pathlib import Path
from typing import NamedTuple

from scaffold import git_isolation
from scaffold.errors import ScaffoldError

TIMEOUT_S = 60


class GitResult(NamedTuple):
    """What a git command said: exit status, stdout as bytes, stderr as text."""

    status: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """stdout as text without the last newline; bytes that are no UTF-8 survive as surrogates."""
        return os.fsdecode(self.stdout).rstrip("\n")

    @property
    def paths(self) -> list[str]:
        """stdout of a `-z` command as a list."""
        try:
            text = self.stdout.decode()
        except UnicodeDecodeError:
            text = self.stdout.decode("utf-8", "surrogateescape")  # ten times slower
        return text.split("\0")[:-1]


def run_git(directory: Path, *args: str, stdin: bytes | None = None, settings: Sequence[str] = ()) -> GitResult:
    """Ask git in `directory` without running anything that the repository configures; the answer holds its exit status, whatever it is.

    `settings` are further ones (`name=value`). A question about a bare repository that nobody named is not asked: status 128. Raises
    ScaffoldError when git is not installed, or does not answer in 60 s.
    """
    if bare := git_isolation.find_bare_repository(directory):
        return GitResult(128, b"", f"fatal: {bare} is a bare repository, or where git keeps its own files")
    options = [part for setting in (*git_isolation.SETTINGS, *settings) for part in ("-c", setting)]
    return _call(directory, args, stdin=stdin, options=options, env=git_isolation.ENVIRONMENT)


def run_git_as_user(
    directory: Path,
    *args: str,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
) -> GitResult:
    """Run `git -C directory ARGS` as the user would, with `env` added to its environment: filters and hooks of the repository run.

    Raises ScaffoldError as `run_git` does.
    """
    return _call(directory, args, stdin=stdin, options=(), env=env or {})


def _call(
    directory: Path, args: tuple[str, ...], *, stdin: bytes | None, options: Sequence[str], env: Mapping[str, str]
) -> GitResult:
    import subprocess  # noqa: TID251 - this module is the door; most commands load it, and few ask git anything

    always = ("-c", "core.quotePath=false", "-c", "core.fsmonitor=false")
    command = ["git", "-C", str(directory), *always, *options, *args]
    environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", **env}
    try:
        process = subprocess.run(
            command, input=stdin if stdin is not None else b"", capture_output=True, env=environment, timeout=TIMEOUT_S
        )
    except FileNotFoundError as error:
        raise ScaffoldError("git is not installed, or not on PATH", hint="install git 2.20 or newer") from error
    except subprocess.TimeoutExpired as error:
        raise ScaffoldError(f"git {_subcommand(args)} did not answer within {TIMEOUT_S} s in {directory}") from error
    return GitResult(process.returncode, process.stdout, process.stderr.decode("utf-8", "replace"))


def run_git_checked(directory: Path, *args: str, stdin: bytes | None = None) -> GitResult:
    """As `run_git`, but an exit status other than 0 raises ScaffoldError with git's own words."""
    return _checked(directory, args, run_git(directory, *args, stdin=stdin))


def run_git_checked_as_user(directory: Path, *args: str) -> GitResult:
    """As `run_as_user`, but an exit status other than 0 raises ScaffoldError with git's own words."""
    return _checked(directory, args, run_git_as_user(directory, *args))


def _checked(directory: Path, args: tuple[str, ...], answer: GitResult) -> GitResult:
    if answer.status != 0:
        raise ScaffoldError(f"git {_subcommand(args)} failed in {directory}: {answer.stderr.strip() or answer.status}")
    return answer


def _subcommand(args: tuple[str, ...]) -> str:
    return next(word for word in args if not word.startswith("-"))


def toplevel(directory: Path) -> Path | None:
    """The top of the working tree that holds `directory`; None where there is none (no git, or a bare repository)."""
    answer = run_git(directory, "rev-parse", "--show-toplevel")
    return Path(answer.text) if answer.status == 0 else None


class GitLocation(NamedTuple):
    """Where a directory stands: the top of its working tree and its HEAD commit (None: none), `in_work_tree` False in a bare repository
    or a `.git` directory, and git's own words where it refuses to work there (another owner, a broken repository)."""

    toplevel: Path | None
    head: str | None
    in_work_tree: bool
    refusal: str | None


def locate_in_git(directory: Path) -> GitLocation:
    """Everything about where `directory` stands, in one question."""
    if git_isolation.find_bare_repository(directory):
        return GitLocation(toplevel=None, head=None, in_work_tree=False, refusal=None)
    answer = run_git(directory, "rev-parse", "--is-inside-work-tree", "--show-toplevel", "HEAD")
    lines = [*answer.text.split("\n"), "", "", ""]  # not splitlines: a path may hold what else ends a line
    if lines[0] == "true":
        return GitLocation(
            toplevel=Path(lines[1]), head=lines[2] if lines[2] != "HEAD" else None, in_work_tree=True, refusal=None
        )
    if lines[0] == "false":
        return GitLocation(toplevel=None, head=None, in_work_tree=False, refusal=None)
    no_repository = "not a git repository (or any" in answer.stderr
    refusal = None if no_repository else answer.stderr.strip()
    return GitLocation(toplevel=None, head=None, in_work_tree=True, refusal=refusal)


def git_refusal_error(directory: Path, location: GitLocation) -> ScaffoldError | None:
    """What to say where git refuses to work in `directory`, and what helps; None where it does not."""
    if location.refusal is None:
        return None
    import shlex

    other_owner = "dubious ownership" in location.refusal
    return ScaffoldError(
        f"git refuses to work in {directory}: {location.refusal.splitlines()[0].removeprefix('fatal: ')}",
        hint=f"if you trust it: git config --global --add safe.directory {shlex.quote(str(directory))}"
        if other_owner
        else "mend the repository first: `git status` there says the same",
    )


def list_tracked_files(directory: Path) -> list[str]:
    """The tracked files below `directory`, sorted, relative to it."""
    paths = sorted(run_git_checked(directory, "ls-files", "-z").paths)
    # a path with a conflict is listed once for each side; looking for one is quicker than always making a dict of 300,000 paths
    return list(dict.fromkeys(paths)) if any(map(eq, paths, paths[1:])) else paths


def untracked_files(directory: Path) -> list[str]:
    """The files below `directory` that git neither tracks nor ignores, sorted, relative to it."""
    return sorted(run_git_checked(directory, "ls-files", "-z", "--others", "--exclude-standard").paths)


class BranchState(NamedTuple):
    """The branch that is checked out, also before its first commit (None: HEAD is detached), and whether a tracked file differs
    from HEAD (before the first commit: whether something is staged).

    `unexamined` are files, relative to the repository's top, of which only their filter could tell whether they differ: filters are
    programs of the repository, which reading does not run.
    """

    branch: str | None
    dirty: bool
    unexamined: tuple[str, ...] = ()


def _filters(configuration: Mapping[str, str]) -> frozenset[str]:
    return git_isolation.git_filter_names(name for name in configuration if name.startswith("filter."))


def _configuration(directory: Path, pattern: str) -> dict[str, str]:
    """The configured names that match a pattern, lower case but for their middle part, each with its last value."""
    rows = run_git(directory, "config", "-z", "--get-regexp", pattern).paths
    return {name: value for name, _, value in (row.partition("\n") for row in rows)}


def _branch_state(directory: Path, filters: frozenset[str]) -> BranchState:
    """Branch and dirtiness in one question; the one that takes long, since git looks at every tracked file."""
    settings = git_isolation.disable_git_filters(filters)
    if settings is None:
        head = run_git(directory, "symbolic-ref", "--quiet", "--short", "HEAD").text
        return BranchState(branch=head or None, dirty=False, unexamined=(".",))
    options = ("--untracked-files=no", "--ignore-submodules=dirty", "--no-ahead-behind", "--no-renames")
    answer = run_git(directory, "status", "--porcelain=v2", "-z", "--branch", *options, settings=settings)
    rows = answer.paths if answer.status == 0 else []
    head = next((row[14:] for row in rows if row.startswith("# branch.head ")), "(detached)")
    changed = [row for row in rows if row[:2] in ("1 ", "u ")]
    unread = (
        _with_filter(directory, filter(None, map(_path_of_other_content, changed)), filters) if filters else frozenset()
    )
    return BranchState(
        branch=None if head == "(detached)" else head,
        dirty=any(_path_of_other_content(row) not in unread for row in changed),
        unexamined=tuple(sorted(unread)),
    )


def _path_of_other_content(row: str) -> str | None:
    """The path of a row of `git status --porcelain=v2` where only the file's content differs, and only from the index; else None."""
    # 1 XY sub mode-in-HEAD mode-in-index mode-of-file hash hash path
    fields = row.split(" ", 8)
    return fields[8] if fields[:2] == ["1", ".M"] and fields[4] == fields[5] else None


def _with_filter(directory: Path, paths: Iterable[str], filters: frozenset[str]) -> frozenset[str]:
    """Those of `paths`, relative to the repository's top, that one of `filters` is for."""
    feed = b"".join(os.fsencode(path) + b"\0" for path in paths)
    top = toplevel(directory) if feed else None
    if top is None:
        return frozenset()
    fields = run_git(top, "check-attr", "--stdin", "-z", "filter", stdin=feed).paths
    return frozenset(path for path, value in zip(fields[0::3], fields[2::3], strict=False) if value in filters)


_REMOTES = r"^remote\..*\.url$"


def _remote_url(configuration: Mapping[str, str]) -> str | None:
    """The address of `origin`, else of the first remote, as anybody may see it; None where there is none."""
    urls = {name: value for name, value in configuration.items() if name.startswith("remote.")}
    url = urls.get("remote.origin.url") or next(iter(urls.values()), None)
    return strip_credentials(url) if url else None


def strip_credentials(url: str) -> str:
    """A remote's address without password, and without a user where none is needed; `ssh://git@host/x` keeps its user.

    The recorder has put `***` for what it took for a secret already.
    """
    # up to the last `@`: a password may hold one
    if re.match("https?://", url, re.IGNORECASE):
        return re.sub(r"^([\w+.-]+://)[^/]*@", r"\1", url)
    return re.sub(r"^([\w+.-]+://)(?:[^/:]*:[^/]*|\*+)@", r"\1", url)


class IgnoredPath(NamedTuple):
    """A path that git would ignore, and the rule that says so (`source` may be a user-wide file)."""

    path: str
    source: str
    line: int
    pattern: str


def ignored_paths(directory: Path, paths: Iterable[str]) -> list[IgnoredPath]:
    """Which of `paths` (they need not exist) git would ignore, each with the rule's file and line. Tracked files are not ignored."""
    feed = b"".join(p.encode("utf-8", "surrogateescape") + b"\0" for p in paths)
    if not feed:
        return []
    answer = run_git(directory, "check-ignore", "--stdin", "-z", "-v", stdin=feed)
    fields = [f.decode("utf-8", "surrogateescape") for f in answer.stdout.split(b"\0")]
    rows = zip(fields[0::4], fields[1::4], fields[2::4], fields[3::4], strict=False)
    ignored = [IgnoredPath(source=s, line=int(n or 0), pattern=p, path=path) for s, n, p, path in rows]
    return [row for row in ignored if not row.pattern.startswith("!")]


class GitSurvey:
    """Everything that detection asks about one directory, asked side by side; an answer that nobody takes costs nobody's time."""

    def __init__(self, directory: Path) -> None:
        from scaffold.background_call import BackgroundCall

        self.place = BackgroundCall(locate_in_git, directory)
        self.tracked = BackgroundCall(list_tracked_files, directory)
        # one question for both: a process costs more than what it says here
        configuration = BackgroundCall(_configuration, directory, rf"^filter\.|{_REMOTES}")
        self.state = BackgroundCall(lambda: _branch_state(directory, _filters(configuration.result())))
        self.remote = BackgroundCall(lambda: _remote_url(configuration.result()))


def merge_texts(ours: bytes, base: bytes, theirs: bytes, *, labels: tuple[str, str, str]) -> tuple[bytes, bool]:
    """Three-way merge of texts: the result, and whether it holds conflict markers (they carry `labels`: ours, base, theirs).

    Binary content cannot be merged: then `ours` comes back, with True.
    """
    from scaffold.scratch import scratch_directory

    with scratch_directory() as folder:
        for side, content in (("ours", ours), ("base", base), ("theirs", theirs)):
            (folder / side).write_bytes(content)
        options = [part for label in labels for part in ("-L", label)]
        answer = run_git(folder, "merge-file", "-p", *options, "ours", "base", "theirs")
    if not 0 <= answer.status <= 127:
        return ours, True
    return answer.stdout, answer.status > 0


def make_patch(path: str, old: bytes | None, new: bytes | None) -> str:
    """The patch that turns `old` into `new` (None: no such file), as git prints it."""
    from scaffold.scratch import scratch_directory

    with scratch_directory() as folder:
        for side, content in (("a", old), ("b", new)):
            if content is not None:
                (folder / side).write_bytes(content)
        sides = ["a" if old is not None else "/dev/null", "b" if new is not None else "/dev/null"]
        answer = run_git(
            folder, "diff", "--no-index", "--no-color", "--no-ext-diff", "--no-textconv", "--no-prefix", "--", *sides
        )
    text = answer.stdout.decode("utf-8", "replace")
    body = text.partition("\n--- ")[2]
    if not body:
        return "" if old == new else f"Binary file {path} differs\n"
    hunks = body.partition("@@")[2]
    names = (f"a/{path}" if old is not None else "/dev/null", f"b/{path}" if new is not None else "/dev/null")
    return f"--- {names[0]}\n+++ {names[1]}\n@@{hunks}"
