"""Ids of tasks: which complaint `scaffold plan fix` can mend, and which id is told as the first of two."""

from __future__ import annotations

from scaffold.plan.document.model import PlanFinding
from scaffold.plan.rules.check import check_plan
from tests.plan.test_structure import of

TAIL = " Look | deliverable: a.md | done-when: it is there"


def findings(text: str, code: str) -> list[PlanFinding]:
    return list(check_plan(text, select=(code,)).findings)


def test_a_task_without_an_id_can_be_numbered_where_its_phase_has_a_number() -> None:
    bare = of([2] * 4).replace(f"- [ ] [P2-T2]{TAIL}", f"- [ ]{TAIL}")
    [found] = findings(bare, "P201")
    assert found.fixable and found.hint == "`scaffold plan fix` numbers it"
    [found] = findings(bare.replace("## Phase 2", "## Phase II"), "P201")
    assert not found.fixable and found.hint == "number the phases first, then `scaffold plan fix`"


def test_ids_out_of_order_can_be_mended_until_something_was_started() -> None:
    wrong = of([2] * 4).replace("[P2-T2]", "[P2-T5]")
    [found] = findings(wrong, "P202")
    assert found.fixable and found.hint == "`scaffold plan fix` renumbers"
    [found] = findings(wrong.replace("- [ ] [P2-T5]", "- [x] [P2-T5]"), "P202")
    assert not found.fixable and str(found.hint).startswith("by hand")


def test_an_id_that_stands_twice_names_the_line_of_the_first_also_behind_a_task_without_one() -> None:
    text = of([3] * 4).replace(f"- [ ] [P2-T1]{TAIL}", f"- [ ]{TAIL}").replace("[P2-T3]", "[P2-T2]")
    first = text.splitlines().index(f"- [ ] [P2-T2]{TAIL}") + 1
    assert [f.message for f in findings(text, "P202")] == [f"P2-T2 is already the task of line {first}"]
