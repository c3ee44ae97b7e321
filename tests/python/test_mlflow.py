"""Runs to MLflow and back with its real client, in an environment of its own: a check of the gate (`.ci/run`), not of plain pytest."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.python.conftest import REPOSITORY, install_python
from tests.results.conftest import Study

pytestmark = pytest.mark.long

# the client, what it needs for a SQLite store, and what this package needs for `runs export`
PACKAGES = ("mlflow-skinny", "sqlalchemy", "alembic", "pandas", "click", "pyyaml", "fastjsonschema")
# one process for all: importing MLflow and making the tables of a store is most of what this takes
ROUND_TRIP = """\
import os, sys
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
from click.testing import CliRunner
from scaffold.cli.main import group

STORES = sys.argv[1:]
for uri in STORES:
    first, again = (CliRunner().invoke(group, ["runs", "export", "--mlflow", uri]) for _ in range(2))
    assert first.exit_code == 0 and "3 runs" in first.output, first.output
    assert "0 runs" in again.output and again.output.count("it is there already") == 3, again.output

from mlflow import MlflowClient
for uri in STORES:
    client = MlflowClient(tracking_uri=uri)
    (experiment,) = [e for e in client.search_experiments() if e.name == "train"]
    runs = {r.info.run_name: r for r in client.search_runs([experiment.experiment_id])}
    assert len(runs) == 3, list(runs)
    run = next(r for name, r in runs.items() if "-s1-" in name)
    assert run.data.params == {"lr": "0.1"} and run.data.metrics == {"acc": 0.7, "loss": 0.25}, run.data
    assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "loss")] == [(1, 0.5), (2, 0.25)]
    assert run.info.status == "FINISHED" and run.data.tags["scaffold.seed"] == "1" and run.info.end_time > run.info.start_time
    assert sorted(r.info.status for r in runs.values()) == ["FAILED", "FINISHED", "FINISHED"]
    theirs = client.create_run(experiment.experiment_id, run_name="brave-fox").info.run_id
    client.log_param(theirs, "opt/name", "adam")
    for step in (1, 2):
        client.log_metric(theirs, "val/acc", step / 4, step=step)
    client.set_terminated(theirs)
"""


def check_round_trip(study: Study, run: Run, python: Path, stores: Sequence[str]) -> list[str]:
    """Runs go to each store once and come back; the first folders of where the run that the client wrote beside them is listed."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run([python, "-c", ROUND_TRIP, *stores], cwd=study.root, env=environment, check=True, timeout=300)
    # what was exported is ours, and no foreign run
    answer = json.loads(run("runs", "list", "--foreign", "--workdir", study.root, "--json").stdout)
    for listed in answer["foreign"]:
        assert (listed["name"], listed["status"]) == ("brave-fox", "finished")
        assert (listed["params"], listed["metrics"]) == ({"opt/name": "adam"}, {"val/acc": 0.5})
    return [listed["path"].partition("/")[0] for listed in answer["foreign"]]


def test_runs_come_to_mlflow_once_and_its_own_are_read(three_runs: Study, run: Run, tmp_path: Path) -> None:
    python = install_python(tmp_path / "venv", PACKAGES)
    stores = ["sqlite:///store.db", f"file:{three_runs.root}/mlruns"]
    assert check_round_trip(three_runs, run, python, stores) == ["mlruns", "store.db"]
