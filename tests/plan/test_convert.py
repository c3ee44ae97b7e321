"""Task lists of other tools are recognised in one line, and converted without losing a word."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scaffold.plan.document.fix import fix_plan
from scaffold.plan.document.parse import parse_plan
from scaffold.plan.tasks.foreign_task_lists import convert_plan, foreign_task_list_kind
from tests.conftest import Run
from tests.plan.cases import BAD, GOOD, read

LISTS = {
    "spec-kit": "# Tasks: Login\n\n**Input**: docs\n\n## Phase 1: Setup\n\n- [ ] T001 Create the project in src/\n"
    "- [x] T002 [P] Add ruff | black\n\n"
    "## Phase 2: Story 1\n\nGoal: log in\n\n- [ ] T003 [US1] Model in src/user.py (depends on T001)\n"
    "  - note: salted\n\n---\n\n## Notes\n\n[P] is parallel\n",
    "OpenSpec": "## 1. Implementation\n- [x] 1.1 Add the parser\n- [ ] 1.2 Wire it\n  - [ ] 1.2.1 In the CLI\n\n"
    "## 2. Validation\n- [ ] 2.1 `openspec validate`\n",
    "plain list": "# To do\n\n- [ ] one\n- [X] two\n* [ ] three\n1. [ ] four\n",
}
TABLE = (
    "# Plan\n\n## Runs\n\n| id | state | what |\n|---|---|---|\n| 1.1 | [ ] | Train |\n"
    "| 1.2 | [x] | Compare |\n| 1.3 | [ ] | Report |\n"
)


@pytest.mark.parametrize("kind", LISTS)
def test_each_kind_is_recognised(kind: str) -> None:
    assert foreign_task_list_kind(parse_plan(LISTS[kind])) == kind


def test_plans_of_the_contract_are_not_foreign() -> None:
    assert [path.name for path in (*GOOD, *BAD) if foreign_task_list_kind(parse_plan(read(path).text))] == []


@pytest.mark.parametrize("text", [*LISTS.values(), TABLE])
def test_nothing_is_lost(text: str) -> None:
    converted = convert_plan(text)
    words = set(re.findall(r"[\w./]+", text))
    assert words <= set(re.findall(r"[\w./]+", converted)) | {"X"}
    plan = parse_plan(converted)
    boxes = len(re.findall(r"\[[ xX]\]", text))
    assert len(plan.tasks) == boxes and all(task.id for task in plan.tasks) and plan.near_misses == ()
    assert sum(task.state == "x" for task in plan.tasks) == len(re.findall(r"\[[xX]\]", text))
    assert [phase.number for phase in plan.phases] == list(range(1, len(plan.phases) + 1))
    assert foreign_task_list_kind(plan) is None and fix_plan(fix_plan(converted)) == fix_plan(converted)


FENCED = "# To do\n\n```bash\n# no title\n## no phase\nls\n```\n\n- [ ] one\n- [ ] two\n- [ ] three\n"


def test_code_is_neither_title_nor_phase() -> None:
    converted = convert_plan(FENCED)
    assert "```bash\n# no title\n## no phase\nls\n```" in converted
    plan = parse_plan(converted)
    assert [phase.title for phase in plan.phases] == ["To do"] and len(plan.tasks) == 3


GSD = """\
---
phase: 01-login
---

<objective>
Log in.
</objective>

<tasks>

<task type="auto">
  <name>Task 1: Create the model</name>
  <files>src/user.py, tests/test_user.py</files>
  <action>Write the class | salted.</action>
  <verify>pytest tests/test_user.py</verify>
  <done>`pytest tests/test_user.py` passes</done>
</task>

<task type="checkpoint:human-verify" gate="blocking">
  <what-built>The page</what-built>
  <how-to-verify>
    - [ ] Open /login
  </how-to-verify>
</task>

<task type="auto">Say so</task>

</tasks>
"""


def test_elements_of_xml_are_tasks(run: Run, tmp_path: Path) -> None:
    assert foreign_task_list_kind(parse_plan(GSD)) == "GSD"
    converted = convert_plan(GSD)
    plan = parse_plan(converted)
    assert [task.id for task in plan.tasks] == ["P1-T1", "P1-T2", "P1-T3", "P1-T4"] and plan.near_misses == ()
    first, second, inner, last = plan.tasks
    assert first.get("deliverable") == "src/user.py, tests/test_user.py"
    assert first.get("done-when") == "`pytest tests/test_user.py` passes"
    assert second.description == "The page" and inner.description == "Open /login" and last.description == "Say so"
    assert set(re.findall(r"[\w./]+", GSD)) <= set(re.findall(r"[\w./]+", converted))
    assert foreign_task_list_kind(plan) is None and fix_plan(converted) == converted
    path = tmp_path / "PLAN.md"
    path.write_text(GSD)
    assert "a GSD with 4 tasks" in run("plan", "check", path).stdout
    for text in (GSD, GSD.replace("- [ ] Open", "Open")):
        path.write_text(text)
        assert run("plan", "emit", path, "--promise", "DONE").exit_code == 1, "nobody has done them"
    unclosed = "<task>\n" * 3000
    assert len(parse_plan(convert_plan(unclosed)).tasks) == 3000


def test_the_commands(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "tasks.md"
    path.write_text(LISTS["spec-kit"])
    checked = run("plan", "check", path)
    assert checked.exit_code == 3 and len(checked.stdout.splitlines()) == 1
    assert "spec-kit" in checked.stdout and "scaffold plan convert" in checked.stdout
    assert len(json.loads(run("plan", "check", path, "--json").stdout)["findings"]) > 1, (
        "every finding, for whoever asks"
    )
    shown = run("plan", "convert", path)
    assert (
        shown.exit_code == 0
        and shown.stdout == convert_plan(LISTS["spec-kit"])
        and path.read_text() == LISTS["spec-kit"]
    )
    answer = json.loads(run("plan", "convert", path, "--write", "--json").stdout)
    assert path.read_text() == shown.stdout and Path(answer["original"]).read_text() == LISTS["spec-kit"]
    again = run("plan", "convert", path)
    assert again.exit_code == 1 and "is a plan already" in again.stderr
