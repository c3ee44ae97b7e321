"""The door to git: odd paths, odd places, merges and patches."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pexpect
import pytest

from scaffold import git
from scaffold.errors import ScaffoldError, UnknownTemplateVersion
from scaffold.lifecycle.template import checkout as template_checkout
from tests.conftest import MakeRepo, commit_all, write_tree
from tests.conftest import git as run_git


def test_where_a_directory_stands(make_repo: MakeRepo, tmp_path: Path) -> None:
    repo = make_repo({"sub/a.txt": ""})
    found = git.locate_in_git(repo / "sub")
    commit = run_git(repo, "rev-parse", "HEAD").strip()
    assert (found.toplevel, found.head, found.in_work_tree, found.refusal) == (repo, commit, True, None)
    outside = tmp_path / "outside"
    outside.mkdir()
    assert git.locate_in_git(outside) == git.GitLocation(toplevel=None, head=None, in_work_tree=True, refusal=None)
    run_git(outside, "init", "-q")
    assert git.locate_in_git(outside).head is None and git.locate_in_git(outside).toplevel == outside
    assert not git.locate_in_git(repo / ".git").in_work_tree


def test_a_folder_whose_name_holds_a_line_separator_stands_where_it_stands(tmp_path: Path) -> None:
    folder = tmp_path / "a\u2028b"
    write_tree(folder, {"a.txt": ""})
    run_git(folder, "init", "-q", "-b", "main")
    commit_all(folder)
    assert (git.locate_in_git(folder).toplevel, git.locate_in_git(folder).head) == (
        folder,
        run_git(folder, "rev-parse", "HEAD").strip(),
    )


def branch_state(directory: Path) -> git.BranchState:
    return git.GitSurvey(directory).state.result()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@host/x.git", "https://host/x.git"),
        ("https://me:sec@ret@host/x.git", "https://host/x.git"),
        ("HTTPS://me:secret@host/x.git", "HTTPS://host/x.git"),
        ("https://host/x@y.git", "https://host/x@y.git"),
        ("git@host:x/y.git", "git@host:x/y.git"),
        ("ssh://git@host/x.git", "ssh://git@host/x.git"),
    ],
)
def test_the_remote_is_told_without_who_may_read_it(make_repo: MakeRepo, url: str, shown: str) -> None:
    repo = make_repo()
    run_git(repo, "remote", "add", "origin", url)
    assert git.GitSurvey(repo).remote.result() == shown


def test_the_branch_and_whether_something_differs_come_in_one_answer(make_repo: MakeRepo) -> None:
    repo = make_repo({"a.txt": "a\n", "b.txt": "b\n"})
    assert branch_state(repo) == git.BranchState(branch="main", dirty=False)
    write_tree(repo, {"new.txt": ""})
    assert not branch_state(repo).dirty, "what is not tracked does not count"
    write_tree(repo, {"a.txt": "changed\n"})
    assert branch_state(repo).dirty
    run_git(repo, "checkout", "-q", "a.txt")
    run_git(repo, "mv", "b.txt", "c.txt")
    assert branch_state(repo).dirty
    run_git(repo, "reset", "-q", "--hard")
    run_git(repo, "config", "status.showStash", "true")
    write_tree(repo, {"a.txt": "changed\n"})
    run_git(repo, "stash", "-q")
    assert branch_state(repo) == git.BranchState(branch="main", dirty=False)
    run_git(repo, "checkout", "-q", "--detach")
    assert branch_state(repo) == git.BranchState(branch=None, dirty=False)


def test_before_the_first_commit_there_is_a_branch_and_what_is_staged_counts(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q", "-b", "first")
    assert branch_state(tmp_path) == git.BranchState(branch="first", dirty=False)
    write_tree(tmp_path, {"a.txt": ""})
    run_git(tmp_path, "add", "a.txt")
    assert branch_state(tmp_path) == git.BranchState(branch="first", dirty=True)


def test_a_conflict_is_a_difference(make_repo: MakeRepo) -> None:
    repo = make_repo({"a.txt": "a\n"})
    run_git(repo, "checkout", "-q", "-b", "other")
    write_tree(repo, {"a.txt": "other\n"})
    commit_all(repo)
    run_git(repo, "checkout", "-q", "main")
    write_tree(repo, {"a.txt": "main\n"})
    commit_all(repo)
    git.run_git(repo, "merge", "other")
    assert branch_state(repo) == git.BranchState(branch="main", dirty=True)
    assert git.list_tracked_files(repo) == ["a.txt"]


def test_a_survey_outside_git_is_no_error_until_somebody_takes_an_answer(tmp_path: Path) -> None:
    survey = git.GitSurvey(tmp_path)
    assert survey.place.result().toplevel is None
    assert survey.state.result() == git.BranchState(branch=None, dirty=False)
    assert survey.remote.result() is None
    with pytest.raises(ScaffoldError, match="ls-files failed"):
        survey.tracked.result()


def test_odd_names_come_back_as_they_are(make_repo: MakeRepo) -> None:
    names = ["a b.txt", "ünï/数.txt", 'quo"te', "new\nline", "-dash"]
    repo = make_repo(dict.fromkeys(names, "x"))
    assert git.list_tracked_files(repo) == sorted(names)


def test_names_that_are_no_unicode_come_back_too(make_repo: MakeRepo) -> None:
    repo = make_repo()
    (repo / "bad-\udcff.txt").write_text("")
    commit_all(repo)
    assert "bad-\udcff.txt" in git.list_tracked_files(repo)


def test_ignored_paths_come_with_the_rule_that_decides(make_repo: MakeRepo) -> None:
    repo = make_repo({".gitignore": "*.log\n!keep.log\n/out/\n", "tracked.txt": ""})
    write_tree(repo, {"sub/.gitignore": "x\n"})
    found = {
        row.path: (row.source, row.line, row.pattern)
        for row in git.ignored_paths(repo, ["a.log", "keep.log", "out/b", "sub/x", "c"])
    }
    assert found == {
        "a.log": (".gitignore", 1, "*.log"),
        "out/b": (".gitignore", 3, "/out/"),
        "sub/x": ("sub/.gitignore", 1, "x"),
    }
    assert git.ignored_paths(repo, []) == []


def test_merges_or_marks() -> None:
    labels = ("yours", "old", "new")
    assert git.merge_texts(b"a\nb\nc\nmine\n", b"a\nb\nc\nd\n", b"A\nb\nc\nd\n", labels=labels) == (
        b"A\nb\nc\nmine\n",
        False,
    )
    merged, conflict = git.merge_texts(b"mine\n", b"a\n", b"theirs\n", labels=labels)
    assert conflict and merged == b"<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> new\n"


def test_binary_content_is_a_conflict_and_stays_as_it_is() -> None:
    assert git.merge_texts(b"\0mine", b"\0a", b"\0theirs", labels=("a", "b", "c")) == (b"\0mine", True)


@pytest.mark.parametrize(
    ("old", "new"),
    [("a\nb\n", "a\nc\n"), (None, "new\n"), ("gone\n", None), ("no newline", "still none"), ("a\n", "a")],
)
def test_a_difference_is_a_patch_that_git_applies(make_repo: MakeRepo, old: str | None, new: str | None) -> None:
    repo = make_repo({"x.txt": "x"} if old is None else {"x.txt": "x", "dir/f.txt": old})
    patch = git.make_patch("dir/f.txt", *(None if text is None else text.encode() for text in (old, new)))
    (repo / "p.patch").write_text(patch)
    run_git(repo, "apply", "p.patch")
    path = repo / "dir/f.txt"
    assert (path.read_text() if path.exists() else None) == new


def test_failure_is_told_in_gits_own_words(make_repo: MakeRepo) -> None:
    with pytest.raises(ScaffoldError, match=r"git rev-parse failed in .*nonsense"):
        git.run_git_checked(make_repo(), "rev-parse", "nonsense")


def test_a_git_that_does_not_answer(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_tree(tmp_path, {"bin/git": "#!/bin/sh\nexec sleep 30\n"})
    (tmp_path / "bin/git").chmod(0o755)
    repo = make_repo()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(git, "TIMEOUT_S", 0.2)
    with pytest.raises(ScaffoldError, match="did not answer"):
        git.toplevel(repo)


@pytest.mark.parametrize("setting", ["core.autocrlf=true", "safe.bareRepository=explicit", "core.hooksPath=HOOKS"])
def test_a_snapshot_is_what_was_committed_whatever_the_user_has_set(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str
) -> None:
    repo = make_repo({"a.txt": "a\nb\n"})
    run_git(repo, "tag", "v1.0.0")
    write_tree(tmp_path, {"hooks/post-checkout": "#!/bin/sh\nexit 1\n"})
    (tmp_path / "hooks/post-checkout").chmod(0o755)
    name, _, value = setting.partition("=")
    run_git(tmp_path, "config", "--file", "settings", name, value.replace("HOOKS", str(tmp_path / "hooks")))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "settings"))
    assert template_checkout.checkout_template_version(str(repo), None, tmp_path / "new") == "v1.0.0"
    assert (tmp_path / "new/a.txt").read_bytes() == b"a\nb\n"


def test_a_snapshot_is_of_the_newest_version_or_of_the_one_asked_for(make_repo: MakeRepo, tmp_path: Path) -> None:
    repo = make_repo({"a.txt": "a\n"})
    first = run_git(repo, "rev-parse", "HEAD").strip()
    assert template_checkout.checkout_template_version(str(repo), None, tmp_path / "head") == first[:7]
    for version in ("v1.9.0", "v1.10.0"):
        write_tree(repo, {"a.txt": version})
        commit_all(repo)
        run_git(repo, "tag", version)
    assert template_checkout.checkout_template_version(str(repo), None, tmp_path / "newest") == "v1.10.0"
    assert template_checkout.checkout_template_version(str(repo), "v1.9.0", tmp_path / "older") == "v1.9.0"
    assert (tmp_path / "older/a.txt").read_text() == "v1.9.0"
    for unknown in ("v3.0.0", "--all", "HEAD:a.txt"):
        with pytest.raises(UnknownTemplateVersion, match=f"no version {unknown}"):
            template_checkout.checkout_template_version(str(repo), unknown, tmp_path / f"unknown{unknown}")


def test_a_source_that_wants_a_password_is_an_error_and_nobody_is_asked(tmp_path: Path) -> None:
    class Closed(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Closed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/x.git"
        code = f"""
from pathlib import Path
from scaffold import errors
from scaffold.lifecycle.template import checkout as template_checkout
try:
    template_checkout.checkout_template_version({url!r}, None, Path("new"))
except errors.ScaffoldError as error:
    print(error.message)
"""
        child = pexpect.spawn(sys.executable, ["-c", code], cwd=str(tmp_path), timeout=20, encoding="utf-8")
        child.expect(pexpect.EOF)
        server.shutdown()
    [line] = (child.before or "").splitlines()
    assert line.startswith(f"the template {url} cannot be read: ") and line.endswith("terminal prompts disabled")
