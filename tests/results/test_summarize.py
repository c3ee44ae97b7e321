"""The workspace's own summarize.py says what `scaffold results` says, on any Python, without this package."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.results.stats.distributions import t_critical
from scaffold.results.tables.model import ResultTable
from scaffold.runs import recorder
from tests.results.conftest import Study
from tests.runs.conftest import copy_recorder, settings


def summarize(root: Path, *args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the script as it lies in a workspace, without site-packages."""
    scripts = root / "exp" / "scripts"
    if not scripts.exists():
        scripts.mkdir()
        copy_recorder(scripts)
        shutil.copy(recorder.recorder_source_directory() / "summarize.py", scripts)
        (scripts / "workspace.json").write_text(json.dumps(settings()))
    command = [sys.executable, "-S", str(scripts / "summarize.py"), *args]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root.parent)
    assert done.returncode == code, done.stderr
    return done


def lines(table: ResultTable) -> list[tuple[str, ...]]:
    """The table as the script writes it."""
    found = []
    for metric in sorted(table.metrics):
        for row in table.rows:
            s = row.summaries[metric]
            counts = (str(s.n if s else 0), str(row.count_missing(metric)), str(s.not_finite if s else 0))
            numbers = ("" if v is None else f"{v:.9g}" for v in ((s.mean, s.sd, s.low, s.high) if s else (None,) * 4))
            found.append((row.experiment, metric, *counts, *numbers))
    return sorted(found)


def test_it_agrees_with_results(study: Study) -> None:
    study.seeds("base", [0.9, 0.93, 0.96, 0.91], lr=0.1)
    study.add("base", 4, {"lr": "0.1"}, {"acc": 0.5, "epoch": 3})  # the same seed again
    for seed, value in enumerate([0.5, "nan", 0.7, "inf"], start=1):
        study.add("main", seed, {"lr": 1 if seed % 2 else 1.0}, {"acc": value, "f1": 0.1 * seed})
    study.add("main", 5, {"lr": 1}, {"acc": 0.9}, status="failed")
    study.add("main", 6, {"lr": 1}, status="running")
    study.add("main", 1, {"lr": 1}, status="failed")
    study.add("lone", 1, {}, {"acc": 0.25})
    study.add("none", 1, {}, status="terminated")
    name = study.add("tried", 1, {}, {"acc": 0.1})
    study.add("tried", 1, {}, {"acc": 0.2}, attempt=2, name=name)
    study.add("tried", 1, {}, {}, attempt=3, name=name, status="failed")
    for _ in range(2):
        study.add("unseeded", None, {}, {"acc": 0.3})
    rows = list(csv.reader(io.StringIO(summarize(study.root, "--csv").stdout)))
    assert rows[0] == [
        "experiment",
        "configuration",
        "metric",
        "n",
        "missing",
        "not_finite",
        "mean",
        "sd",
        "low",
        "high",
    ]
    found = sorted(
        (row[0], row[2], *row[3:6], *("" if not cell else f"{float(cell):.9g}" for cell in row[6:])) for row in rows[1:]
    )
    assert found == lines(study.table())


def test_its_t_quantiles() -> None:
    sys.path.insert(0, str(recorder.recorder_source_directory()))
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        import summarize as script
    finally:
        sys.path.remove(str(recorder.recorder_source_directory()))
        sys.dont_write_bytecode = before
        sys.modules.pop("record_run", None)
    for df in (1, 2, 3, 4, 9, 10, 31, 100):
        assert script.critical(df) == pytest.approx(t_critical(df), rel=1e-12)


def test_a_folder_for_each_experiment(study: Study) -> None:
    study.seeds("base", [0.9, 0.93])
    before = summarize(study.root).stdout
    (study.root / "exp" / "base").mkdir()
    (study.root / "exp" / "metadata").rename(study.root / "exp" / "base" / "metadata")
    (study.root / "exp" / "scripts" / "workspace.json").write_text(json.dumps(settings(layout="per-experiment")))
    assert summarize(study.root).stdout == before and "0.915" in before


def test_for_people_and_by_name(study: Study) -> None:
    assert "experiment" in summarize(study.root).stdout, "no runs is no trouble"
    study.seeds("base", [0.9, 0.93], lr=0.1)
    study.seeds("main", [0.5], lr=0.1)
    (study.root / "exp/metadata/broken.json").write_text("{")
    done = summarize(study.root, "--experiment", "base", "--metric", "acc")
    assert done.stdout.splitlines()[1].split() == [
        "base",
        "lr=0.1",
        "acc",
        "2",
        "0",
        "0",
        "0.915",
        "0.021213",
        "0.72441",
        "1.1056",
    ]
    assert len(done.stdout.splitlines()) == 2 and "broken.json cannot be read" in done.stderr


@pytest.mark.parametrize("version", [(3, 8), (3, 13)])
def test_other_pythons_can_at_least_read_it(version: tuple[int, int]) -> None:
    """Not run there (the interpreter may be missing), but compiled as that Python's grammar."""
    import ast

    text = (recorder.recorder_source_directory() / "summarize.py").read_text(encoding="utf-8")
    ast.parse(text, feature_version=version)
