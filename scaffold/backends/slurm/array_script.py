"""The array script that is submitted, and what a later launch reads from it; names of arrays and their tasks. Pure functions."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold.backends.interface import Job
from scaffold.backends.slurm.sbatch_options import SbatchOption

_TASK_LINE = re.compile(r"#: (?P<index>\d+) (?P<number>\d+) (?P<name>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayTask:
    """One task of an array. As a job id it reads `1234_7 NAME`: the name is the array's, because Slurm uses numbers again."""

    array: int
    index: int
    name: str

    @classmethod
    def parse(cls, job_id: str) -> ArrayTask | None:
        """The task that a job id means; None where it is none of Slurm's."""
        match = re.fullmatch(r"(\d+)_(\d+) (\S+)", job_id)
        return match and cls(array=int(match[1]), index=int(match[2]), name=match[3])

    def __str__(self) -> str:
        return f"{self.array}_{self.index} {self.name}"


def array_job_name(sweep: str, folder: Path, jobs: Sequence[Job]) -> str:
    """The job name of one array: the sweep's name as far as Slurm's commands can be trusted with it, and a digest of its submissions."""
    submissions = "\n".join([str(folder), *(f"{job.name} {job.number}" for job in jobs)])
    digest = hashlib.sha256(submissions.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9._+-]', '-', sweep)[:40].lstrip('-') or 'sweep'}.{digest}"


def format_index_set(numbers: Iterable[int]) -> str:
    """Numbers as Slurm writes sets of them: `0-3,7`."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def format_sbatch_array_option(count: int, at_once: int | None) -> str:
    """The value of --array for `count` tasks, `at_once` of them at the same time."""
    held = "" if at_once is None or at_once >= count else f"%{max(1, at_once)}"
    return f"0-{count - 1}{held}"


def format_array_script(name: str, jobs: Sequence[Job], options: Sequence[SbatchOption], at_once: int | None) -> str:
    """The array script: which options, each with its source, and which task starts which launcher."""
    directives = [
        line for option in options for line in (f"# {option.origin}", f"#SBATCH {_quote_directive(option.word)}")
    ]
    lines = [
        "#!/bin/bash",
        "# Written by `scaffold sweep launch`: one task for each run, `#: INDEX TRY NAME`. Where output goes is said when it is submitted.",
        f"#SBATCH --job-name={name}",
        f"#SBATCH --array={format_sbatch_array_option(len(jobs), at_once)}",
        "#SBATCH --open-mode=append",
        *directives,
        *(f"#: {index} {job.number} {job.name}" for index, job in enumerate(jobs)),
        "set -euo pipefail",
        "launchers=(",
        *(f"  {shlex.quote(str(job.launcher))}" for job in jobs),
        ")",
        "index=${SLURM_ARRAY_TASK_ID:-}",
        "if [[ ! $index =~ ^[0-9]{1,9}$ ]] || ((10#$index >= ${#launchers[@]})); then",
        f"  echo \"{name}: there is no task '$index', only 0 to {len(jobs) - 1}; nothing is started\" >&2",
        "  exit 2",
        "fi",
        "launcher=${launchers[10#$index]}",
        "if [[ ! -f $launcher ]]; then",
        f'  echo "{name}: $launcher is missing; nothing is started; scaffold sweep launch writes it again" >&2',
        "  exit 2",
        "fi",
        "# the launcher takes this process's place, and then the recorder its: Slurm's signals have one to reach",
        'exec bash "$launcher"',
    ]
    return "\n".join(lines) + "\n"


def _quote_directive(word: str) -> str:
    """A word on an #SBATCH line: quotes as a shell's, but sbatch drops backslashes inside them."""
    return shlex.quote(word.replace("\\", "\\\\"))


def parse_array_script_tasks(script: str) -> dict[tuple[str, int], int]:
    """(run's name, submission) -> index of its task, as an array script says it."""
    matches = (_TASK_LINE.fullmatch(line) for line in script.splitlines())
    return {(m["name"], int(m["number"])): int(m["index"]) for m in matches if m}


def parse_array_job_name(script: str) -> str | None:
    """The job name that an array script gives."""
    match = re.search(r"^#SBATCH --job-name=(\S+)$", script, re.MULTILINE)
    return match and match[1]


def format_sbatch_output_option(folder: Path, ending: str) -> str:
    """The value of --output for a file in `folder`, one for each task."""
    return f"{str(folder).replace('%', '%%')}/%x.%a.{ending}"
