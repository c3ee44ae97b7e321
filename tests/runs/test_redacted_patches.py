"""Patches whose secrets were hidden apply again: the commit knows what they only pass by."""

from __future__ import annotations

import os

import pytest

from scaffold import git as door
from scaffold.runs import worktrees
from tests.conftest import MakeRepo, commit_all

BEFORE = "a = 1\nKEY = 'swordfish'\nb = 1\n"


@pytest.mark.parametrize(
    "name", ["plain.py", "with space.py", "\N{LATIN SMALL LETTER E WITH ACUTE}.py", '\u00e9"x.py', 'a\udcff"\ty\\.py']
)
def test_of_files_with_any_name(make_repo: MakeRepo, name: str) -> None:
    repo = make_repo()
    path = repo / name
    path.write_text(BEFORE)
    commit_all(repo)
    path.write_text(BEFORE.replace("b = 1", "b = 2"))
    patch = os.fsdecode(door.run_git_checked(repo, "diff").stdout)
    hidden = patch.replace("swordfish", "***")
    assert hidden != patch
    assert os.fsdecode(worktrees.unredacted_patch(repo, "HEAD", hidden)) == patch
