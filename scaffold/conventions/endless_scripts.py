"""Scripts that go on until somebody stops them, unless an option says when; and which commands do not give it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from scaffold.facts import Facts

_LENGTH = re.compile(r"--?(?:max|num|n|total)?[-_]?(?:steps|iters|iterations|epochs|updates|timesteps)", re.IGNORECASE)
_FOREVER = re.compile(
    r"\binfinit|\bforever\b|\bendless|\buntil (?:stopped|interrupted)|\bno limit\b|\bunlimited\b", re.IGNORECASE
)
_NO_END = re.compile(
    r"\bdefault\s*=\s*(?:-\s*\d+|0|None|(?:math|np|numpy)\.inf|float\(\s*['\"]inf\w*['\"]\s*\))\s*[,)]"
)


class RunLengthOption(NamedTuple):
    """The option that ends a run, the line that declares it, and what its help says of leaving it out."""

    name: str
    line: int
    help: str


class EndlessScript(NamedTuple):
    """A script that goes on until it is stopped, and the option that says when it ends."""

    path: str
    option: str


def find_length_option(facts: Facts, path: str, kind: str) -> RunLengthOption | None:
    """The option without which a script trains until it is stopped, by its own word: the option's help says so of its default."""
    from scaffold.facts.python_source import literal_text

    for call in facts.parse(path).calls if kind == "train" and path.endswith(".py") else ():
        names = [name for name in map(literal_text, call.args) if name is not None and _LENGTH.fullmatch(name)]
        help_text = literal_text(call.keywords.get("help")) or ""
        if call.last != "add_argument" or not names or not _FOREVER.search(help_text):
            continue
        lines = facts.texts[path].splitlines()[call.line - 1 :]
        declaration = "\n".join(lines[:8]).partition("add_argument")[2].partition("add_argument")[0]
        if "default" not in call.keywords or _NO_END.search(declaration):
            return RunLengthOption(names[0], call.line, help_text)
    return None


def has_option_value(words: Iterable[str], option: str) -> bool:
    """Whether a command gives an option a value, as one word or two."""
    return any(word == option or word.startswith(f"{option}=") for word in words)


def read_endless_scripts(answers: Mapping[str, Any]) -> tuple[EndlessScript, ...]:
    """The scripts of a workspace's answers that go on until they are stopped."""
    entries = [entry for entry in answers.get("entry_points") or () if isinstance(entry, Mapping)]
    return tuple(
        EndlessScript(str(entry.get("path")), str(entry["length_option"]))
        for entry in entries
        if entry.get("length_option")
    )


def find_endless_script(words: Sequence[str], scripts: Iterable[EndlessScript]) -> EndlessScript | None:
    """The script that a command starts without saying when it ends; None where it says so, or starts none of them."""
    modules = [f"{word.replace('.', '/')}.py" for before, word in pairwise(words) if before == "-m"]
    named = [PurePosixPath(word).parts for word in (*words, *modules) if word.endswith(".py")]
    for script in scripts:
        parts = PurePosixPath(script.path).parts
        if any(_is_same_file(parts, other) for other in named) and not has_option_value(words, script.option):
            return script
    return None


def _is_same_file(parts: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two paths may name one file, from whatever folder: one is the end of the other."""
    shorter = min(len(parts), len(other))
    return parts[-shorter:] == other[-shorter:]
