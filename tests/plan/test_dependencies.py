"""What is said of dependencies that go in a circle, or that came too early."""

from __future__ import annotations

from scaffold.plan.rules.check import check_plan


def found(*tasks: str) -> list[str]:
    """Messages about tasks, each `MARK DEPENDS`, in one phase."""
    lines = [
        f"- [{t[0]}] [P1-T{n}] Read | depends: {t[2:] or 'none'} | deliverable: a.md | done-when: a.md names it"
        for n, t in enumerate(tasks, start=1)
    ]
    text = "# Tasks\n\n## Phase 1 - Reading\n\n" + "\n".join(lines) + "\n"
    return [f.message for f in check_plan(text, select=("P302", "P303")).findings]


def test_a_circle_is_told_without_the_dead_ends_beside_it() -> None:
    circle = "tasks depend on each other in a circle: P1-T1 -> P1-T3 -> P1-T1"
    assert found("  P1-T2, P1-T3", "  ", "  P1-T1") == [circle]
    assert found("  P1-T3", "  ", "  P1-T2, P1-T1") == [circle]


def test_a_task_that_depends_on_itself_is_told_once() -> None:
    assert found("/ P1-T1") == ["task P1-T1 depends on itself"]


def test_what_was_begun_too_early_is_told_with_its_state() -> None:
    late = "and P1-T1, on which it depends, is not done"
    assert found("  ", "x P1-T1") == [f"task P1-T2 is done, {late}"]
    assert found("/ ", "/ P1-T1") == [f"task P1-T2 is in progress, {late}"]
    assert found("x ", "x P1-T1", "/ P1-T2") == []
