#!/usr/bin/env python3
"""How long `scaffold results` takes over 10,000 runs of 20 metrics, without its index and with it, and how much memory.

    python benchmarks/results.py [--runs 10000] [--metrics 20] [--rounds 3] [--rows 5000000] [--peers]

Then a `metrics.jsonl` of 5 million rows, read whole in constant memory. With --peers, MLflow's `search_runs` and DVC's
`exp show` over as many runs (MLflow) and over 100 (DVC, which makes a commit for each), from a temporary environment.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

MLFLOW = """
import os, sys, time
os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///mlflow.db"
import mlflow
from mlflow.entities import Metric, Param
client = mlflow.MlflowClient()
runs, metrics = int(sys.argv[1]), int(sys.argv[2])
if sys.argv[3] == "write":
    for n in range(runs):
        run = client.create_run("0")
        values = [Metric(f"metric_{m}", n + m, 0, 0) for m in range(metrics)]
        client.log_batch(run.info.run_id, values, [Param("lr", str(n // 3)), Param("seed", str(n % 3))])
        client.set_terminated(run.info.run_id)
else:
    found = mlflow.search_runs(["0"], max_results=runs)
    print(len(found), "runs,", len([c for c in found if c.startswith("metrics.")]), "metrics")
"""


def write_study(root: Path, runs: int, metrics: int) -> None:
    """Configurations of 3 seeds, each run with a manifest as the recorder writes it."""
    from tests.results.conftest import ANSWERS, MANIFEST

    for folder in ("metadata", "outputs"):
        (root / "exp" / folder).mkdir(parents=True)
    (root / "exp" / ".copier-answers.scaffold.yml").write_text(ANSWERS)
    draw = random.Random(0)
    for n in range(runs):
        made = json.loads(json.dumps(MANIFEST))
        config, seed = divmod(n, 3)
        name = f"train-lr={config}-s{seed}-{n:08x}"
        made["run"].update(name=name, experiment="train")
        made.update(seed=seed, params={"lr": config, "width": 64, "model": "resnet"})
        made["metrics"] = {f"metric_{m}": draw.gauss(0.9, 0.01) for m in range(metrics)}
        made["time"]["started_at"] = f"2026-01-{1 + n % 28:02}T{n % 24:02}:00:00.000Z"
        made["paths"].update(outputs=f"exp/outputs/{name}")
        (root / "exp" / "outputs" / name).mkdir()
        (root / "exp" / "metadata" / f"{name}.json").write_text(json.dumps(made, indent=1))


def timed(command: list[str], cwd: Path) -> tuple[float, float]:
    """Wall seconds and the peak of memory in MB of one command."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    size = sum(len(block) for block in iter(lambda: process.stdout.read(1 << 20), b""))  # type: ignore[union-attr]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not size:
        sys.exit(f"{command} failed: {process.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def rows(count: int) -> Iterator[bytes]:
    """Rows of a long training."""
    for step in range(count):
        yield b'{"step": %d, "loss": %.6f, "lr": 0.001}\n' % (step, 1.0 / (1 + step))


LONG = """
import resource, sys, time
from pathlib import Path
from scaffold.results import formats, series
path = Path(sys.argv[1])
before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
found = series.digest(formats.jsonl(path, print), str(path), series=True)
took, grown = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(f"{took:.1f} s, memory grew by {grown / 1024:.1f} MB to {(before + grown) / 1024:.0f} MB; last {found.last['loss']}")
"""


def measure_long_file(folder: Path, count: int) -> None:
    """Read a long file in a process of its own, and say how much memory that took."""
    path = folder / "metrics.jsonl"
    with path.open("wb") as file:
        file.writelines(rows(count))
    size = path.stat().st_size / 2**20
    done = subprocess.run([sys.executable, "-c", LONG, str(path)], check=True, capture_output=True, text=True)
    print(f"jsonl  {count} rows ({size:.0f} MB): {done.stdout.strip()}")
    path.unlink()


def measure_peers(folder: Path, runs: int, metrics: int) -> None:
    """Install the peers into an environment of their own and time what is nearest to a table of results."""
    venv = folder / "peers"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    python = str(venv / "bin" / "python")
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "mlflow-skinny", "sqlalchemy", "alembic", "pandas", "dvc"], check=True
    )
    place = folder / "mlflow"
    place.mkdir()
    subprocess.run([python, "-c", MLFLOW, str(runs), str(metrics), "write"], cwd=place, check=True, capture_output=True)
    took, memory = timed([python, "-c", MLFLOW, str(runs), str(metrics), "read"], place)
    print(f"mlflow search_runs over {runs} runs: {took:.2f} s, {memory:.0f} MB")
    place = folder / "dvc"
    place.mkdir()
    environment = {**os.environ, "PATH": f"{venv / 'bin'}:{os.environ['PATH']}"}
    train = (
        "import json,yaml;p=yaml.safe_load(open('params.yaml'));"
        "json.dump({f'metric_{m}':p['lr']+m for m in range(%d)},open('m.json','w'))"
    )
    (place / "train.py").write_text(train % metrics)
    (place / "params.yaml").write_text("lr: 0\n")
    (place / "dvc.yaml").write_text(
        "stages:\n  train:\n    cmd: python train.py\n    deps: [train.py]\n    params: [lr]\n    metrics: [{m.json: {cache: false}}]\n"
    )
    script = "git init -q && dvc init -q && git add -A && git -c user.name=x -c user.email=x@x commit -qm x"
    subprocess.run(["bash", "-c", script], cwd=place, check=True, env=environment)
    count = 20
    for n in range(count):
        command = ["dvc", "exp", "run", "-q", "-S", f"lr={n + 1}", "-n", f"e{n}"]
        subprocess.run(command, cwd=place, check=True, env=environment, capture_output=True)
    took, memory = timed([str(venv / "bin" / "dvc"), "exp", "show", "--csv"], place)
    print(f"dvc exp show over {count} experiments: {took:.2f} s, {memory:.0f} MB")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=10_000)
    options.add_argument("--metrics", type=int, default=20)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--rows", type=int, default=5_000_000)
    options.add_argument(
        "--peers", action="store_true", help="install MLflow and DVC into a temporary environment, and time them"
    )
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(HOME=name, PYTHONPATH=str(PROJECT), GIT_CEILING_DIRECTORIES=name)
        os.environ.pop("XDG_CACHE_HOME", None)
        root = folder / "study"
        write_study(root, chosen.runs, chosen.metrics)
        for format_ in ("table", "json"):
            command = [sys.executable, "-m", "scaffold", "results", "--format", format_]
            took: dict[str, list[tuple[float, float]]] = {"cold": [], "warm": []}
            for _ in range(chosen.rounds):
                shutil.rmtree(folder / ".cache", ignore_errors=True)
                for times in took.values():
                    times.append(timed(command, root))
            for kind, times in took.items():
                seconds, memory = statistics.median(t for t, _ in times), max(m for _, m in times)
                print(
                    f"{format_:5} {kind}: {seconds:.2f} s, {memory:.0f} MB for {chosen.runs} runs of {chosen.metrics} metrics"
                )
        if chosen.rows:
            measure_long_file(folder, chosen.rows)
        if chosen.peers:
            measure_peers(folder, chosen.runs, chosen.metrics)


if __name__ == "__main__":
    main()
