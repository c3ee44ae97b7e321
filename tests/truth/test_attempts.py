"""Which attempts count: the first of a seed, each without one; never a smoke test, a rerun, or what was withdrawn."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffold.results.tables.model import ResultTable
from scaffold.workspace import Workspace
from tests.conftest import Run as RunCommand
from tests.results.conftest import Study
from tests.truth.made_runs import make_manifest, make_run, make_workspace, row_values, summarized, table_of

SEEDED, SEEDLESS = "python train.py --lr 1 --seed 1", "python train.py --lr 1"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("attempts"))


def attempts(workspace: Workspace, command: str, *tries: dict[str, Any]) -> ResultTable:
    """The table of a run's attempts; each says `acc`, its status, or other fields of its manifest."""
    manifests = []
    for number, given_ in enumerate(tries, start=1):
        fields = dict(given_)
        metrics = {"acc": fields.pop("acc")} if "acc" in fields else fields.pop("metrics", {"other": 1})
        manifests.append(make_manifest(command, attempt=number, started=number, metrics=metrics, **fields))
    table = table_of(workspace, [make_run(manifest) for manifest in manifests])
    assert summarized(workspace, manifests) == row_values(table), "the workspace's own script makes the same rows"
    return table


FAILED = {"status": "failed", "exit": {"code": 1, "signal": None}}


@pytest.mark.parametrize(
    ("command", "tries", "values"),
    [
        (SEEDED, [{"acc": 1.0}, {"acc": 2.0}], [1.0]),
        (SEEDED, [{**FAILED, "acc": 1.0}, {"acc": 2.0}, {"acc": 3.0}], [2.0]),
        (SEEDED, [{"acc": 1.0}, FAILED], [1.0]),
        (SEEDED, [{"acc": 1.0}, {"acc": 2.0, "purpose": "rerun"}], [1.0]),
        (SEEDED, [{"acc": 1.0, "purpose": "smoke"}, {"acc": 2.0}], [2.0]),
        (SEEDLESS, [{"acc": 1.0}, {"acc": 2.0}, {"acc": 3.0}], [1.0, 2.0, 3.0]),
        (SEEDLESS, [{"acc": 1.0}, FAILED, {"acc": 3.0}], [1.0, 3.0]),
        (SEEDLESS, [{"acc": 1.0}, {"acc": 2.0, "purpose": "rerun"}, {"acc": 3.0}], [1.0, 3.0]),
        (SEEDLESS, [{"acc": 1.0}, {"acc": 2.0, "purpose": "smoke"}], [1.0]),
    ],
)
def test_which_attempts_count(
    workspace: Workspace, command: str, tries: list[dict[str, Any]], values: list[float]
) -> None:
    (row,) = attempts(workspace, command, *tries).rows
    assert [value for _, value in row.seed_values("acc")] == values


def test_a_check_that_differs_is_told_with_its_size(workspace: Workspace) -> None:
    (row,) = attempts(workspace, SEEDED, {"acc": 0.5}, {"acc": 0.75, "purpose": "rerun"}).rows
    assert "not deterministic: seed 1" in row.warnings[0] and "0.25 apart" in row.warnings[0]
    (row,) = attempts(workspace, SEEDED, {"acc": 0.5}, {"acc": 0.5, "purpose": "rerun"}).rows
    assert row.warnings == ()


NUMBERS = st.lists(st.floats(0, 1), min_size=1, max_size=3)


@settings(max_examples=15)
@given(
    seeds=NUMBERS,
    more=st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["run", "rerun", "smoke"]), st.floats(0, 1))),
)
def test_what_runs_again_changes_no_number(
    workspace: Workspace, seeds: list[float], more: list[tuple[int, str, float]]
) -> None:
    def table(extra: list[tuple[int, str, float]]) -> list[Any]:
        manifests = [
            make_manifest(f"python train.py --seed {seed}", metrics={"acc": value}, started=seed)
            for seed, value in enumerate(seeds, start=1)
        ]
        for number, (seed, purpose, value) in enumerate(extra, start=2):
            command = f"python train.py --seed {min(seed, len(seeds))}"
            manifests.append(
                make_manifest(command, metrics={"acc": value}, attempt=number, started=100 + number, purpose=purpose)
            )
        table = table_of(workspace, [make_run(manifest) for manifest in manifests])
        return [(row.config, row.summaries, row.missing, [m.run.label for m in row.runs]) for row in table.rows]

    assert table(more) == table([])


def withdraw(run: RunCommand, study: Study, *words: str) -> Result:
    return run("runs", "withdraw", *words, "--workdir", study.root)


def test_a_run_is_withdrawn_with_a_reason_and_back(run: RunCommand, study: Study) -> None:
    study.seeds("train", [0.5, 0.6, 0.9])
    name = study.add("train", 4, {}, {"acc": 0.12345})
    assert len(study.table().rows[0].runs) == 4
    done = withdraw(run, study, name, "--because", "trained on the test set")
    assert done.exit_code == 0 and "withdrawn: trained on the test set" in done.output
    table = study.table()
    assert len(table.rows[0].runs) == 3 and [s.reason for s in table.skipped] == ["withdrawn: trained on the test set"]
    listed = json.loads(run("runs", "list", "--json", "--workdir", study.root).stdout)["runs"]
    assert [r["withdrawn"] for r in listed if r["name"] == name] == ["trained on the test set"]
    assert "(withdrawn: trained on the test set)" in run("runs", "list", "--workdir", study.root).stdout
    assert run("runs", "cite", "0.12345", "--workdir", study.root).exit_code == 3
    assert withdraw(run, study, name, "--undo").exit_code == 0 and len(study.table().rows[0].runs) == 4


@pytest.mark.parametrize("words", [(), ("--because", ""), ("--because", "x", "--undo")])
def test_a_withdrawal_needs_a_reason(run: RunCommand, study: Study, words: tuple[str, ...]) -> None:
    name = study.add("train", 1, {}, {"acc": 0.1})
    assert withdraw(run, study, name, *words).exit_code == 2
    assert withdraw(run, study, name, "--undo").exit_code == 1
