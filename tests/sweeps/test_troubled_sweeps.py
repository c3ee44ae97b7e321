"""The twelve runs on every backend, in trouble: launchers killed between token and manifest, the server killed and restarted."""

from __future__ import annotations

import dataclasses
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from scaffold.errors import ScaffoldError
from scaffold.sweeps.launch.run_states import SweepSnapshot
from scaffold.sweeps.spec.model import PlannedRun
from tests.runs.conftest import MakeWorkspace
from tests.stand_in import StandIn
from tests.sweeps import scenario
from tests.sweeps.conftest import there
from tests.sweeps.scenario import Scenario

BACKENDS = (
    "local",
    pytest.param("slurm", marks=pytest.mark.slow),
    pytest.param("server", marks=pytest.mark.slow),
    "server on slurm",
)


# what the repository asks of Slurm
CONVENTIONS = """\
slurm:
  partitions: [gpu]
  time: ["10:00"]
  evidence: {partitions: "slurm/train.sbatch:3", time: "slurm/train.sbatch:4"}
"""


class TroubledScenario(Scenario):
    """Two of whose launchers are killed once, as soon as they have taken their tokens."""

    def write(self, runs: Sequence[PlannedRun]) -> Mapping[str, Path]:
        paths = super().write(runs)
        for run in self.runs[2:4]:
            path = paths.get(run.name)
            if path is not None:
                once = shlex.quote(str(path.with_suffix(".was_killed")))
                text = path.read_text().replace(
                    "\ncd -- ", f"\n[ -e {once} ] || {{ touch {once}; kill -9 $$; }}\ncd -- ", 1
                )
                path.write_text(text)
        return paths


@pytest.mark.parametrize("where", BACKENDS)
def test_in_trouble_each_script_begins_exactly_once(
    make_workspace: MakeWorkspace, stand_in: StandIn, request: pytest.FixtureRequest, where: str
) -> None:
    if "slurm" in where:
        request.getfixturevalue("slurm")
    made = scenario.make(make_workspace, name="project")
    found = TroubledScenario(*(getattr(made, f.name) for f in dataclasses.fields(made)))
    if where.startswith("server"):
        stand_in.execute = True
        if "slurm" in where:
            stand_in.state.cluster_type = "slurm"
        with (found.made.exp / ".copier-answers.scaffold.yml").open("a") as answers:
            answers.write(f"research_server_url: {stand_in.url}\n{CONVENTIONS}")
        stand_in.workdir = stand_in.state.workdir = found.made.root
        found = dataclasses.replace(found, workspace=there(found.made))
    snapshot = live_through(found, where.split()[0], stand_in)
    assert found.started() == dict.fromkeys((r.name for r in found.runs), 1), "exactly 12 starts"
    assert found.outcome() == found.expected()
    if where == "server on slurm":
        check_both_know(found, stand_in)
    killed = {r.name for r in found.runs[2:4]}
    again = {s.name: s.submission for s in snapshot.states if s.submission is not None and s.submission.automatic}
    assert again.keys() == killed and all(one.number == 2 for one in again.values() if one)


def check_both_know(found: Scenario, stand_in: StandIn) -> None:
    """Slurm ran them with the repository's options, and the server knows how those ended that it did not forget."""
    for manifest in found.made.manifests():
        assert manifest["scheduler"]["partition"] == "gpu" and manifest["tracking"]["backend"] == "server"
        run = stand_in.state.runs.get(manifest["tracking"]["run_id"], {})
        if run.get("name"):
            assert (run["name"], run["status"]) == (manifest["run"]["name"], manifest["status"])
            assert run["exit_code"] == manifest["exit"]["code"], "the exit status is passed on"


def live_through(found: Scenario, backend: str, stand_in: StandIn) -> SweepSnapshot:
    """Launch and pace; when a third is done the server is killed and restarted, and whoever launches is another one."""
    scheduler = found.scheduler()
    scheduler.request_runs(backend=backend)
    is_troubled, deadline = False, time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            snapshot = scheduler.step()
        except ScaffoldError:
            stand_in.up()
            continue
        if not snapshot.outstanding and not snapshot.started:
            assert is_troubled
            return snapshot
        if not is_troubled and sum(s.is_done for s in snapshot.states) >= 4:
            is_troubled = True
            stand_in.down()
            stand_in.restart()
            scheduler = found.scheduler()
            if backend != "server":
                stand_in.up()
        scheduler.wait_for_change(snapshot, 0.05)
    raise AssertionError([(s.name, s.state, s.reason) for s in scheduler.snapshot().states])
