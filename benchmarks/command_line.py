"""`benchmarks/run`: all benchmarks, or those that are named, as one table."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine, peers, result_rows
from benchmarks.result_rows import LastRun, Row

BENCHMARKS = {
    "detect": ("detect",),
    "lifecycle": ("lifecycle",),
    "plan": ("plan_check", "guard"),
    "preflight": ("preflight",),
    "recorder": ("recorder_cost", "recorder_manifests"),
    "sweeps": ("sweeps_plan", "sweeps_launch", "sweeps_pacer", "sweeps_register", "ideas_cost"),
    "results": ("results_table", "start_up", "large_records"),
    "report": ("report",),
}
DESCRIPTION = """Measure scaffold, beside other tools and against the limits that were set for it, and print one table.

Every figure is a median of rounds in which all that is compared takes its turn, so that other work on the machine slows all alike.
Still, an idle machine gives better ones: the last line says how busy this one was."""
EPILOG = f"""benchmarks: {", ".join(BENCHMARKS)}

Each is a module beside this file, whose first lines say what is measured, and what the peers do and do not do. Exit codes: 0 all limits
are met, 1 a benchmark failed, 2 wrong usage, 3 a limit is missed. A whole run is kept in benchmarks/last.json, from which
docs/speed.md is made (PYTHONPATH=. .venv/bin/cog -P -r docs/speed.md); a quick one, a part, or one without peers only where --keep says."""


def parse_arguments(words: Sequence[str] | None) -> argparse.Namespace:
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
        "--cache", type=Path, default=peers.default_cache(), help="where peers are installed (default: %(default)s)"
    )
    parser.add_argument("--keep", type=Path, help="write the table there as JSON")
    options = parser.parse_args(words)
    unknown = sorted(set(options.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if options.keep is None and not (options.names or options.quick or options.no_peers):
        options.keep = result_rows.LAST_FILE
    return options


def measure_all(modules: Sequence[str], *, quick: bool, others: peers.Peers | None) -> tuple[list[Row], list[str]]:
    """The rows of all, and the benchmarks that failed, whose tracebacks are shown."""
    rows: list[Row] = []
    failed = []
    for name in modules:
        print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
        began = time.perf_counter()
        try:
            benchmark: result_rows.Benchmark = importlib.import_module(f"benchmarks.{name}").measure
            rows += benchmark(quick=quick, peers=others)
        except Exception:
            traceback.print_exc()
            failed.append(name)
        print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    return rows, failed


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, keep; the exit code."""
    options = parse_arguments(words)
    host, began = machine.describe_machine(), time.perf_counter()
    if host.busy:
        print(
            f"this machine is busy (load {host.load[0]:.1f} on {host.cores} cores): figures will be too high",
            file=sys.stderr,
        )
    others = None if options.no_peers else peers.prepare_peers(options.cache)
    modules = [
        module for name in BENCHMARKS if not options.names or name in options.names for module in BENCHMARKS[name]
    ]
    rows, failed = measure_all(modules, quick=options.quick, others=others)
    last = LastRun(machine=host, seconds=round(time.perf_counter() - began), quick=options.quick, rows=tuple(rows))
    print(result_rows.format_table(rows))
    print(f"\n{last.line()}")
    if failed:
        print(f"failed: {', '.join(failed)}; nothing is kept", file=sys.stderr)
        return 1
    if options.keep:
        last.write(options.keep)
        print(f"kept in {options.keep}", file=sys.stderr)
    return 3 if any(row.met is False for row in rows) else 0
