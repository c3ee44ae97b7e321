"""A verdict on the working tree: an idea's files are committed, or taken back; whatever else is in the tree stays untouched."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from scaffold import git
from scaffold.errors import ScaffoldError

# a commit asks nobody for anything: whoever signs with a passphrase has an agent, or signs by hand
QUIET = {"GIT_EDITOR": "true", "GIT_TERMINAL_PROMPT": "0", "GPG_TTY": "", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true"}


class CannotCommit(ScaffoldError):
    """git, or a hook of the user's, did not make the commit of an idea that was kept; the files are as they were."""


def tree_entries(top: Path, commit: str, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Path -> mode and id, of those of `paths` that a commit has. Raises ScaffoldError where git does not answer."""
    if not paths:
        return {}
    rows = git.run_git_checked(top, "ls-tree", "-z", "-r", "--full-tree", commit, "--", *paths).paths
    entries = {}
    for row in rows:
        fields, _, path = row.partition("\t")
        entries[path] = (fields.split(" ")[0], fields.split(" ")[2])
    return {path: entries[path] for path in paths if path in entries}


def file_entries(top: Path, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The same of the working tree, by the content that git would make of the files."""
    entries: dict[str, tuple[str, str]] = {}
    plain = []
    for path in paths:
        file = top / path
        if file.is_symlink():
            target = os.fsencode(os.readlink(file))  # noqa: PTH115 - bytes that are no UTF-8
            entries[path] = ("120000", _hash(top, ["--stdin"], target)[0])
        elif file.is_file():
            plain.append(path)
        elif (file / ".git").exists():
            entries[path] = ("160000", git.run_git_checked(file, "rev-parse", "HEAD").text)
    if plain:
        stdin = b"".join(os.fsencode(path) + b"\n" for path in plain)
        ids = _hash(top, ["--stdin-paths"], stdin)
        for path, name in zip(plain, ids, strict=True):
            executable = bool((top / path).stat().st_mode & 0o100)
            entries[path] = ("100755" if executable else "100644", name)
    return entries


def _hash(top: Path, options: list[str], stdin: bytes) -> list[str]:
    answer = git.run_git_as_user(top, "hash-object", *options, stdin=stdin)  # with the filters that `git add` would use
    if answer.status != 0:
        raise ScaffoldError(f"git hash-object failed in {top}: {answer.stderr.strip()}")
    return answer.text.split()


def find_unmatched_paths(top: Path, paths: Sequence[str], *commits: str) -> list[str]:
    """Those of `paths` whose file is as none of the commits has it."""
    files = file_entries(top, paths)
    sides = [tree_entries(top, commit, paths) for commit in commits]
    return [path for path in paths if all(files.get(path) != side.get(path) for side in sides)]


def checkout_paths(top: Path, paths: Sequence[str], commit: str) -> list[str]:
    """Give `paths` the content that a commit has; those that it has not are removed, with folders that are empty then.

    What is there already is not written again, so that a second call goes on where the first was killed. The paths that were written come
    back: they are staged as well. Raises ScaffoldError.
    """
    entries, files = tree_entries(top, commit, paths), file_entries(top, paths)
    written = [p for p in paths if p in entries and files.get(p) != entries[p] and entries[p][0] != "160000"]
    for path in written:
        if (top / path).is_dir() and not (top / path).is_symlink():
            raise ScaffoldError(
                f"{top / path} is a folder now, and is not replaced", hint="move it away, then call it again"
            )
    if written:
        git.run_git_checked_as_user(top, "checkout", "-q", commit, "--", *_literal(written))
    gone = [path for path in paths if path not in entries and os.path.lexists(top / path)]
    for path in gone:
        (top / path).unlink(missing_ok=True)
        for folder in (top / path).parents:
            if folder == top or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()
    return written


def checkout_and_stage_paths(top: Path, paths: Sequence[str], commit: str) -> None:
    """As `checkout_paths`, and what is staged of them is then what the commit has too."""
    written = set(checkout_paths(top, paths, commit))
    if others := [path for path in paths if path not in written]:
        git.run_git_as_user(top, "reset", "-q", commit, "--", *_literal(others))


def checkout_paths_unstaged(top: Path, paths: Sequence[str], commit: str) -> None:
    """As `checkout_paths`, and nothing of them is staged: they are a change as if it was made by hand. Raises ScaffoldError."""
    if checkout_paths(top, paths, commit):
        git.run_git_as_user(top, "reset", "-q", "--", *_literal(paths))


def _literal(paths: Sequence[str]) -> list[str]:
    return [f":(literal,top){path}" for path in paths]


def commit_paths(top: Path, paths: Sequence[str], message: str) -> str:
    """Commit the files as they are, and nothing else that is staged; the hooks of the repository run. The commit, HEAD where HEAD has all
    of it already. Raises CannotCommit, with what git or the hook said."""
    head = git.run_git_checked(top, "rev-parse", "HEAD").text
    paths = [path for path in paths if path in find_modified_paths(top, paths, head)]
    if not paths:
        return head
    names = _literal(paths)
    tracked = set(git.run_git_checked(top, "ls-files", "-z", "--", *names).paths)
    new = _literal([path for path in paths if path not in tracked and os.path.lexists(top / path)])
    if new:
        git.run_git_as_user(top, "add", "--intent-to-add", "--", *new)
    answer = git.run_git_as_user(
        top, "commit", "-q", "--only", "-F", "-", "--", *names, stdin=message.encode(), env=QUIET
    )
    if answer.status != 0:
        if new:
            git.run_git_as_user(top, "reset", "-q", "--", *new)
        reason = " / ".join((answer.stderr.strip() or answer.text).splitlines()[-3:])
        raise CannotCommit(f"git did not commit it: {reason or answer.status}")
    return git.run_git_checked(top, "rev-parse", "HEAD").text


def find_modified_paths(top: Path, paths: Sequence[str], commit: str) -> set[str]:
    """Those of `paths` whose file is not as a commit has it."""
    return set(find_unmatched_paths(top, paths, commit))
