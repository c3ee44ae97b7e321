"""How a script takes its parameters: the style, flags that stand alone, and the option for its seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.errors import WrongUsage
from scaffold.facts import python_parser
from scaffold.facts.python_source import Call, PythonSource, literal_text
from scaffold.runs import recorder
from scaffold.runs.script_file import MAX_SCRIPT_BYTES, find_script_file
from scaffold.sweeps.spec.model import NO_SEED_OPTION, BooleanStyle, Style

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

SEED_OPTIONS = ("--seed", "--random-seed", "--random_seed", "--manual-seed", "--manual_seed")
OPTION_CALLS = ("add_argument", "option", "Option", "add_option")
# whoever parses flags speaks before the repository's list of systems, which is about all of its scripts
FLAG_PARSERS = ("argparse", "click", "typer", "fire", "absl", "tyro", "jsonargparse", "transformers", "lightning")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandScript:
    """What is known of the script that a command runs: `path` below the work directory, None where it is not a file of it.

    `options` are the long options that it declares itself; `booleans` are those of them that are flags.
    """

    path: str | None = None
    source: PythonSource | None = None
    options: frozenset[str] = frozenset()
    booleans: Mapping[str, BooleanStyle] = field(default_factory=dict)


def read_command_script(workspace: Workspace, command: tuple[str, ...], cwd: str) -> CommandScript:
    """Read the Python script of a command, where it is a file of the work directory."""
    file = find_script_file(Path(workspace.workdir, cwd), command)
    if file is None:
        return CommandScript()
    workdir = workspace.workdir.resolve()
    path = file.resolve().relative_to(workdir).as_posix() if file.resolve().is_relative_to(workdir) else None
    if file.suffix != ".py" or file.stat().st_size > MAX_SCRIPT_BYTES:
        return CommandScript(path=path)
    read = python_parser.parse_python_source(file.read_text(encoding="utf-8", errors="replace"))
    options: set[str] = set()
    booleans: dict[str, BooleanStyle] = {}
    for call in read.calls:
        if call.last in OPTION_CALLS:
            for name in (w for a in call.args if (w := literal_text(a)) is not None and w.startswith("--")):
                options.add(name.split("/")[0])
                kind = _boolean_style(name, call)
                if kind is not None:
                    booleans[name.split("/")[0].strip()[2:]] = kind
    return CommandScript(path=path, source=read, options=frozenset(options), booleans=booleans)


def _boolean_style(name: str, call: Call) -> BooleanStyle | None:
    if "/--" in name or str(call.keywords.get("action", "")).endswith("BooleanOptionalAction"):
        return "paired"
    is_switch = call.keywords.get("action") in ("store_true", "store_false") or call.keywords.get("is_flag") is True
    return "switch" if is_switch else None


def detect_argument_style(workspace: Workspace, command: tuple[str, ...], script: CommandScript) -> tuple[Style, str]:
    """How a command takes parameters, and why: as the command itself does, as its script is written, as the repository says."""
    at = recorder.naming.script_index(command)
    arguments = command[at + 1 :]
    if any(word.startswith("--") and "=" in word for word in arguments):
        return "equals", "as the command has it"
    if any(word.startswith("--") and word != "--" for word in arguments):
        return "flags", "as the command has it"
    if any(recorder.naming.is_assignment(word) for word in arguments):
        return "hydra", "as the command has it"
    if script.source is not None:
        if script.source.uses("hydra", "sacred") is not None:
            return "hydra", f"as {script.path} takes it"
        if script.options or script.source.uses(*FLAG_PARSERS) is not None:
            return "flags", f"as {script.path} takes it"
    systems = workspace.answers.get("config_systems")
    system = next((s for s in systems if isinstance(s, str)), None) if isinstance(systems, list) else None
    if system in ("hydra", "sacred"):
        return "hydra", f"as the repository uses {system}"
    if system == "python_files" and script.source is not None:
        return "equals", "as scripts that run Python files as configuration do"
    return "flags", "the usual one"


def detect_seed_option(workspace: Workspace, script: CommandScript, style: Style) -> tuple[str, str]:
    """How the script takes its seed, and why. Raises WrongUsage where it is known to take none."""
    point = _entry_point(workspace, script)
    option = known_seed_option(workspace, script, style)
    if option is not None:
        return option, f"as {script.path} takes it"
    if point is not None:
        flag = point.get("seed_flag")
        place = f"only {flag.removeprefix('config:')} of a config file" if isinstance(flag, str) else "no option"
        raise WrongUsage(
            f"{script.path} has {place} for its seed, so --seeds would give the same run again and again",
            hint=f"say how it takes one: --seed-option=--seed, or --seed-option {NO_SEED_OPTION} where it reads $RUN_SEED",
        )
    return ("seed=" if style == "hydra" else "--seed"), "the usual one; another: --seed-option"


def known_seed_option(workspace: Workspace, script: CommandScript, style: Style) -> str | None:
    """The option that the script is known to take its seed by; None where none is known."""
    point = _entry_point(workspace, script)
    if point is not None:
        flag = point.get("seed_flag")
        return flag if isinstance(flag, str) and not flag.startswith("config:") else None
    if style == "hydra":
        return None
    return next((name for name in SEED_OPTIONS if name in script.options), None)


def _entry_point(workspace: Workspace, script: CommandScript) -> Mapping[str, object] | None:
    """What the workspace's answers say of a script; None where they say nothing."""
    points = workspace.answers.get("entry_points")
    for point in points if isinstance(points, list) and script.path is not None else ():
        if isinstance(point, Mapping) and point.get("path") == script.path:
            return point
    return None


def passes_seed(command: Sequence[str]) -> bool:
    """Whether `{seed}` stands in a command where a seed goes: by itself, or as the value of what is called a seed, `-s{seed}` as well.

    In `--name 'ckpt-{seed}.pt'` it tells files apart, and no script learns of it.
    """
    for index, word in enumerate(command):
        name, _, value = word.rpartition("=")
        if word == "-s{seed}":
            return True
        if value == "{seed}":
            before = name or (command[index - 1] if index and command[index - 1].startswith("-") else "seed")
            if before == "-s" or "seed" in before.lower():
                return True
    return False


def check_seed_option_syntax(text: str) -> str:
    """A seed option that can be one. Raises WrongUsage."""
    is_usable = text == NO_SEED_OPTION or (text.endswith("=") and len(text) > 1) or text.strip("-") != text.rstrip("-")
    if not is_usable or any(c.isspace() for c in text) or not text.isprintable():
        raise WrongUsage(
            f"--seed-option {text!r} is none",
            hint=f"--seed-option=--seed, --seed-option trainer.seed=, or {NO_SEED_OPTION} for a script that reads $RUN_SEED",
        )
    return text
