"""Bad input and faults: a clear error with the exit code of the design, and nothing changed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scaffold import structured_text, transaction, workspace
from scaffold.errors import ScaffoldError
from scaffold.transaction import FileChange
from tests.conftest import MakeRepo, Run, commit_all, git, write_tree
from tests.lifecycle.conftest import MakeInitialized, snapshot


@pytest.mark.parametrize(
    ("root", "reason"),
    [
        ("/tmp/elsewhere", "not a path relative"),
        ("../outside", "has an empty part, `.`, `..`"),
        ("a/../../b", "has an empty part, `.`, `..`"),
        (".", "has an empty part, `.`, `..`"),
        ("", "not a path relative"),
        ("a//b", "has an empty part"),
        (".git/exp", "or `.git` in it"),
        ("we[i]rd", "has the character '['"),
        ("a\nb", "has the character '\\n'"),
        ("$HOME", "has the character '$'"),
        (" exp", "begins or ends with a space"),
        ("-exp", "begins with a dash"),
    ],
)
def test_a_root_that_can_never_work_is_wrong_usage(make_repo: MakeRepo, run: Run, root: str, reason: str) -> None:
    repo = make_repo()
    before = snapshot(repo.parent)
    result = run("init", "--workdir", repo, "--yes", f"--root={root}")
    assert result.exit_code == 2
    assert reason in result.stderr and "hint:" in result.stderr
    assert snapshot(repo.parent) == before


def test_a_root_that_is_a_file(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"exp": "I am a file\n"})
    result = run("init", "--workdir", repo, "--yes", "--root", "exp/inner")
    assert result.exit_code == 1
    assert "exp is a file" in result.stderr


def test_a_root_that_is_a_link_to_itself(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    (repo / "exp").symlink_to("exp")
    result = run("init", "--workdir", repo, "--yes", "--root", "exp")
    assert (result.exit_code, "leads through the symbolic link exp" in result.stderr) == (1, True)
    assert "use --root exp" not in result.stderr


@pytest.mark.parametrize("inside", [True, False])
def test_a_root_behind_a_link(make_repo: MakeRepo, run: Run, tmp_path: Path, inside: bool) -> None:
    repo = make_repo({"data/keep.txt": ""})
    (tmp_path / "scratch").mkdir()
    (repo / "exp").symlink_to("data" if inside else tmp_path / "scratch")
    result = run("init", "--workdir", repo, "--yes", "--root", "exp")
    assert result.exit_code == 1
    assert "symbolic link exp" in result.stderr
    assert ("use --root data" in result.stderr) == inside
    assert not any((tmp_path / "scratch").iterdir())


def test_a_root_that_is_a_submodule(make_repo: MakeRepo, run: Run) -> None:
    inner = make_repo({"a.txt": ""}, name="inner")
    repo = make_repo()
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "exp")
    result = run("init", "--workdir", repo, "--yes", "--root", "exp")
    assert result.exit_code == 1
    assert "repository of its own" in result.stderr


def test_a_folder_in_a_files_place(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"exp/README.md/inner.txt": "odd\n"})
    before = snapshot(repo)
    result = run("init", "--workdir", repo, "--yes", "--root", "exp")
    assert result.exit_code == 1
    assert "exp/README.md is not a file" in result.stderr
    assert snapshot(repo) == before


def test_a_file_in_a_folders_place(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"exp/logs": "I am a file\n"})
    before = snapshot(repo)
    result = run("init", "--workdir", repo, "--yes", "--root", "exp")
    assert result.exit_code == 1
    assert "exp/logs/README.md cannot be written: one of its folders is a file" in result.stderr
    assert snapshot(repo) == before


def test_somebody_elses_recorder(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"exp/scripts/record_run.py": "print('mine')\n"})
    result = run("init", "--workdir", repo, "--yes", "--root", "exp")
    assert result.exit_code == 1
    assert "exp/scripts/record_run.py is already there and is not the recorder" in result.stderr


@pytest.mark.parametrize(
    ("path", "code"), [("../tasks.md", 2), ("tasks.txt", 2), ("prompt_skill_playbook.md", 2), ("/nowhere/tasks.md", 2)]
)
def test_a_tasks_path_that_is_no_place_for_a_plan(make_repo: MakeRepo, run: Run, path: str, code: int) -> None:
    repo = make_repo()
    result = run("init", "--workdir", repo, "--yes", "--tasks-path", path)
    assert (result.exit_code, "--tasks-path" in result.stderr) == (code, True)
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    "url", ["http://user:secret@host:1", "http://host?token=secret", "http://host/#secret", "ftp://host", "nonsense"]
)
def test_a_server_url_with_a_secret_or_none(make_repo: MakeRepo, run: Run, url: str) -> None:
    repo = make_repo()
    result = run("init", "--workdir", repo, "--yes", "--server-url", url)
    assert result.exit_code == 2
    assert "secret" not in result.stderr + result.stdout
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize("command", [["init", "--yes"], ["detect"], ["status"]], ids=lambda c: c[0])
def test_a_work_directory_that_is_a_link_to_itself_or_a_file(tmp_path: Path, run: Run, command: list[str]) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    for name, reason in (("loop", "cannot be read: Too many levels"), ("file", "is a file")):
        result = run(*command, "--workdir", tmp_path / name)
        assert (result.exit_code, f"the work directory {tmp_path / name} {reason}" in result.stderr) == (1, True)


@pytest.mark.skipif(
    os.getuid() == 0 and shutil.which("setpriv") is None, reason="setpriv is needed to be less than root"
)
@pytest.mark.parametrize(
    ("name", "reason"), [("closed", "may not be read"), ("closed/x", "cannot be read: Permission")]
)
def test_a_work_directory_that_may_not_be_read(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "closed/x").mkdir(parents=True)
    (tmp_path / "closed").chmod(0)
    code = f"from pathlib import Path; from scaffold import workspace; workspace.resolve_workdir(Path({str(tmp_path / name)!r}))"
    less = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"] if os.getuid() == 0 else []
    done = subprocess.run([*less, sys.executable, "-c", code], capture_output=True, text=True)
    (tmp_path / "closed").chmod(0o700)
    assert f"the work directory {tmp_path / name} {reason}" in done.stderr, done.stderr


def test_no_such_directory_and_a_bare_repository(make_repo: MakeRepo, run: Run, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    repo = make_repo()
    for place, words in [
        (tmp_path / "none", "does not exist"),
        (tmp_path / "bare.git", "bare repository"),
        (repo / ".git", "bare repository"),
    ]:
        result = run("init", "--workdir", place, "--yes")
        assert (result.exit_code, words in result.stderr) == (1, True), place


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory to somebody else")
def test_somebody_elses_repository(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    for path in [repo, repo / ".git"]:
        os.chown(path, 12345, 12345)
    result = run("init", "--workdir", repo, "--yes")
    assert result.exit_code == 1
    assert "dubious ownership" in result.stderr and "safe.directory" in result.stderr
    assert not (repo / ".wild").exists()


def test_git_is_not_installed(make_repo: MakeRepo, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    repo = make_repo()
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("init", "--workdir", repo, "--yes")
    assert (result.exit_code, "git is not installed" in result.stderr) == (1, True)


def disk_full_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Make the `number`-th file that is synced to disk fail as on a full disk."""
    count = iter(range(1, 10_000))
    real = os.fsync

    def fsync(handle: int) -> None:
        if next(count) == number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("at", [1, 8, 16])
