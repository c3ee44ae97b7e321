"""Tables, cells and exports with the real pandas, polars, Arrow, IPython and wandb, in an environment of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Run, commit_all, new_repository, write_tree
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


PARQUET = """\
import polars, pyarrow.parquet
table = pyarrow.parquet.read_table("runs.parquet")
assert table.num_rows == 3 and polars.read_parquet("runs.parquet")["metric.acc"].drop_nulls().to_list() == [0.6, 0.7]
"""


def test_runs_come_to_parquet(three_runs: Study, run_python: RunPython) -> None:
    run_python("-m", "scaffold", "runs", "export", "--parquet", "runs.parquet", cwd=three_runs.root)
    run_python("-c", PARQUET, cwd=three_runs.root)


def test_runs_come_to_folders_of_wandb_once(three_runs: Study, run_python: RunPython) -> None:
    export = ("-m", "scaffold", "runs", "export", "--wandb-offline", "offline")
    first, again = (run_python(*export, cwd=three_runs.root) for _ in range(2))
    assert "3 runs" in first.stderr and again.stderr.count("it is there already") == 3
    folders = list((three_runs.root / "offline/wandb").glob("offline-run-*"))
    assert len(folders) == 3 and all(any(folder.glob("run-*.wandb")) for folder in folders)


NOTEBOOK = """\
import nbformat
v4 = nbformat.v4
cells = [v4.new_code_cell("lr = 1.0\\nseed = 0", metadata={"tags": ["parameters"]}),
         v4.new_code_cell("print(f'accuracy: {0.5 + seed / 10 + lr}')"), v4.new_code_cell("1 / (lr - 2)")]
metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
nbformat.write(v4.new_notebook(cells=cells, metadata=metadata), "train.ipynb")
"""


def test_a_notebook_is_a_run(workspace: Workspace, run_python: RunPython) -> None:
    run_python("-c", NOTEBOOK, cwd=workspace.root)
    scaffold = ("-m", "scaffold", "run", "--no-prefix", "--experiment", "nb")
    run_python(*scaffold, "--seed", "1", "--", "train.ipynb", "--lr", "0.25", cwd=workspace.root)
    failing = [*scaffold, "--seed", "2", "--", "train.ipynb", "lr=2"]
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run_python(*failing, cwd=workspace.root)
    finished, failed = sorted(workspace.manifests(), key=lambda m: m["seed"])
    assert (finished["status"], failed["status"]) == ("finished", "failed")
    assert finished["params"]["lr"] == 0.25 and finished["seed_source"] == "arguments"
    for manifest in (finished, failed):
        assert (workspace.root / manifest["paths"]["outputs"] / "train.ipynb").is_file()
    assert "accuracy: 0.85" in (workspace.root / finished["paths"]["stdout"]).read_text()


HYDRA_APP = """\
import hydra
@hydra.main(config_path="conf", config_name="config", version_base=None)
def main(cfg):
    print(f"accuracy: {cfg.lr + cfg.seed / 10 + sum(cfg.layers)}")
main()
"""
HYDRA_FILES = {"train.py": HYDRA_APP, "conf/config.yaml": "lr: 0.1\nseed: 0\nlayers: [1, 2]\n"}
PLAIN, QUOTED = "hydra.run.dir={RUN_OUTPUT_DIR}", 'hydra.run.dir="{RUN_OUTPUT_DIR}"'


@pytest.mark.parametrize(("folder", "override"), [("plain", PLAIN), ("a=b, c (d)", QUOTED), ("plain2", QUOTED)])
def test_hydra_reads_the_documented_lines(
    run: Run, run_python: RunPython, tmp_path: Path, folder: str, override: str
) -> None:
    root = tmp_path / folder
    root.mkdir()
    write_tree(root, HYDRA_FILES)
    new_repository(root)
    commit_all(root)
    assert run("init", "--yes", "--workdir", root).exit_code == 0
    record = ("-m", "scaffold", "run", "--no-prefix", "--seed", "1", "--", "python", "train.py", override)
    run_python(*record, "lr=0.25", "layers=[3]", cwd=root)
    (path,) = (root / ".wild/experiments/metadata").glob("train-*.json")
    manifest = json.loads(path.read_text())
    assert manifest["status"] == "finished" and manifest["seed_source"] == "arguments"
    assert (root / manifest["paths"]["outputs"] / ".hydra/config.yaml").is_file() and not (root / "outputs").exists()
    assert "accuracy: 3.35" in (root / manifest["paths"]["stdout"]).read_text()
