"""`benchmarks/run`: all benchmarks, or those that are named, as one table."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine, peers, rows
from benchmarks.rows import Last, Row

BENCHMARKS = {
    "detect": ("detect",),
    "lifecycle": ("lifecycle",),
    "plan": ("plan_check",),
    "preflight": ("preflight",),
    "recorder": ("recorder_cost", "recorder_manifests"),
    "sweeps": ("sweeps_plan", "sweeps_launch", "sweeps_register"),
    "results": ("results_table",),
    "report": ("report",),
}
DESCRIPTION = """Measure scaffold, beside other tools and against the limits that were set for it, and print one table.

Every figure is a median of rounds in which all that is compared takes its turn, so that other work on the machine slows all alike.
Still, an idle machine gives better ones: the last line says how busy this one was."""
EPILOG = f"""benchmarks: {", ".join(BENCHMARKS)}

Each is a module beside this file, whose first lines say what is measured, and what the peers do and do not do. Exit codes: 0 all limits
are met, 1 a benchmark failed, 2 wrong usage, 3 a limit is missed. A whole run is kept in benchmarks/last.json, from which
docs/speed.md is made (PYTHONPATH=. .venv/bin/cog -P -r docs/speed.md); a quick one, a part, or one without peers only where --keep says."""


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="benchmarks/run",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="BENCHMARK", help="only these")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, to see whether all of it works; says nothing about speed"
    )
    parser.add_argument("--no-peers", action="store_true", help="install nothing, and leave out what must be installed")
    parser.add_argument(
        "--cache", type=Path, default=peers.cache(), help="where peers are installed (default: %(default)s)"
    )
    parser.add_argument("--keep", type=Path, help="write the table there as JSON")
    chosen = parser.parse_args(words)
    unknown = sorted(set(chosen.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if chosen.keep is None and not (chosen.names or chosen.quick or chosen.no_peers):
        chosen.keep = rows.LAST
    return chosen


def measured(modules: Sequence[str], *, quick: bool, others: peers.Peers | None) -> tuple[list[Row], list[str]]:
    """The rows of all, and the benchmarks that failed, whose tracebacks are shown."""
    found: list[Row] = []
    failed = []
    for name in modules:
        print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
        began = time.perf_counter()
        try:
            benchmark: rows.Measured = importlib.import_module(f"benchmarks.{name}").measured
            found += benchmark(quick=quick, peers=others)
        except Exception:
            traceback.print_exc()
            failed.append(name)
        print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    return found, failed


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, keep; the exit code."""
    chosen = arguments(words)
    here, began = machine.here(), time.perf_counter()
    if here.busy:
        print(
            f"this machine is busy (load {here.load[0]:.1f} on {here.cores} cores): figures will be too high",
            file=sys.stderr,
        )
    others = None if chosen.no_peers else peers.prepared(chosen.cache)
    names = [name for name in BENCHMARKS if not chosen.names or name in chosen.names]
    found, failed = measured([m for name in names for m in BENCHMARKS[name]], quick=chosen.quick, others=others)
    last = Last(machine=here, seconds=round(time.perf_counter() - began), quick=chosen.quick, rows=tuple(found))
    print(rows.table(found))
    print(f"\n{last.line()}")
    if failed:
        print(f"failed: {', '.join(failed)}; nothing is kept", file=sys.stderr)
        return 1
    if chosen.keep:
        last.write(chosen.keep)
        print(f"kept in {chosen.keep}", file=sys.stderr)
    return 3 if any(row.met is False for row in found) else 0
