"""Somebody else's records in an adopted directory: no error, counted once, and listed as far as they are understood."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scaffold.runs import mlflow_stores
from tests.conftest import MakeRepo, Run, write_tree
from tests.runs.conftest import MakeWorkspace

# as the research server's own repository keeps them
SERVER_SWEEP = {
    "sweep_id": "4f2a",
    "sweep_name": "main",
    "goal": "g",
    "created_at": "2026-01-01T00:00:00Z",
    "runs": [{"run_id": "a1", "name": "warmup", "steps": 100, "lr": 0.1, "type": "main"}],
    "expected_results": {},
}
FILES = {
    "exp/metadata/main_sweep.json": json.dumps(SERVER_SWEEP),
    "exp/metadata/notes.json": '["a list"]',
    "sacred_runs/3/run.json": json.dumps({"experiment": {"name": "mnist"}, "status": "COMPLETED", "command": "main"}),
    "sacred_runs/3/config.json": json.dumps({"lr": 0.5, "net": {"depth": 2}}),
    "sacred_runs/3/metrics.json": json.dumps({"acc": {"steps": [1, 2], "values": [0.25, 0.5]}}),
    "mlruns/0/abc/meta.yaml": "run_id: abc\nrun_name: brave-fox\nstatus: 3\n",
    "mlruns/0/abc/params/lr": "0.3",
    "mlruns/0/meta.yaml": "experiment_id: 0\n",
    "multirun/2026-01-01/10-00-00/0/.hydra/overrides.yaml": "- lr=0.1\n- +seed=3\n",
}


def test_they_are_no_errors_and_are_counted_once(make_workspace: MakeWorkspace, run: Run) -> None:
    made = make_workspace()
    made.record("--seed", "1", "--", "true")
    write_tree(made.root, FILES)
    for words in (("runs", "list"), ("results",), ("sweep", "list")):
        done = run(*words, "--workdir", made.root)
        assert "main_sweep" not in done.output and "notes.json" not in done.output, words
    done = run("runs", "audit", "--workdir", made.root)
    assert done.stderr.count("foreign") == 2 and "2 JSON files are foreign" in done.stderr
    assert "R001" not in done.stdout
    assert json.loads(run("runs", "audit", "--workdir", made.root, "--json").stdout)["notes"]


def test_what_is_understood_is_listed(make_workspace: MakeWorkspace, run: Run) -> None:
    made = make_workspace()
    write_tree(made.root, FILES)
    answer = json.loads(run("runs", "list", "--foreign", "--workdir", made.root, "--json").stdout)
    rows = [(one["kind"], one["name"], one["status"], one["params"], one["metrics"]) for one in answer["foreign"]]
    assert rows == [
        ("hydra", "2026-01-01/10-00-00/0", "", {"lr": "0.1", "seed": "3"}, {}),
        ("mlflow", "brave-fox", "finished", {"lr": "0.3"}, {}),
        ("research server", "warmup", "", {"lr": "0.1", "steps": "100"}, {}),
        ("sacred", "mnist 3", "completed", {"lr": "0.5"}, {"acc": 0.5}),
    ]
    assert "acc=0.5" in run("runs", "list", "--foreign", "--workdir", made.root).stdout


STORES = Path(__file__).parent / "mlflow_stores"


def make_database(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


@pytest.mark.parametrize("version", ["1.30.1", "3.17.2"])
def test_stores_that_mlflow_wrote(make_workspace: MakeWorkspace, run: Run, version: str) -> None:
    made = make_workspace()
    shutil.copytree(STORES / version / "mlruns", made.root / "code" / "mlruns")
    make_database(made.root / "tracking.db", (STORES / version / "mlflow.sql").read_text())
    make_database(made.root / "trials.db", "CREATE TABLE runs (run_uuid)")
    (made.root / "code/empty.db").write_text("no database")
    answer = json.loads(run("runs", "list", "--foreign", "--workdir", made.root, "--json").stdout)
    by_path = {
        path: [r for r in answer["foreign"] if r["path"].split("/")[0] == path] for path in ("code", "tracking.db")
    }
    assert sum(map(len, by_path.values())) == len(answer["foreign"]) == 4
    # deleted runs, and those that were exported from here, are no foreign ones; steps came in another order than they were logged
    for runs in by_path.values():
        shown = sorted((r["name"], r["status"], r["params"], r["metrics"]) for r in runs)
        assert shown == [
            ("brave-fox", "finished", {"lr": "0.1", "opt/name": "adam"}, {"loss": "NaN", "val/acc": 0.25}),
            ("calm-owl", "failed", {"lr": "0.3"}, {}),
        ]


def test_reading_a_database_leaves_no_trace_and_ends(tmp_path: Path) -> None:
    sql = (STORES / "3.17.2/mlflow.sql").read_text()
    make_database(tmp_path / "logged.db", f"PRAGMA journal_mode = wal; {sql}")
    views = (
        "CREATE VIEW {} AS WITH RECURSIVE n(run_uuid) AS (SELECT 1 UNION ALL SELECT run_uuid FROM n) SELECT * FROM n;"
    )
    make_database(
        tmp_path / "views.db", "".join(views.format(name) for name in ("runs", "params", "latest_metrics", "tags"))
    )
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(mlflow_stores.read_database_runs(tmp_path, tmp_path / "logged.db")) == 2
    assert mlflow_stores.read_database_runs(tmp_path, tmp_path / "views.db") == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    with closing(sqlite3.connect(tmp_path / "logged.db")) as writer:
        writer.execute("UPDATE runs SET name = 'renamed' WHERE name = 'calm-owl'")
        writer.commit()
        names = [run.name for run in mlflow_stores.read_database_runs(tmp_path, tmp_path / "logged.db")]
    assert names == ["brave-fox", "renamed"]


def test_a_newer_or_broken_manifest_of_ours_is_damaged_as_before(make_workspace: MakeWorkspace, run: Run) -> None:
    made = make_workspace()
    write_tree(
        made.exp, {"metadata/a.json": '{"schema_version": 9}', "metadata/b.json": "{", "metadata/c.json": '{"run": {}}'}
    )
    done = run("runs", "audit", "--workdir", made.root)
    assert done.stdout.count("R001") == 3 and "foreign" not in done.stderr


def test_init_mentions_them(make_repo: MakeRepo, run: Run) -> None:
    repo: Path = make_repo({"exp/metadata/main_sweep.json": json.dumps(SERVER_SWEEP), "train.py": "print(1)\n"})
    done = run("init", "--workdir", repo, "--yes")
    assert done.exit_code == 0 and "1 JSON file is foreign" in done.stderr, done.output