def test_a_full_disk_half_way_leaves_nothing_behind(
    make_repo: MakeRepo, run: Run, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    repo = make_repo()
    disk_full_at(monkeypatch, at)
    result = run("init", "--workdir", repo, "--yes")
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr and "nothing was changed" in result.stderr
    assert not (repo / ".wild").exists()
    monkeypatch.undo()


def test_a_full_disk_during_an_update_restores_every_file(
    make_initialized: MakeInitialized, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make_initialized(None, "--layout", "per-experiment")
    before = snapshot(repo)
    disk_full_at(monkeypatch, 5)
    result = run("add", "second", "--workdir", repo)
    assert (result.exit_code, "nothing was changed" in result.stderr) == (1, True)
    assert snapshot(repo) == before


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is needed to act as an ordinary user")
@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as somebody else")
def test_a_read_only_directory(make_repo: MakeRepo, tmp_path: Path) -> None:
    repo = make_repo()
    for path in [tmp_path, *tmp_path.parents][:4]:
        path.chmod(0o755)
    repo.chmod(0o555)
    environment = {
        **os.environ,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
    code = "from scaffold.transaction import FileChange, apply_file_changes; from pathlib import Path\n"
    code += f"apply_file_changes(Path({str(repo)!r}), [FileChange(path='exp/a', old=None, new=b'x')])\n"
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode != 0
    if "ScaffoldError" not in done.stderr:
        pytest.skip(f"an ordinary user cannot run this Python: {done.stderr.strip().splitlines()[-1:]}")
    assert "Permission denied; nothing was changed" in done.stderr
    assert not (repo / "exp").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.long)])
