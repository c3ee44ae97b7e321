"""What `scaffold plan fix` mends, and what it leaves to a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.plan.document.fix import fix_plan
from tests.plan.cases import GOOD, read

HEAD = "## Phase 1 - a\n"


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("-[ ] [P1-T1] a", "- [ ] [P1-T1] a"),
        ("* [x]a", "* [x] [P1-T1] a"),
        ("- [] a", "- [ ] [P1-T1] a"),
        ("1.[ x ]  a", "1. [x]  [P1-T1] a"),
        ("- [X] [p1-t1] a", "- [x] [P1-T1] a"),
        ("- [ ] **[P1-T01]** a", "- [ ] [P1-T1] a"),
        ("- [ ] [P1-T1] a|deliverable:b |done-when : c", "- [ ] [P1-T1] a | deliverable: b | done-when: c"),
        (
            "- [ ] [P1-T1] a | done-when: c | x: y | deliverable: b | depends: P1-T1",
            "- [ ] [P1-T1] a | depends: P1-T1 | deliverable: b | done-when: c | x: y",
        ),
        (
            "- [ ] [P1-T1] `a|b` \\| c | done-when: http://a|deliverable:b",
            "- [ ] [P1-T1] `a|b` \\| c | done-when: http://a|deliverable:b",
        ),
        ("  - [ ] [P1-T1]   a  ", "  - [ ] [P1-T1] a"),
        ("- [ ] P1-T1 a", "- [ ] [P1-T1] a"),
        ("- [ ] P1-T1: a", "- [ ] [P1-T1] a"),
        ("- [ ] P1-T1 - a", "- [ ] [P1-T1] a"),
        ("- [ ] **P1-T1:** a", "- [ ] [P1-T1] a"),
        ("- [ ] (p1-t1) a", "- [ ] [P1-T1] a"),
        ("- [ ] `P1-T1` a", "- [ ] [P1-T1] a"),
        ("- [ ] P1-T1 and P1-T2 differ", "- [ ] [P1-T3] P1-T1 and P1-T2 differ"),
    ],
)
def test_one_line(line: str, mended: str) -> None:
    assert fix_plan(HEAD + line + "\n") == HEAD + mended + "\n"


@pytest.mark.parametrize(
    "line",
    [
        "- [~] a",
        "- [?] [P1-T1] a",
        "[ ] a",
        "| [ ] | a |",
        "\u2610 a",
        "- [ ](x) a",
        "> - [ ] a",
        "plain",
        "```\n-[ ] a\n```",
    ],
)
def test_what_a_person_has_to_decide_stays(line: str) -> None:
    assert fix_plan(HEAD + line + "\n") == HEAD + line + "\n"


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_plan_stays_but_for_capital_marks_and_the_order_of_fields(path: Path) -> None:
    text = read(path).text
    reordered = path.stem in ("kinds_as_fields", "fields_as_bullets")
    expected = fix_plan(text) if reordered else text.replace("[X]", "[x]")
    assert fix_plan(text) == expected
    assert len(fix_plan(text)) == len(text)


def numbered(*tasks: str, head: str = HEAD) -> str:
    return head + "".join(f"- [ ] {task}\n" for task in tasks)


def test_numbers_count_and_every_mention_follows() -> None:
    before = (
        numbered("[P1-T2] a", "[P1-T5] b | depends: P1-T2", "[P1-T9] c `--task P1-T9` see exp/P1-T9.md") + "see P1-T5\n"
    )
    after = (
        numbered("[P1-T1] a", "[P1-T2] b | depends: P1-T1", "[P1-T3] c `--task P1-T3` see exp/P1-T9.md") + "see P1-T2\n"
    )
    assert fix_plan(before) == after


def test_a_task_without_an_id_gets_the_number_that_is_missing_there() -> None:
    assert fix_plan(numbered("[P1-T1] a", "b", "[P1-T3] c")) == numbered("[P1-T1] a", "[P1-T2] b", "[P1-T3] c")


def test_but_none_that_something_depends_on() -> None:
    assert fix_plan(numbered("[P1-T1] a", "b", "[P1-T3] c | depends: P1-T2")) == numbered(
        "[P1-T1] a", "[P1-T4] b", "[P1-T3] c | depends: P1-T2"
    )


def test_an_id_without_brackets_is_the_tasks_own() -> None:
    """Else the tasks would be numbered in their order, and what depends on them would depend on something else."""
    assert fix_plan(numbered("P1-T2: a", "P1-T1: b", "P1-T3: c | depends: P1-T2")) == numbered(
        "[P1-T1] a", "[P1-T2] b", "[P1-T3] c | depends: P1-T1"
    )


def test_a_box_below_a_task_speaks_of_other_tasks() -> None:
    text = numbered("[P1-T1] a", "[P1-T2] gate") + "  - [ ] P1-T1 looked at\n"
    assert fix_plan(text) == text.replace("P1-T1 looked", "[P1-T3] P1-T1 looked")


def test_ids_stay_once_something_was_started() -> None:
    started = numbered("[P1-T4] a", "[P1-T7] b", "c").replace("- [ ] [P1-T7]", "- [/] [P1-T7]")
    assert fix_plan(started) == started.replace("- [ ] c", "- [ ] [P1-T8] c")


def test_ids_stay_where_a_mention_of_nothing_would_become_a_mention_of_something() -> None:
    text = numbered("[P1-T1] a", "[P1-T3] b | depends: P1-T2")
    assert fix_plan(text) == text


def test_ids_stay_where_phases_are_misnumbered() -> None:
    text = numbered("[P1-T2] a") + numbered("[P1-T4] b")
    assert fix_plan(text) == text


def test_a_wrapped_task_keeps_its_order() -> None:
    text = HEAD + "- [ ] [P1-T1] a | done-when: b | deliverable: c,\n  d | depends: P1-T1\n"
    assert fix_plan(text) == text


def test_a_task_wrapped_behind_its_separators_keeps_them() -> None:
    text = HEAD + "- [ ] [P1-T1] a |\n  deliverable: c |\n  done-when: b\n"
    assert fix_plan(text) == text
    assert fix_plan(text.replace("a |", "a|depends: P1-T2 |")) == text.replace("a |", "a | depends: P1-T2 |")


def test_line_ends_and_everything_else_stay() -> None:
    text = "\ufeff# T\r\n## Phase 1 - a\r-[ ] a\r\n\ttext \r\n"
    assert fix_plan(text) == text.replace("-[ ] a", "- [ ] [P1-T1] a")
