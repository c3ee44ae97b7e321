"""What `scaffold results` and its peers read: a study of recorded runs, a long `metrics.jsonl`, and the stores of MLflow and DVC.

The stores are made by the peers themselves as far as that is quick, and the rest are copies with other values.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


TRAIN = """import argparse
parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("--lr", type=float)
parser.add_argument("--seed", type=int)
args = parser.parse_args()
"""


def write_study(root: Path, runs: int, metrics: int, *, positional: bool = False) -> None:
    """Configurations of 3 seeds, each run with a manifest as the recorder writes it; with `positional` of a script that takes an
    argument without an option's name."""
    from tests.results.conftest import ANSWERS, MANIFEST

    for folder in ("metadata", "outputs"):
        (root / "exp" / folder).mkdir(parents=True)
    (root / "exp" / ".copier-answers.scaffold.yml").write_text(ANSWERS)
    if positional:
        (root / "train.py").write_text(TRAIN)
    draw = random.Random(0)
    for n in range(runs):
        made = json.loads(json.dumps(MANIFEST))
        config, seed = divmod(n, 3)
        name = f"train-lr={config}-s{seed}-{n:08x}"
        made["run"].update(name=name, experiment="train")
        made.update(seed=seed, params={"lr": config, "width": 64, "model": "resnet"})
        if positional:
            made["command"]["argv"] = ["python", "train.py", "data.csv", "--lr", str(config), "--seed", str(seed)]
            made["params"] = {"lr": config}
        made["metrics"] = {f"metric_{m}": draw.gauss(0.9, 0.01) for m in range(metrics)}
        made["time"]["started_at"] = f"2026-01-{1 + n % 28:02}T{n % 24:02}:00:00.000Z"
        made["paths"].update(outputs=f"exp/outputs/{name}")
        (root / "exp" / "outputs" / name).mkdir()
        (root / "exp" / "metadata" / f"{name}.json").write_text(json.dumps(made, indent=1))


def training(steps: int) -> Iterator[bytes]:
    """The rows of the `metrics.jsonl` of a long training."""
    for step in range(steps):
        yield b'{"step": %d, "loss": %.6f, "lr": 0.001}\n' % (step, 1.0 / (1 + step))


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
