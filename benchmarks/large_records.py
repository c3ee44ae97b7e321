"""What a large workspace costs: lists, tables, comparisons, audit and report of 10,000 and of 100,000 runs, in seconds of processors.

    python -m benchmarks.large_records [--quick]

The limits for 100,000 runs are those of two idle cores: `runs list` 0.8 s, `results` 2.5 s, `runs audit` 12 s, `report` 30 s, all with the
index (warm), each under 400 MB; what a run costs there stands beside what it costs among 10,000, which it is to equal.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks import study_data
from benchmarks.fixtures import SCAFFOLD, scratch_home
from benchmarks.interleaved import Contender, Cost, measure_costs
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone

METRICS, MEGABYTES = 4, 400
COMPARE = ("results", "compare", "lr=0", "lr=1", "--metric", "metric_0")
# commands, the most seconds that they may take at 100,000 runs, and the exit codes that are an answer
COMMANDS: tuple[tuple[tuple[str, ...], float | None, tuple[int, ...]], ...] = (
    (("runs", "list"), 0.8, (0,)),
    (("results",), 2.5, (0,)),
    (COMPARE, None, (0,)),
    (("runs", "audit"), 12, (0, 3)),
    (("report",), 30, (0,)),
)


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """Both sizes, each command once warm after one that fills the index."""
    few, many = (30, 60) if quick else (10_000, 100_000)
    commands = COMMANDS[:2] if quick else COMMANDS
    with scratch_home() as folder:
        costs = {runs: _measure_size(folder / str(runs), runs, commands) for runs in (few, many)}
    rows = []
    for words, limit, _ in commands:
        name = " ".join(words[:2])
        small, large = costs[few][name], costs[many][name]
        of_few = Reference(name=f"{few:,} runs times {many // few}", value=small.used * many / few)
        what = f"{name}, {many:,} runs, warm"
        rows.append(Row(benchmark="results", what=what, ours=large.used, unit="s", limit=limit, beside=(of_few,)))
        rows.append(
            Row(benchmark="results", what=f"{name}, peak memory", ours=large.megabytes, unit="MB", limit=MEGABYTES)
        )
    return rows


def _measure_size(
    root: Path, runs: int, commands: tuple[tuple[tuple[str, ...], float | None, tuple[int, ...]], ...]
) -> dict[str, Cost]:
    study_data.write_study(root, runs, METRICS)
    contenders = {
        " ".join(words[:2]): Contender(work=[*SCAFFOLD, *words], cwd=root, answers=answers)
        for words, _, answers in commands
    }
    return measure_costs(contenders, rounds=1)


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
