"""What a script can take at all, a command line or the environment's seed; and so how a sweep passes parameters and seeds to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scaffold.errors import WrongUsage
from scaffold.facts import Facts
from scaffold.runs import recorder
from scaffold.runs.script_file import MAX_SCRIPT_BYTES
from scaffold.sweeps.spec import run_names, script_interface
from scaffold.sweeps.spec.model import NO_SEED_OPTION, Style
from scaffold.sweeps.spec.script_interface import CommandScript

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

# whoever reads a command line has one of these words in it; a word too many only means that nothing is refused
_READS_ARGUMENTS = re.compile(
    r"\bargv\b|arg_?parse|parse_args|ArgumentParser|\bclick\b|\btyper\b|\bfire\b|\babsl\b|hydra|[Oo]mega_?[Cc]onf|sacred|docopt|getopt|optparse"
    r"|tyro|simple_parsing|pyrallis|draccus|plac\b|defopt|cyclopts|\bchz\b|\bgin\b|mmengine|mmcv|[Ll]ightning_?CLI|TrlParser|\bexec\(|config_flags"
    r"|\bclize\b|\bcappa\b|pydantic_settings|\btap\b|spock|configurator|invoke|runpy|subprocess|importlib|__import__"
)
MOST_FILES = 400


def takes_no_arguments(workspace: Workspace, script: CommandScript) -> bool:
    """Whether a script is known to read no arguments: neither it nor anything of the repository that it imports has to do with any."""
    if script.path is None or script.source is None or script.source.error is not None:
        return False
    return not any(reads_arguments(text) for text in _closure_texts(workspace, script.path))


def reads_arguments(text: str) -> bool:
    """Whether the text of a script has anything to do with a command line."""
    return _READS_ARGUMENTS.search(text) is not None


def reads_environment_seed(
    workspace: Workspace, script: CommandScript, command: Sequence[str], cwd: str
) -> bool | None:
    """Whether a script, or what it imports, reads $RUN_SEED; None where that is not known."""
    if script.path is None or script.source is None:
        from_command: bool | None = recorder.seed_source.reads_seed(command, str(Path(workspace.workdir, cwd)))
        return from_command
    texts = list(_closure_texts(workspace, script.path))
    return (
        True if any("RUN_SEED" in text for text in texts) else None if any("record_run" in t for t in texts) else False
    )


class _DiskTexts(dict[str, str]):
    """The Python files below a folder, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and (self._folder / path).is_file()

    def get(self, path: str, default: str = "") -> str:  # type: ignore[override]
        """A file's text; empty where it cannot be read, or is no source by its size."""
        if path not in self.keys():
            file = self._folder / path
            try:
                self[path] = (
                    file.read_text(encoding="utf-8", errors="replace")
                    if file.stat().st_size <= MAX_SCRIPT_BYTES
                    else ""
                )
            except OSError:
                self[path] = default
        return self[path]


def _closure_texts(workspace: Workspace, path: str) -> Iterator[str]:
    texts = _DiskTexts(workspace.workdir)
    yield from (texts.get(file) for file in _import_closure(texts, path))


def _import_closure(texts: _DiskTexts, path: str) -> Iterable[str]:
    return Facts(files=(), texts=texts).import_closure(path, depth=20, limit=MOST_FILES)


def imported_files(workspace: Workspace, path: str) -> list[str]:
    """The files of the work directory that a script imports, itself among them, relative to it."""
    return list(_import_closure(_DiskTexts(workspace.workdir), path))


# what stands before a script and hands on all that follows it
_LAUNCHERS = (
    *("python", "pypy", "torchrun", "accelerate", "deepspeed", "uv", "poetry", "pdm", "hatch", "rye", "pipenv", "pixi"),
    *(
        "conda",
        "mamba",
        "micromamba",
        "env",
        "srun",
        "mpirun",
        "mpiexec",
        "horovodrun",
        "time",
        "nice",
        "nohup",
        "timeout",
    ),
    *("numactl", "taskset", "xvfb-run", "stdbuf", "caffeinate"),
)


class SeedPassing(NamedTuple):
    """What is added to a command so that its script gets the seed (empty: nothing), and why, in words for people."""

    words: tuple[str, ...] = ()
    reason: str = ""


