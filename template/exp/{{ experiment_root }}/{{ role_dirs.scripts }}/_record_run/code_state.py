"""The code that a run runs: its digest, the commit, what is changed, the patch, and what is to be pinned."""

from __future__ import annotations

import os

from .config_files import CONFIG_FILES, file_words, hash_counted, hides_secrets, is_counted
from .git import MOST_UNTRACKED, Git, Status, common_directory, parent_folders, remote_url, repository
from .messages import RecorderError, warn
from .redaction import redact
from .trees import CodeTree, parse_trees, read_objects, read_trees, start_objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Callable

    from .patches import Patch
    from .pins import PendingPin
    from .trees import Entry
    from .workspace import Workspace


STATUS = ("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=normal")


class CodeState:
    """What the code of a run is: `git` for the manifest (None outside git), `patch` to save, `files` named by the command, and what is
    still to be pinned while it runs."""

    def __init__(self) -> None:
        self.git: dict[str, Any] | None = None
        self.top = ""
        self.patch: bytes | None = None
        self.files: list[tuple[str, str]] = []
        self.code: str | None = None
        self.pin: PendingPin | None = None
        self.submodules: list[CodeState] = []


def capture(
    workspace: Workspace,
    argv: Sequence[str],
    *,
    with_patch: bool,
    with_pin: bool = False,
    meanwhile: Callable[[], object] | None = None,
    scheme: int = 1,
) -> CodeState:
    """Capture the code state before the command starts. Trouble with git is said, and leaves `git` None.

    With `with_pin` what is not committed becomes objects of the repository, where it is in the patch too, and `pin` is what makes a
    commit of them, and keeps it. `meanwhile` is called once where there is a git to wait for, while it works.
    """
    state = CodeState()
    workdir = os.path.realpath(workspace.workdir)
    top = repository(workdir)
    state.top = top or workdir
    prefix = os.path.relpath(workdir, state.top)
    prefix = "" if prefix == "." else prefix + "/"
    named = sorted({os.path.relpath(p, state.top) for p in named_files(argv, scheme) if p.startswith(state.top + "/")})
    inside = [p for p in named if p.startswith(prefix + workspace.root + "/")]
    counted = [
        p
        for p in inside
        if not (p.endswith(CONFIG_FILES) and workspace.is_record(p[len(prefix + workspace.root) + 1 :]))
    ]
    if top is None:
        state.files = hash_counted(state.top, [p for p in named if p not in inside] + counted, scheme)
        return state
    try:
        records = [":(exclude,{}){}".format(*place) for place in workspace.records(prefix)]
        outside = [p for p in named if p not in inside] if scheme > 1 else None
        survey = Survey(Git(top), uncounted_folders(workspace, prefix), records, named, counted, meanwhile, outside)
        survey.describe(state, with_patch=with_patch, with_pin=with_pin)
        if with_pin and os.path.exists(os.path.join(top, ".gitmodules")):
            from .submodules import capture_submodules  # most repositories have none

            state.submodules = capture_submodules(top, with_patch=with_patch, with_pin=with_pin)
            if state.git is not None and state.submodules:
                state.git["submodules"] = [each.git for each in state.submodules]
    except Exception as trouble:
        warn(f"{trouble}: the code state is not recorded")
        state.files = hash_counted(state.top, named, scheme)
        state.pin = None
    return state


def uncounted_folders(workspace: Workspace, prefix: str) -> list[str]:
    """Folders and files that are no code: the workspace, the plan, agents' files; relative to the top, as `prefix` leads to the workdir."""
    plan = os.path.dirname(workspace.tasks)
    plans = [prefix + plan] if plan else [prefix + workspace.tasks, prefix + "prompt_skill_playbook.md"]
    return sorted({os.path.normpath(p) for p in [prefix + workspace.root, *plans, prefix + ".agents", ".agents"]})


def named_files(argv: Sequence[str], scheme: int) -> list[str]:
    """The source and config files that a command names, absolute."""
    folder = os.path.realpath(os.getcwd())
    return [
        path
        for w in file_words(argv, scheme)
        if is_counted(w)
        for path in (os.path.normpath(os.path.join(folder, w)), os.path.realpath(w))
    ]


PINNED = "refs/scaffold/pins/"

# of changes with lines that a patch would hide: they stay in this repository
PINNED_LOCAL = "refs/scaffold/local/"


