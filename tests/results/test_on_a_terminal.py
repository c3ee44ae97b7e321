"""What people see on a terminal: `runs list` as a table that fits, and what stays of a sweep when it is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaffold.cli.common import terminal
from scaffold.cli.ideas import trial_view
from scaffold.cli.sweep import closing_summary, live_table
from scaffold.runs import records
from scaffold.sweeps.launch.ledger_entries import LaunchOptions
from scaffold.sweeps.launch.run_states import SweepRunStatus, SweepSnapshot
from tests.conftest import Run
from tests.results.conftest import Study


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of this process believe that they write to a terminal of 80 columns."""
    monkeypatch.setattr(terminal, "stdout_is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


def snapshot_of(study: Study) -> SweepSnapshot:
    """A sweep of all runs of a study."""
    runs = reversed(records.read_records(study.workspace).runs)
    states = tuple(SweepRunStatus(name=run.name, state=run.status, run=run) for run in runs)
    return SweepSnapshot(states=states, options=LaunchOptions())


def test_a_list_of_runs_has_a_header_a_metric_and_fits(study: Study, run: Run, on_terminal: None) -> None:
    params = {"learning_rate": 0.001, "batch_size": 64, "weight_decay": 0.1}
    names = [study.add("train", seed, params, {"acc": 0.5 + seed / 10, "loss": 1.0}) for seed in (1, 2)]
    names.append(study.add("train", 3, params, {"acc": 0.9}, status="failed"))
    done = run("runs", "list", "--workdir", study.root)
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["run", "state", "started", "took", "metric"]
    assert len(rows) == 3 and all(len(line) <= 80 for line in (header, *rows))
    assert [line.split()[1] for line in rows] == ["failed", "finished", "finished"]
    assert [line.split()[0][-8:] for line in rows] == [name[-8:] for name in reversed(names)]
    wide = run("runs", "list", "--workdir", study.root, "--wide").stdout.splitlines()
    assert [line.split()[0] for line in wide[1:]] == list(reversed(names))


def test_what_is_no_terminal_gets_plain_rows_as_ever(study: Study, run: Run) -> None:
    name = study.add("train", 1, {"lr": 0.1}, {"acc": 0.5})
    (line,) = run("runs", "list", "--workdir", study.root).stdout.splitlines()
    assert line.startswith(f"{name}  finished  ") and line.endswith("acc=0.5")
    assert run("runs", "list", "--workdir", study.root, "--wide").stdout.splitlines() == [line]


def test_twelve_runs_leave_twelve_lines_at_most(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(6):
        study.add("train", seed, metrics={"acc": 0.5 + seed / 10})
    for seed in range(6, 12):
        study.add("train", seed, status="failed", files={})
    closing_summary.print_sweep_summary(study.workspace, "lr", snapshot_of(study))
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0] == "lr: 6 finished, 6 failed" and lines[1] == "acc: 0.5 to 1 in 6 runs"
    assert lines[2].startswith("6 failed: ") and lines[2].endswith(" and 5 more)")
    assert printed.err.startswith("next: look at one: ") and len(lines) + len(printed.err.splitlines()) <= 12


def test_more_causes_than_lines_are_counted(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    states = [SweepRunStatus(name=f"r{n}", state="lost", reason=f"reason {n}") for n in range(12)]
    closing_summary.print_sweep_summary(
        study.workspace, "lr", SweepSnapshot(states=tuple(states), options=LaunchOptions())
    )
    printed = capsys.readouterr()
    assert printed.out.splitlines()[1] == "1 lost: reason 0 (r0)"
    assert printed.out.splitlines()[-1] == "6 more causes: scaffold sweep status lr"
    assert len((printed.out + printed.err).splitlines()) <= 12


def test_leaving_says_what_goes_on_and_how_to_come_back() -> None:
    states = [
        SweepRunStatus(name="a", state="running"),
        *(SweepRunStatus(name=n, state="submitting", startable=True) for n in "bc"),
    ]
    lines = list(live_table.describe_detached_sweep("lr", SweepSnapshot(states=tuple(states), options=LaunchOptions())))
    assert lines == [
        "everything that runs goes on running; come back with: scaffold sweep watch lr",
        "1 of it now; the 2 that wait start only then, or with: scaffold sweep launch lr --detach",
        "to end it: scaffold sweep stop lr",
    ]
    assert len(list(live_table.describe_detached_sweep("lr", None))) == 2


def test_a_live_table_shows_states_progress_and_the_last_metric(study: Study) -> None:
    from rich.console import Console

    for seed in range(3):
        study.add("train", seed, metrics={"acc": 0.5})
    table = live_table.LiveSweepTable(study.workspace, "lr")
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(table._render(snapshot_of(study)))
    drawn = capture.get()
    assert "lr: 3 of 3 done: 3 finished" in drawn and drawn.count("acc=0.5") == 3
    assert "Ctrl-C leaves everything running" in drawn


def test_a_trial_says_each_of_its_own_runs_once(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(3):
        study.add("train", seed, metrics={"acc": 0.5})
    view = trial_view.open_idea_trial_view(study.workspace, "try", quiet=False)
    assert isinstance(view, trial_view.IdeaTrialLines)
    old, *_ = snapshot = snapshot_of(study).states
    begun = [
        s._replace(run=s.run and s.run._replace(started_at="2099-01-01T00:00:00Z"), planned=False) for s in snapshot[1:]
    ]
    for states in ((old, begun[0]), (old, *begun), (old,)):
        view.show(replace(snapshot_of(study), states=tuple(states)))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[1:3] for line in lines] == [["finished", state.name] for state in begun]
    assert all(line.endswith("acc=0.5") for line in lines)
    trial_view.open_idea_trial_view(study.workspace, "try", quiet=True).show(snapshot_of(study))
    assert capsys.readouterr() == ("", "")
