"""Gates of a plan that has more than one of a kind."""

from __future__ import annotations

from scaffold.plan.rules.check import check_plan
from tests.plan.cases import FOLDER

TEXT = (FOLDER / "good/short.md").read_text(encoding="utf-8")
FIELDS = "\n  - evidence: a.csv\n  - follow-up-when: a run failed\n  - continue-if: the gain is large\n"


def found(text: str) -> list[str]:
    return [f.message for f in check_plan(text, select=("P401", "P402", "P403")).findings]


def test_one_midpoint_reflection_behind_both_is_enough() -> None:
    early = "- [ ] [P1-T4] Midpoint reflection of the set-up | deliverable: a.md | done-when: a.md names it" + FIELDS
    assert found(TEXT.replace("\n## Phase 2", f"{early}\n## Phase 2")) == []


def test_the_last_final_reflection_is_the_one_that_ends_the_plan() -> None:
    early = "- [ ] [P1-T4] Final reflection on the set-up | deliverable: a.md | done-when: a.md names it" + FIELDS
    twice = TEXT.replace("\n## Phase 2", f"{early}\n## Phase 2")
    assert found(twice) == []
    line = TEXT.count("\n", 0, TEXT.index("- [ ] [P4-T1]")) + 1
    start = TEXT.index("- [ ] [P4-T2]")
    end = TEXT.index("\n## Shared")
    final, rest = TEXT[start:end], TEXT[:start] + TEXT[end:]
    turned = rest.replace("\n## Phase 2", f"\n{final}\n## Phase 2")
    assert found(turned) == [f"after the final reflection P4-T2 comes P4-T1 (line {line + final.count(chr(10)) + 1})"]


def test_of_two_final_reflections_it_is_the_later_one_that_something_follows() -> None:
    early = "- [ ] [P1-T4] Final reflection on the set-up | deliverable: a.md | done-when: a.md names it" + FIELDS
    last = "- [ ] [P4-T3] Tidy up | deliverable: b.md | done-when: b.md exists\n"
    text = TEXT.replace("\n## Phase 2", f"{early}\n## Phase 2").replace("\n## Shared", f"{last}\n## Shared")
    (complaint,) = check_plan(text, select=("P403",)).findings
    assert complaint.task == "P4-T2" and complaint.message.startswith("after the final reflection P4-T2 comes P4-T3 (")
    emptied = TEXT.replace("\n## Phase 2", f"{early}\n## Phase 2").replace(
        "\n## Shared", "\n## Phase 5 - Empty\n\n## Shared"
    )
    (complaint,) = check_plan(emptied, select=("P403",)).findings
    assert complaint.task == "P4-T2"
    assert complaint.message == "the final reflection P4-T2 does not stand in the last phase"


def test_what_is_missing_is_named() -> None:
    without = TEXT.replace("baseline", "reference").replace("main method", "other way")
    assert found(without) == ["no task is a baseline experiment", "no task is a main-method experiment"]


def test_which_task_the_midpoint_reflection_comes_too_early_for() -> None:
    start, end = TEXT.index("- [ ] [P3-T2]"), TEXT.index("\n## Phase 4")
    gate, rest = TEXT[start:end], TEXT[:start] + TEXT[end:]
    turned = rest.replace("- [ ] [P2-T3]", gate + "- [ ] [P2-T3]")
    text = found(turned)
    assert [t.partition(" (P")[0] for t in text] == [
        "the midpoint reflection P3-T2 stands before the first baseline task",
        "the midpoint reflection P3-T2 stands before the first main-method task",
    ]


GATE = TEXT[TEXT.index("- [ ] [P3-T2]") : TEXT.index("\n## Phase 4")]


def test_a_midpoint_reflection_before_the_first_result_is_too_early() -> None:
    """A task that only writes the main method has no result yet."""
    written = "- [ ] [P3-T1] Implement the main method behind an option | deliverable: a.md | done-when: `true`\n"
    main = TEXT[TEXT.index("- [ ] [P3-T1]") : TEXT.index("- [ ] [P3-T2]")]
    early = TEXT.replace(main + GATE, written + GATE + main.replace("P3-T1", "P3-T3") + "\n")
    (message,) = found(early)
    assert message.startswith("the midpoint reflection P3-T2 stands before the first main-method task (P3-T3")
    late = TEXT.replace(main + GATE, written + main.replace("P3-T1", "P3-T2") + GATE.replace("P3-T2", "P3-T3"))
    assert found(late) == []
    only_written = TEXT.replace("Run the main method with 5 seeds", "Write the main method")
    assert found(only_written) == []


def test_a_midpoint_reflection_before_the_first_result_whatever_its_id() -> None:
    main = TEXT[TEXT.index("- [ ] [P3-T1]") : TEXT.index("- [ ] [P3-T2]")]
    for gate_id in ("P3-T2", "P3-T9", "P2-T1", "P9-T9"):
        turned = TEXT.replace(main + GATE, GATE.replace("P3-T2", gate_id) + main)
        codes = {f.code for f in check_plan(turned, select=("P402", "P202")).findings}
        assert codes == {"P402", "P202"}, gate_id
