"""The code that a run runs: its digest, the commit, what is changed, and the patch."""

from __future__ import annotations

import os
import stat

from .files import CODE, CONFIG, SHELL, hash_files
from .git import MOST_UNTRACKED, Git, Status, parent_folders, remote_url, repository
from .lean_imports import sha256
from .messages import warn
from .redaction import redact
from .trees import CodeTree, read_trees, start_trees

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Callable

    from .workspace import Workspace


STATUS = ("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=normal")


class CodeState:
    """What the code of a run is: `git` for the manifest (None outside git), `patch` to save, `files` named by the command."""

    def __init__(self) -> None:
        self.git: dict[str, Any] | None = None
        self.top = ""
        self.patch: bytes | None = None
        self.files: list[tuple[str, str]] = []
        self.code: str | None = None


def capture(
    workspace: Workspace, argv: Sequence[str], *, with_patch: bool, meanwhile: Callable[[], object] | None = None
) -> CodeState:
    """Capture the code state before the command starts. Trouble with git is said, and leaves `git` None.

    `meanwhile` is called once where there is a git to wait for, while it works.
    """
    state = CodeState()
    workdir = os.path.realpath(workspace.workdir)
    top = repository(workdir)
    state.top = top or workdir
    prefix = os.path.relpath(workdir, state.top)
    prefix = "" if prefix == "." else prefix + "/"
    named = sorted({os.path.relpath(p, state.top) for p in named_files(argv) if p.startswith(state.top + "/")})
    inside = [p for p in named if p.startswith(prefix + workspace.root + "/")]
    counted = [
        p for p in inside if not (p.endswith(CONFIG) and workspace.is_record(p[len(prefix + workspace.root) + 1 :]))
    ]
    if top is None:
        state.files = hash_files(state.top, [p for p in named if p not in inside] + counted)
        return state
    try:
        records = [":(exclude,{}){}".format(*place) for place in workspace.records(prefix)]
        _capture_from_git(
            state,
            Git(top),
            uncounted_folders(workspace, prefix),
            records,
            named,
            counted,
            with_patch=with_patch,
            meanwhile=meanwhile,
        )
    except Exception as trouble:
        warn(f"{trouble}: the code state is not recorded")
        state.files = hash_files(state.top, named)
    return state


def uncounted_folders(workspace: Workspace, prefix: str) -> list[str]:
    """Folders and files that are no code: the workspace, the plan, agents' files; relative to the top, as `prefix` leads to the workdir."""
    plan = os.path.dirname(workspace.tasks)
    plans = [prefix + plan] if plan else [prefix + workspace.tasks, prefix + "prompt_skill_playbook.md"]
    return sorted({os.path.normpath(p) for p in [prefix + workspace.root, *plans, prefix + ".agents", ".agents"]})


def named_files(argv: Sequence[str]) -> list[str]:
    """The source and config files that a command names, absolute."""
    words = [w for token in argv for w in (token, token.partition("=")[2]) if w.endswith(CODE + SHELL + CONFIG)]
    folder = os.path.realpath(os.getcwd())
    return [
        path
        for w in words
        if os.path.isfile(w)
        for path in (os.path.normpath(os.path.join(folder, w)), os.path.realpath(w))
    ]


def _capture_from_git(
    state: CodeState,
    git: Git,
    excluded: list[str],
    records: list[str],
    named: list[str],
    counted: list[str],
    *,
    with_patch: bool,
    meanwhile: Callable[[], object] | None,
) -> None:
    folders = {f for e in excluded for f in parent_folders(e)}
    processes = [git.start(*STATUS, "--", ".", *records)]
    try:
        processes.append(start_trees(git, "HEAD", folders))
    except Exception:
        processes[0].end(None)
        raise
    if meanwhile is not None:
        meanwhile()
    git.finish(*processes)
    status = Status(bytes(processes[0].out), excluded)
    state.files = hash_files(git.top, counted)
    untracked = _expand_folders(git, status.untracked)
    new = [p for p in named if p in untracked]
    changed = _worktree_entries(git, [*status.changed, *new], status.changed)
    trees = read_trees(git, status.commit, folders, processes[1])
    more = {f for p in changed for f in parent_folders(p)} - folders
    trees.update(read_trees(git, status.commit, more) if more else {})
    state.code = CodeTree(trees, changed, excluded).digest()
    if with_patch:
        fresh = [
            p for p in counted if any(p == n or (n.endswith("/") and p.startswith(n)) for n in status.workspace_new)
        ]
        changed_too = [p for p in counted if p in status.workspace]
        try:
            if status.changed or changed_too or untracked or fresh:
                from .patches import make_patch  # most runs have committed code

                state.patch = make_patch(git, status, [*status.changed, *changed_too], [*untracked, *fresh])
        except Exception as trouble:
            warn(f"{trouble}: the patch is not saved")
    listed = [redact(p) for p in untracked[:MOST_UNTRACKED]]
    if len(untracked) > MOST_UNTRACKED:
        listed.append("... and %d more" % (len(untracked) - MOST_UNTRACKED))
    state.git = {
        "commit": status.commit,
        "branch": redact(status.branch) if status.branch else None,
        "remote": remote_url(git.top),
        "dirty": bool(status.changed or new),
        "patch": None,
        "untracked": listed,
        "code": state.code,
    }


def _expand_folders(git: Git, untracked: Sequence[str]) -> list[str]:
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


def _worktree_entries(git: Git, paths: Sequence[str], changed: Mapping[str, str]) -> dict[str, tuple[str, str] | None]:
    """What `git add` would make of paths of the working tree: (mode, id), or None where there is nothing any more."""
    entries: dict[str, tuple[str, str] | None] = {}
    files = []
    for path in paths:
        full = os.path.join(git.top, path)
        try:
            mode = os.lstat(full).st_mode
        except OSError:
            entries[path] = None
            continue
        if changed.get(path, "N...").startswith("S"):
            inner = Git(full)
            head = inner.output("rev-parse", "HEAD").decode().strip()
            inside = inner.output("diff", "--no-ext-diff", "--binary", "HEAD") if changed[path][2:3] == "M" else b""
            entries[path] = ("160000", head if not inside else sha256(head.encode() + inside).hexdigest()[: len(head)])
        elif stat.S_ISLNK(mode):
            entries[path] = (
                "120000",
                git.output("hash-object", "--stdin", stdin=os.fsencode(os.readlink(full))).decode().strip(),
            )
        elif stat.S_ISREG(mode) and "\n" not in path:
            entries[path] = ("100755" if mode & 0o100 else "100644", "")
            files.append(path)
    if files:
        ids = (
            git.output("hash-object", "--stdin-paths", stdin=os.fsencode("".join(p + "\n" for p in files)))
            .decode()
            .split()
        )
        entries.update((path, ((entries[path] or ("100644",))[0], blob)) for path, blob in zip(files, ids))
    return entries
