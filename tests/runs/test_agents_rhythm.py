"""A loop of ideas as coding agents drive it: commit, run, look, and take the commit back in whatever way. No run is lost over it.

What each idea was, and which run it got, is a `TriedIdea`, so that more can be asked of every one at the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from scaffold.results.evidence import backing, written_number
from scaffold.runs import records
from scaffold.workspace import load_workspace
from tests.conftest import Run as Command
from tests.conftest import commit_all, git
from tests.runs.conftest import MakeWorkspace, Workspace

TRAIN = """
import json, os
LR = {value}
json.dump({{"acc": LR}}, open(os.environ["RUN_OUTPUT_DIR"] + "/metrics.json", "w"))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedIdea:
    """An idea that was run: the value that tells its code from that of the others, the commit that held it, and the run's name."""

    value: float
    commit: str
    run: str


def take_back_with_a_reset(workspace: Workspace) -> None:
    git(workspace.root, "reset", "-q", "--hard", "HEAD~1")


def take_back_and_clean(workspace: Workspace) -> None:
    git(workspace.root, "reset", "-q", "--hard", "HEAD~1")
    git(workspace.root, "clean", "-fdq")


def leave_for_another_branch(workspace: Workspace) -> None:
    commit_all(workspace.root, "records")
    git(workspace.root, "checkout", "-q", "-B", f"from-{git(workspace.root, 'rev-parse', 'HEAD')[:12]}", "start")


def amend(workspace: Workspace) -> None:
    (workspace.root / "train.py").write_text("# thought better of it\n")
    git(workspace.root, "add", "-A")
    git(workspace.root, "commit", "-q", "--amend", "-m", "amended")


def collect_garbage(workspace: Workspace) -> None:
    take_back_and_clean(workspace)
    git(workspace.root, "reflog", "expire", "--expire=now", "--all")
    git(workspace.root, "gc", "-q", "--prune=now")


ENDINGS: tuple[Callable[[Workspace], None], ...] = (
    take_back_with_a_reset,
    take_back_and_clean,
    leave_for_another_branch,
    amend,
    collect_garbage,
)


def try_idea(workspace: Workspace, number: int) -> TriedIdea:
    """Edit, commit and run."""
    value = 0.5 + number / 1024
    (workspace.root / "train.py").write_text(TRAIN.format(value=value))
    commit = commit_all(workspace.root, f"idea {number}")
    done = workspace.record("--experiment", "idea", "--seed", "1", "--", "python3", "train.py")
    assert done.returncode == 0, done.stderr
    return TriedIdea(value=value, commit=commit, run=workspace.last()["run"]["name"])


@pytest.mark.slow
@pytest.mark.parametrize("count", [10, pytest.param(20, marks=pytest.mark.long)])
def test_after_a_loop_of_ideas_every_run_is_listed_cited_and_run_again(
    make_workspace: MakeWorkspace, run: Command, count: int
) -> None:
    workspace = make_workspace({"train.py": "print('hello')\n"}, workspace_id="0123abcd")
    git(workspace.root, "tag", "start")
    ideas = []
    for number in range(count):
        ideas.append(try_idea(workspace, number))
        ENDINGS[number % len(ENDINGS)](workspace)
    found = load_workspace(workspace.root, "exp")
    run_records = records.read_records(found)
    assert run_records.damaged == ()
    assert sorted((r.name, r.attempt, r.status) for r in run_records.runs) == sorted(
        (idea.run, 1, "finished") for idea in ideas
    )
    assert {r.commit for r in run_records.runs} == {idea.commit for idea in ideas}
    answer = json.loads(run("runs", "list", "--workdir", workspace.root, "--limit", "0", "--json").stdout)
    assert len(answer["runs"]) == count and any(row["only_in_home"] for row in answer["runs"])
    index = backing.build_backing_index(found)
    for idea in ideas:
        claimed = written_number.parse_claimed_number(str(idea.value))
        assert claimed is not None
        assert idea.run in {name for found_number in index.find(claimed) for name in found_number.number.runs}
    # one of each way to take an idea back runs again, with the code that it had
    for idea in ideas[-len(ENDINGS) :]:
        again = json.loads(run("runs", "rerun", idea.run, "--workdir", workspace.root, "--json").stdout)
        assert (again["again"], again["same"]) == (f"{idea.run}.2", True), again
    # nothing was put back meanwhile, and all of it can be
    assert run("runs", "restore", "--workdir", workspace.root).exit_code == 0
    assert len(list((workspace.exp / "metadata").glob("*.json"))) == count + len(ENDINGS)
