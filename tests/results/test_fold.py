"""Runs -> a table: what is folded, what counts, what is missing, what is best."""

from __future__ import annotations

import math
import random

import pytest

from scaffold.observations.model import MeasuredRun, MetricValue
from scaffold.results.stats.summary import summarize_seed_values
from scaffold.results.tables.best_row import find_best_row
from scaffold.results.tables.model import ResultRow
from tests.results.conftest import MakeStudy, Study
from tests.results.test_run_filter import RUN


def test_seeds_of_a_configuration_are_one_row(study: Study) -> None:
    study.seeds("train", [0.90, 0.92, 0.94], lr=0.1)
    study.seeds("train", [0.80, 0.81, 0.85], lr=0.01)
    table = study.table()
    assert table.by == ("lr",) and table.metrics == ("acc",) and table.directions == {"acc": "maximize"}
    assert [row.config for row in table.rows] == [{"lr": 0.01}, {"lr": 0.1}]
    summary = table.rows[1].summaries["acc"]
    assert summary is not None and summary.n == 3
    # scipy 1.17: t.interval(0.95, 2, loc=0.92, scale=0.02 / sqrt(3))
    assert summary.mean == pytest.approx(0.92) and summary.sd == pytest.approx(0.02)
    assert (summary.low, summary.high) == pytest.approx((0.870317246, 0.969682754), abs=1e-9)
    assert (summary.minimum, summary.maximum) == (0.90, 0.94)


def test_one_run_has_no_interval(study: Study) -> None:
    study.add(seed=1, metrics={"acc": 0.5})
    (row,) = study.table().rows
    assert row.summaries["acc"] == (1, 0.5, None, None, None, 0.5, 0.5, 0)


def test_no_runs_is_an_empty_table(study: Study) -> None:
    table = study.table()
    assert table.rows == () and table.metrics == () and table.best == {}


def test_a_crashed_run_is_missing_never_0(study: Study) -> None:
    study.seeds("train", [0.9, 0.92], lr=0.1)
    study.add("train", 3, {"lr": 0.1}, {"acc": 0.0}, status="failed")
    study.add("train", 1, {"lr": 0.2}, status="terminated")
    study.add("train", 2, {"lr": 0.2}, status="lost")
    study.add("train", 3, {"lr": 0.2}, {"acc": 0.99}, status="running")
    crashed, none = study.table().rows
    assert crashed.summaries["acc"] is not None and crashed.summaries["acc"].n == 2
    assert [s.reason for s in crashed.missing] == ["failed, exit 3"]
    assert none.summaries["acc"] is None
    assert [s.reason for s in none.missing] == ["terminated by SIGTERM", "lost", "running"]


def test_nan_and_infinity_are_counted_and_left_out(study: Study) -> None:
    for seed, value in enumerate([0.5, 0.7, "nan", "inf"], start=1):
        study.add("train", seed, {"lr": 1}, {"loss": value})
    study.seeds("train", [1.5, 1.7, 1.6], "loss", lr=2)
    table = study.table()
    summary = table.rows[0].summaries["loss"]
    assert summary is not None and (summary.n, summary.not_finite) == (2, 2)
    assert summary.mean == pytest.approx(0.6) and summary.maximum == 0.7
    assert [v for _, v in table.rows[0].seed_values("loss")][3] == math.inf
    assert table.best == {}, "a configuration that diverges is never best"


def test_the_first_attempt_that_finished_counts(study: Study) -> None:
    name = study.add(seed=1, metrics={"acc": 0.3}, status="failed")
    study.add(seed=1, metrics={"acc": 0.1}, attempt=2, name=name)
    study.add(seed=1, metrics={"acc": 0.2}, attempt=3, name=name)
    table = study.table()
    (row,) = table.rows
    assert row.summaries["acc"] is not None and row.summaries["acc"].mean == 0.1
    assert sorted(s.reason for s in table.skipped) == [f"another attempt counts: {name}.2"] * 2
    assert row.missing == ()
    assert row.warnings == (
        "not deterministic: seed 1 ran again and did not give the same acc, up to 0.1 apart "
        f"(0.1, then 0.2 in {name}.3); the first counts",
    )


