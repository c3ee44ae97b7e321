"""The tree that git would make of the working tree: its digest is the code state."""

from __future__ import annotations

import os

from .lean_imports import sha1, sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .git import Git
    from .processes import Subprocess

    Entry = tuple[str, str]
    Entries = dict[str, Entry]


def read_trees(git: Git, commit: str | None, folders: Iterable[str]) -> dict[str, Entries]:
    """The entries (name -> mode, id) of folders of a commit, in one call; folders that it lacks have none."""
    names = sorted(set(folders))
    if commit is None or not names:
        return {name: {} for name in names}
    process = start_objects(git, [f"{commit}:{name}" for name in names])
    git.finish(process)
    return parse_trees(names, read_objects(bytes(process.out)))


def start_objects(git: Git, names: Iterable[str]) -> Subprocess:
    """Start reading the objects of `names`; `read_objects` reads what it prints."""
    return git.start("cat-file", "--batch", stdin=os.fsencode("".join(f"{name}\n" for name in names)))


def read_objects(data: bytes) -> list[tuple[str, str, bytes]]:
    """The id, the kind and the content of each object that `git cat-file --batch` was asked for; nothing of one that is not there."""
    at = 0
    objects = []
    while at < len(data):
        end = data.index(b"\n", at)
        header = data[at:end].split(b" ")
        at = end + 1
        if len(header) == 3 and header[2].isdigit():
            objects.append((header[0].decode(), header[1].decode(), data[at : at + int(header[2])]))
            at += int(header[2]) + 1
        else:
            objects.append(("", "", b""))
    return objects


def parse_trees(names: Sequence[str], objects: Iterable[tuple[str, str, bytes]]) -> dict[str, Entries]:
    """The entries of folders, as they were read in the same order."""
    return {
        name: parse_tree(content, len(object_id) // 2) if kind == "tree" else {}
        for name, (object_id, kind, content) in zip(names, objects)
    }


def parse_tree(data: bytes, size: int) -> Entries:
    """A git tree object's entries; ids are `size` bytes long."""
    entries, at = {}, 0
    while at < len(data):
        end = data.index(b"\0", at)
        mode, _, name = data[at:end].partition(b" ")
        entries[os.fsdecode(name)] = (mode.decode(), data[end + 1 : end + 1 + size].hex())
        at = end + 1 + size
    return entries


def object_id(kind: str, content: bytes, digits: int) -> str:
    """The id that git gives an object, in a repository whose ids have so many hex digits."""
    return (sha256 if digits == 64 else sha1)(b"%s %d\0%s" % (kind.encode(), len(content), content)).hexdigest()


class CodeTree:
    """A commit's tree with the working tree's changes put in, as `git add` would: its `digest` is the code state.

    Only folders that hold an excluded or a changed path are opened, so that dirty code and the same code committed are one. `made` are
    the trees whose ids were asked for, id -> content.
    """

    def __init__(
        self, trees: Mapping[str, Entries], changed: Mapping[str, Entry | None], excluded: Sequence[str]
    ) -> None:
        self.trees = trees
        self.changed = changed
        self.excluded = excluded
        self.made: dict[str, bytes] = {}

    def entries(self, folder: str) -> Entries:
        """The entries of a folder with the changes put in."""
        entries = dict(self.trees.get(folder, {}))
        prefix = folder + "/" if folder else ""
        for path in {p[len(prefix) :].split("/")[0] for p in self.changed if p.startswith(prefix)}:
            new = self.changed[prefix + path] if prefix + path in self.changed else self.tree_id(prefix + path)
            entries.pop(path, None)
            if new is not None:
                entries[path] = new
        return entries

    def tree_id(self, folder: str) -> Entry | None:
        """The id that git gives a folder's tree; None for an empty one."""
        entries = self.entries(folder)
        order = sorted(entries, key=lambda n: os.fsencode(n + "/" if entries[n][0] == "40000" else n))
        body = b"".join(
            b"%s %s\0%s" % (entries[n][0].encode(), os.fsencode(n), bytes.fromhex(entries[n][1])) for n in order
        )
        if not order:
            return None
        tree = object_id("tree", body, len(entries[order[0]][1]))
        self.made[tree] = body
        return "40000", tree

    def lines(self, folder: str = "") -> Iterator[str]:
        """`mode id path` of all that counts, sorted within each folder."""
        entries = self.entries(folder)
        for name in sorted(entries):
            path = folder + "/" + name if folder else name
            if path in self.excluded:
                continue
            if any(e.startswith(path + "/") for e in self.excluded) and entries[name][0] == "40000":
                yield from self.lines(path)
            else:
                yield "{} {} {}\n".format(*entries[name], path)

    def digest(self) -> str:
        """SHA-256 over the lines."""
        return sha256(os.fsencode("".join(self.lines()))).hexdigest()
