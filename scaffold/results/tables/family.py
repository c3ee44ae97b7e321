"""A comparison -> what else was run against its reference: a p-value is corrected for all that was tried, not for what was asked.

The number is taken from the records, so that who asks one at a time is corrected as who asks for all at once. Nothing is written down.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from scaffold.errors import ScaffoldError
from scaffold.results.stats.corrections import EVERY_PAIR, HolmCorrection, correct_p_value, correct_p_values
from scaffold.results.stats.hypothesis_tests import TTest
from scaffold.results.stats.pair_test import run_pair_test
from scaffold.results.tables.text_format import pluralize

if TYPE_CHECKING:
    from scaffold.results.metrics.query import QueryResult
    from scaffold.results.tables.model import ResultRow
    from scaffold.results.tables.pairing import RowPair

FamilyKind = Literal["sweep", "experiment", "all", "asked"]
# of a test its p-value, or that of another hypothesis
TestP = Callable[[TTest], float | None]


class _Family(NamedTuple):
    """Configurations that count together, by their place among all; `text` says what they have in common."""

    text: str
    members: frozenset[int]


class ComparisonFamilies:
    """What was run against each reference, in all that is on record; each test is made once.

    `every_pair`: a reference was chosen by its outcome, so each pair of rows could have been the one that is shown.
    """

    def __init__(
        self, result: QueryResult, rows: tuple[ResultRow, ...], kind: FamilyKind, *, every_pair: bool = False
    ) -> None:
        self._result, self._rows, self._kind, self._every_pair = result, rows, kind, every_pair
        self._tests: dict[tuple[frozenset[str], str], list[TTest | None]] = {}
        self._corrections: dict[tuple[frozenset[str], str, _Family], list[HolmCorrection | None]] = {}
        self._families: dict[tuple[str, str], _Family] = {}

    def correct(self, pair: RowPair, metric: str, p: float, test_p: TestP | None = None) -> HolmCorrection:
        """A pair's p-value among those of all that was run against its reference; `test_p` is what p is of a test, if not its own."""
        family, tests = self._family(pair), self._tests_against(pair.a, metric)
        paths = list_run_paths(pair.b)
        place = self._places.get(paths) if test_p is None else None
        if place is not None and (correction := self._corrections_against(pair.a, metric, family)[place]) is not None:
            return correction
        others = [
            (test.p if test_p is None else test_p(test)) if test is not None else None
            for index, test in enumerate(tests)
            if index in family.members and self._paths[index].isdisjoint(paths)
        ]
        return correct_p_value(p, others, family.text, self._count(1 + sum(other is not None for other in others)))

    def preliminary(self, pair: RowPair) -> list[str]:
        """A sentence for each sweep of a pair's family whose runs have not all ended: what is said may change."""
        sheets, runs = self._result.sheets, self._result.runs()
        rows = (pair.a, pair.b, *(self._rows[index] for index in sorted(self._family(pair).members)))
        sentences = []
        for name in sorted({m.run.sweep for row in rows for m in row.runs if m.run.sweep is not None}):
            planned = sheets.count_planned(name)
            ended = {run.name for run in runs if run.status in ("finished", "failed") and sheets.holds(name, run)}
            if planned is not None and len(ended) < planned:
                open_runs = pluralize(planned - len(ended), "run")
                sentences.append(
                    f"preliminary: {open_runs} of the {planned} of sweep {name} have not ended, and this word may change"
                )
        return sentences

    @cached_property
    def _paths(self) -> list[frozenset[str]]:
        return [list_run_paths(row) for row in self._rows]

    @cached_property
    def _places(self) -> dict[frozenset[str], int]:
        return {paths: index for index, paths in enumerate(self._paths) if paths}

    def _name(self, text: str) -> str:
        return text + EVERY_PAIR if self._every_pair else text

    def _count(self, tests: int) -> int:
        """How many tests there were in all, where each pair counts: of as many rows and their reference."""
        return tests * (tests + 1) // 2 if self._every_pair else 0

    def _family(self, pair: RowPair) -> _Family:
        if self._kind == "sweep":
            return self._family_of_sweeps(pair)
        key = (pair.a.experiment, pair.b.experiment)
        if key not in self._families:
            if self._kind == "experiment" and key[0] == key[1]:
                members = frozenset(i for i, row in enumerate(self._rows) if row.experiment == key[0])
                self._families[key] = _Family(text=self._name(f"experiment {key[0]}"), members=members)
            else:
                self._families[key] = _Family(text=self._name("all"), members=frozenset(range(len(self._rows))))
        return self._families[key]

    def _family_of_sweeps(self, pair: RowPair) -> _Family:
        sheets = self._result.sheets
        sweeps = sheets.sweeps_of(m.run for m in pair.b.runs)
        if not sweeps:
            raise ScaffoldError(
                f"no run of {pair.name_b} belongs to a sweep",
                hint="--family experiment, all, or asked (only what is asked)",
            )
        key = (", ".join(sweeps), "")
        if key not in self._families:
            members = frozenset(
                index
                for index, row in enumerate(self._rows)
                if any(sheets.holds(name, m.run) for m in row.runs for name in sweeps)
            )
            self._families[key] = _Family(text=self._name(f"sweep {key[0]}"), members=members)
        return self._families[key]

    def _tests_against(self, reference: ResultRow, metric: str) -> list[TTest | None]:
        """For every row its test against a reference; None where there is none, or it has a run of the reference."""
        paths = list_run_paths(reference)
        if (paths, metric) not in self._tests:
            values = reference.seed_values(metric)
            self._tests[paths, metric] = [
                run_pair_test(values, row.seed_values(metric)).test if others.isdisjoint(paths) else None
                for row, others in zip(self._rows, self._paths, strict=True)
            ]
        return self._tests[paths, metric]

    def _corrections_against(self, reference: ResultRow, metric: str, family: _Family) -> list[HolmCorrection | None]:
        """For every row of a family, by its place, its corrected p-value against a reference."""
        key = (list_run_paths(reference), metric, family)
        if key not in self._corrections:
            tests = self._tests_against(reference, metric)
            ps = [test.p if test and index in family.members else None for index, test in enumerate(tests)]
            count = self._count(sum(p is not None for p in ps))
            self._corrections[key] = correct_p_values(ps, family.text, count)
        return self._corrections[key]


def list_run_paths(row: ResultRow) -> frozenset[str]:
    """What tells the runs of a row from those of others."""
    return frozenset(m.run.path for m in row.runs)
