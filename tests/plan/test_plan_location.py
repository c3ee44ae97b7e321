"""Which plan is meant: the cheap look at a workspace agrees with the thorough one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from scaffold.errors import ScaffoldError
from scaffold.plan.document import plan_location
from scaffold.workspace import ANSWERS_FILE, NoWorkspace
from tests.conftest import MakeRepo
from tests.plan.conftest import ANSWERS as TEMPLATE


def answers(root: str = "exp", tasks: str = "exp/tasks.md", server: str = "''") -> str:
    text = TEMPLATE.format(server="", layout="flat").replace("experiment_root: exp", f"experiment_root: {root}")
    return text.replace("tasks_path: exp/tasks.md", f"tasks_path: {tasks}").replace(
        "research_server_url: ''", f"research_server_url: {server}"
    )


def test_from_any_folder_of_the_workspace(repo: Path, plan: Path) -> None:
    (repo / "src/deep").mkdir(parents=True)
    for start in (repo, repo / "exp", repo / "src/deep"):
        found = plan_location.locate_plan(None, start)
        assert (found.plan, found.workdir, found.server) == (plan, repo, False)


@pytest.mark.parametrize(
    ("written", "server"),
    [
        ("''", False),
        ('""', False),
        ("null", False),
        ("http://127.0.0.1:1", True),
        ("'http://127.0.0.1:1'", True),
        ("", False),
    ],
)
def test_whether_a_server_is_set(repo: Path, written: str, server: bool) -> None:
    (repo / "exp" / ANSWERS_FILE).write_text(answers(server=written))
    assert plan_location.locate_plan(None, repo).server is server


@pytest.mark.parametrize("tasks", [".agents/tasks.md", "'a b/tasks.md'", "a b/tasks.md"])
def test_a_plan_elsewhere(repo: Path, tasks: str) -> None:
    (repo / "exp" / ANSWERS_FILE).write_text(answers(tasks=tasks))
    assert plan_location.locate_plan(None, repo).plan == repo / tasks.strip("'")


@pytest.mark.parametrize("tasks", ["../outside.md", "/etc/hosts", "exp/../../outside.md", ".git/config"])
def test_answers_name_no_plan_outside_the_work_directory(repo: Path, tasks: str) -> None:
    (repo / "exp" / ANSWERS_FILE).write_text(answers("exp", tasks))
    with pytest.raises(ScaffoldError, match="no usable tasks_path"):
        plan_location.locate_plan(None, repo)


@pytest.mark.parametrize("start", ["", "lab/exps", "src"])
def test_a_root_of_another_name(make_repo: MakeRepo, start: str) -> None:
    files = {
        f"lab/exps/{ANSWERS_FILE}": answers("lab/exps", "lab/exps/tasks.md", "http://127.0.0.1:1"),
        "src/x": "",
        "lab/exps/tasks.md": "",
    }
    repo = make_repo(files)
    found = plan_location.locate_plan(None, repo / start)
    assert (found.plan, found.workdir, found.server) == (repo / "lab/exps/tasks.md", repo, True)
    named = plan_location.locate_plan(repo / "lab/exps/tasks.md", repo)
    assert (named.workdir, named.server) == (repo, True)


def test_a_file_that_is_named_wins_and_needs_no_workspace(tmp_path: Path, repo: Path) -> None:
    alone = tmp_path / "alone/x.md"
    alone.parent.mkdir()
    assert plan_location.locate_plan(alone, repo) == plan_location.PlanLocation(
        plan=alone, workdir=alone.parent, root=None, server=False
    )
    inside = repo / "exp/other.md"
    assert plan_location.locate_plan(inside, repo) == plan_location.PlanLocation(
        plan=inside, workdir=repo, root="exp", server=False
    )


def test_a_folder_of_somebody_else_above_is_passed_over(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root may enter every folder, the refusal is made up where the closed folder would be."""
    alone, closed, real = tmp_path / "scratch/me", tmp_path / "scratch/exp", Path.stat
    alone.mkdir(parents=True)

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.is_relative_to(closed):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat)
    assert plan_location.locate_plan(alone / "x.md", repo).workdir == alone
    with pytest.raises(NoWorkspace):
        plan_location.locate_plan(None, alone)


def test_several_workspaces(repo: Path) -> None:
    other = repo / ".wild/experiments"
    other.mkdir(parents=True)
    (other / ANSWERS_FILE).write_text(answers(".wild/experiments", ".wild/experiments/tasks.md"))
    with pytest.raises(ScaffoldError, match="several workspaces"):
        plan_location.locate_plan(None, repo)
