"""How long `scaffold report` takes over 1,000 runs (200 configurations, 5 seeds, 200 logged steps each), and how large the page is.

python benchmarks/report.py [--configurations N] [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from recorder_cost import ROLES, repository

STEPS, SEEDS = 200, 5


def write_runs(root: Path, recorder: Path, configurations: int) -> None:
    """Record one run, and copy its manifest under other names, each with metrics, logs and a course of its own."""
    subprocess.run([sys.executable, "-IS", str(recorder), "--", "true", "--lr", "0.1"], cwd=root, check=True)
    exp = root / "exp"
    (first,) = (exp / "metadata").glob("*.json")
    manifest, rng = json.loads(first.read_text()), random.Random(1)
    first.unlink()
    for number in range(configurations * SEEDS):
        rate, width, seed = 10 ** -(1 + number // SEEDS % 5), 2 ** (4 + number // SEEDS // 5), 1 + number % SEEDS
        name = f"grid-lr={rate:g},width={width}-s{seed}-{number:08x}"
        top = 0.9 + 0.001 * math.log(width) + rng.gauss(0, 0.005)
        rows = [{"step": i, "val/acc": top * (1 - 0.98**i), "train/loss": 0.98**i} for i in range(STEPS)]
        failed = number % 20 == 7
        manifest["run"].update(name=name, experiment="baseline" if number < SEEDS else "grid")
        manifest.update(seed=seed, params={"lr": rate, "width": width}, status="failed" if failed else "finished")
        manifest["metrics"] = {} if failed else rows[-1]
        manifest["exit"]["code"] = 1 if failed else 0
        manifest["time"]["started_at"] = f"2026-01-{1 + number // 100:02}T{number % 24:02}:{number % 60:02}:00.000Z"
        manifest["paths"].update(
            stdout=f"exp/logs/{name}.out", stderr=f"exp/logs/{name}.err", outputs=f"exp/outputs/{name}"
        )
        (exp / "metadata" / f"{name}.json").write_text(json.dumps(manifest, indent=1))
        (exp / "outputs" / name).mkdir(parents=True)
        (exp / "outputs" / name / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (exp / "logs" / f"{name}.out").write_text("epoch\n" * 1000)
        (exp / "logs" / f"{name}.err").write_text(f"ValueError: loss {number}.5 is too high\n" if failed else "")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--configurations", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    package = str(Path(__file__).parents[1])
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(HOME=folder, PYTHONPATH=package, GIT_CONFIG_NOSYSTEM="1")
        os.environ.pop("XDG_CACHE_HOME", None)
        root = Path(folder, "repository")
        recorder = repository(root, 50)
        answers = "experiment_root: exp\nworkspace_layout: flat\ntasks_path: exp/tasks.md\nexperiments: []\n"
        roles = "role_dirs:\n" + "".join(f"  {role}: {role}\n" for role in ROLES)
        (root / "exp" / ".copier-answers.scaffold.yml").write_text(f"{answers}primary_metric: val/acc\n{roles}")
        write_runs(root, recorder, chosen.configurations)
        command = [sys.executable, "-m", "scaffold", "report"]
        took: dict[str, list[float]] = {"cold": [], "warm": []}
        for _ in range(chosen.rounds):
            shutil.rmtree(Path(folder, ".cache"), ignore_errors=True)
            for times in took.values():
                began = time.perf_counter()
                subprocess.run(command, cwd=root, check=True, capture_output=True)
                times.append(time.perf_counter() - began)
        size = (root / "exp" / "analysis" / "report.html").stat().st_size
    for kind, times in took.items():
        print(
            f"{kind}: {statistics.median(times):.2f} s (best {min(times):.2f} s) for {chosen.configurations * SEEDS} runs"
        )
    print(f"page: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