def test_an_interruption_while_writing_is_rolled_back(make_repo: MakeRepo, number: signal.Signals) -> None:
    repo = make_repo()
    slow = (
        "import os, time\nreal = os.fsync\ndef fsync(h):\n    print('writing', flush=True)\n"
        "    time.sleep(0.2)\n    real(h)\nos.fsync = fsync\n"
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from scaffold.cli.main import group\ngroup()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", slow, "init", "--workdir", str(repo), "--yes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    for _ in range(4):
        assert child.stdout.readline() == "writing\n"
    child.send_signal(number)
    _, errors = child.communicate(timeout=60)
    assert child.returncode not in (0, None)
    assert "Traceback" not in errors
    assert not (repo / ".wild").exists()


def test_a_kill_half_way_is_finished_by_the_next_init(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    slow = "import os, time\nlink = os.link\ndef slow(a, b):\n    link(a, b)\n    print('linked', flush=True)\n"
    slow += "    time.sleep(0.1)\nos.link = slow\n"
    slow += "from scaffold.cli.main import group\ngroup()\n"
    child = subprocess.Popen(
        [sys.executable, "-c", slow, "init", "--workdir", str(repo), "--yes"], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for _ in range(3):
        child.stdout.readline()
    child.kill()
    child.communicate()
    assert not (repo / ".wild/experiments/.copier-answers.scaffold.yml").exists(), "the answers file comes last"
    assert run("init", "--workdir", repo, "--yes").exit_code == 0
    assert {e["state"] for e in json.loads(run("status", "--workdir", repo, "--json").stdout)["files"]} == {"same"}


@pytest.mark.slow
def test_two_inits_at_the_same_time(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    command = [sys.executable, "-m", "scaffold", "init", "--workdir", str(repo), "--yes"]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outcomes = [(child.communicate(timeout=120), child.returncode)[1] for child in children]
    assert 0 in outcomes and set(outcomes) <= {0, 1}
    assert "nothing to do" in run("init", "--workdir", repo, "--yes").stdout
    left = [p.name for p in (repo / ".wild").rglob("*.tmp")]
    assert left == []


def test_a_lock_that_is_held_is_waited_for_and_then_said(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = make_repo()
    monkeypatch.setattr(transaction, "LOCK_WAIT_S", 0.2)
    code = "from scaffold.transaction import hold_workdir_lock; from pathlib import Path; import time\n"
    code += f"with hold_workdir_lock(Path({str(repo)!r})):\n"
    code += "    print('held', flush=True)\n    time.sleep(30)\n"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    began = time.monotonic()
    with pytest.raises(ScaffoldError, match="another scaffold command"), transaction.hold_workdir_lock(repo):
        pass
    assert time.monotonic() - began < 10
    child.kill()
    child.communicate()


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    write_tree(tmp_path, {"there.txt": "mine"})
    with pytest.raises(ScaffoldError, match="was changed by something else"):
        transaction.apply_file_changes(
            tmp_path, [FileChange(path="new.txt", old=None, new=b"x"), FileChange(path="there.txt", old=None, new=b"x")]
        )
    assert snapshot(tmp_path) == {"there.txt": b"mine"}


def test_a_file_that_changes_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.txt": "a", "b.txt": "mine"})
    changes = [FileChange(path="a.txt", old=b"a", new=b"A"), FileChange(path="b.txt", old=b"b", new=None)]
    with pytest.raises(ScaffoldError, match="was changed by something else"):
        transaction.apply_file_changes(tmp_path, changes)
    assert snapshot(tmp_path) == {"a.txt": b"a", "b.txt": b"mine"}


BROKEN = {
    "empty": "",
    "no yaml": "a: [1,\n",
    "a list": "- 1\n",
    "binary": "\0\1\2",
    "another root": "experiment_root: other\n",
    "no plan": "experiment_root: .wild/experiments\n",
}


@pytest.mark.parametrize("command", ["init", "status", "update", "remove", "add"])
@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answers_file_is_named_and_nothing_is_done(
    make_initialized: MakeInitialized, run: Run, command: str, text: str
) -> None:
    repo = make_initialized()
    (repo / ".wild/experiments/.copier-answers.scaffold.yml").write_text(text)
    before = snapshot(repo)
    arguments = ["--yes"] if command == "init" else ["name"] if command == "add" else []
    result = run(command, "--workdir", repo, *arguments)
    assert result.exit_code == 1
    assert ".copier-answers.scaffold.yml" in result.stderr and "git checkout" in result.stderr
    assert snapshot(repo) == before


@pytest.mark.parametrize("text", ["when: !!timestamp x\n", "a: !!bool perhaps\n", "a: " + "[" * 5000])
def test_what_makes_yaml_itself_stumble_is_a_broken_answers_file_too(tmp_path: Path, text: str) -> None:
    write_tree(tmp_path, {f"exp/{workspace.ANSWERS_FILE}": text})
    with pytest.raises(ScaffoldError, match="cannot be read"):
        workspace.load_workspace(tmp_path, "exp")


def test_a_date_is_text(tmp_path: Path) -> None:
    assert structured_text.parse_yaml("a: 2024-13-45\nb: 2024-01-01\nc: 1\n") == {
        "a": "2024-13-45",
        "b": "2024-01-01",
        "c": 1,
    }


@pytest.mark.parametrize("command", ["status", "update", "remove"])
def test_no_workspace_here(make_repo: MakeRepo, run: Run, command: str) -> None:
    result = run(command, "--workdir", make_repo())
    assert (result.exit_code, "no workspace in" in result.stderr, "scaffold init" in result.stderr) == (1, True, True)


def test_two_workspaces_want_a_name(make_initialized: MakeInitialized, run: Run) -> None:
    repo = make_initialized(None, "--root", "lab")
    run("init", "--workdir", repo, "--yes", "--root", "exp two")
    result = run("status", "--workdir", repo)
    assert (result.exit_code, "several workspaces: exp two, lab" in result.stderr) == (1, True)
    assert run("status", "--workdir", repo, "--root", "lab").exit_code == 0


def test_the_workspace_is_found_from_any_folder_below(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"src/deep/a.py": ""})
    run("init", "--workdir", repo, "--yes", "--root", "a lab/x")
    for folder in ["src/deep", "a lab/x/logs", "."]:
        assert run("status", "--workdir", repo / folder).exit_code == 0, folder


def test_a_hooks_git_variables_do_not_lead_astray(make_repo: MakeRepo) -> None:
    other, repo = make_repo(name="other"), make_repo()
    environment = {
        **os.environ,
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / ".git/index"),
    }
    command = [sys.executable, "-m", "scaffold", "init", "--workdir", str(repo), "--yes"]
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 0
    assert (repo / ".wild").is_dir() and not (other / ".wild").exists()
    commit_all(repo)
