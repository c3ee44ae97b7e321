"""`scaffold.open()`: the numbers of the commands, as rows; blocks and cells of Python as recorded runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import scaffold
from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.python.row_table import DataTable
from scaffold.results.exports.run_rows import unify_column_types
from scaffold.workspace import NoWorkspace
from tests.conftest import Run
from tests.results.conftest import Study
from tests.runs.conftest import MakeWorkspace, Workspace


@pytest.fixture
def two_rates(study: Study) -> Study:
    """Two learning rates with three seeds each, and a run that failed."""
    for rate, offset in ((0.1, 0.0), (0.2, 0.5)):
        for seed in (1, 2, 3):
            study.add("train", seed, {"lr": rate}, {"acc": offset + seed / 100})
    study.add("train", 4, {"lr": 0.1}, status="failed")
    return study


def test_runs_are_rows_with_parameters_and_metrics(two_rates: Study) -> None:
    table = scaffold.open(two_rates.root).runs(params={"lr": 0.1})
    assert [row["status"] for row in table] == ["failed", "finished", "finished", "finished"]
    assert table.column("param.lr") == [0.1] * 4 and table.column("metric.acc") == [None, 0.03, 0.02, 0.01]
    assert len(scaffold.open(two_rates.root / "exp").runs(status="failed")) == 1
    assert len(table[1:]) == 3 and table[0]["run"].startswith("train-lr=0.1-s4")
    with pytest.raises(KeyError):
        table.column("metric.loss")


def test_results_are_the_numbers_of_the_command(two_rates: Study, run: Run) -> None:
    table = scaffold.open(two_rates.root).results(by="lr", metric="acc", maximize=["acc"])
    answer = json.loads(
        run(
            "results", "--by", "lr", "--metric", "acc", "--maximize", "acc", "--json", "--workdir", two_rates.root
        ).stdout
    )
    for row, expected in zip(table, answer["rows"], strict=True):
        summary = expected["summaries"]["acc"]
        assert {name: row[name] for name in summary} == summary and row["lr"] == expected["config"]["lr"]
    assert table.column("best") == [False, True] and table.column("missing") == [1, 0]
    assert table.column("direction") == ["maximize"] * 2


def test_comparisons_are_those_of_the_command(two_rates: Study, run: Run) -> None:
    (row,) = scaffold.open(two_rates.root).compare("lr=0.1", "lr=0.2", metric="acc")
    answer = json.loads(
        run("results", "compare", "lr=0.1", "lr=0.2", "--metric", "acc", "--json", "--workdir", two_rates.root).stdout
    )
    assert {**row, "warnings": answer["comparisons"][0]["warnings"]} == answer["comparisons"][0]
    with pytest.raises(ScaffoldError):
        scaffold.open(two_rates.root).compare("lr=0.1", "nothing")


def test_what_to_beware_of_stands_below_the_table(two_rates: Study) -> None:
    table = scaffold.open(two_rates.root).compare("lr=0.1", "lr=0.2")
    assert any("no result (failed, exit 1)" in warning or "no result" in warning for warning in table.warnings)
    assert "warning: " in repr(table) and "<p>warning: " in table._repr_html_()


def test_html_is_escaped_and_short() -> None:
    table = DataTable(["<a>", "b"], [{"<a>": "<script>", "b": 1 / 3}] * 60)
    page = table._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page and "0.333333" in page
    assert page.count("<tr>") == 51 and "10 more rows" in page


def test_columns_of_several_kinds_become_text_and_numbers_stay_numbers() -> None:
    rows: list[dict[str, Any]] = [{"a": 1, "b": 1, "c": None}, {"a": "x", "b": 0.5, "c": True}]
    assert unify_column_types(["a", "b", "c"], rows) == {
        "a": ["1", "x"],
        "b": [1.0, 0.5],
        "c": [None, True],
    }


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pandas", "polars", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    for convert in (DataTable.to_pandas, DataTable.to_polars, DataTable.to_arrow):
        with pytest.raises(ScaffoldError, match="is not installed"):
            convert(DataTable(["a"], [{"a": 1}]))


def test_without_a_workspace(tmp_path: Path) -> None:
    with pytest.raises(NoWorkspace):
        scaffold.open(tmp_path)


def test_importing_is_light() -> None:
    code = "import sys; before = set(sys.modules); import scaffold; print(len(set(sys.modules) - before), 'click' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, click = done.stdout.split()
    assert int(count) <= 3 and click == "False"


class Shell:
    """As much of IPython's shell as the magic uses."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {}
        self.magics: dict[str, Callable[[str, str], Any]] = {}

    def register_magic_function(self, func: Any, magic_kind: str, magic_name: str) -> None:
        assert magic_kind == "cell"
        self.magics[magic_name] = func

    def transform_cell(self, raw_cell: str) -> str:
        return raw_cell


def test_a_cell_is_a_run(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace.root)
    shell = Shell()
    scaffold.load_ipython_extension(shell)
    cell = "print('hello', seed := run.seed)\nrun.summary(acc=0.5)\nseed + 1"
    assert shell.magics["record"]("baseline --seed 3 --param lr=0.1", cell) == 4
    with pytest.raises(ZeroDivisionError):
        shell.magics["record"]("baseline --seed 4 --param lr=0.1", "1 / 0")
    with pytest.raises(WrongUsage):
        shell.magics["record"]("baseline --sead 4", "1")
    failed, finished = sorted(workspace.manifests(), key=lambda m: m["status"])
    assert (finished["status"], finished["seed"], finished["params"]) == ("finished", 3, {"lr": 0.1})
    assert finished["metrics"] == {"acc": 0.5} and finished["command"]["argv"] == ["python", "-c", cell]
    assert failed["status"] == "failed" and failed["exit"]["code"] == 1
    ws = scaffold.open()
    assert ws.runs(status="finished").column("metric.acc") == [0.5]
    assert ws.results(where="seed=3").column("mean") == [0.5]


def test_two_cells_are_two_configurations_unless_only_their_seed_differs(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_workspace()
    monkeypatch.chdir(made.root)
    shell = Shell()
    scaffold.load_ipython_extension(shell)
    for seed in (1, 2):
        shell.magics["record"](f"cells --seed {seed}", "run.summary(acc=run.seed / 10)")
    shell.magics["record"]("cells --seed 1", "run.summary(acc=run.seed / 5)")
    assert sorted(scaffold.open().results().column("n")) == [1, 2]