def test_the_same_seed_twice_is_one_sample(study: Study) -> None:
    study.seeds("train", [0.5, 0.6], lr=0.1)
    study.add("train", 2, {"lr": 0.1}, {"acc": 0.8})
    table = study.table()
    (row,) = table.rows
    assert [v for _, v in row.seed_values("acc")] == [0.5, 0.6]
    assert "seed 2 ran more than once" in row.warnings[0] and "not deterministic: seed 2" in row.warnings[1]
    assert "seed 2 again" in table.skipped[0].reason
    study.add("train", 3, {"lr": 0.1}, {"acc": 0.8}, code="d")
    table = study.table()
    assert [row.config for row in table.rows] == [
        {"lr": 0.1, "code": "aaaaaaa"}
    ] * 2 and "--ignore code" in table.warnings[0]
    (row,) = study.table(ignore=("code",)).rows
    assert len(row.runs) == 3 and "2 states of the code" in row.warnings[2]


def test_a_run_that_failed_and_was_done_again_is_not_missing(study: Study) -> None:
    study.add("train", 1, {"lr": 0.1}, status="failed", code="b")
    study.add("train", 1, {"lr": 0.1}, {"acc": 0.8})
    (row,) = study.table().rows
    assert row.missing == () and len(row.runs) == 1


def test_runs_without_a_seed_count_each_with_a_warning(study: Study) -> None:
    study.add(metrics={"acc": 0.5})
    study.add(metrics={"acc": 0.6})
    (row,) = study.table().rows
    assert row.summaries["acc"] is not None and row.summaries["acc"].n == 2
    assert row.warnings == ("2 of its 2 runs have no seed: nothing says that they are independent",)


def test_values_that_differ_in_type_only_are_one_configuration(study: Study) -> None:
    for seed, value in enumerate([1, 1.0, "1", 1e0], start=1):
        study.add("train", seed, {"lr": value}, {"acc": 0.5})
    study.add("train", 1, {"lr": True}, {"acc": 0.5})
    rows = study.table().rows
    assert [(row.config["lr"], len(row.runs)) for row in rows] == [(1, 4), (True, 1)]


def test_by_folds_what_it_does_not_name(study: Study) -> None:
    study.seeds("train", [0.5, 0.6], lr=0.1, width=1)
    study.seeds("train", [0.7, 0.8], lr=0.1, width=2)
    (row,) = study.table(by=["lr"]).rows
    assert row.config == {"lr": 0.1} and len(row.runs) == 4
    assert "it folds 2 configurations" in row.warnings[0]


def test_a_path_in_the_parameters_is_pointed_out_and_can_be_ignored(study: Study) -> None:
    for seed in (1, 2, 3):
        study.add("train", seed, {"cache": f"runs/{seed}", "lr": 0.1}, {"acc": 0.5 + seed / 100})
    assert "--ignore cache" in study.table().warnings[0]
    (row,) = study.table(ignore=("cache",)).rows
    assert len(row.runs) == 3


def test_rows_have_a_fixed_order_numbers_by_size(study: Study) -> None:
    for lr in (10, 0.5, "auto", 2):
        study.add("b", 1, {"lr": lr}, {"acc": 0.5})
    study.add("a", 1, {}, {"acc": 0.5})
    assert [row.config.get("lr") for row in study.table().rows] == [None, 0.5, 2, 10, "auto"]


def test_the_best_is_marked_only_where_it_can_be_told(study: Study) -> None:
    study.seeds("train", [0.90, 0.91, 0.92], lr=0.1)
    study.seeds("train", [0.80, 0.81, 0.82], lr=0.2)
    assert study.table().best == {"acc": 0}
    study.seeds("train", [0.85, 0.95, 0.90], lr=0.3)
    assert study.table().best == {}


def test_lower_is_better_for_a_loss_and_as_the_workspace_says(make_study: MakeStudy) -> None:
    study = make_study("primary_metric: gap\nmetric_direction: minimize\n")
    for lr, base in ((0.1, 0.3), (0.2, 0.5)):
        for seed in (1, 2, 3):
            value = base + seed / 100
            study.add("train", seed, {"lr": lr}, {"gap": value, "val_loss": value, "acc": value, "thing": value})
    table = study.table()
    assert table.metrics == ("gap", "acc", "thing", "val_loss"), "the primary metric comes first"
    assert table.directions == {"gap": "minimize", "val_loss": "minimize", "acc": "maximize"}
    assert table.best == {"gap": 0, "val_loss": 0, "acc": 1}


def test_the_primary_metric_is_looked_for_in_files(make_study: MakeStudy) -> None:
    study = make_study("primary_metric: val/acc\nmetric_direction: maximize\n")
    study.add(
        "train",
        1,
        {},
        {"loss": 0.5},
        files={"metrics.jsonl": '{"step": 1, "val/acc": 0.4}\n{"step": 2, "loss": 0.5}\n'},
    )
    assert study.table().metrics == ("val/acc", "loss")


