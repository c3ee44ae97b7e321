"""docs/plan_contract.md: its rule table is the rules', and what it shows is true."""

from __future__ import annotations

from pathlib import Path

from scaffold.plan.document.parse import parse_plan
from scaffold.plan.rules.check import check_plan, list_plan_rules
from scaffold.plan.rules.findings_output import plan_rules_markdown

PAGE = (Path(__file__).parents[2] / "docs/plan_contract.md").read_text(encoding="utf-8")


def test_the_rule_table_is_current() -> None:
    """After a change to a rule: `PYTHONPATH=. cog -P -r docs/plan_contract.md`."""
    assert f"]]] -->\n{plan_rules_markdown(list_plan_rules())}\n<!-- [[[end]]] -->" in PAGE


def test_the_shape_that_it_shows_breaks_no_rule_of_lines_or_sections() -> None:
    shape = PAGE.split("## Shape\n\n")[1].split("## A task line")[0]
    text = "\n".join(line.removeprefix("    ") for line in shape.splitlines())
    assert [task.id for task in parse_plan(text).tasks] == ["P1-T1", "P1-T2"]
    assert not check_plan(text, select=["P00", "P2", "P3", "P502"]).findings


def test_every_rule_shows_a_wrong_and_a_right_line() -> None:
    for rule in list_plan_rules():
        assert rule.wrong and rule.right and rule.wrong != rule.right, rule.code
