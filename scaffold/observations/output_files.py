"""A run's output directory -> the metric files in it, the most trusted first."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scaffold import path_containment, structured_text
from scaffold.observations import file_formats, trial_log_tsv
from scaffold.observations.logged_name_roles import STEP_NAMES
from scaffold.runs.index import file_stamp

if TYPE_CHECKING:
    from scaffold.observations.file_formats import LoggedStep, OnProblem

MAX_DEPTH = 4
MAX_FILES = 200
MAX_ENTRIES = 5000
STEP_COLUMNS = frozenset(STEP_NAMES)


class FileKind(NamedTuple):
    """A kind of metric file: how it is read, and whether it is a series (the whole course of a run) or holds final values only.

    It is recognized by its `names` in any folder. `loose_names` say little: below the output directory itself they count only where
    the header has a step.
    """

    read: Callable[[Path, OnProblem], Iterator[LoggedStep]]
    is_series: bool
    names: tuple[str, ...] = ()
    loose_names: tuple[str, ...] = ()


_CSV_NAMES = ("progress.csv", "history.csv", "log.csv", "logs.csv", "training_log.csv", "results.csv", "training.log")
# in the order of trust: what a program calls its result, before what it logged on the way
FILE_KINDS = (
    FileKind(file_formats.read_final_values_file, False, ("metrics.json",)),
    FileKind(file_formats.read_jsonl, True, ("metrics.jsonl",)),
    FileKind(file_formats.read_final_values_file, False, ("all_results.json",)),
    FileKind(file_formats.read_final_values_file, False, ("wandb-summary.json",)),
    FileKind(file_formats.read_csv, True, ("metrics.csv",), _CSV_NAMES),
    FileKind(file_formats.read_trainer_state, True, ("trainer_state.json",)),
    # Ray Tune's and mmengine's rows are JSON, one a line, whatever their names say
    FileKind(file_formats.read_jsonl, True, ("result.json", "scalars.json", "progress.json")),
    FileKind(trial_log_tsv.read_results_tsv, True, ("results.tsv",)),
    FileKind(file_formats.read_dvclive_plot, True),
    FileKind(file_formats.read_tensorboard, True),
)
_TENSORBOARD = len(FILE_KINDS) - 1
_DVCLIVE = _TENSORBOARD - 1
_KINDS = {name: index for index, kind in enumerate(FILE_KINDS) for name in kind.names}
_LOOSE_KINDS = {name: index for index, kind in enumerate(FILE_KINDS) for name in kind.loose_names}
# what a program that goes on counts its folders by: all of them hold one course
_COUNTED_FOLDER = re.compile(r"(version_|checkpoint-)\d+")


class MetricFile(NamedTuple):
    """A metric file: its kind (an index of FILE_KINDS), its path, its stamp."""

    kind: int
    path: Path
    stamp: str

    @property
    def course(self) -> str:
        """What all files of one course have in common: event files of one folder, `version_0` and `version_1` of a resumed run."""
        return f"{self.kind} {_COUNTED_FOLDER.sub('*', str(self.path.parent))}" + (
            f"/{self.path.name}" if self.kind == _DVCLIVE else ""
        )


def find_metric_files(workdir: Path, outputs: str, on_problem: OnProblem) -> list[MetricFile]:
    """The metric files below `workdir/outputs`, in the order in which they are believed, of one course the newest first.

    Folders are searched nearest first, down to MAX_DEPTH; a folder that is a link is not entered, and nothing is read that leads to where
    nothing of a workspace may lie. Where there are more than MAX_FILES, or too much else, it is said.
    """
    try:
        return _list_metric_files(path_containment.join_contained_path(workdir, outputs), workdir, on_problem)
    except path_containment.OutsidePathError as error:
        on_problem(error.message)
        return []


def _list_metric_files(outputs: Path, workdir: Path, on_problem: OnProblem) -> list[MetricFile]:
    files: list[tuple[int, MetricFile]] = []
    seen = 0
    folders = [(outputs, 0)]
    for folder, depth in folders:  # which grows while it is gone through: the nearest come first
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
            elif (kind := _kind_index(folder, entry.name, depth)) is not None and entry.is_file():
                if entry.is_symlink():
                    path_containment.join_contained_path(workdir, entry.path)
                files.append((depth, MetricFile(kind, folder / entry.name, file_stamp(entry.stat()))))
    if seen >= MAX_ENTRIES:
        on_problem(f"it holds more than {MAX_ENTRIES} files: not every folder was searched for metrics")
    if len(files) > MAX_FILES:
        on_problem(f"it holds {len(files)} files of metrics: the {MAX_FILES} nearest are read")
        del files[MAX_FILES:]
    # of two files of a kind the higher one, then the later (version_1 after version_0, checkpoint-900 after checkpoint-50)
    files.sort(key=lambda pair: _natural_order(pair[1].path), reverse=True)
    files.sort(key=lambda pair: (pair[1].kind, pair[0]))
    return [file for _, file in files]


def _kind_index(folder: Path, name: str, depth: int) -> int | None:
    kind = _KINDS.get(name)
    if kind is not None:
        return kind
    if name.startswith("events.out.tfevents."):
        return _TENSORBOARD
    if name.endswith(".tsv") and "/plots/metrics" in folder.as_posix():
        return _DVCLIVE
    kind = _LOOSE_KINDS.get(name)
    if kind is not None and (depth or name.endswith(".log")) and not _has_step_column(folder / name):
        return None
    return kind


def _has_step_column(path: Path) -> bool:
    """Whether the first line of a file is a header with a step."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            beginning = file.readline(8192)
    except OSError:
        return False
    return not STEP_COLUMNS.isdisjoint(cell.strip() for cell in re.split("[,;\t]", beginning))


def _natural_order(path: Path) -> list[tuple[int, str]]:
    parts = re.findall(r"\d+|\D+", str(path))
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts]


def read_wandb_params(workdir: Path, run_outputs: str) -> dict[str, object]:
    """The parameters in the newest wandb run's `config.yaml` below `workdir/run_outputs`; empty where there is none."""
    import yaml

    outputs = workdir / run_outputs
    files = sorted(outputs.glob("wandb/run-*/files/config.yaml"), key=_natural_order) or sorted(
        outputs.glob("files/config.yaml")
    )
    if not files:
        return {}
    try:
        content = structured_text.parse_yaml(
            path_containment.join_contained_path(workdir, files[-1]).read_text(encoding="utf-8")
        )
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    items = content.items() if isinstance(content, dict) else ()
    return {str(k): v["value"] for k, v in items if isinstance(v, dict) and "value" in v and not str(k).startswith("_")}