def test_a_secret_in_a_tracker_s_config_stays_one(study: Study) -> None:
    config = "api_key:\n  value: sk-aaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
    study.add("train", 1, {}, {"acc": 1.0}, files={"wandb/run-1-a/files/config.yaml": config})
    assert study.table(by=["api_key"], params=("api_key",)).rows[0].config == {"api_key": "***"}


@pytest.mark.long
@pytest.mark.parametrize(("configurations", "seeds"), [(2, 3), (5, 3), (5, 5)])
def test_of_equal_configurations_none_is_best_in_95_of_100_tables(configurations: int, seeds: int) -> None:
    draw, rounds, marked = random.Random(configurations * seeds), 2000, 0
    for _ in range(rounds):
        rows = []
        for index in range(configurations):
            runs = tuple(
                MeasuredRun(run=RUN._replace(seed=seed), values={"acc": MetricValue(draw.gauss(0.9, 0.01), "x")})
                for seed in range(seeds)
            )
            summary = summarize_seed_values([m.values["acc"].value for m in runs])
            rows.append(
                ResultRow(experiment="e", config={"lr": index}, runs=runs, missing=(), summaries={"acc": summary})
            )
        marked += find_best_row(rows, "acc", "maximize") is not None
    assert marked / rounds <= 0.06


def test_a_metric_under_two_names_is_one(study: Study) -> None:
    study.add("train", 1, {}, {"val_acc": 0.5})
    study.add("train", 2, {}, {"val/acc": 0.6})
    study.add("train", 3, {}, {"val_acc": 0.7})
    table = study.table()
    assert table.metrics == ("val_acc",)
    assert table.rows[0].summaries["val_acc"] is not None and table.rows[0].summaries["val_acc"].n == 3
    assert table.notes == ("val/acc is read as val_acc: they differ in spelling only",)
    study.add("train", 4, {}, {"val_acc": 0.7, "val/acc": 0.2})
    assert study.table().metrics == ("val/acc", "val_acc"), "one run that has both says that they are two"


def test_huge_and_equal_values(study: Study) -> None:
    for seed, value in enumerate([1e308, 1.5e308, 1.7e308], start=1):
        study.add("train", seed, {"lr": 1}, {"loss": value, "tiny": value * 1e-320 * 1e-290, "same": 0.1})
    (row,) = study.table().rows
    loss, same = row.summaries["loss"], row.summaries["same"]
    assert loss is not None and loss.mean == pytest.approx(1.4e308) and loss.sd == pytest.approx(0.3605551275463989e308)
    assert same is not None and same[1:5] == (0.1, 0.0, 0.1, 0.1)


def test_the_index_keeps_nothing_that_is_not_so_any_more(study: Study) -> None:
    name = study.add(seed=1, files={"metrics.jsonl": '{"step": 1, "acc": 0.5}\n'})
    assert study.table().rows[0].seed_values("acc") == [(1, 0.5)]
    (study.root / f"exp/outputs/{name}/metrics.jsonl").write_text('{"step": 1, "acc": 0.5}\n{"step": 2, "acc": 0.75}\n')
    assert study.table().rows[0].seed_values("acc") == [(1, 0.75)]
    assert study.table().rows[0].seed_values("acc") == [(1, 0.75)]


def test_a_smoke_run_is_no_result_unless_it_is_asked_for(study: Study) -> None:
    study.add("train", 1, {"lr": 0.1}, {"acc": 0.9}, sweep="grid")
    study.add("train", 1, {"lr": 0.1, "smoke": True}, {"acc": 0.1}, sweep="grid-smoke")
    table = study.table()
    assert [(row.config, row.summaries["acc"].n) for row in table.rows if row.summaries["acc"]] == [({"lr": 0.1}, 1)]
    assert [s.reason for s in table.skipped] == ["a smoke run"]
    (tried,) = study.table(sweep="grid-smoke").rows
    assert tried.summaries["acc"] is not None and tried.summaries["acc"].mean == 0.1


def test_a_parameter_called_smoke_is_the_users_own(study: Study) -> None:
    study.add("train", 1, {"smoke": True}, {"acc": 0.9}, sweep="grid")
    study.add("train", 1, {"smoke": False}, {"acc": 0.8}, sweep="grid")
    assert len(study.table().rows) == 2
