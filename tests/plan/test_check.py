"""Every plan below tests/plans gives exactly the findings that it states."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from scaffold.plan.document import server_loop_protocol
from scaffold.plan.document.parse import parse_plan
from scaffold.plan.rules.check import check_plan, list_plan_rules
from scaffold.plan.tasks import progress
from tests.plan.cases import BAD, GOOD, read


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_plans_give_the_findings_that_they_state(path: Path) -> None:
    case = read(path)
    found = check_plan(case.text, context=case.context).findings
    assert sorted((f.line, f.code) for f in found) == case.expected, [f"{f.line} {f.code} {f.message}" for f in found]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_plans_give_none(path: Path) -> None:
    case = read(path)
    assert case.expected == []
    found = check_plan(case.text, context=case.context).findings
    assert not found, [f"{f.line} {f.code} {f.message}" for f in found]


CODES = (
    *(
        "P001",
        "P002",
        "P003",
        "P007",
        "P101",
        "P102",
        "P103",
        "P104",
        "P201",
        "P202",
        "P203",
        "P204",
        "P205",
        "P206",
        "P207",
        "P208",
    ),
    *(
        "P301",
        "P302",
        "P303",
        "P401",
        "P402",
        "P403",
        "P404",
        "P501",
        "P502",
        "P601",
        "P602",
        "P603",
        "P604",
        "P605",
        "P606",
        "P607",
        "P608",
        "P609",
        "P610",
        "P901",
    ),
)
WARNINGS = {"P007", "P104", "P207", "P303", "P604", "P605", "P606", "P607", "P608", "P610"}


def test_the_rules_are_those_of_the_contract() -> None:
    assert tuple(rule.code for rule in list_plan_rules()) == CODES
    assert {rule.code for rule in list_plan_rules() if rule.warning} == WARNINGS


def test_every_rule_is_broken_in_at_least_three_plans() -> None:
    files = Counter(code for path in BAD for code in {code for _, code in read(path).expected})
    rare = {rule.code: files[rule.code] for rule in list_plan_rules() if files[rule.code] < 3}
    assert not rare


@pytest.mark.parametrize("path", [*GOOD, *BAD], ids=lambda path: path.stem)
def test_findings_come_in_reading_order_and_are_the_same_again(path: Path) -> None:
    case = read(path)
    first, second = (check_plan(case.text, context=case.context).findings for _ in range(2))
    assert first == second
    assert [(f.line, f.column) for f in first] == sorted((f.line, f.column) for f in first)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_the_server_takes_up_the_task_that_plan_next_names(path: Path) -> None:
    """Walk the whole plan, taking up and finishing what `plan next` names; the server's expressions agree at every step."""
    text = read(path).text
    for _ in range(100):
        plan = parse_plan(text)
        task = progress.measure_plan_progress(plan).next
        lines = text.splitlines()
        index = server_loop_protocol.current_task_index(lines)
        if task is None:
            assert index is None
            break
        assert index is not None and plan.lines[task.line - 1].text == lines[index].removeprefix("\ufeff")
        mark = "x" if task.state == "/" else "/"
        text = text[: task.mark_offset] + mark + text[task.mark_offset + 1 :]
    else:
        pytest.fail("the plan does not end")
