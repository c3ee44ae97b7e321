"""Metrics that only the research server has: asked for when told to, one tracked run at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Run
from tests.results.conftest import Study
from tests.stand_in import StandIn


def tracked(study: Study, stand_in: StandIn, seed: int, series: dict[str, list[float]], url: str | None = None) -> str:
    """Record a run without metrics that the server tracked, and what it logged there; the server's id."""
    run_id: str = stand_in.state.create_run({"name": f"r{seed}", "command": "true"})[1]["id"]
    name = study.add("train", seed)
    path = study.root / "exp" / "metadata" / f"{name}.json"
    manifest = json.loads(path.read_text())
    manifest["tracking"].update(server_url=stand_in.url if url is None else url, run_id=run_id)
    path.write_text(json.dumps(manifest))
    rows = {key: [{"step": step, "value": value} for step, value in enumerate(one)] for key, one in series.items()}
    stand_in.state.metrics[run_id] = {"metricSeries": rows, "metricKeys": list(rows), "metrics": {"accuracy": 9000}}
    return run_id


def results(run: Run, study: Study, *args: str) -> Any:
    return run("results", *args, "--workdir", study.root)


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch, stand_in: StandIn) -> None:
    monkeypatch.setenv("RESEARCH_AGENT_SERVER_URL", stand_in.url)


def test_the_servers_series_count_when_it_is_asked(run: Run, study: Study, stand_in: StandIn) -> None:
    ids = [tracked(study, stand_in, seed, {"acc": [0.1, 0.8 + seed / 100]}) for seed in (1, 2, 3)]
    study.add("train", 4, metrics={"acc": 0.84})
    assert json.loads(results(run, study, "--json").stdout)["rows"][0]["summaries"]["acc"]["n"] == 1
    assert stand_in.requests == [], "nobody asks unasked"
    summary = json.loads(results(run, study, "--server", "--json").stdout)["rows"][0]["summaries"]["acc"]
    assert summary["n"] == 4 and summary["mean"] == pytest.approx((0.81 + 0.82 + 0.83 + 0.84) / 4)
    assert sorted(one.target for one in stand_in.requests) == sorted(f"/runs/{run_id}/metrics" for run_id in ids)


def test_a_server_that_was_restarted_knows_nothing_and_that_is_said(run: Run, study: Study, stand_in: StandIn) -> None:
    tracked(study, stand_in, 1, {"acc": [0.5]})
    stand_in.restart()
    done = results(run, study, "--server")
    assert done.exit_code == 0 and "no longer knows 1 of the runs" in done.stderr
    assert "no metrics" in done.stderr


def test_runs_of_another_server_are_not_asked_for(run: Run, study: Study, stand_in: StandIn) -> None:
    tracked(study, stand_in, 1, {"acc": [0.5]}, url="http://127.0.0.1:1")
    assert results(run, study, "--server").exit_code == 0
    assert stand_in.requests == []


def test_a_server_that_is_down_is_an_error(run: Run, study: Study, stand_in: StandIn) -> None:
    tracked(study, stand_in, 1, {"acc": [0.5]})
    stand_in.down()
    done = results(run, study, "--server")
    assert done.exit_code == 1 and "no connection" in done.stderr


def test_without_a_server_the_option_says_how_to_name_one(
    run: Run, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RESEARCH_AGENT_SERVER_URL")
    done = results(run, study, "--server")
    assert done.exit_code == 1 and "no research server is named" in done.stderr
