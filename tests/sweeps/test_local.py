"""Sweeps on this machine, with real launchers, recorders and processes."""

from __future__ import annotations

from tests.runs.conftest import MakeWorkspace
from tests.sweeps import scenario
from tests.sweeps.scenario import pace


def test_the_twelve_runs_end_as_they_must_and_only_the_failed_are_tried_again(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace)
    pacer = found.pacer()
    assert len(pacer.want()) == 12
    pace(pacer)
    assert found.outcome() == found.expected() and len(found.failing) == 3
    assert set(found.started().values()) == {1}
    assert pacer.want() == () and pacer.step().started == ()

    found.mend()
    again = found.pacer()
    assert {s.name for s in again.want(retry="failed")} == found.failing
    pace(again)
    assert {name for name, count in found.started().items() if count == 2} == found.failing
    assert all(status == "finished" for status, _ in found.outcome().values())
    assert again.want(retry="all") == ()
