#!/usr/bin/env python3
"""How long `scaffold results` takes over 10,000 runs of 20 metrics, without its index and with it, and how much memory.

    python benchmarks/results.py [--runs 10000] [--metrics 20] [--rounds 3] [--rows 5000000] [--peers] [--dvc 100,500]

Then a `metrics.jsonl` of 5 million rows, read whole in constant memory. With --peers, from a temporary environment: MLflow's
`search_runs` over as many runs, and DVC's `exp show` over the numbers of --dvc (ours at such a number: --runs).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

# MLflow's own client makes the store and one run of each shape (its `log_batch` takes some 0.1 s a run: 20 minutes); the
# others are that run's rows again, under other names, with other values, written by sqlite3
MLFLOW = """
import os, sqlite3, sys, uuid
os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///mlflow.db"
import mlflow
from mlflow.entities import Metric, Param
client = mlflow.MlflowClient()
runs, metrics = int(sys.argv[1]), int(sys.argv[2])
if sys.argv[3] == "write":
    run = client.create_run("0").info.run_id
    values = [Metric(f"metric_{m}", m, 0, 0) for m in range(metrics)]
    client.log_batch(run, values, [Param("lr", "0"), Param("seed", "0")])
    client.set_terminated(run)
    store = sqlite3.connect("mlflow.db")
    store.row_factory = sqlite3.Row
    for table in ("runs", "tags", "params", "metrics", "latest_metrics"):
        made = [dict(row) for row in store.execute(f"select * from {table} where run_uuid = ?", (run,))]
        names = list(made[0])
        many = []
        for n in range(1, runs):
            for row in made:
                row = {**row, "run_uuid": uuid.uuid5(uuid.NAMESPACE_OID, str(n)).hex}
                if "metrics" in table:
                    row["value"] = row["value"] + n
                elif table == "params":
                    row["value"] = str(n // 3 if row["key"] == "lr" else n % 3)
                many.append([row[name] for name in names])
        store.executemany(f"insert into {table} ({','.join(names)}) values ({','.join('?' * len(names))})", many)
    store.commit()
else:
    found = mlflow.search_runs(["0"], max_results=runs)
    shape = len(found), len([c for c in found if c.startswith("metrics.")])
    assert shape == (runs, metrics), shape
    print(shape)
"""
DVC_FILES = {
    "train.py": "import json, yaml\np = yaml.safe_load(open('params.yaml'))\n"
    "json.dump({f'metric_{m}': p['lr'] + m for m in range(METRICS)}, open('m.json', 'w'))\n",
    "params.yaml": "lr: 0\n",
    "dvc.yaml": "stages:\n  train:\n    cmd: python train.py\n    deps: [train.py]\n    params: [lr]\n"
    "    metrics: [{m.json: {cache: false}}]\n",
}


class Measured(NamedTuple):
    """One number: of what, in which unit, the limit that it is held to (None: none), and whose it is (None: ours)."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    peer: str | None = None

    def line(self) -> str:
        """As it is printed."""
        limit = "" if self.limit is None else f" (limit {self.limit:g} {self.unit})"
        whose = f"{self.peer}, " if self.peer else ""
        return f"{whose}{self.what}: {self.value:.2f} {self.unit}{limit}"


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


class Timed(NamedTuple):
    """One command: seconds by the clock and of processor time (which other work on the machine does not lengthen), peak of memory in MB."""

    wall: float
    cpu: float
    memory: float


def timed(command: list[str], cwd: Path) -> Timed:
    """Run a command to its end; one that fails or says nothing ends the benchmark."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said = process.stdout
    assert said is not None
    size = sum(len(block) for block in iter(lambda: said.read(1 << 20), b""))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not size:
        sys.exit(f"{command} failed: {process.returncode}")
    return Timed(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def rows(count: int) -> Iterator[bytes]:
    """Rows of a long training."""
    for step in range(count):
        yield b'{"step": %d, "loss": %.6f, "lr": 0.001}\n' % (step, 1.0 / (1 + step))


LONG = """
import json, sys, time
from pathlib import Path
from scaffold.results import formats, series
def peak():  # getrusage would begin with what the parent had
    return int(next(row.split()[1] for row in open("/proc/self/status") if row.startswith("VmHWM:")))
path = Path(sys.argv[1])
before, began = peak(), time.perf_counter()
series.digest(formats.jsonl(path, print), str(path), series=True)
took, grown = time.perf_counter() - began, peak() - before
print(json.dumps([took, grown / 1024]))
"""


def measure_long_file(folder: Path, count: int) -> Iterator[Measured]:
    """Read a long file in a process of its own: seconds, and by how much its memory grew."""
    path = folder / "metrics.jsonl"
    with path.open("wb") as file:
        file.writelines(rows(count))
    done = subprocess.run([sys.executable, "-c", LONG, str(path)], check=True, capture_output=True, text=True)
    path.unlink()
    took, grown = json.loads(done.stdout)
    yield Measured(f"metrics.jsonl of {count} rows, read", took, "s")
    yield Measured(f"metrics.jsonl of {count} rows, memory grown by", grown, "MB", 20)


def measure_ours(folder: Path, runs: int, metrics: int, rounds: int) -> Iterator[Measured]:
    """`scaffold results` over a study of `runs` runs: as a table and as JSON, without its index (cold) and with it (warm)."""
    root = folder / f"study-{runs}"
    write_study(root, runs, metrics)
    for format_ in ("table", "json"):
        command = [sys.executable, "-m", "scaffold", "results", "--format", format_]
        took: dict[str, list[Timed]] = {"cold": [], "warm": []}
        for _ in range(rounds):
            shutil.rmtree(folder / ".cache", ignore_errors=True)
            for times in took.values():
                times.append(timed(command, root))
        what = f"scaffold results --format {format_} over {runs} runs of {metrics} metrics"
        for kind, limit in (("cold", 6), ("warm", 2)):
            yield Measured(f"{what}, {kind}", statistics.median(t.wall for t in took[kind]), "s", limit)
            yield Measured(f"{what}, {kind}, processor time", statistics.median(t.cpu for t in took[kind]), "s")
        yield Measured(f"{what}, peak memory", max(t.memory for times in took.values() for t in times), "MB", 500)


def install_peers(venv: Path) -> str:
    """MLflow and DVC in an environment of their own; its Python."""
    packages = ["mlflow-skinny", "sqlalchemy", "alembic", "pandas", "dvc"]
    python = str(venv / "bin" / "python")
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    if Path(uv).exists():
        subprocess.run([uv, "venv", "-q", "-p", sys.executable, str(venv)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "-p", python, *packages], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
    return python


def measure_mlflow(python: str, folder: Path, runs: int, metrics: int) -> Iterator[Measured]:
    """`mlflow.search_runs` over as many runs in a SQLite store: a process from start to end, as ours is."""
    place = folder / f"mlflow-{runs}"
    place.mkdir()
    subprocess.run([python, "-c", MLFLOW, str(runs), str(metrics), "write"], cwd=place, check=True, capture_output=True)
    took = timed([python, "-c", MLFLOW, str(runs), str(metrics), "read"], place)
    what = f"mlflow.search_runs over {runs} runs of {metrics} metrics"
    yield Measured(what, took.wall, "s", peer="MLflow")
    yield Measured(f"{what}, processor time", took.cpu, "s", peer="MLflow")
    yield Measured(f"{what}, peak memory", took.memory, "MB", peer="MLflow")


def write_experiments(place: Path, dvc: str, count: int, metrics: int) -> None:
    """A DVC repository with `count` experiments.

    DVC runs the first itself (some 3 s); the others are copies of its commit with other values, written by `git fast-import`.
    """
    place.mkdir()
    for name, text in DVC_FILES.items():
        (place / name).write_text(text.replace("METRICS", str(metrics)))

    def call(*command: str, **more: Any) -> str:
        return str(subprocess.run(command, cwd=place, check=True, capture_output=True, text=True, **more).stdout)

    call("git", "init", "-q", "-b", "main")
    for key in ("user.name", "user.email"):
        call("git", "config", key, "x@example.org")
    call(dvc, "init", "-q")
    call("git", "add", "-A")
    call("git", "commit", "-qm", "baseline")
    call(dvc, "exp", "run", "-q", "-S", "lr=1", "-n", "e1")
    ref = next(r for r in call("git", "for-each-ref", "--format=%(refname)", "refs/exps").split() if r.endswith("/e1"))
    lock = call("git", "show", f"{ref}:dvc.lock")
    commits = []
    for n in range(2, count + 1):
        values = json.dumps({f"metric_{m}": n + m for m in range(metrics)})
        digest = hashlib.md5(values.encode(), usedforsecurity=False).hexdigest()
        locked = re.sub(r"(m\.json\n.*\n\s+md5: )\w+(\n\s+size: )\d+", rf"\g<1>{digest}\g<2>{len(values)}", lock)
        files = {"params.yaml": f"lr: {n}\n", "m.json": values, "dvc.lock": locked.replace("lr: 1\n", f"lr: {n}\n")}
        said = f"dvc: commit experiment {hashlib.sha256(values.encode()).hexdigest()}"
        commits.append(
            f"commit {ref[:-2]}e{n}\ncommitter x <x@example.org> {1_800_000_000 + n} +0000\ndata {len(said)}\n{said}\n"
            f"from {ref}^\n" + "".join(f"M 644 inline {k}\ndata {len(v)}\n{v}\n" for k, v in files.items())
        )
    call("git", "fast-import", "--quiet", input="".join(commits))


def measure_dvc(python: str, folder: Path, count: int, metrics: int) -> Iterator[Measured]:
    """`dvc exp show` over `count` experiments, first and again (it keeps what it has read)."""
    dvc = str(Path(python).with_name("dvc"))
    os.environ["PATH"] = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
    place = folder / f"dvc-{count}"
    write_experiments(place, dvc, count, metrics)
    what = f"dvc exp show over {count} experiments of {metrics} metrics"
    for kind in ("cold", "warm"):
        took = timed([dvc, "exp", "show", "--csv"], place)
        yield Measured(f"{what}, {kind}", took.wall, "s", peer="DVC")
        yield Measured(f"{what}, {kind}, processor time", took.cpu, "s", peer="DVC")
    yield Measured(f"{what}, peak memory", took.memory, "MB", peer="DVC")


def measure(
    runs: int = 10_000, metrics: int = 20, rounds: int = 3, long: int = 5_000_000, peers: bool = False, dvc: str = ""
) -> Iterator[Measured]:
    """All that is asked for, each as soon as it is known."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
        os.environ.update(HOME=name, PYTHONPATH=str(PROJECT), GIT_CEILING_DIRECTORIES=name, UV_CACHE_DIR=cache)
        os.environ.pop("XDG_CACHE_HOME", None)
        yield from measure_ours(folder, runs, metrics, rounds)
        if long:
            yield from measure_long_file(folder, long)
        if peers:
            os.environ.pop("PYTHONPATH")
            python = install_peers(folder / "peers")
            yield from measure_mlflow(python, folder, runs, metrics)
            for count in (int(one) for one in dvc.split(",") if one):
                yield from measure_dvc(python, folder, count, metrics)


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
    options.add_argument(
        "--dvc", default="100,500", metavar="N,...", help="how many experiments DVC shows, with --peers"
    )
    chosen = options.parse_args()
    found = measure(chosen.runs, chosen.metrics, chosen.rounds, chosen.rows, chosen.peers, chosen.dvc)
    for one in found:
        print(one.line(), flush=True)


if __name__ == "__main__":
    main()
