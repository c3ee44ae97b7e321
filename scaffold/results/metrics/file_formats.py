"""Metric files of every kind -> observations, one row at a time, in constant memory.

An observation is what a file says at one step. What cannot be read is told to `complain`, and the rest is read.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from scaffold.errors import ScaffoldError

OnProblem = Callable[[str], None]
STEP_NAMES = (
    "step",
    "global_step",
    "_step",
    "trainer/global_step",
    "iteration",
    "iter",
    "total_steps",
    "timesteps",
    "update",
)
TIME_NAMES = frozenset(("at", "time", "wall_time", "walltime", "timestamp", "_timestamp", "ts"))
# never a metric, whatever the file: where the training is, not how well it does
POSITION_NAMES = frozenset((*STEP_NAMES, "epoch"))
_NON_FINITE = {
    "nan": math.nan,
    "inf": math.inf,
    "+inf": math.inf,
    "-inf": -math.inf,
    "infinity": math.inf,
    "+infinity": math.inf,
    "-infinity": -math.inf,
}
_EPOCH_SECONDS = 1e8
# of several steps in a row the first of these is taken; the epoch only where there is no other
_NO_RANK, _TIME = 100, 200
_ROLES = {**{name: rank for rank, name in enumerate((*STEP_NAMES, "epoch"))}, **dict.fromkeys(TIME_NAMES, _TIME)}


class LoggedStep(NamedTuple):
    """The metrics of one row: its line where the file has lines, its step, its wall time in epoch seconds."""

    line: int | None
    step: float | None
    at: float | None
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


def parse_row(row: Mapping[str, Any], line: int | None = None) -> LoggedStep:
    """A row of values as an observation; nested names are joined by `.`."""
    values: dict[str, float] = {}
    step = at = None
    rank = _NO_RANK
    for name, value in row.items():
        if isinstance(value, dict):
            values.update((f"{name}.{key}", inner) for key, inner in parse_row(value).values.items())
            continue
        found = value if type(value) is float else metric_number(value)
        if found is None:
            continue
        role = _ROLES.get(name)
        if role is None:
            values[name] = found
        elif role < rank:
            step, rank = found, role
        elif role == _TIME:
            if found > _EPOCH_SECONDS:
                at = found
            else:
                values[name] = found
    return LoggedStep(line, step, at, values)


def read_jsonl(path: Path, complain: OnProblem) -> Iterator[LoggedStep]:
    """One JSON object a line. A half-written last line and damaged lines are passed over."""
    bad, first, whole = 0, 0, True
    decode = json.JSONDecoder().raw_decode
    with path.open("rb") as file:
        for number_of_line, line in enumerate(file, start=1):
            try:
                text = line.decode().strip()
                row, end = decode(text)
                if end != len(text):
                    raise ValueError(text[end:])
            except (ValueError, RecursionError):
                if line.strip():
                    bad, first, whole = bad + 1, first or number_of_line, line.endswith(b"\n")
                continue
            if isinstance(row, dict):
                yield parse_row(row, number_of_line)
    if bad == 1 and not whole:
        complain("its last line is half-written")
    elif bad:
        complain(f"{bad} damaged {'line' if bad == 1 else 'lines'} passed over, the first is line {first}")


def read_csv(path: Path, complain: OnProblem) -> Iterator[LoggedStep]:
    """A CSV file with a header (`,`, `;` or tabs), Lightning's too: empty cells are no values.

    A line of names in the middle is a new header; a line with another number of cells than its header is passed over.
    """
    bad, first = 0, 0
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        beginning = next(file, "")
        delimiter = max(",;\t", key=beginning.count)
        rows = csv.reader(chain([beginning], file), delimiter=delimiter)
        header: list[str] = []
        try:
            for cells in rows:
                if not any(cells) or (not header and _is_numbers(cells)):
                    continue
                if not header or _is_header(cells, header):
                    header = [cell.strip() for cell in cells]
                elif len(cells) != len(header):
                    bad, first = bad + 1, first or rows.line_num
                else:
                    found = {name: parse_cell(cell) for name, cell in zip(header, cells, strict=True) if name}
                    yield parse_row(found, rows.line_num)
        except csv.Error as error:
            complain(f"it cannot be read beyond line {rows.line_num}: {error}")
    if beginning.strip() and not header:
        complain("it has no header: what its numbers are is not known")
    if bad:
        what = "line has" if bad == 1 else "lines have"
        complain(
            f"{bad} {what} another number of cells than the header and {'is' if bad == 1 else 'are'} passed over, first line {first}"
        )


def _is_numbers(cells: Sequence[str]) -> bool:
    return all(parse_cell(cell) is not None for cell in cells)


def _is_header(cells: Sequence[str], header: Sequence[str]) -> bool:
    return all(parse_cell(cell) is None for cell in cells) and not set(header).isdisjoint(c.strip() for c in cells)


def parse_cell(cell: str) -> float | None:
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
    try:
        found = json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def read_final_values(path: Path, complain: OnProblem) -> Iterator[LoggedStep]:
    """Final values: `metrics.json`, Hugging Face's `all_results.json`. wandb's own keys (`_runtime` ...) are no metrics."""
    found = parse_row(_read_object(path))
    yield found._replace(values={k: v for k, v in found.values.items() if not k.startswith("_")})


def read_trainer_state(path: Path, complain: OnProblem) -> Iterator[LoggedStep]:
    """Hugging Face's `trainer_state.json`: its log history."""
    history = _read_object(path).get("log_history")
    if not isinstance(history, list):
        raise ValueError("it has no log_history")
    yield from (parse_row(row) for row in history if isinstance(row, dict))


def read_tensorboard(path: Path, complain: OnProblem) -> Iterator[LoggedStep]:
    """Scalars of a TensorBoard event file. Raises ScaffoldError where the extra `tb` is not installed."""
    try:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader  # type: ignore[import-untyped]
        from tensorboard.util.tensor_util import make_ndarray  # type: ignore[import-untyped]
    except ImportError as error:
        raise ScaffoldError(
            f"{path.name} is a TensorBoard file, and the package tensorboard is not installed",
            hint='pip install "experiment-scaffold[tb]"',
        ) from error
    prefix = f"{path.parent.name}/" if path.parent.name in _SPLIT_FOLDERS else ""
    for event in EventFileLoader(str(path)).Load():
        values = {}
        for value in event.summary.value:
            kind = value.WhichOneof("value")
            if kind == "simple_value":
                values[prefix + value.tag] = float(value.simple_value)
            elif kind == "tensor" and value.tensor.dtype in (1, 2):
                found = make_ndarray(value.tensor)
                if found.size == 1:
                    values[prefix + value.tag] = float(found.item())
        if values:
            yield LoggedStep(None, float(event.step), event.wall_time, values)


# folders that some writers put one curve of a metric in, under the same tag: without them train and validation would be one
_SPLIT_FOLDERS = frozenset(("train", "training", "validation", "val", "valid", "eval", "test"))


def read_server_series(answer: Mapping[str, Any]) -> Iterator[LoggedStep]:
    """The research server's answer to `/runs/{id}/metrics`: its `metricSeries`.

    Its `metrics` are never used: there `accuracy` is multiplied by 100. Values are rounded to 6 digits, at most 400 a metric.
    """
    series = answer.get("metricSeries")
    for name, points in series.items() if isinstance(series, dict) else ():
        for point in points if isinstance(points, list) else ():
            value = metric_number(point.get("value")) if isinstance(point, dict) else None
            if value is not None:
                yield LoggedStep(None, metric_number(point.get("step")), None, {str(name): value})
