"""`results.tsv` of loops that try one change after the other (karpathy/autoresearch): one line a trial, kept, discarded or crashed.

commit  val_bpb  memory_gb  status  description
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scaffold.observations.file_formats import LoggedStep, OnProblem, parse_number_cell

KEPT, CRASHED = "keep", "crash"


class TsvTrial(NamedTuple):
    """One line: its number in the file, the commit that was tried, the numbers that it has, what became of it, and what was tried."""

    line: int
    commit: str
    values: dict[str, float]
    status: str
    description: str


def read_trials(path: Path, on_problem: OnProblem) -> Iterator[TsvTrial]:
    """The trials of a `results.tsv`; a crash has no values, whatever its cells say (it is written as 0). Raises OSError."""
    bad = 0
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        header = [cell.strip() for cell in next(rows, [])]
        if "status" not in header or "commit" not in header:
            on_problem("it is no list of trials: it has no columns commit and status")
            return
        for cells in rows:
            if len(cells) < len(header):
                bad += bool(cells)
                continue
            row = dict(zip(header, cells, strict=False))
            status = row["status"].strip().lower()
            numbers = {k: parse_number_cell(v) for k, v in row.items() if k not in ("commit", "status", "description")}
            values = {k: v for k, v in numbers.items() if v is not None and status != CRASHED}
            yield TsvTrial(rows.line_num, row["commit"].strip(), values, status, row.get("description", "").strip())
    if bad:
        have, are = ("line has", "is") if bad == 1 else ("lines have", "are")
        on_problem(f"{bad} {have} fewer cells than the header and {are} passed over")


def read_results_tsv(path: Path, on_problem: OnProblem) -> Iterator[LoggedStep]:
    """The course of a loop: the numbers of each trial that was kept, by its place among all trials, from 1.

    What was discarded is not the loop's state.
    """
    for number, trial in enumerate(read_trials(path, on_problem), start=1):
        if trial.status == KEPT and trial.values:
            yield LoggedStep(trial.line, float(number), None, trial.values)
