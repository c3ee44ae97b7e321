"""Metric files of every kind -> what they say, one step at a time, in constant memory.

What cannot be read goes to `on_problem`, and the rest is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from scaffold import structured_text
from scaffold.errors import ScaffoldError
from scaffold.observations.logged_name_roles import CLOCK, EPOCH_SECONDS, NAME_ROLES, NO_STEP, is_metric, is_wandb_media

OnProblem = Callable[[str], None]
_NON_FINITE = {
    **dict.fromkeys(("inf", "+inf", "infinity", "+infinity"), math.inf),
    **dict.fromkeys(("-inf", "-infinity"), -math.inf),
    "nan": math.nan,
}
# fairseq writes every number but the epoch as text
_FAIRSEQ_MARK = 'num_updates": "'
# folders that some writers put one curve of a metric in, under the same tag: without them train and validation would be one
_SPLIT_FOLDERS = frozenset(("train", "training", "train_inner", "validation", "val", "valid", "eval", "test"))


class LoggedStep(NamedTuple):
    """What was logged at one step: its line where the file has lines, its step, its wall time in epoch seconds, its metrics."""

    line: int | None
    step: float | None
    wall_time: float | None
    values: Mapping[str, float]


def metric_number(value: object) -> float | None:
    """A metric's value; `nan` and `inf` as text are numbers, true and false are none."""
    if type(value) is float:
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return _NON_FINITE.get(value.strip().lower()) if isinstance(value, str) else None


def row_to_logged_step(row: Mapping[str, Any], line: int | None = None) -> LoggedStep:
    """A row of values as a step; nested names are joined by `.`, and what is no metric is left out."""
    values: dict[str, float] = {}
    step = wall_time = None
    rank = NO_STEP
    roles = NAME_ROLES
    for name, value in row.items():
        if isinstance(value, dict):
            if not is_wandb_media(value):
                _add_nested(values, name, value)
            continue
        number = value if type(value) is float else metric_number(value)
        if number is None:
            continue
        role = roles[name]
        if role is None:
            values[name] = number
        elif role < rank:
            step, rank = number, role
        elif role == CLOCK:
            if number > EPOCH_SECONDS:
                wall_time = number
            else:
                values[name] = number
    return LoggedStep(line, step, wall_time, values)


def _add_nested(values: dict[str, float], name: str, row: Mapping[str, Any]) -> None:
    for key, inner in row_to_logged_step(row).values.items():
        joined = f"{name}.{key}"
        if NAME_ROLES[joined] is None:
            values[joined] = inner


def read_jsonl(path: Path, on_problem: OnProblem) -> Iterator[LoggedStep]:
    """One JSON object a line. A half-written last line and damaged lines are passed over."""
    bad, first, is_complete = 0, 0, True
    decode = json.JSONDecoder().raw_decode
    with path.open("rb") as file:
        for line_number, line in enumerate(file, start=1):
            try:
                text = line.decode().strip()
                row, end = decode(text)
                if end != len(text):
                    raise ValueError(text[end:])
            except (ValueError, RecursionError):
                if line.strip():
                    bad, first, is_complete = bad + 1, first or line_number, line.endswith(b"\n")
                continue
            if isinstance(row, dict):
                if _FAIRSEQ_MARK in text:
                    row = {name: parse_number_cell(v) if isinstance(v, str) else v for name, v in row.items()}
                yield row_to_logged_step(row, line_number)
    if bad == 1 and not is_complete:
        on_problem("its last line is half-written")
    elif bad:
        on_problem(f"{bad} damaged {'line' if bad == 1 else 'lines'} passed over, the first is line {first}")


def read_csv(path: Path, on_problem: OnProblem) -> Iterator[LoggedStep]:
    """A CSV file with a header (`,`, `;` or tabs), Lightning's too: empty cells are no values.

    A line of names in the middle is a new header; a line with another number of cells than its header is passed over. Where the
    columns are a metric's name and its value, as in an export of AIM, each line is one value.
    """
    import csv

    bad, first = 0, 0
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        beginning = next(file, "")
        delimiter = max(",;\t", key=beginning.count)
        rows = csv.reader(chain([beginning], file), delimiter=delimiter)
        header: list[str] = []
        long_columns: tuple[str, str] | None = None
        try:
            for cells in rows:
                if not any(cells) or (not header and (_is_numbers(cells) or cells[0].startswith("#"))):
                    continue
                if not header or _is_header(cells, header):
                    header = [cell.strip() for cell in cells]
                    if header[:2] == ["epoch", "time"]:  # Ultralytics': seconds since the training began
                        header[1] = ""
                    long_columns = _long_columns(header)
                elif len(cells) != len(header):
                    bad, first = bad + 1, first or rows.line_num
                elif long_columns is not None:
                    yield _parse_long_row(dict(zip(header, cells, strict=True)), long_columns, rows.line_num)
                else:
                    row = {name: parse_number_cell(cell) for name, cell in zip(header, cells, strict=True) if name}
                    yield row_to_logged_step(row, rows.line_num)
        except csv.Error as error:
            on_problem(f"it cannot be read beyond line {rows.line_num}: {error}")
    if beginning.strip() and not header:
        on_problem("it has no header: what its numbers are is not known")
    if bad:
        have, are = ("line has", "is") if bad == 1 else ("lines have", "are")
        on_problem(f"{bad} {have} another number of cells than the header and {are} passed over, first line {first}")


