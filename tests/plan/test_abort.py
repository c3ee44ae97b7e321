"""After an abort there is a way back, and every command says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.plan.cases import FOLDER
from tests.stand_in import StandIn

ABORTED = "the plan is aborted"


@pytest.fixture
def aborted(run: Run, plan: Path) -> Path:
    plan.chmod(0o640)
    assert run("plan", "abort", "--reason", "GET /docs: 502").exit_code == 0
    return plan


def saved(plan: Path, number: str = "") -> Path:
    return plan.with_name(f"tasks.before-abort{number}.md")


def test_next_is_no_success(run: Run, aborted: Path) -> None:
    result = run("plan", "next")
    assert result.exit_code == 3 and result.stdout == "" and ABORTED in result.stderr
    answer = json.loads(run("plan", "next", "--json").stdout)
    assert answer["task"] is None and answer["aborted"] is True
    saved(aborted).replace(aborted)
    assert json.loads(run("plan", "next", "--json").stdout)["aborted"] is False


@pytest.mark.parametrize("text", ["", "# Tasks\n", "# Tasks\n\n## Phase 1 - Runs\n\nnothing yet\n"])
def test_a_plan_without_tasks_is_not_done(run: Run, plan: Path, text: str) -> None:
    plan.write_text(text)
    result = run("plan", "next")
    assert result.exit_code == 3 and "the plan has no tasks" in result.stderr
    refused = run("plan", "emit", "--promise", "DONE")
    assert refused.exit_code == 1 and "has no tasks" in refused.stderr


@pytest.mark.parametrize(
    "words",
    ["check", "show", "next", "graph", "fix", "verify", "start P1-T1", "done P1-T1", "log hello", "emit --summary x"],
)
def test_every_command_says_it_and_the_way_back(run: Run, aborted: Path, words: str) -> None:
    result = run("plan", *words.split())
    assert result.stderr.count(ABORTED) == 1 and "scaffold plan resume" in result.stderr
    assert run("plan", *words.split(), "--json").stderr.count(ABORTED) == 1


def test_without_an_earlier_plan_the_way_leads_to_a_new_one(run: Run, plan: Path) -> None:
    plan.write_bytes((FOLDER / "good/aborted.md").read_bytes())
    result = run("plan", "show")
    assert ABORTED in result.stderr and "plan resume" not in result.stderr and "scaffold brief" in result.stderr
    refused = run("plan", "resume")
    assert refused.exit_code == 1 and "no earlier plan" in refused.stderr


def test_resume_brings_the_plan_back(run: Run, aborted: Path) -> None:
    before, mode = saved(aborted).read_bytes(), saved(aborted).stat().st_mode
    result = run("plan", "resume")
    assert result.exit_code == 0 and "exp/tasks.before-abort.md" in result.stderr
    assert aborted.read_bytes() == before and aborted.stat().st_mode == mode and not saved(aborted).exists()
    assert run("plan", "next").exit_code == 0 and ABORTED not in run("plan", "show").stderr
    again = run("plan", "resume")
    assert again.exit_code == 1 and "is not aborted" in again.stderr and aborted.read_bytes() == before


def test_resume_takes_the_latest_of_several(run: Run, plan: Path) -> None:
    first = plan.read_text()
    run("plan", "abort", "--reason", "one")
    plan.write_text(first + "\nlater\n")
    run("plan", "abort", "--reason", "two")
    assert saved(plan).is_file() and saved(plan, "-2").is_file()
    answer = json.loads(run("plan", "resume", "--json").stdout)
    assert answer["plan"].endswith("exp/tasks.md") and answer["resumed"].endswith("tasks.before-abort-2.md")
    assert plan.read_text() == first + "\nlater\n" and saved(plan).read_text() == first


def test_resume_keeps_what_was_written_into_the_checklist(run: Run, aborted: Path) -> None:
    aborted.write_text(aborted.read_text() + "\n- [ ] look into the proxy\n")
    result = run("plan", "resume")
    assert result.exit_code == 1 and "written" in result.stderr and saved(aborted).is_file()
    assert "look into the proxy" in aborted.read_text()


def test_a_green_preflight_says_that_the_plan_is_aborted(
    run: Run, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = stand_in.workdir
    (root / "exp").mkdir()
    from tests.plan.conftest import ANSWERS

    (root / "exp/.copier-answers.scaffold.yml").write_text(ANSWERS.format(server=stand_in.url, layout="flat"))
    (root / "exp/tasks.md").write_bytes((FOLDER / "good/short.md").read_bytes())
    monkeypatch.chdir(root)
    assert ABORTED not in run("preflight").stderr
    run("plan", "abort", "--reason", "it was down")
    result = run("preflight")
    assert result.exit_code == 0 and ABORTED in result.stderr and "scaffold plan resume" in result.stderr
    answer = json.loads(run("preflight", "--json").stdout)
    assert answer["ready"] is True and answer["plan_aborted"] is True
