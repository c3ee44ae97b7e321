"""The tool that holds public task lists against the plan's commands sees a box, a lost word and a redirected dependency."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.plan.document.parse import parse_plan
from tests.conftest import MakeRepo
from tests.plan.cases import FOLDER
from tests.plan.test_convert import GSD, LISTS, TABLE
from tools import plan_conformance


@pytest.mark.parametrize("text", [*LISTS.values(), TABLE, GSD, (FOLDER / "good/short.md").read_text(encoding="utf-8")])
def test_lists_of_every_kind_conform(text: str) -> None:
    result = plan_conformance.check_text(text)
    assert result.problems == () and result.boxes > 0


def test_what_breaks_a_demand_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    text = LISTS["spec-kit"]
    monkeypatch.setattr(plan_conformance, "convert_plan", lambda text: "# Tasks\n")
    assert any("convert loses" in problem for problem in plan_conformance.check_text(text).problems)
    monkeypatch.undo()
    monkeypatch.setattr(
        plan_conformance, "fix_plan", lambda text: text.replace("depends: P1-T1", "depends: P2-T1") + "x"
    )
    assert set(plan_conformance.check_text(text).problems) == {
        "fix does not settle",
        "fix changes what a task depends on",
    }
    monkeypatch.undo()
    lost = parse_plan("# Tasks\n")
    monkeypatch.setattr(plan_conformance, "parse_plan", lambda text: lost)
    assert "neither task nor finding" in plan_conformance.check_text(text).problems[0]


def test_files_come_from_the_last_commit_of_each_clone(make_repo: MakeRepo, tmp_path: Path) -> None:
    repo = make_repo({"docs/tasks.md": TABLE, "docs/same.md": TABLE, "a.md": "nothing\n", "b.txt": "- [ ] no\n"})
    ((name, git_dir),) = plan_conformance.list_repositories([repo])
    assert name and [text for _, text in plan_conformance.read_texts(git_dir)] == [TABLE]
