"""Looking at a sweep again and again: what is looked at, and that nothing is missed by what is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold.backends import start_tokens
from scaffold.runs import manifests, records
from scaffold.runs.run_reader import RunAttemptReader
from scaffold.sweeps.launch import observer
from scaffold.sweeps.launch.scheduler import Scheduler
from scaffold.workspace import load_workspace
from tests.conftest import git
from tests.runs.conftest import MakeWorkspace
from tests.sweeps.scenario import Scenario
from tests.sweeps.test_scheduler import Memory, counted, memory, plain  # noqa: F401 - a fixture

RUNS = 20


@pytest.fixture
def launched(
    make_workspace: MakeWorkspace,
    memory: Callable[..., type[Memory]],  # noqa: F811
) -> tuple[Scenario, Scheduler, type[Memory]]:
    """A sweep of which two runs are with the backend."""
    kind = memory()
    found, scheduler = plain(make_workspace, RUNS)
    scheduler.request_runs()
    scheduler.step()
    return found, scheduler, kind


def record(found: Scenario, number: int, status: str = "finished") -> None:
    """The manifest of a run, as its recorder would have left it."""
    name = found.runs[number].name
    template = next((found.made.exp / "metadata").glob("*.json"), None)
    if template is None:
        found.made.record("--experiment", "other", "--", "true")
        (template,) = (found.made.exp / "metadata").glob("*.json")
    manifest = json.loads(template.read_text())
    manifest["run"].update(name=name, uuid=f"{number}", experiment=found.sweep.experiment)
    manifest["status"] = status
    (found.made.exp / "metadata" / f"{name}.json").write_text(json.dumps(manifest))


def test_only_what_can_have_changed_is_looked_at(
    launched: tuple[Scenario, Scheduler, type[Memory]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, scheduler, kind = launched
    looked: list[str] = []
    read = start_tokens.read_start_token

    def read_token(folder: Path, name: str) -> start_tokens.StartToken | None:
        looked.append(name)
        return read(folder, name)

    monkeypatch.setattr(start_tokens, "read_start_token", read_token)
    monkeypatch.setattr(records.RecordReader, "runs", lambda self: pytest.fail("all manifests are listed"))
    scheduler.step()
    assert set(looked) == {run.name for run in found.runs[:2]}
    # one is over, and another takes its place
    record(found, 0)
    kind.jobs[next(iter(kind.jobs))] = "ended"
    looked.clear()
    assert scheduler.step().started == (found.runs[2].name,)
    assert set(looked) == {run.name for run in found.runs[:3]}


def test_what_somebody_else_ran_meanwhile_is_not_started(
    launched: tuple[Scenario, Scheduler, type[Memory]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, scheduler, kind = launched
    for number in (0, 1, 2, 5):
        record(found, number)
    kind.jobs = dict.fromkeys(kind.jobs, "ended")
    assert scheduler.step().started == (found.runs[3].name,)
    # a look at all of them sees what was not about to be started
    assert counted(scheduler.step())["finished"] == 3
    monkeypatch.setattr(observer, "WHOLE_LOOK_S", -1)
    monkeypatch.setattr(observer, "SHARE", 0)
    assert counted(scheduler.step())["finished"] == 4


def test_that_nothing_is_left_is_seen_of_everything(
    launched: tuple[Scenario, Scheduler, type[Memory]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, scheduler, kind = launched
    for number in range(RUNS):
        record(found, number)
    kind.jobs = dict.fromkeys(kind.jobs, "ended")
    snapshot = scheduler.step()
    while snapshot.outstanding:
        before, snapshot = snapshot, scheduler.step()
        assert counted(snapshot) != counted(before)
    assert counted(snapshot) == {"finished": RUNS} and len(kind.asked) == 1


def test_attempts_are_the_same_however_they_are_read(make_workspace: MakeWorkspace) -> None:
    """By name and from the list: later attempts, a claim between two, a record of the second home alone, a damaged and a lost one."""
    made = make_workspace({"train.py": "pass\n"}, workspace_id="0123abcd")
    for _ in range(4):
        made.record("--experiment", "e", "--seed", "1", "--", "true")
    first = made.manifests()[0]["run"]["name"]
    home = made.root / ".git/scaffold/records/exp@0123abcd/metadata"
    (made.exp / "metadata" / f"{first}.2.json").unlink()
    (made.exp / "metadata" / f"{first}.3.json").unlink()
    (home / f"{first}.3.json").write_bytes(b"")
    workspace = load_workspace(made.root, "exp")
    reader = RunAttemptReader(workspace, "e")

    def both() -> list[list[tuple[int, str, bool]]]:
        listed = sorted(records.read_records(workspace).runs, key=lambda run: run.attempt)
        return [
            [(run.attempt, run.status, run.only_in_home) for run in runs if run.name == first]
            for runs in (listed, reader.read(first, ()))
        ]

    listed, read = both()
    assert listed == read == [(1, "finished", False), (2, "finished", True), (4, "finished", False)]
    manifest = manifests.read_manifest(made.exp / "metadata" / f"{first}.4.json")
    (made.exp / "metadata" / f"{first}.4.json").write_text(json.dumps({**manifest, "status": "running"}))
    (made.exp / "metadata" / f"{first}.json").write_text("{")
    (home / f"{first}.json").unlink()
    listed, read = both()
    assert listed == read == [(2, "finished", True), (4, "lost", False)]
    git(made.root, "clean", "-fdxq", "exp/metadata")
    shutil.rmtree(made.exp / "metadata", ignore_errors=True)
    assert both()[0] == both()[1]
    assert Path(home / f"{first}.2.json").exists() and not reader.read("nothing", ())
