"""How long `scaffold report` takes over 1,000 runs (200 configurations, 5 seeds, 200 logged steps each), and how large the page is.

python -m benchmarks.report [--quick]
"""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

from benchmarks.fixtures import SCAFFOLD, copy_runs, make_recorded_repository, scratch_home
from benchmarks.interleaved import measure_cold_and_warm
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone

STEPS, SEEDS = 200, 5


class Runs:
    """Runs that learn, each with metrics, logs and a course of its own; one in 20 fails."""

    def __init__(self, exp: Path) -> None:
        self.exp, self.draw = exp, random.Random(1)

    def __call__(self, number: int, manifest: dict[str, Any]) -> str:
        rate, width, seed = 10 ** -(1 + number // SEEDS % 5), 2 ** (4 + number // SEEDS // 5), 1 + number % SEEDS
        name = f"grid-lr={rate:g},width={width}-s{seed}-{number:08x}"
        top = 0.9 + 0.001 * math.log(width) + self.draw.gauss(0, 0.005)
        rows = [{"step": i, "val/acc": top * (1 - 0.98**i), "train/loss": 0.98**i} for i in range(STEPS)]
        failed = number % 20 == 7
        manifest["run"].update(experiment="baseline" if number < SEEDS else "grid")
        manifest.update(seed=seed, params={"lr": rate, "width": width}, status="failed" if failed else "finished")
        manifest["metrics"] = {} if failed else rows[-1]
        manifest["exit"]["code"] = 1 if failed else 0
        manifest["time"]["started_at"] = f"2026-01-{1 + number // 100:02}T{number % 24:02}:{number % 60:02}:00.000Z"
        places = {
            "stdout": f"exp/logs/{name}.out",
            "stderr": f"exp/logs/{name}.err",
            "outputs": f"exp/outputs/{name}",
        }
        manifest["paths"].update(places)
        outputs = self.exp / "outputs" / name
        outputs.mkdir(parents=True)
        (outputs / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (self.exp / "logs" / f"{name}.out").write_text("epoch\n" * 1000)
        (self.exp / "logs" / f"{name}.err").write_text(f"ValueError: loss {number}.5 is too high\n" if failed else "")
        return name


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """Write the runs, and report on them."""
    configurations, rounds = (10, 1) if quick else (200, 3)
    with scratch_home() as folder:
        root = folder / "repository"
        recorder = make_recorded_repository(root, 50, primary_metric="val/acc")
        copy_runs(root, recorder, configurations * SEEDS, Runs(root / "exp"))
        cold, warm = measure_cold_and_warm([*SCAFFOLD, "report"], root, folder / ".cache", rounds=rounds)
        size = (root / "exp" / "analysis" / "report.html").stat().st_size
    runs = f"{configurations * SEEDS:,} runs of {STEPS} steps"
    return [
        Row(
            benchmark="report",
            what=f"{runs}, warm",
            ours=warm.passed,
            unit="s",
            beside=(Reference(name="cold", value=cold.passed),),
        ),
        Row(benchmark="report", what="the same, peak memory", ours=max(cold.megabytes, warm.megabytes), unit="MB"),
        Row(benchmark="report", what="the same, size of the page", ours=size / 1e6, unit="MB"),
    ]


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
