"""Working trees as they are: staged changes, renames, modes, line ends, links, submodules, hooks, branches; nothing of them is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.ideas.tree.data_links import find_data_paths_to_link
from tests.conftest import commit_files, git
from tests.ideas.conftest import FILES, IdeaLoop, MakeLoop, start


@pytest.fixture
def loop(make_loop: MakeLoop) -> IdeaLoop:
    return make_loop("--apply")


def change_everything(loop: IdeaLoop) -> None:
    """A rename, a deletion, a mode, line ends, a link, what is staged, a new folder."""
    loop.git("mv", "model.py", "models.py")
    (loop.root / "gone.py").unlink()
    (loop.root / "run.sh").chmod(0o755)
    (loop.root / "lines.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    (loop.root / "linked.py").symlink_to("lines.py")
    (loop.root / "old.bin").write_bytes(b"\0\2")
    loop.edit("x = 1", "x = 2", "staged.py")
    loop.git("add", "staged.py")
    (loop.root / "deep/er").mkdir(parents=True)
    (loop.root / "deep/er/née.py").write_text("x = 1\n")


def test_a_change_is_kept_and_taken_back_whatever_it_is(make_loop: MakeLoop) -> None:
    more = {"gone.py": "x = 1\n", "lines.py": "x = 1\ny = 2\n", "staged.py": "x = 1\n", "old.bin": b"\0\1"}
    loop = make_loop("--apply", files={**FILES, **more})
    before, head = loop.git("ls-tree", "-r", "HEAD"), loop.git("rev-parse", "HEAD")
    change_everything(loop)
    loop.edit("GAIN = 0", "GAIN = -0.3")
    paths = loop.json("try", "worse", code=3)["idea"]["paths"]
    assert len(paths) == 10
    assert (loop.code_changes(), loop.git("rev-parse", "HEAD")) == ([], head)
    assert not (loop.root / "deep").exists() and (loop.root / "old.bin").read_bytes() == b"\0\1"
    loop("ideas", "restore", "1")
    loop.edit("GAIN = -0.3", "GAIN = 0.3")
    idea = loop.json("try", "better")["idea"]
    assert loop.code_changes() == [] and loop.git("ls-tree", "-r", "HEAD") != before
    assert loop.git("diff", "--name-only", idea["commit"], "HEAD", "--", *paths) == ""


def test_what_is_staged_otherwise_is_not_lost(loop: IdeaLoop) -> None:
    loop.edit("WIDTH = 64", "WIDTH = 1", "model.py")
    loop.git("add", "model.py")
    loop.edit("WIDTH = 1", "WIDTH = 2", "model.py")
    loop.edit("GAIN = 0", "GAIN = -0.3")
    index = loop.git("ls-files", "--stage")
    loop.during = lambda: None if loop.git("ls-files", "--stage") == index else pytest.fail("the index was touched")
    loop("try", "worse", code=3)
    assert loop.content("refs/scaffold/ideas/val-bpb/1", "model.py") == "WIDTH = 2\n"
    assert loop.content("refs/scaffold/ideas/val-bpb/1-staged", "model.py") == "WIDTH = 1\n"


def test_on_a_detached_head_and_from_a_branch(loop: IdeaLoop) -> None:
    loop.git("switch", "-qc", "wide")
    loop.edit("GAIN = 0", "GAIN = 0.3")
    loop.git("commit", "-qam", "on a branch")
    loop.git("switch", "-q", "--detach", "main")
    idea = loop.json("try", "from the branch", "--from", "wide")["idea"]
    assert (idea["status"], idea["tree"]) == ("kept", "done") and "GAIN = 0.3" in loop.train.read_text()
    assert loop.git("rev-parse", "HEAD^") == loop.git("rev-parse", "main") and loop.code_changes() == []
    assert "there is no commit no-such" in loop("try", "x", "--from", "no-such", code=2).stderr


def test_an_idea_that_was_committed_by_hand_is_not_committed_twice(loop: IdeaLoop) -> None:
    loop.edit()
    loop.git("commit", "-qam", "I commit first")
    head = loop.git("rev-parse", "HEAD").strip()
    assert loop.json("try", "better")["idea"]["result_commit"] == head


@pytest.mark.parametrize("hook", ["refuses", "changes"])
def test_hooks_run_and_are_heard(loop: IdeaLoop, hook: str) -> None:
    file = loop.root / ".git/hooks/pre-commit"
    file.parent.mkdir(exist_ok=True)
    script = {"refuses": "echo no tests for it >&2; exit 1", "changes": "echo '# hooked' >> train.py; git add train.py"}
    file.write_text(f"#!/bin/sh\n{script[hook]}\n")
    file.chmod(0o755)
    (loop.root / "new.py").write_text("x = 1\n")
    loop.edit()
    done = loop("try", "better")
    record = loop.study.ideas[1]
    assert record.status == "kept" and loop.study.incumbent == 1
    if hook == "refuses":
        assert "idea 1 is kept, and not committed: git did not commit it: no tests for it" in done.stderr
        assert record.application == "by hand" and loop.code_changes() == [" M train.py", "?? new.py"]
    else:
        assert "the commit's code is another one than that which was judged" in done.stderr
        assert "# hooked" in loop.git("show", "HEAD:train.py")


def test_a_dirty_submodule_is_refused(make_loop: MakeLoop, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    commit_files(inner, {"lib.py": "x = 1\n"})
    loop = make_loop(started=False)
    loop.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "lib")
    loop.git("commit", "-qm", "a submodule")
    loop("ideas", "start", "--apply", "--metric", "val_bpb", "--minimize", "--", "python3", "train.py")
    (loop.root / "lib/lib.py").write_text("x = 2\n")
    loop.edit()
    assert "the submodule lib has changes that are not committed" in loop("try", "x", code=1).stderr
    git(loop.root / "lib", "-c", "user.name=t", "-c", "user.email=t@l", "commit", "-qam", "in it")
    idea = loop.json("try", "better")["idea"]
    assert idea["paths"] == ["lib", "train.py"] and loop.code_changes() == []


def test_what_an_idea_adds_is_linked_into_no_other_worktree(make_loop: MakeLoop) -> None:
    files = {"data/big.txt": "x", "raw/a.txt": "x", "old/tool.py": "x", "old/table.txt": "x", "lib/before.py": "x"}
    loop = make_loop(started=False)
    for path, content in files.items():
        (loop.root / path).parent.mkdir(exist_ok=True)
        (loop.root / path).write_text(content)
    start(loop, "--apply")
    assert find_data_paths_to_link(loop.workspace, loop.study) == ["data", "lib", "old", "raw"]
    for path in ("lib/new.py", "package/__init__.py", "fresh/rows.bin"):
        (loop.root / path).parent.mkdir(exist_ok=True)
        (loop.root / path).write_text("\0" if path.endswith(".bin") else "GAIN = 1\n")
    linked: list[list[str]] = []
    loop.during = lambda: linked.append(find_data_paths_to_link(loop.workspace, loop.study))
    loop.json("try", "a package", code=3)
    assert loop.study.ideas[1].paths == ("lib/new.py", "package/__init__.py")
    # neither the package, which the incumbent would import, nor a link in place of the idea's own folder
    assert linked[0] == ["data", "fresh", "lib/before.py", "old", "raw"]


def test_untracked_files_of_before_are_no_part_of_an_idea(make_loop: MakeLoop) -> None:
    loop = make_loop(started=False)
    (loop.root / "scratch.py").write_text("old = 1\n")
    (loop.root / "train.py").write_text("import helper\n" + loop.train.read_text())
    loop.git("commit", "-qam", "it needs a helper")
    (loop.root / "helper.py").write_text("x = 1\n")
    loop("ideas", "start", "--apply", "--metric", "val_bpb", "--minimize", "--", "python3", "train.py")
    assert loop.content(loop.study.ideas[0].commit, "helper.py") == "x = 1\n", "a run without it would fail"
    loop.edit("x = 1", "x = 2", "helper.py")
    loop.edit("GAIN = 0", "GAIN = -0.3")
    assert loop.json("try", "worse", code=3)["idea"]["paths"] == ["helper.py", "train.py"]
    assert (loop.root / "helper.py").read_text() == "x = 1\n" and (loop.root / "scratch.py").exists()
