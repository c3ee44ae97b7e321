"""How long `scaffold results` takes over 10,000 runs of 20 metrics, and over a `metrics.jsonl` of 5 million rows, and how much memory.

    python -m benchmarks.results_table [--quick]

The limits: 2 s with the index (warm), 6 s without (cold), 500 MB. The long file is read in constant memory: what it adds to the
process stands beside what a file of a tenth of its rows adds. MLflow's `search_runs` stands beside a table of 1,000 runs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks import results
from benchmarks.interleaved import Contender, cold_and_warm, costs
from benchmarks.peers import Peers
from benchmarks.places import SCAFFOLD, scratch
from benchmarks.rows import Beside, Row, alone

METRICS = 20
TABLE = [*SCAFFOLD, "results", "--format", "json"]
LONG = """
import sys
from pathlib import Path
from scaffold.results import formats, series
path = Path(sys.argv[1])
series.digest(formats.jsonl(path, print), str(path), series=True)
"""


def measured(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """A table of many runs, a long file, and a table beside MLflow's."""
    runs, beside_runs, steps, rounds = (60, 20, 20_000, 1) if quick else (10_000, 1_000, 5_000_000, 3)
    with scratch() as folder:
        root = folder / "study"
        results.write_study(root, runs, METRICS)
        cold, warm = cold_and_warm(TABLE, root, folder / ".cache", rounds=rounds)
        rows = [
            Row(
                benchmark="results",
                what=f"{runs:,} runs of {METRICS} metrics, warm",
                ours=warm.passed,
                unit="s",
                limit=2,
            ),
            Row(benchmark="results", what="the same, cold", ours=cold.passed, unit="s", limit=6),
            Row(
                benchmark="results",
                what="the same, peak memory",
                ours=max(cold.megabytes, warm.megabytes),
                unit="MB",
                limit=500,
            ),
            *long_files(folder, steps),
        ]
        return [*rows, beside_mlflow(folder, peers, beside_runs, rounds)] if peers else rows


def long_files(folder: Path, steps: int) -> list[Row]:
    """Seconds and peak memory of a process that reads a long file, and one of a tenth of it."""
    contenders = {}
    for count in (steps, steps // 10):
        path = folder / f"{count}.jsonl"
        with path.open("wb") as file:
            file.writelines(results.rows(count))
        contenders[str(count)] = Contender(work=[sys.executable, "-c", LONG, str(path)])
    found = costs(contenders, rounds=1)
    tenth = Beside(name=f"{steps // 10:,} rows", value=found[str(steps // 10)].megabytes)
    return [
        Row(benchmark="results", what=f"a metrics.jsonl of {steps:,} rows", ours=found[str(steps)].passed, unit="s"),
        Row(
            benchmark="results",
            what="the same, peak memory",
            ours=found[str(steps)].megabytes,
            unit="MB",
            beside=(tenth,),
        ),
    ]


def beside_mlflow(folder: Path, peers: Peers, runs: int, rounds: int) -> Row:
    """As many runs with as many metrics in both; ours warm, theirs in a database that is there."""
    root, place = folder / "few", folder / "mlflow"
    results.write_study(root, runs, METRICS)
    place.mkdir()
    script = [peers.python, "-W", "ignore", "-c", results.MLFLOW, str(runs), str(METRICS)]
    subprocess.run([*script, "write"], cwd=place, check=True, capture_output=True)
    found = costs(
        {"ours": Contender(work=TABLE, cwd=root), "mlflow": Contender(work=[*script, "read"], cwd=place)}, rounds=rounds
    )
    return Row(
        benchmark="results",
        what=f"{runs:,} runs of {METRICS} metrics, warm",
        ours=found["ours"].passed,
        unit="s",
        beside=(
            Beside(name="mlflow search_runs", version=peers.versions["mlflow-skinny"], value=found["mlflow"].passed),
        ),
    )


if __name__ == "__main__":
    raise SystemExit(alone(measured, __doc__))
