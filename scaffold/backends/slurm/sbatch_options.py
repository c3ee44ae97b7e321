"""What sbatch is asked for: the repository's own options with the line that says so, and the sweep's, which win. Pure functions."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.conventions.slurm import SAFE_VALUE
from scaffold.errors import WrongUsage

SWEEP = "the sweep"
# what one array per launch, found again by its name, stands on
_RESERVED = [
    "array",
    "clusters",
    "error",
    "help",
    "job-name",
    "output",
    "parsable",
    "test-only",
    "usage",
    "version",
    "wait",
    "wrap",
]
_SHORT = "A=account G=gpus J=job-name M=clusters V=version W=wait a=array c=cpus-per-task e=error h=help o=output p=partition q=qos t=time"
_LONG = dict(pair.split("=") for pair in _SHORT.split())
# options that say the same thing in other words: where the sweep has one of them, the repository's is left out
_ALIKE = {name: "gres" for name in ("gpus", "gpus-per-node", "gpus-per-socket", "gpus-per-task", "tres-per-task")}
_TYPED = re.compile(r"--(?P<long>[a-z][a-z-]*)(?:(?:=|\s+)(?P<of_long>.*))?|-(?P<short>[A-Za-z])\s*(?P<of_short>.*)")
_GPUS = re.compile(r"gpu(?::(?P<kind>[^:]*[^:\d][^:]*))?(?::\d+)?")
# Slurm counts minutes; the run's own time-out is to come first, and its record to be written
_SPARE_S = 60.0


# fields of the workspace's answer -> options
_FIELDS = {"partitions": "partition", "accounts": "account", "qos": "qos", "time": "time", "gres": "gres"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SbatchOption:
    """One option of sbatch, as one word (`--partition=gpu`), and where it comes from (`slurm/train.sbatch:3`, `the sweep`)."""

    name: str
    word: str
    origin: str

    @property
    def value(self) -> str:
        """What stands behind the equals sign; empty for a switch."""
        return self.word.partition("=")[2]


def choose_sbatch_options(
    answer: object,
    *,
    block: Sequence[SbatchOption] = (),
    other_scripts: Sequence[str] = (),
    sbatch: Sequence[str] = (),
    gpus: int | None = None,
    cpus: int | None = None,
    timeout_s: float | None = None,
) -> tuple[SbatchOption, ...]:
    """The options of a sweep's arrays: the repository's, what a run needs, and `sbatch`, the later over the earlier.

    The repository's are those of `block`, the training script's own; of the workspace's answer `slurm` then only what somebody has changed
    in it, and what does not come from the block of one of the `other_scripts`. Without a block it is the answer.

    What is not known is left out: then Slurm's own default counts. Raises WrongUsage where `sbatch` has what cannot be given.
    """
    conventions = answer if isinstance(answer, Mapping) else {}
    typed = [parse_sbatch_option(text) for text in sbatch]
    if block:
        conventions = _conventions_of_block(conventions, block, other_scripts)
    others = [o for o in block if o.name not in _FIELDS.values() and not (gpus is not None and _is_about_gpus(o))]
    defaults = [
        *_repository_options(conventions, gpus),
        *others,
        *_needed_options(conventions, gpus, cpus, timeout_s),
    ]
    last = {_option_subject(option): option for option in defaults}
    settled = {_option_subject(option) for option in typed}
    return (*(option for subject, option in last.items() if subject not in settled), *typed)


def _conventions_of_block(
    conventions: Mapping[str, Any], block: Sequence[SbatchOption], other_scripts: Sequence[str]
) -> dict[str, Any]:
    """The answer with the block's values in front, where it says them, and without those of other scripts' blocks."""
    by_name = {option.name: option for option in block}
    changed: dict[str, Any] = {"evidence": dict(conventions.get("evidence") or {})}
    for field, name in _FIELDS.items():
        stored = conventions.get(field)
        values = stored if isinstance(stored, list) else []
        option = by_name.get(name)
        if option is not None and (not values or option.value in values):
            changed[field], changed["evidence"][field] = [option.value], option.origin
        elif option is None and _option_evidence(conventions, field).rpartition(":")[0] in other_scripts:
            changed[field] = []
        else:
            changed[field] = values
    if any(_is_about_gpus(option) and option.name != "gres" for option in block):
        changed["gres"] = []  # said in other words
    return {**conventions, **changed}


def _is_about_gpus(option: SbatchOption) -> bool:
    return _option_subject(option) == "gres"


def _option_subject(option: SbatchOption) -> str:
    return _ALIKE.get(option.name, option.name)


def _repository_options(conventions: Mapping[str, Any], gpus: int | None) -> list[SbatchOption]:
    """The most used of each kind; `gres` only where nobody said how many GPUs a run needs."""
    fields = {field: name for field, name in _FIELDS.items() if field != "gres" or gpus is None}
    options = []
    for field, name in fields.items():
        value = _first_safe_value(conventions, field)
        if value is not None:
            options.append(
                SbatchOption(name=name, word=f"--{name}={value}", origin=_option_evidence(conventions, field))
            )
    return options


def _needed_options(
    conventions: Mapping[str, Any], gpus: int | None, cpus: int | None, timeout_s: float | None
) -> list[SbatchOption]:
    options = []
    if gpus:
        gres = _GPUS.fullmatch(_first_safe_value(conventions, "gres") or "")
        kind = gres["kind"] if gres else None
        origin = f"{SWEEP}; the kind of GPU: {_option_evidence(conventions, 'gres')}" if kind else SWEEP
        options.append(SbatchOption(name="gres", word=f"--gres=gpu:{f'{kind}:' if kind else ''}{gpus}", origin=origin))
    if cpus is not None:
        options.append(SbatchOption(name="cpus-per-task", word=f"--cpus-per-task={cpus}", origin=SWEEP))
    if timeout_s is not None:
        minutes = math.ceil((timeout_s + _SPARE_S) / 60)
        options.append(
            SbatchOption(name="time", word=f"--time={minutes}", origin=f"{SWEEP}: its time-out and a minute more")
        )
    return options


def _first_safe_value(conventions: Mapping[str, Any], field: str) -> str | None:
    values = conventions.get(field)
    for value in values if isinstance(values, list) else []:
        if isinstance(value, str) and SAFE_VALUE.fullmatch(value):
            return value
    return None


def _option_evidence(conventions: Mapping[str, Any], field: str) -> str:
    places = conventions.get("evidence")
    place = places.get(field) if isinstance(places, Mapping) else None
    return " ".join(str(place).split()) if place else "the workspace's answers"


def parse_sbatch_option(text: str) -> SbatchOption:
    """An option as a person types it: `--time=1:00:00`, `--time 1:00:00`, `-t 60`, `-t60`, `--exclusive`.

    Raises WrongUsage where it is none, or is one that a launch needs for itself.
    """
    match = _TYPED.fullmatch(text.strip())
    if not match or not text.isprintable():
        raise WrongUsage(f"{text!r} is no option of sbatch", hint="give it as `--time=1:00:00`")
    value = match["of_long"] if match["long"] else match["of_short"] or None
    name = match["long"] or _LONG.get(match["short"], match["short"])
    # any beginning of a long option means it, as getopt has it
    if any(reserved.startswith(name) for reserved in _RESERVED) and len(name) > 1:
        raise WrongUsage(f"{text}: --{name} is set by the launch itself", hint=_INSTEAD.get(name, "leave it out"))
    dashes = "--" if len(name) > 1 else "-"
    joined = "" if value is None else f"={value}" if dashes == "--" else value
    return SbatchOption(name=name, word=f"{dashes}{name}{joined}", origin=SWEEP)


_INSTEAD = {
    "array": "--max-parallel N limits how many run at once",
    "clusters": "set $SLURM_CLUSTERS, so that squeue and scancel ask the same cluster",
    "error": "what Slurm says is kept in the workspace's logs, below sweeps/",
    "output": "what Slurm says is kept in the workspace's logs, below sweeps/",
}
