"""Audit of sweeps: what went past the server, what was lost, what leads nowhere, and what the server says otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scaffold.sweeps.audit import server_audit
from tests.conftest import Run
from tests.runs.conftest import MakeWorkspace, Workspace, until
from tests.stand_in import StandIn
from tests.sweeps import scenario
from tests.sweeps.scenario import Scenario, pace
from tests.sweeps.test_server_sweeps import ONE_AT_A_TIME, of


@pytest.fixture
def launched(make_workspace: MakeWorkspace, stand_in: StandIn) -> Scenario:
    """Two good runs on the server, over."""
    stand_in.execute = True
    seeds: dict[str, Any] = {"configurations": ({},), "seeds": (1, 2), "resources": ONE_AT_A_TIME}
    found = of(stand_in, scenario.make(make_workspace, name="project", **seeds))
    scheduler = found.scheduler()
    scheduler.request_runs()
    pace(scheduler)
    assert found.outcome() == found.expected()
    return found


def findings(run: Run, made: Workspace, *args: str) -> list[tuple[str, str | None, str]]:
    """What audit finds of sweeps, without what it finds of single records."""
    done = run("runs", "audit", "--workdir", made.root, "--json", *args)
    found = json.loads(done.stdout)["findings"]
    assert done.exit_code == (3 if found else 0)
    return [(f["code"], f["run"], f["message"]) for f in found if f["code"] >= "R3"]


def test_a_sweep_that_ran_on_the_server_has_no_findings(run: Run, launched: Scenario, stand_in: StandIn) -> None:
    before = len(stand_in.requests)
    assert findings(run, launched.made) == []
    assert len(stand_in.requests) == before  # nobody is asked unless that is wanted
    assert findings(run, launched.made, "--server") == []


def test_runs_past_the_server_are_found(run: Run, launched: Scenario, stand_in: StandIn) -> None:
    launched.made.record("--seed", "9", "--", "python3", "train.py")
    launched.made.record("--sweep", launched.sweep.name, "--seed", "8", "--", "python3", "train.py")
    names = {m["seed"]: m["run"]["name"] for m in launched.made.manifests()}
    found = findings(run, launched.made)
    assert [(code, name) for code, name, _ in found] == [("R305", names[8]), ("R305", names[9])]
    assert stand_in.url in found[0][2]


def test_local_runs_that_were_asked_for_by_name_are_no_finding(
    run: Run, make_workspace: MakeWorkspace, stand_in: StandIn
) -> None:
    seeds: dict[str, Any] = {"configurations": ({},), "seeds": (1,), "resources": ONE_AT_A_TIME}
    found = of(stand_in, scenario.make(make_workspace, name="project", **seeds))
    scheduler = found.scheduler()
    scheduler.request_runs(backend="local")
    pace(scheduler)
    assert {m["tracking"]["backend"] for m in found.made.manifests()} == {"local"}
    assert findings(run, found.made) == []


def test_without_a_server_nothing_can_go_past_it(run: Run, make_workspace: MakeWorkspace) -> None:
    made = make_workspace({"train.py": scenario.TRAIN})
    made.record("--seed", "9", "--", "python3", "train.py")
    assert findings(run, made) == []


def test_unknown_sweeps_and_tasks_are_found(run: Run, launched: Scenario) -> None:
    (launched.made.exp / "tasks.md").write_text("# Tasks\n\n## Phase 1 - a\n\n- [ ] [P1-T1] Try it\n")
    name = launched.runs[0].name
    for path in launched.made.paths():
        manifest = json.loads(path.read_text())
        if manifest["run"]["name"] == name:
            manifest["tracking"] |= {"sweep": "another", "task": "P9-T9"}
            path.write_text(json.dumps(manifest))
    found = findings(run, launched.made)
    assert [(code, who) for code, who, _ in found] == [("R303", name), ("R304", name)]
    assert "another" in found[0][2] and "P9-T9" in found[1][2]


def test_a_try_that_left_no_manifest_is_found(run: Run, launched: Scenario) -> None:
    name = launched.runs[0].name
    [path] = [p for p in launched.made.paths() if p.stem == name]
    path.unlink()
    for copy in launched.made.root.glob(f".git/scaffold/records/*/metadata/{path.name}"):
        copy.unlink()
    found = findings(run, launched.made)
    assert [(code, who) for code, who, _ in found] == [("R302", name)]
    assert "try 1 on server left no manifest" in found[0][2]


def test_left_over_tickets_are_found(run: Run, launched: Scenario) -> None:
    folder = scenario.launchers_of(launched)
    (folder / f"{launched.runs[0].name}.ticket").write_text("number=1\n")
    (folder / "train-s7-00000000.ticket").write_text("number=1\n")
    found = findings(run, launched.made)
    assert [(code, who) for code, who, _ in found] == [
        ("R306", launched.runs[0].name),
        ("R306", "train-s7-00000000"),
    ]


def test_a_damaged_ledger_is_a_finding_and_hides_no_other(run: Run, launched: Scenario) -> None:
    launched.scheduler().paths.ledger.write_text("{")
    launched.made.record("--seed", "9", "--", "python3", "train.py")
    found = findings(run, launched.made)
    assert "R301" in {code for code, _, _ in found} and "R305" in {code for code, _, _ in found}


def test_what_the_server_says_otherwise_is_reported(run: Run, launched: Scenario, stand_in: StandIn) -> None:
    first, second = launched.runs
    by_name = {one["name"]: one for one in stand_in.state.runs.values()}

    def seen() -> bool:
        stand_in.state.reconcile()
        return {one["status"] for one in by_name.values()} == {"finished"}

    until(seen)  # the server sees a run's end when it looks, some time after its manifest says it
    by_name[first.name].update(status="failed", exit_code=9)
    by_name[second.name].update(status="running", exit_code=None)
    sweep_id = by_name[first.name]["sweep_id"]
    stand_in.state.create_run({"name": "strange", "command": "true", "sweep_id": sweep_id})
    assert findings(run, launched.made) == []
    found = {(code, who): message for code, who, message in findings(run, launched.made, "--server")}
    assert set(found) == {("R307", first.name), ("R307", second.name), ("R307", None)}
    assert "calls it failed (exit 9), its manifest says finished" in found["R307", first.name]
    assert "calls it running, its manifest says finished" in found["R307", second.name]
    assert "strange" in found["R307", None]


def test_what_a_restarted_server_forgot_is_one_finding_unless_the_files_are_whole(
    run: Run, launched: Scenario, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in.restart()
    assert findings(run, launched.made, "--server") == []
    done = run("runs", "audit", "--workdir", launched.made.root, "--server")
    assert done.exit_code == 0 and "with its 2 runs" in done.stderr and "is whole here" in done.stderr
    monkeypatch.setattr(server_audit, "_has_ended", lambda sweep, name: False)
    found = findings(run, launched.made, "--server")
    assert [message for code, who, message in found if (code, who) == ("R307", None) and "with its 2 runs" in message]


def test_the_log_of_a_run_that_a_restarted_server_forgot_is_the_local_one(
    run: Run, launched: Scenario, stand_in: StandIn
) -> None:
    name = launched.runs[0].name
    manifest = next(m for m in launched.made.manifests() if m["run"]["name"] == name)
    (launched.made.root / manifest["paths"]["stdout"]).write_text("kept here\n")
    stand_in.restart()
    for word in (name, manifest["tracking"]["run_id"]):
        done = run("server", "logs", word, "--workdir", launched.made.root)
        assert done.exit_code == 0 and done.stdout == "kept here\n"
        assert "this is what its recorder kept here" in done.stderr
    assert run("server", "logs", "nobody", "--workdir", launched.made.root).exit_code == 1


def test_what_the_plan_has_done_outside_the_server_is_not_past_it(run: Run, launched: Scenario) -> None:
    first = launched.runs[0]
    launched.made.record("--seed", "9", "--", "python3", "train.py", "--help")
    assert run("runs", "rerun", first.name, "--workdir", launched.made.root).exit_code in (0, 3)
    assert len(launched.made.manifests()) == 4
    assert "R305" not in {code for code, _, _ in findings(run, launched.made)}


def test_a_server_that_is_down_is_an_error_of_one_line(run: Run, launched: Scenario, stand_in: StandIn) -> None:
    stand_in.down()
    done = run("runs", "audit", "--workdir", launched.made.root, "--server")
    assert done.exit_code == 1 and "no connection" in done.stderr
    assert findings(run, launched.made) == []


def test_the_smoke_sweep_of_a_sweep_is_known(run: Run, launched: Scenario) -> None:
    launched.made.record("--sweep", f"{launched.sweep.name}-smoke", "--seed", "9", "--", "python3", "train.py")
    assert {code for code, _, _ in findings(run, launched.made)} == {"R305"}


def test_the_try_of_the_recorder_that_the_plan_asks_for_is_not_past_the_server(run: Run, launched: Scenario) -> None:
    launched.made.record("--experiment", "smoke", "--seed", "1", "--", "python3", "--version")
    assert {code for code, _, _ in findings(run, launched.made)} == set()
    launched.made.record("--experiment", "main", "--seed", "1", "--", "python3", "--version")
    assert {code for code, _, _ in findings(run, launched.made)} == {"R305"}
