"""A sweep remembers its code: names stay, changes are said, results change nothing, and the code can be had back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scaffold.errors import ScaffoldError
from scaffold.runs import recorder
from scaffold.sweeps.launch import run_scripts
from scaffold.sweeps.spec import code_state, original_code, run_names, sweep_file
from tests.conftest import commit_all, git, write_tree
from tests.runs.conftest import MakeWorkspace, Workspace
from tests.sweeps.conftest import SCRIPT, plan, start, sweep, there, ticket

FILES = {"train.py": SCRIPT, "lib/model.py": "x = 1\n", "conf.yaml": "a: 1\n", "other.py": "y = 1\n"}


def test_names_are_those_of_the_remembered_code(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(FILES)
    planned, before, _ = plan(workspace, seeds=(1, 2))
    (workspace.root / "lib/model.py").write_text("x = 2\n")
    assert run_names.planned_runs(there(workspace), planned) == before
    now = code_state.replan_with_current_code(there(workspace), planned)
    after = run_names.planned_runs(there(workspace), now)
    assert {r.name for r in after}.isdisjoint({r.name for r in before})
    assert [r.name for r in after] == [
        workspace.name("--experiment", "train", "--", *r.argv, "--seed", str(r.seed))
        if "--seed" not in r.argv
        else workspace.name("--experiment", "train", "--", *r.argv)
        for r in after
    ]


def test_what_changed_is_said_and_what_does_not_count_is_not(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(FILES)
    place = there(workspace)
    planned, _, _ = plan(workspace)
    write_tree(workspace.root, {"exp/results/table.csv": "1\n", "exp/tasks.md": "# Tasks\nnew\n", "notes.txt": "x\n"})
    commit_all(workspace.root, "results") and git(workspace.root, "rm", "-q", "--cached", "notes.txt")
    git(workspace.root, "commit", "-qm", "results alone")
    assert code_state.compare_with_planned_code(place, planned) == code_state.CodeComparison(is_same=True)
    (workspace.root / "lib/model.py").write_text("x = 2\n")
    assert code_state.compare_with_planned_code(place, planned) == code_state.CodeComparison(
        is_same=False, files=("lib/model.py",)
    )
    commit_all(workspace.root, "committed all the same")
    assert "lib/model.py" in code_state.compare_with_planned_code(place, planned).files
    (workspace.root / "other.py").unlink()
    assert {"lib/model.py", "other.py"} <= set(code_state.compare_with_planned_code(place, planned).files)


def test_dirty_code_is_kept_as_a_patch_and_compared_with_it(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(FILES)
    place = there(workspace)
    (workspace.root / "lib/model.py").write_text("x = 'dirty'\n")
    write_tree(workspace.root, {"new.yaml": "b: 1\n"})
    planned, _, _ = plan(workspace, configurations=({"config": "new.yaml"}, {"config": "conf.yaml"}))
    patch = (workspace.root / str(planned.code.patch)).read_text()
    assert "dirty" in patch and "new.yaml" in patch
    assert code_state.compare_with_planned_code(place, planned).is_same
    (workspace.root / "other.py").write_text("y = 2\n")
    assert code_state.compare_with_planned_code(place, planned).files == ("other.py",)
    (workspace.root / "other.py").write_text(FILES["other.py"])
    (workspace.root / "new.yaml").write_text("b: 2\n")
    found = code_state.compare_with_planned_code(place, planned)
    assert (found.is_same, "new.yaml" in found.files) == (False, True)
    commit_all(workspace.root, "the same code, committed") and (workspace.root / "new.yaml").write_text("b: 1\n")
    git(workspace.root, "rm", "-q", "--cached", "new.yaml")
    git(workspace.root, "commit", "-qm", "x")
    assert code_state.compare_with_planned_code(place, planned).is_same


def test_a_file_added_by_hand_to_the_sheet_is_noticed(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(FILES)
    place = there(workspace)
    planned, _, _ = plan(workspace, configurations=({"config": "conf.yaml"},))
    write_tree(workspace.root, {"untracked.yaml": "1\n"})
    edited = replace(planned, configurations=({"config": "untracked.yaml"},))
    found = code_state.compare_with_planned_code(place, edited)
    assert (found.is_same, "untracked.yaml" in found.files) == (False, True)


def test_git_is_asked_once_for_each_set_of_files_not_for_each_run(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace(FILES)
    asked: list[object] = []
    real = recorder.code_state.capture

    def counted(*args: Any, **options: Any) -> Any:
        asked.append(args)
        return real(*args, **options)

    monkeypatch.setattr(recorder.code_state, "capture", counted)
    values = tuple({"lr": str(i), "file": f} for i in range(50) for f in ("conf.yaml", "none.yaml", "x"))
    planned = code_state.replan_with_current_code(there(workspace), sweep(configurations=values, seeds=tuple(range(5))))
    assert len(asked) == 3  # train.py alone, train.py with conf.yaml, and the patch
    run_names.planned_runs(there(workspace), planned)
    assert len(asked) == 3


def test_trouble_with_git_leaves_no_wrong_names(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace = make_workspace(FILES)
    monkeypatch.setenv("RUN_GIT_TIMEOUT", "0.000001")
    with pytest.raises(ScaffoldError, match="git did not say"):
        code_state.replan_with_current_code(there(workspace), sweep())
    assert "git did not answer" in capfd.readouterr().err
    assert Path.cwd() != workspace.root


def test_the_original_code_runs_in_a_worktree_and_its_records_come_home(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({**FILES, ".gitignore": "data\n"}, below="sub")
    write_tree(workspace.root, {"train.py": SCRIPT, "data/x": "1", "exp/configs/c.yaml": "c: 1\n"})
    commit_all(workspace.root)
    (workspace.root / "train.py").write_text(SCRIPT + "print('the original')\n")
    place = there(workspace)
    planned, runs, _ = plan(workspace, seeds=(1, 2), configurations=({"config": "exp/configs/c.yaml"},))
    (workspace.root / "train.py").write_text("raise SystemExit('changed')\n")
    commit_all(workspace.root, "changed")
    tree = original_code.checkout_original(place, planned, links=("sub/data",))
    paths = run_scripts.write_launchers(place, planned, runs, tree)
    for run in runs:
        ticket(paths[run.name])
        done = start(paths[run.name])
        assert (done.returncode, done.stdout, done.stderr) == (0, "the original\n", "")
    assert {m["run"]["name"] for m in workspace.manifests()} == {r.name for r in runs}
    assert (tree.workdir / "data/x").is_file()
    assert original_code.checkout_original(place, planned) == tree
    assert git(workspace.root, "status", "--porcelain", "-uno") == ""
    (tree.workdir / "train.py").write_text("touched\n")
    with pytest.raises(ScaffoldError, match="is not what the sweep lr was planned with"):
        original_code.checkout_original(place, planned)
    assert (tree.workdir / "train.py").read_text() == "touched\n"


def test_code_that_cannot_be_had_back_is_said(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(FILES)
    place = there(workspace)
    (workspace.root / "lib/model.py").write_text("api_token = 'abcdefgh12345678'\n")
    pinned, _, _ = plan(workspace)
    tree = original_code.checkout_original(place, sweep_file.read_sweep(place, "lr"))
    assert "abcdefgh" in (tree.workdir / "lib/model.py").read_text()
    git(workspace.root, "worktree", "remove", "--force", str(tree.workdir))
    # as an earlier release planned it, and as it is in a clone
    planned = replace(pinned, code=replace(pinned.code, pin=None, tracked=None))
    with pytest.raises(ScaffoldError, match="secrets in uncommitted code"):
        original_code.checkout_original(place, planned)
    assert len(git(workspace.root, "worktree", "list").splitlines()) == 1
    with pytest.raises(ScaffoldError, match="--code current"):
        original_code.checkout_original(place, replace(planned, code=replace(planned.code, commit=None)))
    with pytest.raises(ScaffoldError, match="cannot be read"):
        code_state.read_sweep_patch(place, replace(planned.code, patch="exp/metadata/patches/none.patch"))


def test_planning_again_with_todays_code(workspace: Workspace) -> None:
    place = there(workspace)
    planned, _, _ = plan(workspace)
    (workspace.root / "src/model.py").write_text("LR = 3\n")
    sweep_file.write_sweep(place, code_state.replan_with_current_code(place, planned))
    assert code_state.compare_with_planned_code(place, sweep_file.read_sweep(place, "lr")).is_same
