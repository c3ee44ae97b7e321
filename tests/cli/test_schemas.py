"""The schemas of answers: one for each command that answers, strict, described, with examples that hold; and the documentation of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from scaffold.cli.common import answer_schemas
from scaffold.cli.main import group
from tests import answers

ROOT = Path(__file__).parents[2]
ANSWERING = [
    words for words, command in answer_schemas.list_cli_commands(group) if answer_schemas.takes_json_option(command)
]


def objects(node: Any, where: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of an object with fields, and where it stands."""
    if isinstance(node, dict):
        if "properties" in node:
            yield where, node
        for key, value in node.items():
            if key != "examples":
                yield from objects(value, f"{where}.{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from objects(value, f"{where}[{index}]")


def test_every_command_that_answers_has_a_schema_and_every_schema_a_command() -> None:
    files = {path.name for path in answer_schemas.FOLDER.iterdir()}
    assert files == {answer_schemas.schema_path(words).name for words in ANSWERING} | {answer_schemas.SHARED_FILE}


@pytest.mark.parametrize("words", ANSWERING, ids=" ".join)
def test_a_schema_is_strict_and_described_and_whole_in_itself(words: tuple[str, ...]) -> None:
    schema = answer_schemas.build_command_answer_schema(words)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema") and schema["title"] == f"scaffold {' '.join(words)} --json"
    assert schema["description"] and "shared.schema.json" not in json.dumps(schema)
    for form in schema.get("oneOf", [schema]):
        assert form["properties"]["version"]["const"] == 1 and form["required"][0] == "version"
    for where, part in objects(schema):
        assert part["additionalProperties"] is False, where
        for name, field in part["properties"].items():
            assert field.get("description", "").endswith("."), f"{where}.{name}"
            if name.endswith(("_s", "seconds", "_at", "timestamp")):
                assert re.search(r"seconds|ISO 8601|Seconds", field["description"]), f"{where}.{name} has no unit"


@pytest.mark.parametrize("words", ANSWERING, ids=" ".join)
def test_examples_hold_one_for_each_form(words: tuple[str, ...]) -> None:
    schema = answer_schemas.read_own_schema(words)
    forms = schema.get("oneOf", [schema])
    for form, example in zip(forms, schema["examples"], strict=True):
        answers.check(words, json.dumps(example))
        assert set(form["required"]) <= set(example) <= set(form["properties"])


def test_a_list_is_bounded_where_it_can_be_long() -> None:
    bounded = {"detect", "remove", "playbook", "report", "report plots", "server status", "server events"}
    bounded |= {f"plan {verb}" for verb in ("check", "rules", "show", "verify")}
    bounded |= {f"runs {verb}" for verb in ("list", "diff", "metrics", "audit", "export", "cite", "gc", "restore")}
    bounded |= {f"sweep {verb}" for verb in ("new", "list", "show", "launch", "watch", "status", "stop", "evolve")}
    bounded |= {f"ideas {verb}" for verb in ("list", "similar", "chart")}
    bounded |= {"results", "results compare", "results ablation", "results sensitivity"}
    found = {
        " ".join(words)
        for words in ANSWERING
        if "left_out" in json.dumps(answer_schemas.read_own_schema(words)["examples"][0])
    }
    assert found - {"report"} == bounded - {"report"}
    limited = {w: p for w, c in answer_schemas.list_cli_commands(group) for p in c.params if p.name == "limit"}
    assert {" ".join(words) for words in limited} == bounded
    # the rules are a page that is read as a whole, and no list that grows
    defaults = {(tuple(p.opts), p.default) for w, p in limited.items() if tuple(w) != ("plan", "rules")}
    assert defaults == {(("--limit",), 20)}


def test_there_is_one_way_to_print_an_answer() -> None:
    for path in (ROOT / "scaffold/cli").rglob("*.py"):
        if path.name not in ("output.py", "schema.py", "answer_schemas.py"):
            assert "json.dumps" not in path.read_text(), path
    for words, command in answer_schemas.list_cli_commands(group):
        flags = [p for p in command.params if "--json" in p.opts]
        assert [p.name for p in flags] == ([] if words == ("completion",) else ["json_output"]), words


def test_the_hook_sees_a_field_that_no_schema_knows(run: Any, make_repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from scaffold.cli.common import output

    plain = output.format_json
    monkeypatch.setattr(output, "format_json", lambda answer, limited: plain({**answer, "surprise": 1}, limited))
    with pytest.raises(AssertionError, match="surprise"):
        run("detect", "--workdir", make_repo(), "--json")


def test_the_page_of_rules_points_to_what_prints_the_answers(run: Any) -> None:
    page = (ROOT / "docs/json.md").read_text()
    assert "`scaffold schema runs list`" in page and len(page.splitlines()) < 60, "the answers themselves are printed"
    printed = json.loads(run("schema", "--json").stdout)["commands"]
    assert [tuple(row["command"].split()) for row in printed] == ANSWERING
    for row in printed:
        schema = json.loads(run("schema", *row["command"].split()).stdout)
        assert schema["examples"] and schema["description"] == row["answers"]
