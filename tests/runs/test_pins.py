"""Pins: what ran stays in the repository, whatever happens to commits and branches afterwards; and no secret comes along."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from scaffold.runs import recorder
from tests.conftest import commit_all, git, write_tree
from tests.memory_folder import open_to_everybody
from tests.runs.conftest import Workspace, python, settings, write_workspace

# built from parts, so that this file holds nothing that looks like one
SECRET = "hun" + "ter2-hun" + "ter2"


def collect_garbage(root: Path) -> None:
    """What git may forget, it forgets now."""
    git(root, "reflog", "expire", "--expire=now", "--all")
    git(root, "gc", "-q", "--prune=now")


def refs(root: Path) -> list[str]:
    return git(root, "for-each-ref", "--format=%(refname)", "refs/scaffold").split()


def all_objects(root: Path) -> bytes:
    """The content of everything that a repository holds, reachable or not."""
    command = ["git", "-C", str(root), "cat-file", "--batch", "--batch-all-objects", "--unordered"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def files_of(root: Path, commit: str) -> list[str]:
    return git(root, "ls-tree", "-r", "--name-only", commit).split()


def pin_of(workspace: Workspace, *command: str, **options: Any) -> dict[str, Any]:
    """The pin of a run that is made now."""
    done = workspace.record("--", *(command or ("true",)), **options)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return dict(workspace.last()["git"]["pin"])


def test_a_commit_that_was_amended_away_is_still_there(workspace: Workspace) -> None:
    write_tree(workspace.root, {"src/model.py": "LR = 2\n"})
    lost = commit_all(workspace.root)
    assert pin_of(workspace) == {"commit": lost, "tracked": lost, "local": False, "left_out": []}
    write_tree(workspace.root, {"src/model.py": "LR = 3\n"})
    git(workspace.root, "commit", "-qa", "--amend", "-m", "other")
    collect_garbage(workspace.root)
    assert git(workspace.root, "show", f"{lost}:src/model.py") == "LR = 2\n"
    assert git(workspace.root, "branch", "-a").split() == ["*", "main"] and git(workspace.root, "tag") == ""


def test_uncommitted_code_is_a_commit_of_exactly_what_ran(workspace: Workspace) -> None:
    root = workspace.root
    write_tree(
        root, {"src/model.py": "LR = 2\n", "src/new.py": "x = 1\n", "staged/far/off.py": "y = 1\n", "raw.bin": b"\0"}
    )
    (root / "README.md").unlink()
    (root / "train.py").chmod(0o755)
    git(root, "add", "staged")
    before = git(root, "status", "--porcelain")
    pin = pin_of(workspace, "sh", "-c", "exit 0")
    manifest = workspace.last()["git"]
    git(root, "reset", "-q", "--hard")
    git(root, "clean", "-qfd", "-e", "exp")
    collect_garbage(root)
    assert not pin["local"] and pin["left_out"] == []
    changed = git(root, "diff", "--name-status", "HEAD", pin["tracked"]).split()
    assert changed == ["D", "README.md", "M", "src/model.py", "A", "staged/far/off.py", "M", "train.py"]
    assert git(root, "diff", "--name-only", pin["tracked"], pin["commit"]).split() == ["src/new.py"]
    assert git(root, "rev-parse", f"{pin['tracked']}^").strip() == manifest["commit"]
    assert "100755" in git(root, "ls-tree", pin["commit"], "train.py")
    # the commit of the tracked files is the run's code, whose name it has
    git(root, "checkout", "-q", pin["tracked"])
    assert workspace.name("--", "sh", "-c", "exit 0") == workspace.last()["run"]["name"] and before
    assert git(root, "fsck", "--strict") == ""


def test_one_code_state_is_pinned_once_by_few_commits(workspace: Workspace) -> None:
    pins = [pin_of(workspace)["commit"] for _ in range(2)]
    for text in ("LR = 2\n", "LR = 3\n", "LR = 2\n"):
        write_tree(workspace.root, {"src/model.py": text})
        pins.append(pin_of(workspace)["commit"])
    assert pins[0] == pins[1] and pins[2] == pins[4] and len(set(pins)) == 3
    (ref,) = refs(workspace.root)
    assert git(workspace.root, "rev-list", "--parents", "-1", ref).split()[1:] == pins[1:4]
    # they are listed behind all that people committed
    listed = git(workspace.root, "log", "--all", "--format=%H").split()
    people = git(workspace.root, "log", "--exclude=refs/scaffold/*", "--all", "--format=%H").split()
    assert listed[: len(people)] == people and len(listed) == len(people) + 3


def test_the_chain_stays_narrow_and_short() -> None:
    chain = recorder.pin_chain
    tip, content = "", b""
    pins = [f"{n:040x}" for n in range(1, 601)]
    parents_of: dict[str, list[str]] = {}
    for pin in pins:
        content = chain.next_commit(tip, content, pin)
        tip = recorder.trees.object_id("commit", content, 40)
        parents_of[tip] = [line[7:] for line in content.decode().split("\n") if line.startswith("parent ")]
        assert b"\n%s\n" % pin.encode() in content
        assert len(parents_of[tip]) <= chain.BATCH + 1 and len(content) < 41 * (chain.RECENT + 2 * chain.BATCH)
    held, commits = set(), 0
    while tip in parents_of:
        commits += 1
        held |= set(parents_of[tip]) & set(pins)
        tip = next((parent for parent in parents_of[tip] if parent in parents_of), "")
    assert held == set(pins) and commits == len(pins) // chain.BATCH


def test_no_secret_is_pinned_where_a_patch_would_hide_it(workspace: Workspace) -> None:
    root = workspace.root
    names = {
        ".env": "A=1",
        ".netrc": "machine x",
        "keys/id_ed25519": "x",
        "tls.pem": "x",
        "config.py": f'password = "{SECRET}"\n',
    }
    write_tree(root, {**names, "src/fine.py": "x = 1\n", "src/model.py": "LR = 2\n"})
    pin = pin_of(workspace)
    assert sorted(pin["left_out"]) == sorted(names) and not pin["local"]
    assert not set(names) & set(files_of(root, pin["commit"])) and "src/fine.py" in files_of(root, pin["commit"])
    assert SECRET.encode() not in all_objects(root) and b"machine x" not in all_objects(root)


def test_changes_that_hold_a_secret_stay_in_this_repository(workspace: Workspace) -> None:
    root = workspace.root
    git(root, "rm", "-q", "--cached", "README.md")
    write_tree(root, {"src/model.py": f'password = "{SECRET}"\n'})
    pin = pin_of(workspace)
    assert pin["local"] and SECRET in git(root, "show", f"{pin['commit']}:src/model.py")
    (ref,) = refs(root)
    assert ref.startswith("refs/scaffold/local/")
    git(root, "checkout", "-q", "src/model.py")
    assert not pin_of(workspace)["local"] and len(refs(root)) == 2
    git(root, "init", "-q", "--bare", str(root / "exp" / "far.git"))
    git(root, "push", "-q", str(root / "exp" / "far.git"), "+refs/scaffold/*:refs/scaffold/*", "^refs/scaffold/local/*")
    assert SECRET.encode() in all_objects(root) and SECRET.encode() not in all_objects(root / "exp" / "far.git")
    assert len(refs(root / "exp" / "far.git")) == 1


def test_what_would_keep_the_command_waiting_stays_out() -> None:
    sizes = {"a": 20 << 20, "b": 33 << 20, "c": 30 << 20, "d": 20 << 20, "e": 1, ".env": 1, "keys/a.key": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder.pins, "file_size", lambda path: sizes[path.removeprefix("/top/")])
        assert recorder.pins.choose_pinnable("/top", ["a", "b", "c", ".env"], ["d", "e", "keys/a.key"]) == [
            "a",
            "c",
            "e",
        ]


def test_what_is_committed_as_it_was_dirty_has_the_same_code_where_git_ignores_permissions(
    workspace: Workspace,
) -> None:
    git(workspace.root, "config", "core.fileMode", "false")
    write_tree(workspace.root, {"train.py": "print('other')\n"})
    (workspace.root / "train.py").chmod(0o755)
    dirty = workspace.name("--", "true")
    commit_all(workspace.root)
    assert workspace.name("--", "true") == dirty


def test_without_a_patch_the_commit_alone_is_pinned(workspace: Workspace) -> None:
    write_tree(workspace.root, {"src/model.py": "LR = 2\n"})
    workspace.record("--no-patch", "--", "true")
    recorded = workspace.last()["git"]
    assert recorded["pin"]["commit"] == recorded["commit"] and recorded["pin"]["left_out"] == ["src/model.py"]


def test_before_the_first_commit(workspace: Workspace) -> None:
    git(workspace.root, "checkout", "-q", "--orphan", "fresh")
    git(workspace.root, "rm", "-rq", "--cached", ".")
    git(workspace.root, "add", "train.py")
    pin = pin_of(workspace)
    assert files_of(workspace.root, pin["tracked"]) == ["train.py"]
    assert files_of(workspace.root, pin["commit"]) == ["README.md", "src/model.py", "train.py"]


def test_a_repository_of_longer_ids(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "repo")
    write_tree(tmp_path / "repo", {"train.py": "print('hello')\n"})
    workspace = write_workspace(tmp_path / "repo", settings())
    commit_all(workspace.root)
    write_tree(workspace.root, {"train.py": "print('other')\n", "new.py": "x = 1\n"})
    pin = pin_of(workspace)
    assert pin_of(workspace) == pin and len(pin["commit"]) == 64 and git(workspace.root, "fsck", "--strict") == ""
    collect_garbage(workspace.root)
    assert git(workspace.root, "show", f"{pin['commit']}:new.py") == "x = 1\n"


def test_a_block_of_python_is_pinned(workspace: Workspace) -> None:
    write_tree(workspace.root, {"src/model.py": "LR = 2\n"})
    code = f"import sys; sys.path.insert(0, {str(workspace.recorder.parent)!r})\nfrom record_run import record\nwith record('b'): pass\n"
    subprocess.run(python(code), cwd=workspace.root, check=True)
    assert "src/model.py" in git(
        workspace.root, "diff", "--name-only", "HEAD", workspace.last()["git"]["pin"]["commit"]
    )


def test_many_runs_at_once_in_two_worktrees_lose_no_pin(workspace: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(workspace.root, "worktree", "add", "-q", str(other))
    pins, chain = recorder.pins, recorder.pin_chain
    tree = git(workspace.root, "rev-parse", "HEAD^{tree}").strip()

    def pin(number: int) -> str:
        content = pins.commit_content(tree, [], b"run %d" % (number % 40))
        commit = str(recorder.trees.object_id("commit", content, 40))
        top = str(other if number % 2 else workspace.root)
        chain.PinChain(top, str(workspace.root / ".git"), local=False).add(commit, {commit: ("commit", content)})
        return commit

    with ThreadPoolExecutor(64) as pool:
        commits = set(pool.map(pin, range(64)))
    (ref,) = refs(workspace.root)
    collect_garbage(workspace.root)
    assert len(commits) == 40 and commits <= set(git(workspace.root, "rev-list", ref).split())


def test_a_chain_that_somebody_else_changes_is_read_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a file system without locks."""
    chain = recorder.pin_chain
    first = pin_of(workspace)["commit"]
    second = commit_all(workspace.root)
    third = commit_all(workspace.root)
    pins = chain.PinChain(str(workspace.root), str(workspace.root / ".git"), local=False)
    real, calls = chain.next_commit, []
    tip = git(workspace.root, "rev-parse", pins.ref).strip()
    last_seen = tip, (git(workspace.root, "cat-file", "commit", tip)).encode()

    def meanwhile(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            pins.add(second, {})
        return real(*args)

    monkeypatch.setattr(chain, "next_commit", meanwhile)
    monkeypatch.setattr("fcntl.flock", lambda *_: None)
    pins.add(third, {}, last_seen=last_seen)
    assert git(workspace.root, "rev-list", "--parents", "-1", pins.ref).split()[1:] == [first, second, third]


def test_a_pinned_state_costs_git_nothing_more(workspace: Workspace, tmp_path: Path) -> None:
    real = shutil.which("git")
    script = f'#!/bin/sh\nprintf "%s\\n" "$*" >>{tmp_path}/calls\nexec {real} "$@"\n'
    write_tree(tmp_path, {"bin/git": script})
    (tmp_path / "bin" / "git").chmod(0o755)
    seen = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}

    def calls() -> list[str]:
        (tmp_path / "calls").write_text("")
        pin_of(workspace, env=seen)
        return (tmp_path / "calls").read_text().splitlines()

    assert len(calls()) == 5 and len(calls()) == 2
    write_tree(workspace.root, {"src/model.py": "LR = 2\n"})
    assert len(calls()) == 7 and len(calls()) == 5


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user to be")
def test_a_repository_that_cannot_be_written_has_the_patch(workspace: Workspace) -> None:
    write_tree(workspace.root, {"src/model.py": "LR = 2\n"})
    open_to_everybody(workspace.root)
    for role in ("metadata", "logs", "outputs"):
        (workspace.exp / role).mkdir(exist_ok=True)
        (workspace.exp / role).chmod(0o777)
    if not Path("/usr/bin/python3").exists():
        pytest.skip("needs an interpreter that every user can start")
    trusted = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    done = subprocess.run(
        ["/usr/bin/python3", "-IS", str(workspace.recorder), "--", "true"],
        cwd=workspace.root,
        user=65534,
        env={**os.environ, **trusted, "HOME": "/nonexistent", "PATH": os.defpath},
        capture_output=True,
        text=True,
    )
    recorded = workspace.last()["git"]
    assert done.returncode == 0 and "pinned" not in done.stderr and "pin" not in recorded
    assert "+LR = 2" in (workspace.root / recorded["patch"]).read_text() and recorded["code"]


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user to be")
def test_nothing_is_written_among_the_objects_of_another_user(workspace: Workspace) -> None:
    write_tree(workspace.root, {"src/model.py": "LR = 2\n"})
    os.chown(workspace.root / ".git/objects", 12345, -1)
    before = all_objects(workspace.root)
    workspace.record("--", "true")
    assert all_objects(workspace.root) == before and refs(workspace.root) == []
    assert "pin" not in workspace.last()["git"] and workspace.last()["git"]["patch"]


