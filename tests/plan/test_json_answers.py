"""Every command of the plan that an agent acts upon answers with one versioned object."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import MakeRepo, Run, write_tree


@pytest.fixture
def repo(make_repo: MakeRepo, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = make_repo()
    run("init", "--workdir", made, "--yes")
    monkeypatch.chdir(made)
    return made


def test_start_done_and_add(repo: Path, run: Run) -> None:
    assert json.loads(run("plan", "start", "P1-T1", "--json").stdout) == {
        "version": 1, "task": "P1-T1", "state": "in progress", "warnings": [],
    }  # fmt: skip
    refused = run("plan", "done", "P1-T1", "--json")
    answer = json.loads(refused.stdout)
    assert (refused.exit_code, answer["holds"], answer["marked"]) == (3, False, False)
    write_tree(repo, {".wild/experiments/analysis/codebase_notes.md": "train.py:1 prints hello\n"})
    done = run("plan", "done", "P1-T1", "--json")
    assert (done.exit_code, json.loads(done.stdout)["marked"]) == (0, True)
    words = ["--deliverable", ".wild/experiments/analysis/d.md", "--done-when", "the file names the splits"]
    added = json.loads(run("plan", "add", "2", "Look at the data", *words, "--json").stdout)
    assert added["version"] == 1 and added["task"].startswith("P2-T")


def test_the_brief_as_an_object(repo: Path, run: Run) -> None:
    answer = json.loads(run("brief", "--json").stdout)
    assert (answer["version"], answer["for"]) == (1, "planning")
    assert answer["text"] == run("brief").stdout
