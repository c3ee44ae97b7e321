"""Config files that commands name count by what they say, without seeds and outputs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from scaffold import workspace as workspaces
from scaffold.runs.model import Run
from scaffold.workspace import Workspace
from tests.conftest import MakeRepo, commit_all, write_tree
from tests.results.conftest import ANSWERS
from tests.truth.made_runs import make_manifest, make_run, make_workspace, table_of


def make_copy(workspace: Workspace, name: str, text: str) -> str:
    """The copy of a config file that a run keeps; its path below the work directory."""
    path = f"exp/metadata/configs/{hashlib.sha256(text.encode()).hexdigest()[:16]}-{name}"
    write_tree(workspace.workdir, {path: text})
    return path


def run_with(workspace: Workspace, command: str, started: int, **texts: str) -> Run:
    manifest = make_manifest(command, experiment="e", started=started)
    manifest["run"]["name"] += str(started)
    manifest["paths"]["configs"] = [make_copy(workspace, f"{name}.yaml", text) for name, text in texts.items()]
    return make_run(manifest)


@pytest.mark.parametrize(
    ("a", "b", "rows", "columns"),
    [
        (("a", "lr: 1"), ("a", "lr: 1"), 1, ()),
        (("a", "lr: 1"), ("a", "lr: 2"), 2, ("lr",)),
        (("a", "lr: 1"), ("b", "lr: 1"), 1, ()),
        (("a", "lr: 1\nx: 1"), ("a", "lr: 1"), 2, ("x",)),
        (("seed1", "lr: 1\nseed: 1"), ("seed2", "lr: 1\nseed: 2"), 1, ()),
        (("a", "train: {seed: 1, lr: 1}"), ("a", "train: {seed: 2, lr: 1}"), 1, ()),
        (("a", "lr: 1\noutput_dir: x/1"), ("a", "lr: 1\noutput_dir: x/2"), 1, ()),
        (("a", "model: {depth: 1, width: 2}"), ("a", "model: {depth: 2, width: 2}"), 2, ("model.depth",)),
        (("a", "layers: [1, 2]"), ("a", "layers: [1, 3]"), 2, ("layers",)),
        (("a", "lr: 0.001"), ("a", "lr: 1e-3"), 1, ()),
        (("a", "lr: [\n"), ("a", "lr: [["), 2, ("content",)),
    ],
)  # fmt: skip
def test_what_config_files_say(
    tmp_path: Path, a: tuple[str, str], b: tuple[str, str], rows: int, columns: tuple[str, ...]
) -> None:
    workspace = make_workspace(tmp_path)
    runs = [
        run_with(workspace, f"python train.py --config conf/{name}.yaml", started, **{name: text})
        for started, (name, text) in enumerate([a, b])
    ]
    table = table_of(workspace, runs)
    assert len(table.rows) == rows and table.by == columns
    told = [
        run_with(workspace, "python train.py --lr 1", started, **{name: text})
        for started, (_, text) in enumerate([a, b])
        for name in ["c"]
    ]
    assert len(table_of(workspace, told).rows) == rows, "told with --config of the recorder"


def test_the_seed_of_a_config_file_is_the_run_s(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    runs = [
        run_with(workspace, f"python train.py --config s{seed}.yaml", seed, **{f"s{seed}": f"lr: 1\nseed: {seed}"})
        for seed in (1, 2, 3)
    ]
    (row,) = table_of(workspace, runs).rows
    assert [seed for seed, _ in row.seed_values("acc")] == [1, 2, 3]


def test_many_keys_are_a_digest(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    texts = ["".join(f"k{n}: {n + more}\n" for n in range(30)) for more in (0, 1)]
    runs = [run_with(workspace, "python train.py --config a.yaml", n, a=text) for n, text in enumerate(texts)]
    table = table_of(workspace, runs)
    assert table.by == ("config",) and str(table.rows[0].config["config"]).startswith("a.yaml@")


def test_a_tracked_file_is_read_from_the_code_that_ran(make_repo: MakeRepo) -> None:
    repo = make_repo(
        {"train.py": "", "conf/a.yaml": "lr: 1\n", "exp/.copier-answers.scaffold.yml": ANSWERS, "exp/tasks.md": "x"}
    )
    workspace = workspaces.load_workspace(repo, "exp")
    runs = []
    for number, lr in enumerate((1, 2), start=1):
        write_tree(repo, {"conf/a.yaml": f"lr: {lr}\n"})
        manifest = make_manifest("python train.py --config conf/a.yaml --seed 1", code="ab"[number - 1], started=number)
        manifest["git"]["commit"] = commit_all(repo)
        runs.append(make_run(manifest))
        write_tree(repo, {runs[-1].path: json.dumps(manifest)})
    table = table_of(workspace, runs, ignore=("code",))
    assert table.by == ("lr",) and [row.config["lr"] for row in table.rows] == [1, 2]