def test_nothing_is_written_where_a_git_file_alone_leads(workspace: Workspace, tmp_path: Path) -> None:
    """A `.git` file may name any repository; one that has no worktree here keeps no code of it."""
    shutil.move(workspace.root / ".git", tmp_path / "other.git")
    write_tree(workspace.root, {"src/model.py": "LR = 2\n", ".git": f"gitdir: {tmp_path}/other.git\n"})
    before = all_objects(workspace.root)
    workspace.record("--", "true")
    assert all_objects(workspace.root) == before and refs(workspace.root) == []
    assert "pin" not in workspace.last()["git"] and workspace.last()["git"]["patch"]


@pytest.mark.parametrize("step", ["unpack-objects", "update-ref"])
def test_a_recorder_that_is_killed_before_its_pin_is_kept_loses_no_code(
    step: str, workspace: Workspace, tmp_path: Path
) -> None:
    write_tree(workspace.root, {"src/model.py": "LR = 2\n"})
    killer = tmp_path / "bin" / "git"
    write_tree(killer.parent, {"git": f'#!/bin/sh\ncase " $* " in *" {step} "*) kill -9 $PPID; exit 1;; esac\n'})
    with killer.open("a") as script:
        script.write(f'exec {shutil.which("git")} "$@"\n')
    killer.chmod(0o755)
    killed = workspace.record("--", "sleep", "60", env={**os.environ, "PATH": f"{killer.parent}:{os.environ['PATH']}"})
    manifest = workspace.last()
    assert killed.returncode == -signal.SIGKILL and refs(workspace.root) == []
    # what ran is in the patch, and no pin is claimed that is not there
    assert "pin" not in manifest["git"] and "+LR = 2" in (workspace.root / manifest["git"]["patch"]).read_text()
    pin = pin_of(workspace)
    collect_garbage(workspace.root)
    assert git(workspace.root, "show", f"{pin['commit']}:src/model.py") == "LR = 2\n"
    assert git(workspace.root, "fsck", "--strict") == ""


def test_trouble_with_the_pin_is_said_and_the_run_stands(workspace: Workspace) -> None:
    write_tree(workspace.root, {".git/scaffold": "in the way"})
    done = workspace.record("--", "true")
    assert done.returncode == 0 and "the code is not pinned" in done.stderr
    assert workspace.last()["status"] == "finished" and "pin" not in workspace.last()["git"]
