"""Which commands of README, documents, scripts and pipelines run which script."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from scaffold.conventions.directories import is_python_config
from scaffold.facts import Facts, paths, shell_parser
from scaffold.facts.config_formats import yaml_scalars

SUFFIXES = (".py", ".sh", ".slurm", ".sbatch", ".jl", ".R", ".r", ".m", ".nf")
_RUNNERS = re.compile(
    r"^(python[\d.]*|torchrun|accelerate|accelerate-launch|deepspeed|srun|bash|sh|sbatch|source|mpirun|mpiexec|uv|poetry|pixi|Rscript|R|julia|ipython"
    r"|streamlit|coverage|horovodrun|xvfb-run|qsub|bsub|composer|dask|ray|litmodels|nsys|nextflow|matlab|conda|mamba|micromamba|pipenv|pdm|hatch|rye|numactl|env|nice|taskset)$"
)
# what enters an environment: the words up to its command are not the script's
_MANAGERS = {"uv": "run", "poetry": "run", "pixi": "run", "pdm": "run", "hatch": "run", "pipenv": "run", "rye": "run"}
_MANAGERS |= {"conda": "run", "mamba": "run", "micromamba": "run"}
_WITH_VALUE = paths.parse_word_set(
    "--extra --group --with --python -p --project --package --env-file --index -n --name --environment -e --only-group --no-group"
)


class ScriptMention(NamedTuple):
    """A command that runs a script; `text` is how one types it in the work directory.

    `first` is False where the script is only handed to another one that the command runs, `documented` where no document has its reader
    run it, not even by a script.
    """

    command: shell_parser.ShellCommand
    text: str
    first: bool = True
    documented: bool = True


class ScriptNames(NamedTuple):
    """Scripts by file name, and by the name under which they are installed."""

    by_name: Mapping[str, list[str]]
    installed: Mapping[str, str]


def index_script_names(facts: Facts) -> ScriptNames:
    """What a word of a command may name."""
    by_name: dict[str, list[str]] = {}
    for path in facts.notable:
        if path.endswith(SUFFIXES):
            by_name.setdefault(path.rpartition("/")[2], []).append(path)
    return ScriptNames(by_name, _installed(facts))


def _installed(facts: Facts) -> dict[str, str]:
    """`[project.scripts]`, Poetry's scripts and console_scripts -> the module's file."""
    tables = [facts.toml_table("pyproject.toml", *names, "scripts") for names in (("project",), ("tool", "poetry"))]
    entries = [f"{name}={target}" for scripts in tables for name, target in scripts.items()]
    entries += facts.ini_sections("setup.cfg").get("options.entry_points", {}).get("console_scripts", "").splitlines()
    for call in facts.parse("setup.py").calls if "setup.py" in facts.texts else ():
        points = call.keywords.get("entry_points")
        listed = points.get("console_scripts") if isinstance(points, dict) else None
        entries += [e for e in listed if isinstance(e, str)] if isinstance(listed, tuple) else []
    modules = {}
    for name, equals, target in (e.partition("=") for e in entries):
        module = target.strip().split(":")[0].replace(".", "/")
        path = next(
            (p for b in ("", "src/") for p in (f"{b}{module}.py", f"{b}{module}/__init__.py") if facts.has(p)), None
        )
        if equals and path:
            modules[name.strip()] = path
    return modules


def find_script_mentions(facts: Facts) -> Mapping[str, list[ScriptMention]]:
    """Script -> the commands that run it: README and documents, then scripts, then pipelines."""
    mentions: dict[str, list[ScriptMention]] = {}
    names = index_script_names(facts)
    for command in (*facts.shown_commands, *facts.shell_commands, *_pipeline_commands(facts)):
        if paths.is_hidden(command.path) or paths.is_test(command.path):
            continue
        for number, (target, text) in enumerate(scripts_in_command(facts, command, names)):
            if target != command.path and (
                number == 0 or not (target.endswith(".py") and is_python_config(facts, target))
            ):
                mentions.setdefault(target, []).append(ScriptMention(command=command, text=text, first=number == 0))
    shown = {p for p, run in mentions.items() if any(paths.classify_file(m.command.path) == "prose" for m in run)}
    for path, run in mentions.items():  # a script that the README runs shows better than others how its parts are used
        addressed = [
            m._replace(documented=paths.classify_file(m.command.path) != "shell" or m.command.path in shown)
            for m in run
        ]
        mentions[path] = sorted(addressed, key=lambda m: not m.documented)
    return mentions


def _pipeline_commands(facts: Facts) -> Iterator[shell_parser.ShellCommand]:
    for path in facts.read_files("config"):
        if path.rpartition("/")[2] == "dvc.yaml":
            for key, value, line in yaml_scalars(facts.texts[path]):
                if key == "cmd":
                    for command in shell_parser.parse_commands(path, value, line):
                        yield command._replace(line=line)


def scripts_in_command(
    facts: Facts, command: shell_parser.ShellCommand, names: ScriptNames
) -> Iterator[tuple[str, str]]:
    """The scripts that a command names, the one it runs first, each with the command as typed in the work directory."""
    words = command.words
    at = count_manager_words(words)
    if at < len(words) and words[at] in names.installed:
        yield names.installed[words[at]], command.text
        return
    if not (_RUNNERS.match(words[0].rpartition("/")[2]) or words[0].startswith(("./", "$")) or facts.has(words[0])):
        return
    for at, word in enumerate(words[:40]):
        if at and words[at - 1] == "-m":
            yield from ((p, command.text) for p in _module(facts, word))
        elif word.rpartition("/")[2] in names.by_name:
            yield from _file(facts, command, word, names)


def count_manager_words(words: Sequence[str]) -> int:
    """How many words enter an environment: `uv run --extra gpu`."""
    if len(words) < 2 or _MANAGERS.get(words[0]) != words[1]:
        return 0
    at = 2
    while at < len(words) and words[at].startswith("-") and words[at] not in ("-m", "--module"):
        if words[at] == "--":
            return at + 1
        at += 2 if words[at] in _WITH_VALUE else 1
    return at


def _module(facts: Facts, word: str) -> list[str]:
    stem = word.replace(".", "/")
    return [p for b in (stem, f"src/{stem}") for p in (f"{b}.py", f"{b}/__main__.py") if facts.has(p)]


def _file(facts: Facts, command: shell_parser.ShellCommand, word: str, names: ScriptNames) -> Iterator[tuple[str, str]]:
    """A path from the work directory, from the folder of the document or script, or a name that only one file has."""
    plain = word.removeprefix("./")
    folder = command.path.rpartition("/")[0]
    if facts.has(plain):
        yield plain, command.text
    elif facts.has(f"{folder}/{plain}"):
        yield f"{folder}/{plain}", f"cd {shlex.quote(folder)} && {command.text}"
    else:
        tail = plain.replace("../", "")
        matching = [p for p in names.by_name.get(tail.rpartition("/")[2], ()) if p.endswith("/" + tail) or p == tail]
        if len(matching) == 1:
            base = matching[0].removesuffix(tail).rstrip("/")
            yield (
                matching[0],
                f"cd {shlex.quote(base)} && {command.text}"
                if base and "../" not in plain
                else command.text.replace(word, matching[0], 1),
            )
