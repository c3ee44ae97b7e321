"""Which numbers in a text claim a result, and which do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffold.results.evidence.numbers_in_prose import find_claimed_numbers
from scaffold.results.evidence.written_number import half_unit_of_last_digit, parse_claimed_number


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("The accuracy is 0.913.", ["0.913"]),
        ("It rose from 0.90 to 0.92 (+0.02).", ["0.90", "0.92", "+0.02"]),
        ("| wide | 0.931 ± 0.004 | 91.3 % | 1.2e-3 | 12,345.5 |", ["0.931", "0.004", "91.3 %", "1.2e-3", "12,345.5"]),
        ('**0.86**, "0.87", (0.85), [0.1, 0.2]', ["0.86", "0.87", "0.85", "0.1", "0.2"]),
        ("acc=0.80, acc: 0.81 and loss = \u22120.5", ["0.80", "0.81", "\u22120.5"]),
        ("> quoted: 0.5", ["0.5"]),
        ("- an item with 99%", ["99%"]),
        ("2.5 percentage points better", ["2.5 percentage points"]),
    ],
)
def test_claims_are_found(text: str, numbers: list[str]) -> None:
    assert [claim.text for claim in find_claimed_numbers(text)] == numbers


@pytest.mark.parametrize(
    "text",
    [
        "In 2026 we ran 36 runs with 5 seeds on 2 GPUs, 1,000 steps each.",
        "Version 1.2, v2.0, Python 3.11, PyTorch 2.4, torch 2.4.1, CUDA 12.1, numpy 1.26 and template v0.2.0",
        "on 2026-01-02 at 12:30:15.250, 10.1234/zenodo.123, 192.168.0.1",
        "## 2.1 Results\n\nSee Section 3.2, Figure 1.2, Table 4.1, Eq. 2.3 and §4.2.",
        '`0.913` and ``0.5`` and <!-- 0.3 --> and https://a.b/0.4 and [text](file-0.5.csv) and ![x](a/0.6.png "0.7")',
        "```\n0.1\n```\n\n~~~\n0.2\n~~~",
        "---\nversion: 1.25\n---\n",
        "train-lr=0.1-s1-deadbeef, exp/metadata/0.5.json, P1-T1, model-0.5b, 1.5x, 0.5-shot",
        "a 95 % confidence interval, 99.9% CI, 95 %-interval, the 2.5 % quantile",
        "p = 0.031, p=0.2, p < 0.05, at least 0.9, above 0.8, more than 1.5, \u2264 0.1, alpha = 0.05",
        "took 1.5 s, 2.3 GiB, 0.5 hours, 3.5 GHz, 1.2 kWh, $0.40, 1.5 GPU-hours, 1.3B parameters",
        "50 % of the runs failed; 80% of our data",
        "python train.py --lr 0.1 --wd=0.01",
        "Theirs reach 0.99 <!-- cite: ignore because the paper says so -->",
    ],
)
def test_what_claims_no_result_is_left_alone(text: str) -> None:
    assert [claim.text for claim in find_claimed_numbers(text)] == []


def test_a_claim_has_its_place() -> None:
    (claim,) = find_claimed_numbers("# Title\n\nThe loss was 0.25 at the end.\n")
    assert (claim.line, claim.column, claim.value, claim.half) == (3, 14, 0.25, 0.005)


def test_places_survive_code_and_links_before_them() -> None:
    line = "see `a.b` and [x](y_1.5.md): 0.75"
    (claim,) = find_claimed_numbers(line)
    assert claim.column == line.index("0.75") + 1


def test_only_a_comparing_line_may_be_backed_by_a_difference() -> None:
    assert [c.compares for c in find_claimed_numbers("It is 0.02 better.\nIt is 0.02.\n| +0.02 |")] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("written", "half"), [("0.91", 0.005), ("42", 0.5), ("1.2e-3", 5e-5), ("3e2", 50.0), ("0.900", 0.0005)]
)
def test_digits_imply_a_rounding(written: str, half: float) -> None:
    assert half_unit_of_last_digit(written) == pytest.approx(half)


def test_a_number_alone_is_read() -> None:
    claim = parse_claimed_number("91.3%")
    assert claim is not None and claim.percent and claim.value == 91.3
    assert parse_claimed_number("exp/tasks.md") is None and parse_claimed_number("0.5 s") is None


@given(st.text(alphabet="0123456789.,eE%-+()[]` \n#|<>!$\\\u2212aZ", max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    for claim in find_claimed_numbers(text):
        line = text.splitlines()[claim.line - 1] if "\r" not in text else ""
        assert not line or claim.text[0] in line
