"""The working tree -> a commit object that holds an idea, on the commit that stands. No branch moves, and the index stays as it is."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.ideas.tree.forbidden_changes import matches_any_path_pattern
from scaffold.scratch import scratch_directory

REFS = "refs/scaffold/ideas"
# what cannot matter to a run: lists, logs and pages that a loop writes beside its code
NO_CODE = (".tsv", ".csv", ".log", ".md")
CODE = (
    ".py",
    ".pyx",
    ".yaml",
    ".yml",
    ".toml",
    ".json",
    ".cfg",
    ".ini",
    ".sh",
    ".c",
    ".cpp",
    ".cu",
    ".h",
    ".jl",
    ".R",
    ".r",
)
MOST_BYTES = 1 << 20
# commit objects of ours need no identity of the user's
IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "scaffold"), ("EMAIL", "scaffold@localhost"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRules:
    """What is part of an idea: not `uncounted` (the workspace, the plan), not `untracked` files that were there before unless they are
    `needed` by the command, nothing outside of `only` that is new or no code."""

    uncounted: tuple[str, ...]
    untracked: frozenset[str]
    needed: frozenset[str] = frozenset()
    only: tuple[str, ...] = ()

    def is_uncounted(self, path: str) -> bool:
        """Whether a path is no code."""
        return any(path == folder or path.startswith(f"{folder}/") for folder in self.uncounted)

    def is_named(self, path: str) -> bool:
        """Whether somebody said that a path counts."""
        return matches_any_path_pattern(path, self.only)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSnapshot:
    """The tree of an idea: its id, the paths that it changes, what was left where it is with the reason, and the tree of what is staged
    where that is neither the idea's nor the incumbent's."""

    tree: str
    paths: tuple[str, ...]
    left: tuple[str, ...]
    staged: str | None


def take_snapshot(top: Path, base: str, rules: SnapshotRules) -> TreeSnapshot:
    """The working tree `top` as a tree object on the commit `base`. Raises ScaffoldError: a merge is under way, a submodule is dirty."""
    _check_submodules(top)
    place, base_tree = _ask_places(top, f"{base}^{{tree}}")
    with _copy_index(place) as env:
        staged = _run(top, env, "write-tree", hint="finish or give up the merge first: git status").text
        paths, left = _stage_idea(top, env, base, rules)
        tree = _run(top, env, "write-tree").text
    is_apart = staged not in (tree, base_tree)
    return TreeSnapshot(tree=tree, paths=tuple(paths), left=tuple(sorted(left)), staged=staged if is_apart else None)


def find_changed_paths(top: Path, base: str, rules: SnapshotRules) -> list[str]:
    """The paths that the working tree changes as an idea on the commit `base`, without an object made of it. Raises ScaffoldError."""
    (place,) = _ask_places(top)
    with _copy_index(place) as env:
        return _stage_idea(top, env, base, rules)[0]


def _ask_places(top: Path, *objects: str) -> list[str]:
    """Where git keeps the index of a working tree, and the ids of objects, in one question."""
    answer = git.run_git_checked(top, "rev-parse", "--git-path", "index", *objects).text
    place, *ids = answer.rsplit("\n", len(objects))
    return [str(top / place), *ids]


@contextlib.contextmanager
def _copy_index(place: str) -> Iterator[Mapping[str, str]]:
    """The variables with which git works on a copy of the index, so that the user's stays as it is."""
    with scratch_directory() as folder:
        index = folder / "index"
        if os.path.isfile(place):  # noqa: PTH113
            # with its time, by which git knows of files that were changed in the moment when it was written
            shutil.copy2(place, index)
        yield {"GIT_INDEX_FILE": str(index)}


def _stage_idea(top: Path, env: Mapping[str, str], base: str, rules: SnapshotRules) -> tuple[list[str], list[str]]:
    """Bring an index from what is staged to the idea; the paths that it changes, and what was left, with the reasons."""
    _run(top, env, "add", "--update", "--", ".")
    new, left = choose_new_files(top, rules)
    if new:
        _run(top, env, "update-index", "--add", "-z", "--stdin", stdin=b"".join(os.fsencode(p) + b"\0" for p in new))
    paths, restored = _restore_excluded(top, env, base, rules)
    return paths, left + [f"{path}: it cannot matter to a run" for path in restored]


def _run(
    top: Path, env: Mapping[str, str], *args: str, stdin: bytes | None = None, hint: str | None = None
) -> git.GitResult:
    answer = git.run_git_as_user(top, *args, env=env, stdin=stdin)
    if answer.status != 0:
        raise ScaffoldError(f"git {args[0]} failed in {top}: {answer.stderr.strip() or answer.status}", hint=hint)
    return answer