class Survey:
    """What git says of the working tree: status, the trees that matter, and which code is pinned already.

    `excluded` are no code, `records` pathspecs that git need not look at, `named` files that the command names, `counted` those of them
    in the workspace that count.
    """

    def __init__(
        self,
        git: Git,
        excluded: list[str],
        records: list[str],
        named: list[str],
        counted: list[str],
        meanwhile: Callable[[], object] | None,
        unseen: Sequence[str] | None = None,
    ) -> None:
        self.git = git
        self.excluded = excluded
        self.folders = sorted({"", *(f for e in [*excluded, *(unseen or ())] for f in parent_folders(e))})
        self.common = common_directory(git.top)
        self.chain = _chain_name(self.common)
        chains = [PINNED + self.chain, PINNED_LOCAL + self.chain] if self.chain else []
        processes = [git.start(*STATUS, "--", ".", *records)]
        try:
            processes.append(start_objects(git, [*(f"HEAD:{folder}" for folder in self.folders), *chains]))
        except Exception:
            processes[0].end(None)
            raise
        if meanwhile is not None:
            meanwhile()
        git.finish(*processes)
        self.status = Status(bytes(processes[0].out), excluded)
        objects = read_objects(bytes(processes[1].out))
        self.trees = parse_trees(self.folders, objects)
        self.chains = dict(zip(chains, objects[len(self.folders) :]))
        self.heads: dict[str, str] = {}
        self.untracked: list[str] = []
        if self.status.untracked:
            from .worktree_files import expand_folders  # once more than committed code is there

            self.untracked = expand_folders(git, self.status.untracked)
        self.scheme = 1 if unseen is None else 2
        new = [p for p in named if p in self.untracked]
        configs = [p for p in new if p.endswith(CONFIG_FILES)] if self.scheme > 1 else []
        hiding = [p for p in configs if hides_secrets(os.path.join(git.top, p))]
        self.new = [p for p in new if p not in hiding]
        # what git ignores is in no tree, and what holds a secret counts without it
        self.counted = counted + [p for p in unseen or () if p not in self.new and not self._is_tracked(p)]
        self.counted_changed = [p for p in counted if p in self.status.workspace]
        self.counted_new = [
            p
            for p in counted
            if any(p == n or (n.endswith("/") and p.startswith(n)) for n in self.status.workspace_new)
        ]

    def _is_tracked(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        return path in self.status.changed or name in self.trees.get(folder, {})

    def describe(self, state: CodeState, *, with_patch: bool, with_pin: bool) -> None:
        """Put all that is found into `state`. Raises RecorderError where git fails, or a file that counts cannot be read."""
        state.files = hash_counted(self.git.top, self.counted, self.scheme)
        with_pin = with_pin and self._may_pin()
        patch = self._patch() if with_patch else None
        uncommitted = self._pinnable(patch) if with_pin and patch else []
        changed = [*self.status.changed, *self.new]
        entries, with_pin = (
            self._entries(changed, uncommitted, with_pin=with_pin) if changed or uncommitted else ({}, with_pin)
        )
        folders = {f for p in entries for f in parent_folders(p)} - set(self.folders)
        self.trees.update(read_trees(self.git, self.status.commit, folders))
        state.code = CodeTree(self.trees, {p: entries[p] for p in changed if p in entries}, self.excluded).digest()
        state.patch = patch.data if patch else None
        state.git = self._manifest(state.code)
        if with_pin:
            self._pin(state, patch, entries, uncommitted)

    def _may_pin(self) -> bool:
        """Whether objects may be written: the repository may be another user's, and a `.git` file may name any."""
        from .records_home import find_obstacle

        try:
            return self.common is not None and find_obstacle(self.common, self.git.top) is None
        except (OSError, ValueError):
            return False

    def _entries(
        self, changed: list[str], pinnable: list[str], *, with_pin: bool
    ) -> tuple[dict[str, Entry | None], bool]:
        """What git would make of changed and of pinnable paths, and whether they can be pinned: the repository may not be writable."""
        from .worktree_files import read_entries

        paths = dict.fromkeys([*changed, *pinnable])
        try:
            return read_entries(self.git, self.status, paths, write=pinnable, heads=self.heads), with_pin
        except RecorderError:
            if not pinnable:
                raise
        return read_entries(self.git, self.status, changed), False

    def _patch(self) -> Patch | None:
        changed, new = [*self.status.changed, *self.counted_changed], [*self.untracked, *self.counted_new]
        if not changed and not new:
            return None
        try:
            from .patches import make_patch  # most runs have committed code

            return make_patch(self.git, self.status, changed, new)
        except Exception as trouble:
            warn(f"{trouble}: the patch is not saved")
            return None

    def _pinnable(self, patch: Patch) -> list[str]:
        from .pins import choose_pinnable

        tracked = dict.fromkeys([*self.status.changed, *self.counted_changed])
        untracked = [p for p in dict.fromkeys([*self.new, *patch.new]) if p not in tracked and p not in patch.secretive]
        return choose_pinnable(self.git.top, [*tracked], untracked)

    def _manifest(self, code: str) -> dict[str, Any]:
        listed = [redact(p) for p in self.untracked[:MOST_UNTRACKED]]
        if len(self.untracked) > MOST_UNTRACKED:
            listed.append("... and %d more" % (len(self.untracked) - MOST_UNTRACKED))
        return {
            "commit": self.status.commit,
            "branch": redact(self.status.branch) if self.status.branch else None,
            "remote": remote_url(self.common),
            "dirty": bool(self.status.changed or self.new),
            "patch": None,
            "untracked": listed,
            "code": code,
        }

    def _pin(self, state: CodeState, patch: Patch | None, entries: dict[str, Entry | None], written: list[str]) -> None:
        """Settle which commit keeps this code; what is not kept yet is left for the time when the command runs."""
        if self.status.changed or self.counted_changed or patch is not None:
            from .pins import draft_commits

            pin, objects = draft_commits(self, patch, entries, written)
        else:
            pin, objects = (
                {"commit": self.status.commit, "tracked": self.status.commit, "local": False, "left_out": []},
                {},
            )
        if state.git is None or pin["commit"] is None:
            return
        chain = (PINNED_LOCAL if pin["local"] else PINNED) + self.chain
        tip, _, content = self.chains.get(chain, ("", "", b""))
        if b"\n%s\n" % pin["commit"].encode() in content:
            state.git["pin"] = pin
            return
        from .pins import PendingPin  # once for each state of the code

        last_seen = (tip, content) if chain in self.chains else None
        state.pin = PendingPin(self.git.top, self.common or "", pin, objects, last_seen)


def _chain_name(common: str | None) -> str:
    """What this repository calls its chain of pins; nothing where there is none yet."""
    try:
        with open(os.path.join(common or "", "scaffold", "pins"), "rb") as file:
            return file.read(8).decode()  # as text it would load a codec
    except (OSError, ValueError):
        return ""
