"""A command as the repository shows it -> that of a recorded run: it runs what it would submit, and writes into its own folder."""

from __future__ import annotations

import functools
import re

_RUN_FOLDER, _RUN_NAME = "{RUN_OUTPUT_DIR}", "{RUN_NAME}"
_SUBMITTED = re.compile(r"sbatch (?:\S+ )*?(?=\S+\.(?:sh|bash|sbatch|slurm)(?: |$))")
_WRITTEN = r"(?:out|outputs?|save|work|working|logs?|logging|results?|tensorboard|tb)"
# what names a run names its folder of checkpoints too: five seeds under one name write over each other
_NAMED = re.compile(
    r"(?<!\S)(?P<option>(?:--?|\+{0,2})(?:\w+\.)*(?:run|exp|experiment)[-_]?(?:name|id)(?:=|\s+(?!-)))(?P<name>[^\s{}$'\"]+)(?=\s|$)",
    re.IGNORECASE,
)
# where a run leaves things, or may find them: a sweep whose runs share it deserves a warning, and no change unasked
_MAYBE_READ = r"(?:checkpoints?|ckpt|exp|experiment|run)"
# an evaluation may read from where a training saves and logs
_OF_KIND = {"train": _WRITTEN, "eval": "outputs?"}


@functools.cache
def _folder(names: str) -> re.Pattern[str]:
    """An option or an override that names a folder, and a value that no run changes."""
    return re.compile(
        rf"(?<!\S)(?P<option>-o|hydra\.run\.dir(?==)|--?(?:out|output|{names}[-_.]?(?:dir|directory|folder))|\+{{0,2}}(?:\w+\.)*{names}[._]?dir(?==))"
        r"(?P<between>=|\s+)(?P<folder>(?!-)[^\s{}$]+)(?=\s|$)",
        re.IGNORECASE,
    )


def rewrite_for_recorded_run(command: str, kind: str) -> str:
    """The command of a recorded run; `kind` is what its script is for.

    `sbatch` ends as soon as the job is queued, so that the record would say `finished` of what has not begun: the script runs in the
    run's own job. What a training or an evaluation is told to write into one folder goes to the folder of each run, and a training that
    is told its run's name is told that of each.
    """
    command = _SUBMITTED.sub("bash ", command, count=1)
    if kind == "train":
        command = _NAMED.sub(
            lambda m: m["option"] + (_RUN_NAME if m["option"].endswith("=") else f"'{_RUN_NAME}'"), command
        )
    names = _OF_KIND.get(kind)
    return _folder(names).sub(_with_run_folder, command) if names else command


def shared_output_folder(command: str) -> tuple[str, str] | None:
    """What has all runs of a command write into one folder, and what has each write into its own; None where nothing does."""
    match = _folder(f"(?:{_WRITTEN}|{_MAYBE_READ})").search(command)
    return (match[0], _with_run_folder(match)) if match else None


def _with_run_folder(option: re.Match[str]) -> str:
    return f"{option['option']}={_RUN_FOLDER}" if option["between"] == "=" else f"{option['option']} '{_RUN_FOLDER}'"
