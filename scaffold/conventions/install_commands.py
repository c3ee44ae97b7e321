"""What the repository's documents tell their reader to install: extras, groups, and further requirement files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scaffold.conventions.model import Evidence
from scaffold.facts import Facts, paths, shell_parser

_FOR_DEVELOPERS = re.compile(r"(^|[-_./])(dev|test|doc|lint|ci|typing|build|style|quality|contrib)", re.IGNORECASE)
_TARGET = re.compile(r"^(?:\.|\./|[A-Za-z][\w.-]*)\[(?P<extras>[\w,\s-]+)\]$")
# one of these is meant, not all
_VARIANT = re.compile(
    r"(?:^|[-_.])(?:cpu|gpu|cuda?|cu\d+|rocm|tpu|mps|mac|macos|osx|windows|linux)\d*(?=[-_.]|$)", re.IGNORECASE
)
_OPTION = {"uv": ("--extra", "--group"), "poetry": ("--with", "--extras", "-E"), "pdm": ("-G", "--group")}
# extras that experiments need, though the project itself can be installed without them
_NEEDED = re.compile(
    r"(?:^|[-_])(?:train(?:ing)?|gpu|cuda\d*|torch|jax|all|full|complete|experiments?|research|main|baselines?|impls?|rl|algos?)(?:[-_]|$)"
)
_WHOLE = ("--all-extras", "--all-groups")


class InstallCommandRequirements(NamedTuple):
    """What is installed beyond the project itself; `options` are those of uv, Poetry or PDM, `requirements` files."""

    extras: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()


def find_install_requirements(facts: Facts, manager: str) -> InstallCommandRequirements:
    """Extras, options and requirement files of the install commands that are shown; those for developers do not count.

    Of several extras the first command's count, and of variants for one machine or another (`requirements-cpu.txt`) the first.
    """
    extras: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    requirements: list[str] = []
    evidence: list[Evidence] = []
    plain = False
    for command in _commands(facts):
        words = command.words
        found_extras = () if extras else _extras(facts, words, needed_only=plain)
        found_options = () if options else _manager_options(manager, words, needed_only=plain)
        plain = plain or _installs_plainly(words, manager)
        files = [
            f
            for f in _requirement_files(facts, command)
            if f not in requirements and not _is_other_variant(f, requirements)
        ]
        if found_extras or found_options or files:
            evidence.append(Evidence(path=command.path, line=command.line, text=command.text))
        extras, options = extras or found_extras, options or found_options
        requirements += files
    return InstallCommandRequirements(extras, options, tuple(requirements), tuple(evidence))


def _commands(facts: Facts) -> Iterator[shell_parser.ShellCommand]:
    """The install commands of README and the documents at the top."""
    for command in facts.shown_commands:
        words = command.words[:4]
        installs = "install" in words or words[:2] in (("uv", "sync"), ("uv", "run"))
        if (
            installs
            and paths.count_path_parts(command.path) <= 2
            and not _FOR_DEVELOPERS.search(command.path.replace("docs/", ""))
        ):
            yield command


def _installs_plainly(words: Sequence[str], manager: str) -> bool:
    """Whether a command installs the project without extras: those of later commands are then for who wants more."""
    if words[:2] == ("uv", "sync") or words[0] == manager != "uv":
        return not any(w.startswith(("--extra", "--group", "--all", "--with", "-G", "-E")) for w in words)
    return "pip" in words[:4] and any(w in (".", "./") for w in words)


def _extras(facts: Facts, words: Sequence[str], *, needed_only: bool) -> tuple[str, ...]:
    """`train` of `pip install -e .[train]`, or of the project's own name; what the project does not declare is left out."""
    if "pip" not in words[:4] and "pip3" not in words[:4]:
        return ()
    own = str(facts.toml_table("pyproject.toml", "project").get("name", "")).lower()
    declared = facts.toml_table("pyproject.toml", "project", "optional-dependencies")
    for match in filter(None, map(_TARGET.match, words)):
        name = match[0].partition("[")[0].lower()
        names = tuple(e.strip() for e in match["extras"].split(","))
        names = tuple(n for n in names if _NEEDED.search(n)) if needed_only else names
        if name in (".", "./", own) and not any(map(_FOR_DEVELOPERS.search, names)):
            return tuple(n for n in names if not declared or n in declared)
    return ()


def _manager_options(manager: str, words: Sequence[str], *, needed_only: bool) -> tuple[str, ...]:
    """`--extra gpu` of `uv sync --extra gpu` and `uv run --extra gpu`: what the manager's own install command is told."""
    if not words or words[0] != manager or manager not in _OPTION:
        return ()
    options: list[str] = []
    for name, value in zip(words, (*words[1:], ""), strict=True):
        name, _, joined = name.partition("=")
        if name in _WHOLE:
            options.append(name)
        elif name in _OPTION[manager] and not _FOR_DEVELOPERS.search(joined or value):
            if needed_only and not _NEEDED.search(joined or value):
                continue
            options += [name, joined or value]
        elif words[1] == "run" and not name.startswith("-") and name not in ("uv", "run", *options):
            break
    return tuple(options)


def _requirement_files(facts: Facts, command: shell_parser.ShellCommand) -> Iterator[str]:
    folder = command.path.rpartition("/")[0]
    for option, value in zip(command.words, command.words[1:], strict=False):
        if option in ("-r", "--requirement") and "install" in command.words:
            path = next((p for p in (value.removeprefix("./"), f"{folder}/{value}") if facts.has(p)), None)
            if path and not _FOR_DEVELOPERS.search(path):
                yield path


def _is_other_variant(path: str, taken: Sequence[str]) -> bool:
    """Whether a requirements file is for another machine than one that was taken already."""
    plain = _VARIANT.sub("", path)
    variants = [t for t in taken if _VARIANT.search(t)]
    return _VARIANT.search(path) is not None and any(_VARIANT.sub("", t) == plain for t in variants)
