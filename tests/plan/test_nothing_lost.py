"""No task is lost and none is done by accident: tables, HTML, ids that stand elsewhere, boxes that nobody meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.plan.document.field_values import dependency_ids
from scaffold.plan.document.fix import fix_plan
from scaffold.plan.document.parse import parse_plan
from scaffold.plan.rules.check import check_plan
from scaffold.plan.rules.rule import RuleContext
from scaffold.plan.tasks.done_when_parser import CommandCondition, parse_done_when
from scaffold.plan.tasks.progress import mermaid_graph, progress_json, progress_text
from tests.conftest import Run
from tests.plan.cases import FOLDER, GOOD, read

SHORT = (FOLDER / "good/short.md").read_text()


def near_misses(text: str) -> list[tuple[int, str]]:
    return [(near_miss.line, near_miss.reason) for near_miss in parse_plan(text).near_misses]


@pytest.mark.parametrize(
    "row",
    [
        "| [ ] | Train |",
        "| 1.1 | [ ] | Train |",
        "| 1.1 | Train | [ ] |",
        "| 1.1 | Train | [x] | Kim |",
        "|1.1|[ ]|Train|",
        "1.1 | [ ] | Train",
        "1.1 | Train | [ ]",
        "| 1.1 | [ ] Train the model | Kim |",
        "| 1.1 | **[ ]** | Train |",
        "| 1.1 | `[ ]` | Train |",
        "| 1.1 | - [ ] Train | Kim |",
        "| 1.1 | \\[ \\] | Train |",
        "| 1.1 | [] | Train |",
        "| 1.1 | [~] | Train |",
        "| 1.1 | \u2610 | Train |",
        "| 1.1 | \u2b1c | Train |",
        '| 1.1 | <input type="checkbox"> | Train |',
        "  | 1.1 | [ ] | Train |",
        "> | 1.1 | [ ] | Train |",
    ],
)
@pytest.mark.parametrize("heading", ["## Phase 1 - Runs", "## Status"])
def test_a_box_in_any_cell_of_a_table(row: str, heading: str) -> None:
    if row.startswith(">") and heading == "## Status":
        pytest.skip("a quote outside the phases is a quote")
    text = f"{heading}\n\n| id | state | what |\n|---|---|---|\n{row}\n"
    assert [line for line, _ in near_misses(text)] == [5], row


@pytest.mark.parametrize(
    "line",
    [
        "| 1.1 | see [x](a.md) | Train |",
        "| 1.1 | [^1] | Train |",
        "| 1.1 | [1] | Train |",
        "| 1.1 | `a[ ]` | Train |",
        "| 1.1 | list[x] | Train |",
        "The shell reads `a | [ ] | b`, and not more.",
        "|---|---|---|",
        "| P1-T1 | Train | done |",
    ],
)
def test_what_is_no_box_in_a_table(line: str) -> None:
    assert near_misses(f"## Phase 1 - Runs\n\n| id | state | what |\n|---|---|---|\n{line}\n") == []


@pytest.mark.parametrize(
    "line",
    [
        "- <input type='checkbox'> Train",
        '<li><input type="checkbox" disabled checked> Train</li>',
        "- \u2b1c Train",
        "- \U0001f532 Train",
        "<td>[ ]</td><td>Train</td>",
        "<li>[ ] Train</li>",
    ],
)
def test_a_box_in_html_or_a_symbol(line: str) -> None:
    assert [number for number, _ in near_misses(f"## Phase 1 - Runs\n\n{line}\n")] == [3]


def test_a_row_with_an_open_box_keeps_a_plan_from_being_done(run: Run, plan: Path) -> None:
    done = SHORT.replace("- [ ]", "- [x]")
    plan.write_text(f"{done}\n| id | state | what |\n|---|---|---|\n| 1.1 | [ ] | Train |\n")
    result = run("plan", "emit", "--promise", "DONE")
    assert result.exit_code == 1 and "looks like a task" in result.stderr
    assert run("plan", "next").exit_code == 3


@pytest.mark.parametrize(
    "line",
    [
        "- [ ] (rocket) [P1-T1] Train",
        "- [ ] Train, which is [P1-T1]",
        "- [ ] Train | deliverable: exp/P1-T1.md",
        "- [ ] Train (P1T1)",
        "- [ ] Train [p1_t1]",
        "- [ ] Train [P1 - T1]",
        "- [ ] Train `P1-T1`",
    ],
)
def test_an_id_that_stands_somewhere_is_given_to_no_other_task(line: str) -> None:
    text = f"## Phase 1 - Runs\n\n- [ ] Prepare\n{line}\n- [ ] [P1-T5] Compare | depends: P1-T1\n"
    fixed = fix_plan(text)
    tasks = {task.description.split()[0]: task for task in parse_plan(fixed).tasks}
    assert tasks["Prepare"].id not in ("", "P1-T1"), fixed
    assert dependency_ids(tasks["Compare"]) == ["P1-T1"] and fix_plan(fixed) == fixed


@pytest.mark.parametrize(
    "elsewhere", ["P1-T1 was dropped.", "<!-- P1-T1 -->", "```\nscaffold run --task P1-T1 -- true\n```", "> P1-T1"]
)
def test_an_id_that_a_note_speaks_of_is_not_given_out(elsewhere: str) -> None:
    fixed = fix_plan(f"## Notes\n\n{elsewhere}\n\n## Phase 1 - Runs\n\n- [ ] Prepare\n")
    assert [task.id for task in parse_plan(fixed).tasks] == ["P1-T2"]


def test_a_new_task_gets_no_id_that_stands_somewhere(run: Run, plan: Path) -> None:
    plan.write_text(SHORT.replace("## Goal", "<!-- P2-T4 was given up, P2T5 too -->\n## Goal", 1))
    used = {task.id for task in parse_plan(SHORT).tasks if task.id.startswith("P2")}
    result = run("plan", "add", "2", "Look again", "--deliverable", "exp/a.md", "--done-when", "`true`")
    assert result.exit_code == 0 and result.stdout.strip() not in {*used, "P2-T4", "P2-T5"}


def test_a_new_task_gets_no_id_of_a_task_that_was_recorded(run: Run, plan: Path, add_run: object) -> None:
    ids = sorted(task.id for task in parse_plan(SHORT).tasks if task.id.startswith("P2"))
    plan.with_name("tasks.record.json").write_text(
        f'{{"version": 1, "tasks": {{"P2-T{len(ids) + 1}": {{"started_at": "2026-01-01T00:00:00Z"}}}}}}'
    )
    add_run("old-s1", tracking={"task": f"P2-T{len(ids) + 2}"})  # type: ignore[operator]
    result = run("plan", "add", "2", "Look again", "--deliverable", "exp/a.md", "--done-when", "`true`")
    assert result.exit_code == 0 and result.stdout.strip() == f"P2-T{len(ids) + 3}"


@pytest.mark.parametrize(
    "below",
    [
        "</details>",
        "</success_criteria>",
        "</div></details>",
        "<details>",
        "<details><summary>more</summary>",
        "<div class='note'>",
        "<table>",
        "<hr/>",
        "<notes>\nfor later\n</notes>",
        '<task type="auto">',
        "---",
        "***",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "a | b\n--|--\n1 | 2",
        "  </details>",
        "  ---",
    ],
)
def test_a_block_below_a_task_is_no_part_of_it(below: str) -> None:
    text = f"## Phase 1 - Runs\n\n- [ ] [P1-T1] Train | deliverable: a.md | done-when: `false`\n{below}\n"
    (task,) = parse_plan(text).tasks
    assert parse_done_when(task.get("done-when")) == [CommandCondition(text="false")]
    (described,) = parse_plan(f"## Phase 1 - Runs\n\n- [ ] [P1-T1] Train\n{below}\n").tasks
    assert described.description == "Train"


@pytest.mark.parametrize(
    "wrapped", ["<br> and more", "<b>more</b>", "more </b> of it", "<kbd>q</kbd> ends it", "a < b"]
)
def test_a_line_with_marks_of_text_in_it_goes_on(wrapped: str) -> None:
    (task,) = parse_plan(f"## Phase 1 - Runs\n\n- [ ] [P1-T1] Train\n  {wrapped}\n").tasks
    assert task.description == f"Train {wrapped}"


def test_tasks_between_tags_are_tasks() -> None:
    text = "## Phase 1 - Runs\n<tasks>\n- [ ] [P1-T1] Train\n</tasks>\n<details>\n- [ ] [P1-T2] Compare\n</details>\n"
    assert [task.id for task in parse_plan(text).tasks] == ["P1-T1", "P1-T2"]


FENCED = "```\n- [ ] an example\n```\n"


def test_a_box_in_a_fence_blocks_only_where_a_server_would_read_it(run: Run, plan: Path, repo: Path) -> None:
    plan.write_text(f"{SHORT.replace('- [ ]', '- [x]')}\n{FENCED}")
    assert run("plan", "emit", "--promise", "DONE").exit_code == 0 and run("plan", "next").exit_code == 0
    assert run("plan", "check").exit_code == 0 and "P208" in run("plan", "check", "--server").stdout
    answers = repo / "exp/.copier-answers.scaffold.yml"
    answers.write_text(
        answers.read_text().replace("research_server_url: ''", "research_server_url: http://127.0.0.1:1")
    )
    result = run("plan", "emit", "--promise", "DONE")
    assert result.exit_code == 1 and "research server" in result.stderr
    assert run("plan", "next").exit_code == 3


def test_phase_0_is_shown_as_it_is() -> None:
    plan = parse_plan("## Phase 0 - Setup\n\n- [ ] [P0-T1] Begin\n\n## Phase 1 - Runs\n\n- [ ] [P1-T1] Train\n")
    assert "Phase 0 - Setup" in progress_text(plan) and "Phase 0 - Setup" in mermaid_graph(plan)
    findings = check_plan(plan.text, context=RuleContext()).findings
    assert next(f.message for f in findings if f.code == "P103").startswith("phase 0 has 1 task")


def test_show_counts_what_is_no_task_yet(run: Run, plan: Path) -> None:
    plan.write_text("# To do\n\n" + "".join(f"- [ ] thing {number}\n" for number in range(88)))
    shown = run("plan", "show")
    assert "0 of 0 tasks done" in shown.stdout and "88" in shown.stdout and "scaffold plan check" in shown.stdout
    assert progress_json(parse_plan(plan.read_text()))["lost"] == 88


@pytest.mark.parametrize(
    ("wrong", "codes"),
    [
        ("-[ ]", ["P208"]),
        ("- []", ["P208"]),
        ("-[]", ["P208"]),
        ("- [ ] ", []),
        ("- [x ]", ["P208"]),
        ("-  [~]", ["P205"]),
    ],
)
def test_a_box_that_is_drawn_wrong_is_one_finding(wrong: str, codes: list[str]) -> None:
    text = SHORT.replace("- [ ] [P2-T1]", f"{wrong} [P2-T1]")
    assert [finding.code for finding in check_plan(text).findings] == codes


def test_fix_keeps_every_dependency() -> None:
    for path in GOOD:
        text = read(path).text
        before, after = parse_plan(text), parse_plan(fix_plan(text))
        assert [dependency_ids(task) for task in before.tasks] == [dependency_ids(task) for task in after.tasks], path
