"""Pins: commits that keep the code of runs, below `refs/scaffold/`. Loaded only where code is not committed, or not pinned yet."""

from __future__ import annotations

import os
from _thread import allocate_lock, start_new_thread

from .files import file_size
from .git import MOST_UNTRACKED
from .messages import warn
from .pin_chain import PinChain
from .redaction import redact
from .secret_files import is_secret_file
from .trees import CodeTree, object_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from .attempt import Attempt
    from .code_state import Survey
    from .patches import Patch
    from .pin_chain import Objects
    from .trees import Entry


LARGEST_PINNED_BYTES = 32 << 20
LARGEST_PIN_BYTES = 64 << 20

PIN_S = 15.0

# The same code gives the same commit in every clone and worktree, so nothing of person or time is in it; and `git log --all` lists what
# is so old last, behind everything that people committed.
IDENTITY = b"scaffold <scaffold@localhost> 1 +0000"


def choose_pinnable(top: str, tracked: Sequence[str], untracked: Sequence[str]) -> list[str]:
    """The changed and new files that may be part of a pin, by names and sizes: the command waits until they are written."""
    chosen, left = [], LARGEST_PIN_BYTES
    for path in (*tracked, *untracked):
        size = file_size(os.path.join(top, path))
        if size <= min(left, LARGEST_PINNED_BYTES) and not is_secret_file(path, tracked=path in tracked):
            chosen.append(path)
            left -= size
    return chosen


def draft_commits(
    survey: Survey, patch: Patch | None, entries: Mapping[str, Entry | None], written: Collection[str]
) -> tuple[dict[str, Any], Objects]:
    """Which commits are exactly the code that runs, as the manifest says it, and the objects that they need beside the files' own, which
    are `written`.

    `tracked` is the commit of the tracked files, whose code state is the run's; `commit` has the untracked files of the patch besides.
    """
    changed = [*survey.status.changed, *survey.new, *survey.counted_changed]
    pinned: dict[str, Entry | None] = {}
    for path in changed:
        if path in survey.heads:
            pinned[path] = ("160000", survey.heads[path])
        elif path in entries and (entries[path] is None or path in written):
            pinned[path] = entries[path]
    untracked = {p: entries[p] for p in (patch.new if patch else ()) if p in written and p not in pinned}
    objects: Objects = {}
    head = survey.status.commit
    before = CodeTree(survey.trees, {}, ()).tree_id("")
    tracked, tree = _commit(survey, head, before, pinned, b"Uncommitted changes that a run ran with", objects)
    commit, _ = _commit(survey, tracked, tree, {**pinned, **untracked}, b"Untracked files that a run ran with", objects)
    secretive = patch.secretive if patch else ()
    left_out = sorted({p for p in [*changed, *secretive] if p not in pinned and p not in untracked})
    pin = {
        "commit": commit,
        "tracked": tracked,
        "local": bool(pinned) and patch is not None and patch.hides,
        "left_out": [redact(p) for p in left_out[:MOST_UNTRACKED]],
    }
    return pin, objects


def _commit(
    survey: Survey,
    parent: str | None,
    before: Entry | None,
    changed: Mapping[str, Entry | None],
    message: bytes,
    objects: Objects,
) -> tuple[str | None, Entry | None]:
    """A commit of the changes on `parent`, whose tree is `before`, and its tree; `parent` itself where they make no difference."""
    code = CodeTree(survey.trees, changed, ())
    tree = code.tree_id("")
    if tree == before:
        return parent, before
    if tree is None:
        digits = len((before or ("", ""))[1])
        tree = "40000", object_id("tree", b"", digits)
        code.made[tree[1]] = b""
    objects.update((name, ("tree", content)) for name, content in code.made.items())
    content = commit_content(tree[1], [parent] if parent else [], message)
    name = object_id("commit", content, len(tree[1]))
    objects[name] = ("commit", content)
    return name, tree


def commit_content(tree: str, parents: list[str], message: bytes) -> bytes:
    """A commit object's content."""
    head = b"".join(b"parent %s\n" % parent.encode() for parent in parents)
    return b"tree %s\n%sauthor %s\ncommitter %s\n\n%s\n" % (tree.encode(), head, IDENTITY, IDENTITY, message)


class PendingPin:
    """Code that is to be kept by a ref: `pin` as the manifest says it, and the objects that are still to be written."""

    def __init__(
        self, top: str, common: str, pin: dict[str, Any], objects: Objects, last_seen: tuple[str, bytes] | None
    ) -> None:
        self.top = top
        self.common = common
        self.pin = pin
        self.objects = objects
        self.last_seen = last_seen

    def write(self) -> dict[str, Any]:
        """Write the objects and have the chain of pins hold the commit; the pin. Raises RecorderError or OSError."""
        chain = PinChain(self.top, self.common, local=self.pin["local"])
        chain.add(self.pin["commit"], self.objects, last_seen=self.last_seen)
        return self.pin


class Pinning:
    """Pins the code of an attempt, and of submodules, in a thread while the command runs."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.done = allocate_lock()
        self.done.acquire()
        start_new_thread(self._run, ())

    def finish(self) -> None:
        """The command has ended: the manifest's last state says whether its code is pinned."""
        if not self.done.acquire(timeout=PIN_S):
            warn("the code is not pinned: others were at it for too long")

    def _run(self) -> None:
        try:
            for state in [self.attempt.state, *self.attempt.state.submodules]:
                if state.pin is not None and state.git is not None:
                    pin = state.pin.write()
                    with self.attempt.lock:
                        state.git["pin"] = pin
            self.attempt.add_facts("git", {})
        except Exception as error:  # the patch is there
            warn(f"the code is not pinned ({error})")
        finally:
            self.done.release()
