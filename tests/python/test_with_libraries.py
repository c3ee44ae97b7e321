"""Tables, cells and exports with the real pandas, polars, Arrow, IPython and MLflow, in an environment of their own."""

from __future__ import annotations

import pytest

from tests.python.conftest import RunPython
from tests.results.conftest import Study
from tests.runs.conftest import Workspace

pytestmark = pytest.mark.long

FRAMES = """\
import scaffold
table = scaffold.open().runs()
pandas, polars, arrow = table.to_pandas(), table.to_polars(), table.to_arrow()
assert pandas.shape == polars.shape == (len(table), len(table.columns)) == arrow.shape, (pandas.shape, polars.shape, arrow.shape)
assert sorted(pandas["metric.acc"].dropna()) == sorted(polars["metric.acc"].drop_nulls()) == [0.1, 0.2]
assert list(polars["param.lr"]) == arrow.column("param.lr").to_pylist() == ["big", "0.1", "0.1"]
assert "mean" in scaffold.open().results().to_pandas().columns
assert scaffold.open().compare("seed=1", "seed=2").to_polars().height == 1
"""
CELLS = """\
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("%load_ext scaffold").raise_error()
done = shell.run_cell("%%record cells --seed 1\\nx = run.seed\\nrun.summary(acc=x)\\nx + 1")
done.raise_error()
assert done.result == 2 and shell.user_ns["x"] == 1
assert isinstance(shell.run_cell("%%record cells --seed 2\\n1 / 0").error_in_exec, ZeroDivisionError)
shell.run_cell("import scaffold; table = scaffold.open().runs()").raise_error()
assert [row["status"] for row in shell.user_ns["table"]] == ["failed", "finished"]
html = shell.display_formatter.format(shell.user_ns["table"])[0]["text/html"]
assert html.startswith("<table>")
"""


def test_tables_become_data_frames(study: Study, run_python: RunPython) -> None:
    for seed in (1, 2):
        study.add("train", seed, {"lr": 0.1}, {"acc": seed / 10})
    study.add("train", 3, {"lr": "big"}, status="failed")
    run_python("-c", FRAMES, cwd=study.root)


def test_cells_of_ipython_are_runs(workspace: Workspace, run_python: RunPython) -> None:
    run_python("-c", CELLS, cwd=workspace.root)
