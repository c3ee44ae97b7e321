"""Rows of named values that a notebook shows, and that pandas, polars and Arrow take where they are installed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from types import ModuleType
from typing import TYPE_CHECKING, Any

from scaffold.errors import ScaffoldError
from scaffold.results.exports.run_rows import unify_column_types
from scaffold.visible_text import escape_to_one_line

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

# a notebook shows so many rows; all are there
MOST_ROWS = 50
Row = Mapping[str, Any]


class DataTable(Sequence[Row]):
    """A sequence of rows, each a mapping from `columns` to a value: text, number, bool, or None where there is none.

    `warnings` are sentences about what to beware of; they are shown below the table. `source` is what the rows were made of.
    """

    def __init__(
        self, columns: Sequence[str], rows: Sequence[Row], *, warnings: Sequence[str] = (), source: object = None
    ) -> None:
        self.columns = tuple(columns)
        self.rows = tuple({name: row.get(name) for name in columns} for row in rows)
        self.warnings = tuple(warnings)
        self.source = source

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        """A row by its number; of a slice a table of them."""
        if isinstance(index, slice):
            return DataTable(self.columns, self.rows[index], warnings=self.warnings, source=self.source)
        return self.rows[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def column(self, name: str) -> list[Any]:
        """The values of one column, in the order of the rows. Raises KeyError."""
        if name not in self.columns:
            raise KeyError(name)
        return [row[name] for row in self.rows]

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas data frame. Raises ScaffoldError where pandas is not installed."""
        return _library("pandas").DataFrame([list(row.values()) for row in self.rows], columns=list(self.columns))

    def to_polars(self) -> polars.DataFrame:
        """A polars data frame; columns of several kinds become text. Raises ScaffoldError where polars is not installed."""
        return _library("polars").DataFrame(unify_column_types(self.columns, self.rows), strict=False)

    def to_arrow(self) -> pyarrow.Table:
        """An Arrow table; columns of several kinds become text. Raises ScaffoldError where pyarrow is not installed."""
        return _library("pyarrow").table(unify_column_types(self.columns, self.rows))

    def __repr__(self) -> str:
        lines = [" ".join(self.columns), *(" ".join(map(_format_cell, row.values())) for row in self.rows[:MOST_ROWS])]
        return "\n".join([*lines, *self._remarks()])

    def _repr_html_(self) -> str:
        """What Jupyter shows."""
        head = "".join(f"<th>{escape(escape_to_one_line(name))}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_format_cell(value))}</td>" for value in row.values()) + "</tr>"
            for row in self.rows[:MOST_ROWS]
        )
        remarks = "".join(f"<p>{escape(remark)}</p>" for remark in self._remarks())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{remarks}"

    def _remarks(self) -> list[str]:
        left = len(self.rows) - MOST_ROWS
        more = [f"{left} more rows"] if left > 0 else []
        return more + [f"warning: {escape_to_one_line(text)}" for text in self.warnings]


def _format_cell(value: Any) -> str:
    """A value for people: floats with 6 digits, nothing for None."""
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else escape_to_one_line(str(value))


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ScaffoldError(f"{name} is not installed in this Python", hint=f"pip install {name}") from error
