"""Promise: reading a repository runs nothing that it configures. Each member is one place where git takes a program from a repository."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold import git
from scaffold.results.evidence import authors
from scaffold.runs import worktrees
from tests.conftest import MakeRepo, Run, commit_all, new_repository, write_tree
from tests.conftest import git as run_git
from tests.runs import conftest as recording

Member = Callable[[Path, str], Path | None]
FILES = {
    "train.py": "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\nprint('loss: 1')\n",
    ".gitattributes": "*.py filter=y diff=y merge=y\n",
}


def settings(*values: str) -> Member:
    """A repository with these settings; `TRAP` in one stands for a program that tells that it was run."""

    def member(repo: Path, trap: str) -> None:
        for value in values:
            key, _, content = value.partition(" ")
            run_git(repo, "config", "--add", key, content.replace("TRAP", trap))

    return member


def text(content: str, place: str = ".git/config", *others: str) -> Member:
    """A repository to whose configuration `content` is added, or written where git reads it from."""

    def member(repo: Path, trap: str) -> None:
        for value in others:
            run_git(repo, "config", *value.split(" "))
        path = repo / place
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(content.replace("TRAP", trap).replace("REPO", str(repo)))

    return member


def hooks(place: str, *values: str) -> Member:
    """A repository with every hook that reading could touch."""

    def member(repo: Path, trap: str) -> None:
        settings(*values)(repo, trap)
        for name in (
            "post-index-change",
            "fsmonitor-watchman",
            "reference-transaction",
            "post-checkout",
            "query-watchman",
        ):
            path = repo / place / name
            write_tree(repo, {f"{place}/{name}": f"#!/bin/sh\n{trap}\n"})
            path.chmod(0o755)

    return member


def partial_clone(*values: str) -> Member:
    """A partial clone that lacks a tree, which git would fetch as its configuration says."""

    def member(repo: Path, trap: str) -> None:
        settings("extensions.partialClone origin", "remote.origin.promisor true", *values)(repo, trap)
        run_git(repo, "config", "core.repositoryFormatVersion", "1")
        tree = run_git(repo, "rev-parse", "HEAD^{tree}").strip()
        (repo / ".git/objects" / tree[:2] / tree[2:]).unlink()

    return member


def folder(config: str, *, name: str = "data", at: str = "", common: bool = False) -> Member:
    """A clone that holds a folder which is itself a git directory; the work directory is that folder, or one in it."""

    def member(repo: Path, trap: str) -> Path:
        write_tree(repo, {f"{name}/{at or '.'}/train.py": FILES["train.py"], f"{name}/info/attributes": "* filter=y\n"})
        inner = repo / name
        elsewhere = repo / "parts" if common else inner
        for place in ("objects", "refs/heads"):
            (elsewhere / place).mkdir(parents=True)
        (inner / "HEAD").write_text("ref: refs/heads/main\n")
        if common:
            (inner / "commondir").write_text("../parts\n")
        (elsewhere / "config").write_text(f"[core]\n\trepositoryformatversion = 0\n{config.replace('TRAP', trap)}\n")
        (inner / "index").write_bytes((repo / ".git/index").read_bytes())
        return inner / at

    return member


def submodule(repo: Path, trap: str) -> None:
    """A submodule whose own configuration has the filter."""
    inner = repo / "vendored"
    inner.mkdir()
    new_repository(inner)
    write_tree(inner, FILES)
    commit_all(inner)
    settings("filter.y.clean TRAP", "core.fsmonitor TRAP")(inner, trap)
    run_git(repo, "add", "vendored")
    write_tree(
        repo, {".gitmodules": '[submodule "vendored"]\n\tpath = vendored\n\turl = ./vendored\n\tupdate = !touch x\n'}
    )
    settings("status.submoduleSummary true", "submodule.recurse true", "diff.submodule log")(repo, trap)
    write_tree(inner, {"train.py": "changed\n"})


def signed_commit(repo: Path, trap: str) -> None:
    """A commit with a signature, which the configuration wants looked at with a program of its own."""
    settings("gpg.program TRAP", "log.showSignature true", "gpg.ssh.program TRAP")(repo, trap)
    content = run_git(repo, "cat-file", "commit", "HEAD")
    head, _, message = content.partition("\n\n")
    (repo / "c").write_text(
        f"{head}\ngpgsig -----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----\n\n{message}"
    )
    commit = run_git(repo, "hash-object", "-t", "commit", "-w", "c").strip()
    (repo / "c").unlink()
    run_git(repo, "reset", "-q", "--soft", commit)


BARE = '\tbare = false\n\tworktree = ..\n[filter "y"]\n\tclean = "TRAP"\n'
MEMBERS: dict[str, Member] = {
    "a filter's clean": settings("filter.y.clean TRAP"),
    "a filter's process": settings("filter.y.process TRAP"),
    "a filter's clean and smudge": settings("filter.y.smudge TRAP", "filter.y.clean TRAP"),
    "a required filter": settings("filter.y.clean TRAP", "filter.y.required true"),
    "a filter with a dot in its name": text('[filter "a.b"]\nclean="TRAP"\n', ".git/config"),
    "a filter with an equals sign in its name": text('[filter "y=z"]\nclean="TRAP"\n'),
    "a filter with a space in its name, for every file": text('[filter "y z"]\nclean="TRAP"\n'),
    "a filter written in capitals": text('[FILTER "y"]\nCLEAN="TRAP"\n'),
    "a filter beside three hundred others": text(
        "".join(f'[filter "n{i}"]\nclean="TRAP"\n' for i in range(300)) + '[filter "y"]\nclean="TRAP"\n'
    ),
    "a filter in a file that is included": text(
        '[include]\npath=REPO/more\n[filter "y"]\nclean="TRAP"\n', ".git/config"
    ),
    "a filter in a file included on a condition": text(
        '[filter "y"]\nclean="TRAP"\n', ".git/more", "includeIf.onbranch:main.path more"
    ),
    "a filter in the configuration of the worktree": text(
        '[filter "y"]\nclean="TRAP"\n', ".git/config.worktree", "extensions.worktreeConfig true"
    ),
    "a monitor of the file system": settings("core.fsmonitor TRAP"),
    "a monitor of version 2": settings("core.fsmonitor TRAP", "core.fsmonitorHookVersion 2"),
    "hooks": hooks(".git/hooks"),
    "hooks in a folder that is tracked": hooks("hooks", "core.hooksPath hooks"),
    "an external diff": settings("diff.external TRAP", "diff.y.command TRAP"),
    "a text conversion": settings("diff.y.textconv TRAP", "diff.y.cachetextconv true"),
    "a pager": settings("core.pager TRAP", "pager.status true", "pager.config TRAP", "pager.log TRAP"),
    "an editor and a merge driver": settings("core.editor TRAP", "sequence.editor TRAP", "merge.y.driver TRAP"),
    "aliases": settings("alias.status !TRAP", "alias.ls-files !TRAP", "alias.rev-parse !TRAP", "alias.config !TRAP"),
    "a signature": signed_commit,
    "a partial clone over ssh": partial_clone("remote.origin.url ssh://localhost/x", "core.sshCommand TRAP"),
    "a partial clone of a folder": partial_clone("remote.origin.url .", "remote.origin.uploadpack TRAP"),
    "a partial clone by a command": partial_clone("remote.origin.url ext::TRAP", "protocol.ext.allow always"),
    "a partial clone over a proxy": partial_clone("remote.origin.url git://localhost/x", "core.gitProxy TRAP"),
    "a partial clone with credentials": partial_clone(
        "remote.origin.url https://127.0.0.1:9/x", "credential.helper !TRAP", "core.askPass TRAP"
    ),
    "a partial clone by a helper": partial_clone(
        "remote.origin.url x", "remote.origin.vcs ext", "protocol.allow always"
    ),
    "a submodule": submodule,
    "a folder that is a git directory": folder(BARE),
    "a folder that is a git directory, with a monitor": folder("\tbare = false\n\tworktree = ..\n\tfsmonitor = TRAP\n"),
    "a folder called x.git": folder(BARE, name="x.git"),
    "a folder in a git directory": folder(BARE, at="deeper/still"),
    "a git directory whose objects lie elsewhere": folder(BARE, common=True),
    "a folder that is a git directory, with an included file": folder(
        BARE.replace("[filter", "[include]\n\tpath=x\n[filter")
    ),
}


@pytest.fixture
def trap(tmp_path: Path) -> tuple[str, Path]:
    """A program, and the file that is there once it ran."""
    marker, program = tmp_path / "trap ran", tmp_path / "trap"
    program.write_text(f"#!/bin/sh\ntouch '{marker}'\nexit 1\n")
    program.chmod(0o755)
    return str(program), marker


def set_trap(repo: Path, member: str, trap: str) -> Path:
    """Make `repo` the member of its kind, with a file that git has to look into; the work directory to read."""
    if "filter with" in member:
        name = {"dot": "a.b", "equals": "y=z", "space": "y"}[next(w for w in ("dot", "equals", "space") if w in member)]
        write_tree(repo, {".gitattributes": f"*.py filter={name}\n"})
        commit_all(repo)
    workdir = MEMBERS[member](repo, trap)
    os.utime(repo / "train.py", (1, 1))
    return workdir or repo


@pytest.mark.parametrize("member", MEMBERS)
def test_detecting_runs_nothing(member: str, make_repo: MakeRepo, run: Run, trap: tuple[str, Path]) -> None:
    program, marker = trap
    workdir = set_trap(make_repo(FILES), member, program)
    done = run("detect", "--json", "--workdir", workdir)
    assert not marker.exists(), done.output
    assert done.exit_code == 0 or workdir.name in ("data", "x.git", "still"), done.output


def test_every_reading_command_runs_nothing(
    make_repo: MakeRepo, run: Run, trap: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    program, marker = trap
    repo = make_repo(FILES)
    harmless = ("worktree", "capitals", "condition", "partial", "folder", "git directory", "submodule", "signature")
    for name, member in MEMBERS.items():
        if not any(word in name for word in harmless):
            member(repo, program)
    monkeypatch.chdir(repo)
    commands = (
        "init --yes",
        "status",
        "brief",
        "plan show",
        "plan check",
        "results",
        "report",
        "runs list",
        "runs audit",
    )
    for command in commands:
        os.utime(repo / "train.py", (1, 1))
        done = run(*command.split())
        assert done.exit_code != 2, (command, done.output)
        assert not marker.exists(), (command, done.output)


def test_the_authors_of_commits_are_read_without_looking_at_signatures(
    make_repo: MakeRepo, trap: tuple[str, Path]
) -> None:
    repo = make_repo(FILES)
    signed_commit(repo, trap[0])
    commit = run_git(repo, "rev-parse", "HEAD").strip()
    assert authors.commit_authors(repo, [commit]) == {commit: "Test"}
    git.run_git(repo, "log", "-1")
    assert not trap[1].exists()


def test_a_file_that_only_its_filter_could_tell_is_unexamined(
    make_repo: MakeRepo, run: Run, trap: tuple[str, Path]
) -> None:
    repo = make_repo({**FILES, "b.txt": "b\n"})
    run_git(repo, "config", "filter.y.clean", trap[0])
    write_tree(repo, {"train.py": "print('other')\n"})
    assert git.GitSurvey(repo).state.result() == git.BranchState(branch="main", dirty=False, unexamined=("train.py",))
    shown = json.loads(run("detect", "--json", "--workdir", repo).stdout)["git"]
    assert (shown["dirty"], shown["unexamined"]) == (False, ["train.py"])
    write_tree(repo, {"b.txt": "c\n"})
    assert git.GitSurvey(repo).state.result() == git.BranchState(branch="main", dirty=True, unexamined=("train.py",))
    (repo / "train.py").unlink()
    assert git.GitSurvey(repo).state.result() == git.BranchState(branch="main", dirty=True), (
        "that it is gone shows without looking"
    )


def test_where_filters_cannot_be_switched_off_nothing_is_looked_at(make_repo: MakeRepo) -> None:
    repo = make_repo(FILES)
    run_git(repo, "config", "filter.y=z.clean", "cat")
    assert git.GitSurvey(repo).state.result() == git.BranchState(branch="main", dirty=False, unexamined=(".",))


def test_recording_uses_the_filters_of_the_repository(make_repo: MakeRepo, tmp_path: Path) -> None:
    repo = make_repo(FILES)
    run_git(repo, "config", "filter.y.smudge", "tr a-z A-Z")
    run_git(repo, "config", "filter.y.clean", "tr A-Z a-z")
    worktrees.add_worktree(repo, run_git(repo, "rev-parse", "HEAD").strip(), tmp_path / "tree")
    assert (tmp_path / "tree/train.py").read_text() == FILES["train.py"].upper()


@pytest.mark.parametrize("place", ["tree", "store.git/tree"])
def test_a_worktree_of_a_bare_repository_is_read(make_repo: MakeRepo, run: Run, tmp_path: Path, place: str) -> None:
    repo = make_repo(FILES)
    run_git(tmp_path, "clone", "-q", "--bare", str(repo), "store.git")
    run_git(tmp_path / "store.git", "worktree", "add", "-q", "-b", "other", str(tmp_path / place))
    assert git.locate_in_git(tmp_path / place).toplevel == tmp_path / place
    assert git.GitSurvey(tmp_path / place).state.result() == git.BranchState(branch="other", dirty=False)
    assert run("init", "--yes", "--workdir", tmp_path / place).exit_code == 0
    assert run("detect", "--workdir", tmp_path / "store.git").exit_code == 1


PLANNING = (
    "sweep new s --goal g --seeds 1-2 -- python3 train.py",
    "sweep new t --goal g --grid lr=1,2 -- python3 train.py",
    "sweep list",
    "sweep show s",
    "sweep status s",
    "sweep capacity s",
    "sweep launch s --backend local --dry-run",
    "runs list",
    "runs audit",
    "results",
    "report --md",
    "status",
    "brief",
    "plan check",
    "plan next",
    "guard --command true",
    "detect",
    "init --yes --dry-run",
    "update --dry-run",
    "schema",
)


def test_planning_runs_no_recorder_of_the_repository(
    make_repo: MakeRepo, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own copy of the recorder is run by a run alone; where it differs from ours, planning says in which files."""
    repo = make_repo(FILES)
    made = recording.write_workspace(repo, recording.settings())
    trap = f"open({str(tmp_path / 'sprung')!r}, 'a').close()\n"
    files = [made.recorder, *(made.recorder.parent / "_record_run").glob("*.py")]
    for file in files:
        future = "from __future__ import annotations\n"
        file.write_text(file.read_text().replace(future, future + trap, 1) if future in file.read_text() else trap)
    made.recorder.write_text("#!/usr/bin/env python3\n" + trap + made.recorder.read_text())
    commit_all(repo)
    monkeypatch.chdir(repo)
    for command in PLANNING:
        done = run(*command.split())
        assert not (tmp_path / "sprung").exists(), command
        assert "Traceback" not in done.output
        if command.startswith("sweep new"):
            assert done.exit_code == 0 and f"and {len(files) - 3} more" in done.stderr, done.output
    run("sweep", "launch", "s", "--backend", "local", "--yes", "--wait")
    assert (tmp_path / "sprung").exists(), "the trap works"
