"""What a benchmark answers: rows, one shape for all; the table that they are printed as; and the file that keeps the last of them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.machine import PROJECT, Machine
from benchmarks.peers import Peers

LAST_FILE = PROJECT / "benchmarks" / "last.json"
HEADINGS = ("", "what", "ours", "limit", "beside it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The same figure, in the unit of its row, of a peer, of something simpler, or of the same under other conditions."""

    name: str
    value: float
    version: str | None = None

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}" if self.version else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure of ours (a median, unless `what` says otherwise), the most that it may be, and what stands beside it.

    `unit` is "s", "ms", "MB", "MB/s" or "x" (a ratio).
    """

    benchmark: str
    what: str
    ours: float
    unit: str
    limit: float | None = None
    beside: tuple[Reference, ...] = ()

    @property
    def met(self) -> bool | None:
        """Whether the limit is met; None where there is none."""
        return None if self.limit is None else self.ours <= self.limit

    def cells(self) -> tuple[str, ...]:
        """The row as text: benchmark, what, ours, the limit and whether it is met, what stands beside with our ratio to it."""
        limit = "" if self.limit is None else f"{self.limit:g} {self.unit} {'met' if self.met else 'MISSED'}"
        ours = f"{format_number(self.ours)} {self.unit}"
        return self.benchmark, self.what, ours, limit, "; ".join(map(self._beside, self.beside))

    def _beside(self, reference: Reference) -> str:
        text = f"{reference.label} {format_number(reference.value)} {self.unit}"
        ratio = self.ours / reference.value if self.unit != "x" and reference.value > 0 else None
        return text if ratio is None else f"{text} ({format_number(ratio)} x)"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """One whole run of the benchmarks."""

    machine: Machine
    seconds: float
    quick: bool
    rows: tuple[Row, ...]

    def line(self) -> str:
        """How it came about."""
        return f"{self.machine.line()}; {self.seconds:.0f} s{' with small sizes' if self.quick else ''}"

    def write(self, path: Path) -> None:
        """Keep it as JSON."""
        path.write_text(
            json.dumps({"version": 1, **asdict(self)}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def read_last_run(path: Path) -> LastRun:
    """The run that `path` keeps. Raises ValueError, KeyError or TypeError where it is no such file."""
    record = json.loads(path.read_text(encoding="utf-8"))
    if record.pop("version") != 1:
        raise ValueError(f"{path} is of another version")
    rows = [Row(**{**row, "beside": tuple(Reference(**each) for each in row["beside"])}) for row in record.pop("rows")]
    machine = record.pop("machine")
    return LastRun(machine=Machine(**{**machine, "load": tuple(machine["load"])}), rows=tuple(rows), **record)


def format_number(value: float) -> str:
    """A figure with about three digits."""
    size = abs(value)
    return f"{value:.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3}f}"


def group_rows(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """The rows as text, the benchmark only before its first."""
    lines: list[tuple[str, ...]] = []
    previous = ""
    for row in rows:
        name, *rest = row.cells()
        lines.append(("" if name == previous else name, *rest))
        previous = name
    return lines


def format_table(rows: Iterable[Row]) -> str:
    """The rows as aligned columns."""
    cells = [HEADINGS, *group_rows(rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


class Benchmark(Protocol):
    """The function of each benchmark."""

    def __call__(self, *, quick: bool = False, peers: Peers | None = None) -> Sequence[Row]:
        """Measure; small sizes where `quick`, and beside the peers where there are any."""


def run_alone(measure: Benchmark, doc: str | None) -> int:
    """A benchmark on its own, without peers: its table, and 3 where a limit is missed."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see whether it works")
    rows = measure(quick=parser.parse_args().quick)
    sys.stdout.write(format_table(rows) + "\n")
    return 3 if any(row.met is False for row in rows) else 0
