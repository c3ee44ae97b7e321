"""Two sides of a comparison -> which of their rows belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from scaffold.errors import ScaffoldError
from scaffold.results.metrics.configurations import ConfigurationKey, configuration_key, format_value, varying_params
from scaffold.results.tables.fold import row_label
from scaffold.results.tables.text_format import pluralize

if TYPE_CHECKING:
    from scaffold.results.tables.model import ResultRow, ResultTable


class RowPair(NamedTuple):
    """Two rows to be compared, with their names; `a` is the reference."""

    a: ResultRow
    b: ResultRow
    name_a: str
    name_b: str

    def only_seeds_differ(self) -> bool:
        """Whether both rows are one configuration of the same code: then any difference is luck."""
        return self.a.experiment == self.b.experiment and _identity(self.a) == _identity(self.b)


def _identity(row: ResultRow) -> tuple[ConfigurationKey, set[tuple[str, str | None]]]:
    return configuration_key(row.config), {(m.run.form, m.run.code) for m in row.runs}


def pair_rows(name_a: str, a: ResultTable, name_b: str, b: ResultTable) -> tuple[list[RowPair], list[str]]:
    """The rows of two sides that belong together, and sentences about rows that have no partner.

    One configuration is compared with each of the other side; several on both sides are matched by the parameters that vary
    within either. Raises ScaffoldError where they do not match.
    """

    def pair(x: ResultRow, y: ResultRow, params: Sequence[str] | None = None) -> RowPair:
        return RowPair(a=x, b=y, name_a=_row_name(name_a, x, a, params), name_b=_row_name(name_b, y, b, params))

    if len(a.rows) == 1 or len(b.rows) == 1:
        return [pair(x, y) for x in a.rows for y in b.rows], []
    params = sorted({name for side in (a, b) for name in varying_params([row.config for row in side.rows])})
    rows_a, rows_b = ({configuration_key(row.config, only=params): row for row in side.rows} for side in (a, b))
    common = [key for key in rows_a if key in rows_b]
    if len(rows_a) < len(a.rows) or len(rows_b) < len(b.rows) or not common:
        raise ScaffoldError(
            f"{name_a!r} stands for {len(a.rows)} configurations and {name_b!r} for {len(b.rows)}, and they do not match "
            f"by {', '.join(params)}",
            hint=f"name one configuration on each side, for example '{_example_condition(a)}'",
        )
    unmatched = len(rows_a) + len(rows_b) - 2 * len(common)
    have = "has" if unmatched == 1 else "have"
    sentence = f"{pluralize(unmatched, 'configuration')} of {name_a} and {name_b} {have} no partner"
    return [pair(rows_a[key], rows_b[key], params) for key in common], [sentence] if unmatched else []


def _row_name(text: str, row: ResultRow, side: ResultTable, params: Sequence[str] | None) -> str:
    """What the user called a side, with what tells this row from its others."""
    if len(side.rows) == 1:
        return text
    of_experiment = row.experiment if len({r.experiment for r in side.rows}) > 1 else None
    # where no parameter tells rows apart, the label is the experiment's name itself
    label = row_label(row, params or side.by, experiment=False)
    return " ".join(dict.fromkeys(part for part in (text, of_experiment, label) if part))


def _example_condition(side: ResultTable) -> str:
    row = side.rows[0]
    params = [f"{name}={format_value(row.config[name])}" for name in side.by if name in row.config]
    return " and ".join([f"experiment={row.experiment}", *params])
