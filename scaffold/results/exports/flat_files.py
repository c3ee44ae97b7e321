"""Runs as one flat file: CSV, or Parquet where pyarrow or polars is installed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from scaffold.atomic_write import write_file
from scaffold.errors import ScaffoldError
from scaffold.results.exports.run_rows import build_run_rows, unify_column_types
from scaffold.runs.model import Run
from scaffold.visible_text import csv_lines


def write_csv(runs: Sequence[Run], path: Path) -> int:
    """Write runs as CSV, a header first; a text that a spreadsheet would take for a formula begins with `'`. Bytes written.

    Raises ScaffoldError.
    """
    columns, rows = build_run_rows(runs)
    data = csv_lines([columns, *([row.get(name) for name in columns] for row in rows)]).encode()
    write_file(path, data)
    return len(data)


def write_parquet(runs: Sequence[Run], path: Path) -> int:
    """Write runs as Parquet; columns of several kinds are text. Bytes written. Raises ScaffoldError, also where nothing can write it."""
    columns = unify_column_types(*build_run_rows(runs))
    data = _with_pyarrow(columns) or _with_polars(columns)
    if data is None:
        raise ScaffoldError(
            "Parquet is written by pyarrow or polars, and neither is installed", hint="pip install pyarrow"
        )
    write_file(path, data)
    return len(data)


def _with_pyarrow(columns: dict[str, list[object]]) -> bytes | None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return None
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def _with_polars(columns: dict[str, list[object]]) -> bytes | None:
    try:
        import polars
    except ImportError:
        return None
    buffer = io.BytesIO()
    polars.DataFrame(columns, strict=False).write_parquet(buffer)
    return buffer.getvalue()
