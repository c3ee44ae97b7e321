"""The refs that keep the code of runs: what they pin, and how pins are given up that nothing needs any more."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.runs import recorder

REFS = ("refs/scaffold/pins/", "refs/scaffold/local/")


@dataclass(frozen=True, slots=True, kw_only=True)
class PinRef:
    """One chain of pins: its ref, the commit there, and the pinned commits, the oldest first."""

    name: str
    tip: str
    pins: tuple[str, ...]


def list_pin_refs(top: Path) -> list[PinRef]:
    """The chains of pins of a repository, by name. Raises ScaffoldError where git does not answer."""
    rows = git.run_git_checked(top, "for-each-ref", "--format=%(refname) %(objectname)", *REFS).text.splitlines()
    names = [row.split() for row in rows]
    return [PinRef(name=name, tip=tip, pins=tuple(reversed(list(_walk(top, tip))))) for name, tip in names]


def _walk(top: Path, tip: str) -> Iterator[str]:
    """The pins of a chain, the newest first: the parents of its commits that their messages name."""
    while tip:
        head, _, message = git.run_git_checked(top, "cat-file", "commit", tip).text.partition("\n\n")
        parents = [line.removeprefix("parent ") for line in head.splitlines() if line.startswith("parent ")]
        named = frozenset(message.splitlines())
        yield from reversed([parent for parent in parents if parent in named])
        tip = next((parent for parent in parents if parent not in named), "")


def unpin_commits(top: Path, dropped: Collection[str]) -> int:
    """Give up the pins in `dropped`, so that git may forget what nothing else keeps; how many there were.

    A run that pins at the same moment loses nothing: its change or this one is refused. Raises ScaffoldError, then too.
    """
    count = 0
    for ref in list_pin_refs(top):
        pins = [pin for pin in ref.pins if pin not in dropped]
        if len(pins) < len(ref.pins):
            _replace(top, ref, pins)
            count += len(ref.pins) - len(pins)
    return count


def _replace(top: Path, ref: PinRef, pins: list[str]) -> None:
    tip, content = "", b""
    commits: dict[str, bytes] = {}
    for pin in pins:
        content = recorder.pin_chain.next_commit(tip, content, pin)
        tip = recorder.trees.object_id("commit", content, len(pin))
        commits[tip] = content
    if not pins:
        change = ("-d", ref.name, ref.tip)
    else:
        objects = {name: ("commit", text) for name, text in commits.items()}
        objects[recorder.trees.object_id("tree", b"", len(tip))] = ("tree", b"")
        git.run_git_checked(top, "unpack-objects", "-q", stdin=recorder.pin_chain.pack_objects(objects, len(tip)))
        change = (ref.name, tip, ref.tip)
    answer = git.run_git(top, "update-ref", *change)
    if answer.status != 0:
        raise ScaffoldError(f"the pins in {ref.name} cannot be changed: {answer.stderr.strip()}", hint="try again")
