"""What the training script's own #SBATCH block asks for: all options of a launch come from this one script, each with its line.

Why not the most used value of each option over all scripts: the time of a router and the GPUs of a trainer make a job that nobody wrote.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from scaffold.backends.interface import BackendContext
from scaffold.backends.slurm import sbatch_options
from scaffold.backends.slurm.sbatch_options import SbatchOption
from scaffold.conventions.slurm import SAFE_VALUE, is_slurm_placeholder
from scaffold.errors import WrongUsage
from scaffold.facts import shell_parser
from scaffold.path_containment import OutsidePathError
from scaffold.workspace import Workspace

# of the script's own job and not of ours, or set by the launch itself
_OWN = ("array", "job-name", "output", "error", "input", "open-mode", "chdir", "workdir", "comment")
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SbatchBlock:
    """A block: its script, the options that fit, sentences about those that do not, and how many tasks of its array run at once.

    `others` are the scripts that have a block too and were not chosen.
    """

    path: str
    options: tuple[SbatchOption, ...]
    left_out: tuple[str, ...] = ()
    at_once: int | None = None
    others: tuple[str, ...] = ()


def read_training_sbatch_block(workspace: Workspace) -> SbatchBlock | None:
    """The block of the script that starts the training, of those that the answers name; None where none has one."""
    answer = workspace.answers.get("slurm")
    listed = answer.get("scripts") if isinstance(answer, Mapping) else None
    scripts: dict[str, str] = {}
    for path in listed if isinstance(listed, list) else []:
        try:
            file = workspace.locate(str(path))
            if file.is_file() and file.stat().st_size <= LARGEST:
                scripts[str(path)] = file.read_text(encoding="utf-8", errors="replace")
        except (OSError, OutsidePathError):
            continue
    return choose_sbatch_block(scripts, workspace.answers.get("entry_points"))


def choose_sbatch_block(scripts: Mapping[str, str], entry_points: object) -> SbatchBlock | None:
    """Of scripts (path -> text) with a block the one that names a training entry point, the first of them; else the first of all. Pure."""
    with_block = {path: text for path, text in scripts.items() if shell_parser.sbatch_directives(text)}
    entries = [e for e in entry_points if isinstance(e, Mapping)] if isinstance(entry_points, list) else []
    trainers = [str(e.get("path")) for e in entries if e.get("kind") == "train"]
    for trainer in trainers:
        names = {trainer, trainer.rpartition("/")[2], trainer.removesuffix(".py").replace("/", ".")}
        alternatives = "|".join(map(re.escape, sorted(names)))
        mention = re.compile(rf"(?<![\w.-])(?:[\w./-]*/)?(?:{alternatives})(?![\w-])")
        for path, text in with_block.items():
            if mention.search(text):
                return _with_others(parse_sbatch_block(path, text), with_block)
    for path, text in with_block.items():
        return _with_others(parse_sbatch_block(path, text), with_block)
    return None


def _with_others(block: SbatchBlock, scripts: Mapping[str, str]) -> SbatchBlock:
    return replace(block, others=tuple(path for path in scripts if path != block.path))


def parse_sbatch_block(path: str, text: str) -> SbatchBlock:
    """The block of one script. Pure."""
    options: list[SbatchOption] = []
    left_out: list[str] = []
    at_once = None
    for line, directive in shell_parser.sbatch_directives(text):
        origin = f"{path}:{line}"
        for typed in _split_options(directive):
            if cap := re.fullmatch(r"(?:--array(?:=|\s+)|-a\s*)\S*%(\d+)", typed):
                at_once = int(cap[1])
            option, reason = _judge_option(typed, origin)
            if option is not None:
                options.append(option)
            elif reason:
                left_out.append(f"{origin}: {typed} is left out: {reason}")
    return SbatchBlock(path=path, options=tuple(options), left_out=tuple(left_out), at_once=at_once)


def _split_options(directive: str) -> Iterator[str]:
    """The options of a line, each with its value: `-p gpu --time=1:00:00` -> `-p gpu`, `--time=1:00:00`."""
    try:
        words = shlex.split(directive, comments=True)
    except ValueError:
        words = directive.split()
    option = ""
    for word in words:
        if word.startswith("-") and option:
            yield option
            option = word
        else:
            option = f"{option} {word}".strip()
    if option:
        yield option


def _judge_option(typed: str, origin: str) -> tuple[SbatchOption | None, str]:
    """The option where it fits, else why not (empty: it is the launch's own affair)."""
    try:
        option = replace(sbatch_options.parse_sbatch_option(typed), origin=origin)
    except WrongUsage:
        return None, ""  # array, output and the like, which the launch sets itself
    if option.name in _OWN:
        return None, ""
    if option.name == "dependency":
        return None, "it waits for jobs of the script's own"
    if option.value and (not SAFE_VALUE.fullmatch(option.value) or is_slurm_placeholder(option.value)):
        return None, "its value is to be filled in"
    return option, ""


def choose_job_options(context: BackendContext, block: SbatchBlock | None) -> tuple[SbatchOption, ...]:
    """What Slurm is asked for, for an array or an allocation; what of the script's block is left out is said.

    Raises WrongUsage for options of the sweep's that are none.
    """
    for sentence in block.left_out if block is not None else ():
        context.warn(sentence)
    return sbatch_options.choose_sbatch_options(
        context.workspace.answers.get("slurm"),
        block=block.options if block is not None else (),
        other_scripts=block.others if block is not None else (),
        sbatch=context.sbatch,
        gpus=context.gpus_per_run,
        cpus=context.cpus_per_run,
        timeout_s=context.timeout_s,
    )


def needs_several_tasks(options: Sequence[SbatchOption]) -> bool:
    """Whether a job of these options has several tasks or nodes, so that a step of one task is not all of it."""
    names = ("nodes", "ntasks", "ntasks-per-node")
    return any(option.name in names and option.value != "1" for option in options)
