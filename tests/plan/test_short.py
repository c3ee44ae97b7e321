"""A short plan is a plan of its own kind: less is asked of it, and it says so itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.plan.brief.context import BriefContext
from scaffold.plan.brief.planning import format_planning_brief
from scaffold.plan.rules.check import check_plan
from tests.conftest import MakeRepo, Run
from tests.lifecycle.conftest import TemplateRepo, template
from tests.plan import test_skeleton
from tests.plan.cases import FOLDER

__all__ = ["template"]

TEXT = (FOLDER / "good/short_kind.md").read_text(encoding="utf-8")
MARK = "<!-- plan: short -->"


def codes(text: str) -> list[str]:
    return [finding.code for finding in check_plan(text).findings]


def test_a_short_plan_breaks_nothing_and_its_mark_is_no_ignore_gone_wrong() -> None:
    assert codes(TEXT) == [] and check_plan(TEXT).plan.invalid_ignores == ()


def test_without_the_mark_it_is_too_short() -> None:
    for text in (TEXT.replace(MARK, ""), TEXT.replace(MARK, f"```\n{MARK}\n```")):
        assert codes(text) == ["P101", "P104", "P402", "P501", "P606"]


def test_all_other_rules_hold_and_it_has_bounds_of_its_own() -> None:
    gate = TEXT[TEXT.index("- [ ] [P3-T2]") : TEXT.index("\n## Shared")]
    assert "P403" in codes(TEXT.replace(gate, ""))
    assert "P104" in codes(
        TEXT.replace("- [ ] [P2-T1]", "- [ ] [P2-T3] a | deliverable: a.md | done-when: `true`\n" * 3 + "- [ ] [P2-T1]")
    )
    more = "## Phase 3 - More\n\n- [ ] [P3-T1] a | deliverable: a.md | done-when: `true`\n\n## Phase 4 - Answer"
    extra = TEXT.replace("## Phase 3 - Answer", more)
    (finding,) = [f for f in check_plan(extra).findings if f.code == "P101"]
    assert finding.message == "the plan has 4 phases, not 3"
    early = TEXT.replace(
        "- [ ] [P2-T1]", "- [ ] [P2-T9] Midpoint reflection | deliverable: m.md | done-when: `true`\n- [ ] [P2-T1]", 1
    )
    assert "P402" in codes(early), "one that is there has to stand where it belongs"


@pytest.mark.parametrize("entry_points", test_skeleton.ENTRY_POINTS.values(), ids=test_skeleton.ENTRY_POINTS)
@pytest.mark.parametrize("server", ["", "http://127.0.0.1:10000"])
def test_the_short_plan_of_a_new_workspace_passes(entry_points: list[dict[str, object]], server: str) -> None:
    for more in ({}, {"workspace_layout": "per-experiment", "slurm": test_skeleton.SLURM, "evolutionary_sweeps": True}):
        text = test_skeleton.render(
            plan_kind="short", entry_points=entry_points, research_server_url=server, experiment_goal="TODO", **more
        )
        found = test_skeleton.findings(text, server=bool(server))
        assert "'[choice: the option that switches the main method on]'" in text
        assert {f.code for f in found} <= {"P007"}, test_skeleton.described(found)
        plan = check_plan(text).plan
        assert plan.is_short and len(plan.phases) == 3 and 7 <= len(plan.tasks) <= 8 and "\n\n\n" not in text


def test_init_writes_it_and_the_brief_asks_for_no_more(
    run: Run, make_repo: MakeRepo, template: TemplateRepo, tmp_path: Path
) -> None:
    repo = make_repo({"train.py": "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed')\n"})
    options = ("--workdir", repo, "--root", "lab")
    made = run("init", *options, "--template", template.path, "--plan", "short", "--goal", "Is it so?", "--yes")
    assert made.exit_code == 0, made.output
    assert run("plan", "check", repo / "lab/tasks.md", "--fresh").exit_code == 0
    for more in ((), ("--full",)):
        text = run("brief", *options, *more).stdout
        assert MARK in text and "5 to 8 tasks" in text and "ablation" not in text and "4 to 6 phases" not in text
    again = run("init", *options, "--plan", "full", "--yes")
    assert again.exit_code == 1 and "update --set plan_kind" in again.stderr


def test_the_brief_of_a_full_plan_asks_for_the_full_contract() -> None:
    for full in (False, True):
        text = format_planning_brief(BriefContext(answers={}, workdir="/r", full=full))
        assert MARK not in text and "4 to 6 phases" in text and "ablation" in text
