"""The plan's outer form at its bounds: how many phases and tasks, what its labels are called, where a complaint stands."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from scaffold.plan.document import server_loop_protocol
from scaffold.plan.rules.check import check_plan
from tests.plan.cases import FOLDER

TEXT = (FOLDER / "good/short.md").read_text(encoding="utf-8")


def complaints(text: str, code: str) -> list[tuple[int, str]]:
    return [(f.line, f.message) for f in check_plan(text, select=(code,)).findings]


def said(text: str, code: str) -> list[str]:
    return [message for _, message in complaints(text, code)]


def of(tasks: Sequence[int]) -> str:
    """A plan of so many phases, each with so many tasks."""
    lines = ["# Tasks", ""]
    for phase, count in enumerate(tasks, start=1):
        lines += [f"## Phase {phase} - title", ""]
        lines += [
            f"- [ ] [P{phase}-T{n}] Look | deliverable: a.md | done-when: it is there" for n in range(1, count + 1)
        ]
    return "\n".join([*lines, ""])


@pytest.mark.parametrize(("phases", "sound"), [(3, False), (4, True), (6, True), (7, False)])
def test_four_to_six_phases(phases: int, sound: bool) -> None:
    assert said(of([3] * phases), "P101") == ([] if sound else [f"the plan has {phases} phases, not 4 to 6"])


@pytest.mark.parametrize(
    ("count", "found"),
    [(1, ["phase 1 has 1 task, not 2 to 6"]), (2, []), (6, []), (7, ["phase 1 has 7 tasks, not 2 to 6"])],
)
def test_two_to_six_tasks_a_phase(count: int, found: list[str]) -> None:
    report = check_plan(of([count, 3, 3, 3]), select=("P103",)).findings
    assert [f.message for f in report] == found
    assert all(("split a task" in str(f.hint)) == (count < 2) for f in report)


def test_a_phase_without_a_number_is_the_phase() -> None:
    assert said(of([2, 1, 2, 2]).replace("## Phase 2 -", "## Phase II -"), "P103") == [
        "the phase has 1 task, not 2 to 6"
    ]


@pytest.mark.parametrize(
    ("tasks", "count"), [([3, 2, 2, 2], 9), ([3, 3, 2, 2], 0), ([5, 5, 5, 5, 5], 0), ([6, 5, 5, 5, 5], 26)]
)
def test_ten_to_twenty_five_tasks_in_all(tasks: list[int], count: int) -> None:
    assert said(of(tasks), "P104") == ([f"the plan has {count} tasks, not 10 to 25"] if count else [])


def test_a_checkbox_below_a_task_is_no_task_unless_it_has_an_id() -> None:
    plain, named = "\n  - [ ] a step", "\n  - [ ] [P1-T9] a task in the wrong place | deliverable: b.md | done-when: x"
    first = "- [ ] [P1-T1] Look | deliverable: a.md | done-when: it is there"
    assert said(of([6, 3, 3, 3]).replace(first, first + plain, 1), "P103") == []
    assert said(of([6, 3, 3, 3]).replace(first, first + named, 1), "P103") == ["phase 1 has 7 tasks, not 2 to 6"]
    assert said(of([3, 2, 2, 2]).replace(first, first + plain, 1), "P104") == ["the plan has 9 tasks, not 10 to 25"]
    assert said(of([3, 2, 2, 2]).replace(first, first + named, 1), "P104") == []


def test_phases_are_numbered_once_and_go_on_from_what_they_say() -> None:
    assert complaints(of([2] * 4).replace("## Phase 3", "## Phase 2"), "P102") == [
        (11, "phase 2 stands twice"),
        (15, "phase 4 stands where phase 3 is expected"),
    ]
    assert said(of([2] * 5).replace("## Phase 3", "## Phase 8").replace("## Phase 4", "## Phase 9"), "P102") == [
        "phase 8 stands where phase 3 is expected",
        "phase 5 stands where phase 10 is expected",
    ]
    assert said(of([2] * 4).replace("## Phase 2", "## Phase two"), "P102") == [
        "the phase's number is not written in digits"
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", (1, "the plan starts empty, not with `# Tasks`")),
        ("\n\n", (1, "the plan starts empty, not with `# Tasks`")),
        ("<!-- note -->\n\nhello\n", (3, "the plan starts with `hello`, not with `# Tasks`")),
        ("\n## Tasks\n", (2, "the plan starts with `## Tasks`, not with `# Tasks`")),
        ("# My plan\n", (1, "the plan starts with `# My plan`, not with `# Tasks`")),
    ],
)
def test_where_a_plan_starts(text: str, found: tuple[int, str]) -> None:
    assert complaints(text, "P001") == [found]
    assert complaints("<!-- note -->\n\n# Tasks\n", "P001") == []


@pytest.mark.parametrize(("goal", "found"), [("", "the goal is empty"), ("TBD", 'the goal is a placeholder ("TBD")')])
def test_a_goal_says_something(goal: str, found: str) -> None:
    assert said(
        TEXT.replace("Find out whether label smoothing lowers the validation loss of the baseline.", goal), "P002"
    ) == [found]


def test_a_choice_is_open_where_it_is_said_and_not_where_it_is_shown() -> None:
    choice = "[choice: which metric]"
    here = TEXT.replace("val/loss, lower is better", choice)
    [finding] = check_plan(here, select=("P007",)).findings
    assert finding.message == 'a choice is open: "which metric"'
    assert here.splitlines()[finding.line - 1][int(finding.column or 0) - 1 :] == choice
    for shown in (f"```\n{choice}\n```", f"<!--\n{choice}\n-->", f"> {choice}", f"`{choice}`"):
        assert said(TEXT.replace("## Goal\n", f"## Goal\n\n{shown}\n"), "P007") == [], shown


@pytest.mark.parametrize("label", ["Experiment root", "The experiment-root", "Logging layout", "Layout decision"])
def test_labels_of_the_decision_where_things_go(label: str) -> None:
    assert said(TEXT.replace("Experiment root and logging layout decision", label), "P003") == []


@pytest.mark.parametrize(
    ("old", "labels", "other"),
    [
        ("Secondary diagnostics", ["Secondary diagnostic", "Diagnostics"], "Second"),
        ("Statistical checks", ["Statistical", "Statistics", "Confidence"], "Checks"),
    ],
)
def test_labels_of_the_contract(old: str, labels: list[str], other: str) -> None:
    assert [said(TEXT.replace(old, label), "P502") for label in labels] == [[]] * len(labels)
    assert said(TEXT.replace(old, other), "P502") == [
        f"`## Shared Metrics and Analytics Contract` has no entry for {old}"
    ]


@pytest.mark.parametrize(("box", "aborted"), [("[x]", True), ("[X]", True), ("[ ]", False), ("[_]", False)])
def test_an_abort_checklist_has_every_box_checked(box: str, aborted: bool) -> None:
    text = f"# Tasks\n\n- {box} {server_loop_protocol.SENTINEL}\n- [x] it is said why, as in `- [ ] x`\n"
    report = check_plan(text)
    assert report.aborted == aborted
    assert ("P901" in {f.code for f in report.findings}) != aborted
    assert not check_plan(text.replace(server_loop_protocol.SENTINEL, "else")).aborted