def _long_columns(header: Sequence[str]) -> tuple[str, str] | None:
    """The columns that hold names and values, where each line is one value; None where each column is a metric."""
    names = next((n for n in ("metric", "metric.name", "metric_name", "name", "tag") if n in header), None)
    values = next((n for n in ("value", "metric.value", "metric_value") if n in header), None)
    return (names, values) if names and values else None


def _parse_long_row(row: Mapping[str, str], columns: tuple[str, str], line: int) -> LoggedStep:
    """A line that is one value; what AIM has a column for each key of a metric's context for (`subset`: train) goes before its name."""
    name, value = columns
    contexts = [cell.strip() for column, cell in row.items() if column.startswith("metric.context.") and cell.strip()]
    position = {k.removeprefix("metric."): parse_number_cell(v) for k, v in row.items() if k not in columns}
    _, step, wall_time, _ = row_to_logged_step(position)
    return row_to_logged_step({"/".join((*contexts, row[name].strip())): parse_number_cell(row[value])}, line)._replace(
        step=step, wall_time=wall_time
    )


def _is_numbers(cells: Sequence[str]) -> bool:
    return all(parse_number_cell(cell) is not None for cell in cells)


def _is_header(cells: Sequence[str], header: Sequence[str]) -> bool:
    return all(parse_number_cell(cell) is None for cell in cells) and not set(header).isdisjoint(
        c.strip() for c in cells
    )


def parse_number_cell(cell: str) -> float | None:
    """The number in a cell; None for anything else (`1_000` too, which Python would take)."""
    text = cell.strip()
    if not text or "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _read_object(path: Path) -> Mapping[str, Any]:
    """A JSON file that holds an object. Raises ValueError."""
    content = structured_text.parse_json(path.read_bytes())
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    return content


def read_final_values_file(path: Path, on_problem: OnProblem) -> Iterator[LoggedStep]:
    """Final values: `metrics.json`, Hugging Face's `all_results.json`. wandb's own keys (`_runtime` ...) are no metrics.

    The `metrics.json` of sacred holds all values of each metric, with their steps.
    """
    content = _read_object(path)
    series = {name: value for name, value in content.items() if _is_series(value)}
    for name, course in series.items():
        for step, value in zip(course["steps"], course["values"], strict=False):
            values = row_to_logged_step({name: value}).values
            if values:
                yield LoggedStep(None, metric_number(step), None, values)
    final = row_to_logged_step(
        {name: value for name, value in content.items() if name not in series and (name == "_step" or name[:1] != "_")}
    )
    if final.values:
        yield final


def _is_series(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), list) for key in ("steps", "values"))


def read_trainer_state(path: Path, on_problem: OnProblem) -> Iterator[LoggedStep]:
    """Hugging Face's `trainer_state.json`: its log history. Raises ValueError where it has none."""
    history = _read_object(path).get("log_history")
    if not isinstance(history, list):
        raise ValueError("it has no log_history")
    yield from (row_to_logged_step(row) for row in history if isinstance(row, dict))


def read_tensorboard(path: Path, on_problem: OnProblem) -> Iterator[LoggedStep]:
    """Scalars of a TensorBoard event file. Raises ScaffoldError where the extra `tb` is not installed."""
    try:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader  # type: ignore[import-untyped]
        from tensorboard.util.tensor_util import make_ndarray  # type: ignore[import-untyped]
    except ImportError as error:
        raise ScaffoldError(
            f"{path.name} is a TensorBoard file, and the package tensorboard is not installed",
            hint='pip install "experiment-scaffold[tb]"',
        ) from error
    folder = path.parent.name
    for event in EventFileLoader(str(path)).Load():
        values = {}
        for value in event.summary.value:
            kind = value.WhichOneof("value")
            if kind == "simple_value":
                values[_tag_in_folder(value.tag, folder)] = float(value.simple_value)
            elif kind == "tensor" and value.tensor.dtype in (1, 2):  # float and double
                array = make_ndarray(value.tensor)
                if array.size == 1:
                    values[_tag_in_folder(value.tag, folder)] = float(array.item())
        values = {name: number for name, number in values.items() if is_metric(name, number)}
        if values:
            yield LoggedStep(None, float(event.step), event.wall_time, values)


def _tag_in_folder(tag: str, folder: str) -> str:
    """A tag with what its folder adds: `train/acc` in `train`; torch's `add_scalars` makes a folder `loss_val` for `val` of `loss`.

    What Ray puts before every tag is taken off: its other files have the same metrics without.
    """
    tag = tag.removeprefix("ray/tune/")
    if folder in _SPLIT_FOLDERS:
        return f"{folder}/{tag}"
    stem = tag.replace("/", "_") + "_"
    return f"{tag}/{folder.removeprefix(stem)}" if folder.startswith(stem) and folder != stem else tag


def read_dvclive_plot(path: Path, on_problem: OnProblem) -> Iterator[LoggedStep]:
    """One of dvclive's `plots/metrics/NAME.tsv`: the course of the metric that its path names."""
    parts = path.with_suffix("").parts
    name = "/".join(parts[parts.index("plots") + 2 :])
    for logged in read_csv(path, on_problem):
        yield from (logged._replace(values={name: value}) for value in list(logged.values.values())[-1:])
