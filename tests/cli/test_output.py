"""How an answer is written: JSON as the standard has it, short, and cut where it is long."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffold.cli.common import output
from tests.conftest import Run

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=5))
def test_what_is_written_is_what_was_meant_on_lines_that_can_be_read(answer: dict[str, object]) -> None:
    text = output.format_json(answer, None)
    assert json.loads(text) == {"version": 1, **answer}
    for line in text.splitlines():
        assert len(line) <= output.MAX_LINE + 80 or not line.rstrip(",").endswith(("]", "}"))


def test_numbers_that_json_has_not_are_texts() -> None:
    found = output.format_json({"metrics": {"loss": math.nan}, "spread": [math.inf, (-math.inf, 1.0)]}, None)
    assert json.loads(found, parse_constant=pytest.fail) == {
        "version": 1, "metrics": {"loss": "NaN"}, "spread": ["Infinity", ["-Infinity", 1.0]],
    }  # fmt: skip


def test_bytes_of_a_name_that_are_no_utf_8_come_back() -> None:
    text = output.format_json({"path": "caf\udce9"}, None)
    assert text.isascii() and json.loads(text)["path"] == "caf\udce9"


@pytest.mark.parametrize(("limit", "kept", "left"), [(2, [0, 1], 3), (5, [0, 1, 2, 3, 4], 0), (0, [0, 1, 2, 3, 4], 0)])
def test_few(limit: int, kept: list[int], left: int, capsys: pytest.CaptureFixture[str]) -> None:
    limited = output.LimitedLists(limit)
    assert limited(iter(range(5))) == kept and limited("ab") == ["a", "b"]
    assert json.loads(output.format_json({}, limited)) == {"version": 1, "left_out": left}
    limited.report_left_out()
    assert capsys.readouterr() == ("", f"{left} more left out: --limit 0 shows all\n" if left else "")


def test_a_long_list_is_cut_for_people_and_for_agents_alike(run: Run) -> None:
    words = ("plan", "rules", "--limit", str(output.DEFAULT_LIMIT))
    table, answer = run(*words), run(*words, "--json")
    left_out = len(run("plan", "rules", "--limit", "0").stdout.splitlines()) - output.DEFAULT_LIMIT
    assert left_out > 10 and f"{left_out} more left out" in table.stderr
    assert len(table.stdout.splitlines()) == output.DEFAULT_LIMIT
    found = json.loads(answer.stdout)
    assert (len(found["rules"]), found["left_out"]) == (output.DEFAULT_LIMIT, left_out)


@pytest.mark.parametrize(
    "entries", [[{"n": n, "values": list(range(30))} for n in range(1200)], [{"text": "x" * 2000}] * 60]
)
def test_an_answer_that_is_for_programs_has_an_entry_a_line(entries: list[dict[str, object]]) -> None:
    text = output.format_json({"rows": entries, "spread": math.inf}, None)
    assert json.loads(text) == {"version": 1, "rows": entries, "spread": "Infinity"}
    lines = text.splitlines()
    assert len(lines) == len(entries) + 6
    assert all(line.startswith("  {") for line in lines[3 : 3 + len(entries)])
