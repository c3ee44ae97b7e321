"""A short plan is a plan of its own kind: less is asked of it, and it says so itself."""

from __future__ import annotations

from scaffold.plan.rules.check import check_plan
from tests.plan.cases import FOLDER

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
