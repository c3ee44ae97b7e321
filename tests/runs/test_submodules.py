"""Submodules, and those inside of them: recorded with what is changed in them, and brought back without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.sweeps.spec import original_code
from tests.conftest import Run, commit_all, git, write_tree
from tests.runs.conftest import PYTHON, MakeWorkspace, Workspace
from tests.runs.test_pins import collect_garbage
from tests.sweeps import conftest as sweeping

SHOW = """
import os, sys
sys.path[:0] = ["lib", "lib/deep"]
import deep, lib
print(lib.X, deep.X, os.path.exists("lib/loose.txt"))
"""
ADD = ("-c", "protocol.file.allow=always", "submodule")


@pytest.fixture
def nested(make_workspace: MakeWorkspace, make_repo: object, tmp_path: Path) -> Workspace:
    """A repository with a submodule that has one itself; where they were cloned from is gone."""
    for name, files in (("deep", {"deep.py": "X = 1\n"}), ("library", {"lib.py": "X = 1\n"})):
        make_workspace({**files, ".gitignore": "__pycache__\n"}, name=name)
    git(tmp_path / "library", *ADD, "add", "-q", str(tmp_path / "deep"), "deep")
    commit_all(tmp_path / "library")
    workspace = make_workspace({"show.py": SHOW, ".gitignore": "__pycache__\n"})
    git(workspace.root, *ADD, "add", "-q", str(tmp_path / "library"), "lib")
    git(workspace.root, *ADD, "update", "-q", "--init", "--recursive")
    commit_all(workspace.root)
    for name in ("deep", "library"):
        (tmp_path / name).rename(tmp_path / f"{name}.away")
    return workspace


def test_a_rerun_has_the_submodules_as_they_were(run: Run, nested: Workspace) -> None:
    root = nested.root
    nested.record("--experiment", "clean", "--", PYTHON, "show.py")
    write_tree(root, {"lib/deep/deep.py": "X = 2\n", "lib/loose.txt": "x", "lib/staged.py": "y = 1\n"})
    git(root / "lib", "add", "staged.py")
    nested.record("--experiment", "dirty", "--", PYTHON, "show.py")
    clean, dirty = (m["git"]["submodules"] for m in nested.manifests())
    assert [(s["path"], s["dirty"]) for s in clean] == [("lib", False), ("lib/deep", False)]
    assert [(s["path"], s["dirty"]) for s in dirty] == [("lib", True), ("lib/deep", True)]
    assert "+X = 2" in (root / dirty[1]["patch"]).read_text() and dirty[0]["pin"]["commit"] != clean[0]["pin"]["commit"]
    # moved on, amended, forgotten
    git(root / "lib/deep", "commit", "-qam", "more")
    commit_all(root / "lib")
    write_tree(root / "lib", {"lib.py": "X = 3\n"})
    git(root / "lib", "clean", "-qfd")
    git(root / "lib", "commit", "-qa", "--amend", "-m", "other")
    commit_all(root)
    for folder in (root, root / "lib", root / "lib/deep"):
        collect_garbage(folder)
    for name, printed in (("clean", b"1 1 False\n"), ("dirty", b"1 2 True\n")):
        done = run("runs", "rerun", name, "--workdir", root)
        assert done.exit_code == 0, done.output
        again = nested.last()
        assert (again["run"]["attempt"], nested.log(again)) == (2, printed)
    assert all(git(folder, "worktree", "list").count("\n") == 1 for folder in (root, root / "lib", root / "lib/deep"))


def test_a_submodule_that_cannot_be_had_is_said_before_anything_runs(run: Run, nested: Workspace) -> None:
    nested.record("--experiment", "clean", "--", PYTHON, "show.py")
    git(nested.root / "lib", "submodule", "-q", "deinit", "-f", "deep")
    done = run("runs", "rerun", "clean", "--workdir", nested.root)
    assert done.exit_code == 1 and "lib/deep is not checked out" in done.stderr and "update --init" in done.stderr
    assert len(nested.manifests()) == 1 and git(nested.root, "worktree", "list").count("\n") == 1


def test_a_submodule_that_no_run_ever_had_is_not_asked_for(run: Run, nested: Workspace) -> None:
    git(nested.root, "submodule", "-q", "deinit", "-f", "lib")
    nested.record("--experiment", "plain", "--", "true")
    assert "submodules" not in nested.last()["git"]
    done = run("runs", "rerun", "plain", "--workdir", nested.root)
    assert done.exit_code == 0 and nested.last()["run"]["attempt"] == 2, done.output


def test_a_sweep_with_its_original_code_has_its_submodules(nested: Workspace) -> None:
    planned, _, _ = sweeping.plan(nested, command=("python3", "show.py"))
    write_tree(nested.root, {"lib/lib.py": "X = 9\n"})
    commit_all(nested.root / "lib")
    commit_all(nested.root)
    tree = original_code.checkout_original(sweeping.there(nested), planned).workdir
    assert [(tree / path).read_text() for path in ("lib/lib.py", "lib/deep/deep.py")] == ["X = 1\n", "X = 1\n"]