def _check_submodules(top: Path) -> None:
    """Raise ScaffoldError where a submodule holds changes of its own: the commit of an idea could not hold them."""
    if not (top / ".gitmodules").is_file():
        return
    rows = git.run_git_checked(top, "status", "--porcelain=v2", "-z", "--untracked-files=no", "--no-renames").paths
    # 1 XY S<commit><modified><untracked> ... path
    dirty = [row.split(" ", 8)[8] for row in rows if row.startswith("1 ") and re.match(r"S.M", row.split(" ")[2])]
    if dirty:
        raise ScaffoldError(
            f"the submodule {dirty[0]} has changes that are not committed, so that the idea's commit cannot hold them",
            hint=f"commit them there first: git -C {dirty[0]} commit -a",
        )


def choose_new_files(top: Path, rules: SnapshotRules) -> tuple[list[str], list[str]]:
    """The untracked files that are part of an idea, and those that are named and left where they are, with the reason."""
    chosen, left = [], []
    for path in git.untracked_files(top):
        if rules.is_uncounted(path):
            continue
        if rules.is_named(path) and not path.endswith("/"):
            chosen.append(path)
        elif path in rules.untracked and path not in rules.needed:
            continue
        elif rules.only:
            left.append(f"{path}: it is outside of --only")
        elif reason := _reason_to_leave(top / path):
            left.append(f"{path}: {reason}")
        else:
            chosen.append(path)
    left += [f"{path}: git ignores it" for path in ignored_code(top, rules) if path not in rules.untracked]
    return chosen, left


def ignored_code(top: Path, rules: SnapshotRules) -> list[str]:
    """Files of code that git ignores one by one, so that no idea can bring them along."""
    options = ("-z", "--others", "--ignored", "--exclude-standard", "--directory")
    paths = git.run_git_checked(top, "ls-files", *options).paths
    return sorted(path for path in paths if path.endswith(CODE) and not rules.is_uncounted(path))


def _reason_to_leave(file: Path) -> str | None:
    if file.as_posix().endswith("/") or file.is_dir():
        return "it is a repository of its own"
    if file.name.endswith(NO_CODE):
        return "it cannot matter to a run"
    if file.is_symlink():
        return None
    try:
        if file.stat().st_size > MOST_BYTES:
            return "it is larger than 1 MiB"
        with file.open("rb") as content:
            return "it is binary" if b"\0" in content.read(8000) else None
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def _restore_excluded(
    top: Path, env: Mapping[str, str], base: str, rules: SnapshotRules
) -> tuple[list[str], list[str]]:
    """Give what is no part of an idea its content of `base` in the index; the paths that the idea changes, and the others of them that
    are to be named."""
    fields = _run(top, env, "diff-index", "--cached", "--raw", "-z", "--no-renames", base).paths
    paths, back, named = [], [], []
    for head, path in zip(fields[0::2], fields[1::2], strict=True):
        mode, _, old = head.removeprefix(":").split(" ")[:3]
        is_no_code = path.endswith(NO_CODE) and not rules.is_named(path)
        if rules.is_uncounted(path) or is_no_code:
            back.append(f"{mode} {old}\t{path}" if mode != "000000" else f"0 {'0' * len(old)}\t{path}")
            named += [path] if not rules.is_uncounted(path) else []
        else:
            paths.append(path)
    if back:
        stdin = b"".join(os.fsencode(row) + b"\0" for row in back)
        _run(top, env, "update-index", "-z", "--index-info", stdin=stdin)
    return paths, named


def commit_tree(top: Path, tree: str, parent: str, message: str) -> str:
    """A commit object of a tree. Raises ScaffoldError where the repository cannot be written."""
    return _run(top, IDENTITY, "commit-tree", tree, "-p", parent, stdin=message.encode()).text


def pin_commit(top: Path, study: str, number: int, commit: str, *, part: str = "") -> None:
    """Keep a commit for good. Raises ScaffoldError where the repository cannot be written."""
    git.run_git_checked(top, "update-ref", "--no-deref", f"{REFS}/{study}/{number}{part}", commit)


def idea_message(text: str, trailers: Mapping[str, str | None]) -> str:
    """The message of an idea's commit: its text, and what is known of it as trailers."""
    lines = [f"{key}: {' '.join(value.split())}" for key, value in trailers.items() if value]
    return f"{' '.join(text.split())}\n\n" + "\n".join(lines) + "\n"


def list_excluded_files(top: Path, rules: SnapshotRules) -> tuple[str, ...]:
    """The files that no later idea brings along: those that git does not track, and the ignored code."""
    files: Collection[str] = git.untracked_files(top)
    return tuple(sorted({path for path in files if not rules.is_uncounted(path)} | set(ignored_code(top, rules))))


def describe_files_outside_idea(left: Sequence[str], most: int = 8) -> list[str]:
    """What was left where it is, as notes."""
    notes = [f"left as it is, no part of the idea: {text}" for text in left[:most]]
    return notes + ([f"... and {len(left) - most} more"] if len(left) > most else [])
