"""The tree that git would make of the working tree: its digest is the code state."""

from __future__ import annotations

import os

from .lean_imports import sha1, sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .git import Git
    from .processes import Subprocess

    Entries = dict[str, tuple[str, str]]


def read_trees(
    git: Git, commit: str | None, folders: Iterable[str], process: Subprocess | None = None
) -> dict[str, Entries]:
    """The entries (name -> mode, id) of folders of a commit, in one call; folders that it lacks have none."""
    names = sorted(set(folders))
    if commit is None:
        return {name: {} for name in names}
    if process is None:
        process = start_trees(git, commit, names)
        git.finish(process)
    data, at = bytes(process.out), 0
    trees: dict[str, Entries] = {}
    for name in names:
        end = data.index(b"\n", at)
        header = data[at:end].split(b" ")
        at = end + 1
        trees[name] = {}
        if header[-1].isdigit() and len(header) == 3:
            trees[name] = (
                parse_tree(data[at : at + int(header[2])], len(header[0]) // 2) if header[1] == b"tree" else {}
            )
            at += int(header[2]) + 1
    return trees


def start_trees(git: Git, commit: str, folders: Iterable[str]) -> Subprocess:
    """Start reading the trees of `folders`."""
    names = "".join(f"{commit}:{name}\n" for name in sorted(set(folders)))
    return git.start("cat-file", "--batch", stdin=os.fsencode(names))


def parse_tree(data: bytes, size: int) -> Entries:
    """A git tree object's entries; ids are `size` bytes long."""
    entries, at = {}, 0
    while at < len(data):
        end = data.index(b"\0", at)
        mode, _, name = data[at:end].partition(b" ")
        entries[os.fsdecode(name)] = (mode.decode(), data[end + 1 : end + 1 + size].hex())
        at = end + 1 + size
    return entries


class CodeTree:
    """A commit's tree with the working tree's changes put in, as `git add` would: its `digest` is the code state.

    Only folders that hold an excluded or a changed path are opened, so that dirty code and the same code committed are one.
    """

    def __init__(
        self, trees: Mapping[str, Entries], changed: Mapping[str, tuple[str, str] | None], excluded: Sequence[str]
    ) -> None:
        self.trees = trees
        self.changed = changed
        self.excluded = excluded

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

    def tree_id(self, folder: str) -> tuple[str, str] | None:
        """The id that git gives a folder's tree; None for an empty one."""
        entries = self.entries(folder)
        order = sorted(entries, key=lambda n: os.fsencode(n + "/" if entries[n][0] == "40000" else n))
        body = b"".join(
            b"%s %s\0%s" % (entries[n][0].encode(), os.fsencode(n), bytes.fromhex(entries[n][1])) for n in order
        )
        if not order:
            return None
        algorithm = sha256 if len(entries[order[0]][1]) == 64 else sha1
        return "40000", algorithm(b"tree %d\0%s" % (len(body), body)).hexdigest()

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