def choose_seed_passing(workspace: Workspace, command: Sequence[str], folder: Path, seed: int) -> SeedPassing:
    """How the seed is to be passed to a command that runs in `folder`: as sweeps do, never twice, and never behind a wrapper that
    cannot be seen through."""
    arguments = command[recorder.naming.script_index(command) + 1 :]
    if _names_seed(command) or "--" in arguments or not _is_seen_through(command):
        return SeedPassing()
    cwd = folder.resolve()
    if not cwd.is_relative_to(workspace.workdir.resolve()):
        return SeedPassing()
    words = tuple(command)
    script = script_interface.read_command_script(
        workspace, words, cwd.relative_to(workspace.workdir.resolve()).as_posix()
    )
    style, _ = script_interface.detect_argument_style(workspace, words, script)
    option = script_interface.known_seed_option(workspace, script, style)
    if option is None:
        return SeedPassing()
    if option.endswith("="):
        passed: tuple[str, ...] = (f"{option}{seed}",)
    else:
        passed = (f"{option}={seed}",) if style == "equals" and option.startswith("--") else (option, str(seed))
    return SeedPassing(passed, f"as {script.path} takes it")


def _names_seed(command: Sequence[str]) -> bool:
    """Whether a command has a seed in it already."""
    names = (word.partition("=")[0] for word in command if word.startswith("-") or "=" in word)
    return "{RUN_SEED}" in " ".join(command) or any("seed" in name.lower() for name in names)


def _is_seen_through(command: Sequence[str]) -> bool:
    """Whether what follows the script reaches the script: it is started by itself, or by launchers that hand it on."""
    index = recorder.naming.script_index(command)
    if command[index - 1] in ("-c", "-e") and index:
        return False
    before = [word for word in command[:index] if not word.startswith("-") and "=" not in word]
    if index == 0:
        return command[0].endswith(".py")
    return recorder.naming.program_name(before[0]) in _LAUNCHERS if before else False


def choose_argument_style(
    workspace: Workspace, command: tuple[str, ...], script: CommandScript, configurations: Sequence[Mapping[str, str]]
) -> tuple[Style, str]:
    """How parameters are passed, and a note that says so by the first of them; empty where there is none."""
    style, reason = script_interface.detect_argument_style(workspace, command, script)
    inserted = {name for word in command for name in run_names.PLACEHOLDER.findall(word)}
    for name, value in ((n, v) for configuration in configurations for n, v in configuration.items()):
        if name not in inserted and name not in script.booleans:
            example = {"flags": f"--{name} {value}", "equals": f"--{name}={value}", "hydra": f"{name}={value}"}[style]
            return style, f"parameters are passed as `{example}`, {reason}"
    return style, ""


def check_parameters_arrive(
    workspace: Workspace, command: Sequence[str], script: CommandScript, names: Sequence[str]
) -> None:
    """Raise WrongUsage where a parameter is passed to a script that is known to read no arguments."""
    passed = [name for name in names if not any(f"{{{name}}}" in word for word in command)]
    if passed and takes_no_arguments(workspace, script):
        raise WrongUsage(
            f"{script.path} takes no arguments, so that {passed[0]} would change nothing in it",
            hint=f"have it read {passed[0]}, or write where it goes into the command: env LR={{lr}} python ...; --force-param where it "
            "does take it",
        )


def choose_seed_option(
    workspace: Workspace, command: tuple[str, ...], script: CommandScript, style: Style, cwd: str, *, typed: str | None
) -> tuple[str | None, str]:
    """The option by which seeds are passed (None: the command passes them itself), and a note, empty where there is nothing to say.

    `typed` is the user's own choice. Raises WrongUsage where no seed could reach the script, so that its runs were all the same.
    """
    name = script.path or "the script"
    if typed is not None:
        option = script_interface.check_seed_option_syntax(typed)
        unread = option == NO_SEED_OPTION and reads_environment_seed(workspace, script, command, cwd) is False
        labels = "the seeds are mere labels, and the runs count as runs without a seed"
        return option, f"warning: {name} does not read $RUN_SEED: {labels}" if unread else ""
    if script_interface.passes_seed(command):
        return None, ""
    if script_interface.known_seed_option(workspace, script, style) is None:
        if reads_environment_seed(workspace, script, command, cwd):
            return NO_SEED_OPTION, f"seeds are passed as $RUN_SEED, which {name} reads"
        if takes_no_arguments(workspace, script):
            raise WrongUsage(
                f"{script.path} takes no arguments and does not read $RUN_SEED, so --seeds would give the same run again and again",
                hint="have it read $RUN_SEED, or without --seeds: every run is a replicate then",
            )
    option, reason = script_interface.detect_seed_option(workspace, script, style)
    return option, f"seeds are passed as `{option}{'' if option.endswith('=') else ' '}1`, {reason}"
