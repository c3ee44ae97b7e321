"""A run's output directory -> the metric files in it, the most trusted first."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from scaffold import structured_text
from scaffold.results.metrics import file_formats
from scaffold.results.metrics.file_formats import LoggedStep, OnProblem
from scaffold.runs.index import file_stamp

MAX_DEPTH = 5
MAX_ENTRIES = 5000


class FileKind(NamedTuple):
    """A kind of metric file: how it is read, and whether it is a series (the whole course of a run) or holds final values only.

    It is recognized by its `names` in any folder, and by `top_names`, which say little, in the output directory itself.
    """

    read: Callable[[Path, OnProblem], Iterator[LoggedStep]]
    is_series: bool
    names: tuple[str, ...] = ()
    top_names: tuple[str, ...] = ()


_CSV_NAMES = ("progress.csv", "history.csv", "log.csv", "logs.csv", "training_log.csv", "results.csv")
# in the order of trust: what a program calls its result, before what it logged on the way
FILE_KINDS = (
    FileKind(file_formats.read_final_values, False, top_names=("metrics.json",)),
    FileKind(file_formats.read_jsonl, True, ("metrics.jsonl",)),
    FileKind(file_formats.read_final_values, False, ("all_results.json",)),
    FileKind(file_formats.read_final_values, False, ("wandb-summary.json",)),
    FileKind(file_formats.read_csv, True, ("metrics.csv",), _CSV_NAMES),
    FileKind(file_formats.read_trainer_state, True, ("trainer_state.json",)),
    FileKind(file_formats.read_tensorboard, True),
)
_TENSORBOARD = len(FILE_KINDS) - 1
_KINDS_ANYWHERE = {name: index for index, kind in enumerate(FILE_KINDS) for name in kind.names}
_KINDS_AT_TOP = {name: index for index, kind in enumerate(FILE_KINDS) for name in kind.top_names}


class MetricFile(NamedTuple):
    """A metric file: its kind (an index of FILE_KINDS), its path, its stamp."""

    kind: int
    path: Path
    stamp: str


def find_metric_files(outputs: Path, on_problem: OnProblem) -> list[MetricFile]:
    """The metric files below `outputs`, in the order in which they are believed; a folder that is a link is not entered."""
    files, seen = [], 0
    folders = [(outputs, 0)]
    while folders:
        folder, depth = folders.pop()
        try:
            with os.scandir(folder) as scanned:
                entries = sorted(scanned, key=lambda e: e.name)
        except OSError as error:
            if not (depth == 0 and isinstance(error, FileNotFoundError)):
                on_problem(f"{folder.name}: {error.strerror}")
            continue
        seen += len(entries)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders += [(folder / entry.name, depth + 1)] if depth < MAX_DEPTH and seen < MAX_ENTRIES else []
            elif (kind := _kind_index(entry.name, depth)) is not None and entry.is_file():
                files.append((depth, MetricFile(kind, folder / entry.name, file_stamp(entry.stat()))))
    if seen >= MAX_ENTRIES:
        on_problem(f"it holds more than {MAX_ENTRIES} files: not every folder was searched for metrics")
    # of two files of a kind the higher one, then the later (version_1 after version_0, checkpoint-900 after checkpoint-50)
    files.sort(key=lambda pair: _natural_order(pair[1].path), reverse=True)
    files.sort(key=lambda pair: (pair[1].kind, pair[0]))
    return [file for _, file in files]


def _kind_index(name: str, depth: int) -> int | None:
    kind = _KINDS_ANYWHERE.get(name)
    if kind is None and depth == 0:
        kind = _KINDS_AT_TOP.get(name)
    return _TENSORBOARD if kind is None and name.startswith("events.out.tfevents.") else kind


def _natural_order(path: Path) -> list[tuple[int, str]]:
    parts = re.findall(r"\d+|\D+", str(path))
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts]


def read_wandb_params(outputs: Path) -> dict[str, object]:
    """The parameters in the newest wandb run's `config.yaml` below `outputs`; empty where there is none."""
    import yaml

    files = sorted(outputs.glob("wandb/run-*/files/config.yaml"), key=_natural_order) or sorted(
        outputs.glob("files/config.yaml")
    )
    if not files:
        return {}
    try:
        content = structured_text.parse_yaml(files[-1].read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    items = content.items() if isinstance(content, dict) else ()
    return {str(k): v["value"] for k, v in items if isinstance(v, dict) and "value" in v and not str(k).startswith("_")}
