"""What each factor does: which row is the hub of an ablation, and parameters that no axis holds."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from scaffold.results.tables.ablation import find_ablation_reference, find_single_changed_factor
from scaffold.results.tables.model import ResultRow
from tests.conftest import Run
from tests.results.conftest import Study

VALUES = st.sampled_from([1, 2, "a", None, True])
ROWS = st.lists(
    st.builds(
        lambda experiment, config: ResultRow(experiment=experiment, config=config, runs=(), missing=(), summaries={}),
        st.sampled_from("xy"),
        st.dictionaries(st.sampled_from("abc"), VALUES),
    ),
    max_size=10,
)


@given(ROWS)
def test_the_hub_is_the_row_that_most_others_are_one_factor_away_from(rows: list[ResultRow]) -> None:
    near = [
        sum(find_single_changed_factor(row, other) is not None for other in rows if other is not row) for row in rows
    ]
    most = max(near, default=0)
    expected = rows[near.index(most)] if most > 1 and near.count(most) == 1 else None
    assert find_ablation_reference(rows) is expected


def test_the_hub_of_a_large_search_is_found_at_once() -> None:
    rows = [
        ResultRow(experiment="x", config={f"p{k}": i // 3**k % 3 for k in range(7)}, runs=(), missing=(), summaries={})
        for i in range(2187)
    ]
    began = time.process_time()
    assert find_ablation_reference(rows) is None
    assert time.process_time() - began < 5


def test_a_parameter_that_no_float_holds_is_a_word(run: Run, study: Study) -> None:
    for value in (1, 2, 10**400):
        for seed in (1, 2):
            study.add("x", seed, {"id": value}, {"acc": value % 7 + seed / 10}, name=f"x-{value % 7}-{seed:08x}")
    for words in (
        ("results", "sensitivity", "id"),
        ("report", "--md"),
        ("runs", "cite", "2.1"),
        ("results", "ablation", "--reference", "id=1"),
    ):
        assert run(*words, "--workdir", study.root).exit_code == 0, words
