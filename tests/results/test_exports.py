"""Runs as one flat file, and what is said where a tracker's client is missing."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.results.conftest import Study


@pytest.fixture
def two_runs(study: Study) -> Study:
    """A run that finished and one that failed."""
    study.add("train", 1, {"lr": 0.1, "opt": "=cmd"}, {"acc": 0.5})
    study.add("train", 2, {"lr": "big"}, status="failed")
    return study


def test_csv_has_a_row_for_each_run(two_runs: Study, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "runs.csv"
    done = run("runs", "export", "--csv", file, "--workdir", two_runs.root)
    assert (done.stdout, done.exit_code) == (f"{file}\n", 0) and done.stderr.startswith("2 runs, 1 file, ")
    failed, finished = csv.DictReader(file.read_text().splitlines())
    assert finished["metric.acc"] == "0.5" and finished["param.opt"] == "'=cmd" and finished["status"] == "finished"
    assert failed["param.lr"] == "big" and failed["metric.acc"] == "" and failed["run"].startswith("train-lr=big-s2")
    run("runs", "export", "--csv", file, "--status", "failed", "--workdir", two_runs.root, "--json")
    assert len(file.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "one of '--ro-crate', --csv, --parquet, --mlflow and --wandb-offline is needed"),
        (["--csv", "a", "--parquet", "b"], "at a time"),
        (["--csv", "a", "--copy"], "--copy is for --ro-crate"),
    ],
)
def test_one_target_at_a_time(two_runs: Study, run: Run, options: list[str], message: str) -> None:
    done = run("runs", "export", *options, "--workdir", two_runs.root)
    assert done.exit_code == 2 and message in done.stderr


@pytest.mark.parametrize(
    ("option", "modules", "hint"),
    [
        ("--mlflow", ["mlflow"], "pip install mlflow-skinny"),
        ("--wandb-offline", ["wandb"], "pip install wandb"),
        ("--parquet", ["pyarrow", "polars"], "pip install pyarrow"),
    ],
)
def test_a_client_that_is_missing_is_said(
    two_runs: Study,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    option: str,
    modules: list[str],
    hint: str,
) -> None:
    for name in modules:
        monkeypatch.setitem(sys.modules, name, None)
    done = run("runs", "export", option, tmp_path / "target", "--workdir", two_runs.root)
    assert done.exit_code == 1 and f"hint: {hint}" in done.stderr and not (tmp_path / "target").exists()
