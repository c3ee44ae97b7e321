"""`scaffold sweep launch, watch, status, stop, capacity`, as they are typed."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest
from click.testing import Result

from scaffold.sweeps.spec import sweep_file, sweep_paths
from scaffold.sweeps.spec.model import ConfigurationRule, RunResources
from tests.conftest import Run, commit_all, git
from tests.runs.conftest import MakeWorkspace, until
from tests.sweeps import scenario
from tests.sweeps.scenario import Scenario

QUICK = ("sh", "-c", "echo $RUN_NAME >> started.txt; echo '{\"loss\": 1}' > $RUN_OUTPUT_DIR/metrics.json")
SLEEP = ("sh", "-c", "echo $RUN_NAME >> started.txt; exec sleep 60")
ONE_AT_A_TIME = RunResources(cpus=os.cpu_count())


def quick(make_workspace: MakeWorkspace, **changes: Any) -> Scenario:
    return scenario.make(
        make_workspace, **{"command": QUICK, "configurations": ({},), "resources": ONE_AT_A_TIME, **changes}
    )


def sweep(run: Run, found: Scenario, *args: str) -> Result:
    return run("sweep", *args, "--workdir", found.made.root)


def answer(result: Result) -> dict[str, Any]:
    assert result.exit_code in (0, 3), result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["version"] == 1
    return found


def command(found: Scenario, *args: str) -> list[str]:
    return [sys.executable, "-m", "scaffold", "sweep", *args, "--workdir", str(found.made.root)]


def test_launch_starts_what_fits_and_says_what_waits_and_how_to_go_on(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace)
    done = sweep(run, found, "launch", "lr")
    assert done.exit_code == 0 and done.stdout.startswith(f"started {found.runs[0].name}\n")
    assert "max_new = max(0, min(3, 1 - 0)) = 1" in done.stderr
    assert "next: 2 wait for room; go on with: scaffold sweep watch lr" in done.stderr
    assert "--smoke" in done.stderr
    done = sweep(run, found, "watch", "lr")
    assert done.exit_code == 0 and done.stdout == "lr: 3 finished\n", done.stderr
    assert "--smoke" not in sweep(run, found, "launch", "lr").stderr
    assert sorted(found.started().values()) == [1, 1, 1]


def test_launch_wait_exits_3_when_some_failed_and_retry_runs_exactly_those(
    make_workspace: MakeWorkspace, run: Run
) -> None:
    found = scenario.make(make_workspace, configurations=scenario.GRID[2:], seeds=(1, 2))
    done = sweep(run, found, "launch", "lr", "--wait")
    assert done.exit_code == 3 and "2 finished, 2 failed" in done.stdout
    assert "--retry failed" in done.stderr
    # a line for each end, and one at the beginning: nothing of who waits and who starts
    timed = [line.split("  ")[1] for line in done.stderr.splitlines() if re.match(r"\d\d:\d\d:\d\d  ", line)]
    assert timed[0].startswith("0 of 4 done") and timed[1:] == [f"{number} of 4" for number in (1, 2, 3, 4)]
    found.mend()
    assert sweep(run, found, "launch", "lr", "--wait").exit_code == 3  # not asked, not run again
    told = answer(sweep(run, found, "launch", "lr", "--wait", "--retry", "failed", "--json"))
    assert set(told["again"]) == found.failing and told["counts"] == {"finished": 4}
    assert {n for n, count in found.started().items() if count == 2} == found.failing


def test_without_the_environments_tool_nothing_starts_unless_it_is_left_out(
    make_workspace: MakeWorkspace, run: Run
) -> None:
    found = quick(make_workspace, seeds=(1,))
    settings = found.made.recorder.with_name("workspace.json")
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "run_prefix": "no-such-tool run"}))
    done = sweep(run, found, "launch", "lr")
    assert done.exit_code == 1 and "there is no no-such-tool on PATH" in done.stderr
    assert "--no-prefix" in done.stderr and "--set environment.run_prefix=" in done.stderr
    assert sweep(run, found, "launch", "lr", "--no-prefix").exit_code == 0
    # whoever goes on leaves it out too
    assert sweep(run, found, "watch", "lr").exit_code == 0
    assert list(found.started().values()) == [1]


def test_a_dry_run_says_what_would_start_and_writes_nothing(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace)
    before = found.made.all_bytes()
    told = answer(sweep(run, found, "launch", "lr", "--dry-run", "--max-parallel", "1", "--json"))
    assert told["would_start"] == [found.runs[0].name] and len(told["would_wait"]) == 2
    assert told["capacity"]["sentence"].endswith("at most 1 of this sweep at once, 0 of it there: 1")
    assert not (sweep_paths.sweeps_folder(found.workspace) / "lr.ledger.json").exists()
    assert found.made.all_bytes() == before


def test_a_dry_run_says_nothing_of_runs_that_the_sheet_no_longer_has(make_workspace: MakeWorkspace, run: Run) -> None:
    found = scenario.make(make_workspace, configurations=scenario.GRID[2:], seeds=(1,))
    assert sweep(run, found, "launch", "lr", "--wait").exit_code == 3
    fewer = found.sweep.configurations[:1]
    sweep_file.write_sweep(
        found.workspace, dataclasses.replace(found.sweep, configurations=fewer, rule=ConfigurationRule(listed=fewer))
    )
    told = answer(sweep(run, found, "launch", "lr", "--retry", "failed", "--dry-run", "--json"))
    assert told["would_start"] == told["would_wait"] == []


def test_a_watch_that_comes_when_all_is_over_says_by_its_exit_code_whether_all_finished(
    make_workspace: MakeWorkspace, run: Run
) -> None:
    found = scenario.make(make_workspace, configurations=scenario.GRID[3:], seeds=(1,))
    assert sweep(run, found, "launch", "lr", "--wait").exit_code == 3
    assert sweep(run, found, "watch", "lr").exit_code == 3
    found.mend()
    assert sweep(run, found, "launch", "lr", "--wait", "--retry", "failed").exit_code == 0
    assert sweep(run, found, "watch", "lr").exit_code == 0


def test_stopping_what_was_never_launched_makes_it_no_launched_sweep(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace)
    assert sweep(run, found, "stop", "lr").exit_code == 0
    assert not (sweep_paths.sweeps_folder(found.workspace) / "lr.ledger.json").exists()


def test_without_a_ledger_stop_still_ends_what_runs_here(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace, command=SLEEP)
    sweep(run, found, "launch", "lr")
    until(lambda: found.started())
    (sweep_paths.sweeps_folder(found.workspace) / "lr.ledger.json").rename(found.made.root / "aside.json")
    shutil.rmtree(found.made.root / ".git/scaffold/records")  # nor its copy
    done = sweep(run, found, "stop", "lr")
    assert done.exit_code == 0 and done.stdout.startswith("lr: 1 ended"), done.output
    assert answer(sweep(run, found, "status", "lr", "--json"))["counts"] == {"missing": 2, "terminated": 1}


def test_status_tells_each_run_and_what_next(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace, command=SLEEP)
    assert "next: scaffold sweep launch lr" in sweep(run, found, "status", "lr").stderr
    sweep(run, found, "launch", "lr")
    until(lambda: found.started())
    told = answer(sweep(run, found, "status", "lr", "--json"))
    assert (
        told["counts"] == {"submitting": 2, "running": 1} and told["total"] == 3 and told["over"] == told["done"] == 0
    )
    first = told["runs"][0]
    assert (first["state"], first["try"], first["backend"], first["attempt"]) == ("running", 1, "local", 1)
    assert first["elapsed_s"] >= 0 and first["backend_says"] == "running" and first["disagreement"] is None
    lines = sweep(run, found, "status", "lr").stdout.splitlines()
    assert lines[0].startswith("running ") and lines[-1] == "lr: 0 of 3 done: 2 submitting, 1 running"
    assert sweep(run, found, "stop", "lr").exit_code == 0


def test_status_says_where_backend_and_manifest_disagree(
    make_workspace: MakeWorkspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scaffold.backends.interface import JobStatus
    from scaffold.backends.local import backend

    found = quick(make_workspace, command=SLEEP, seeds=())
    sweep(run, found, "launch", "lr")
    until(lambda: found.started())
    with monkeypatch.context() as patched:
        patched.setattr(backend, "_launcher_status", lambda job_id: JobStatus(state="ended", reason="exit 9"))
        done = sweep(run, found, "status", "lr")
    said = f"warning: {found.runs[0].name}: the backend says it is done (exit 9), its manifest says running"
    assert said in done.stderr and done.stdout.startswith("running")
    sweep(run, found, "stop", "lr")


def test_stop_ends_a_sweep_and_a_later_launch_goes_on(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace, command=SLEEP)
    sweep(run, found, "launch", "lr")
    until(lambda: found.started())
    done = sweep(run, found, "stop", "lr")
    assert (done.exit_code, done.stdout) == (0, "lr: 1 ended, 2 will not start\n")
    told = answer(sweep(run, found, "status", "lr", "--json"))
    assert told["stopped"] and told["counts"] == {"missing": 2, "terminated": 1}
    told = answer(sweep(run, found, "launch", "lr", "--json"))
    assert len(told["new"]) == 2 and not told["again"]
    assert answer(sweep(run, found, "stop", "lr", "--json"))["still_there"] == []


def test_a_pacer_in_the_background_starts_the_rest_and_stop_ends_it(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace)
    told = answer(sweep(run, found, "launch", "lr", "--detach", "--json"))
    assert re.match(r"process \d+", told["pacer"]["who"])
    until(lambda: sum(found.started().values()) == 3)
    until(lambda: "lr: 3 finished" in Path(told["pacer"]["log"]).read_text())

    other = quick(make_workspace, name="other", command=SLEEP)
    told = answer(sweep(run, other, "launch", "lr", "--detach", "--json"))
    pid = int(told["pacer"]["who"].split()[1])
    assert os.getsid(pid) == pid != os.getsid(0)
    assert told["next"].startswith(f"process {pid} on ") and told["next"].endswith("scaffold sweep watch lr")
    assert answer(sweep(run, other, "status", "lr", "--json"))["pacer"]["pid"] == pid
    again = sweep(run, other, "launch", "lr", "--detach")
    assert f"is paced already by process {pid}" in again.stderr
    until(lambda: other.started())
    assert sweep(run, other, "stop", "lr").exit_code == 0
    until(lambda: answer(sweep(run, other, "status", "lr", "--json"))["pacer"] is None)


def test_ctrl_c_leaves_everything_running_and_says_how_to_come_back(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace, command=SLEEP)
    sweep(run, found, "launch", "lr")
    until(lambda: found.started())
    watch = pexpect.spawn(
        command(found, "watch", "lr")[0], command(found, "watch", "lr")[1:], encoding="utf-8", timeout=20
    )
    watch.expect("running")
    watch.sendintr()
    watch.expect("everything that runs goes on running; come back with: scaffold sweep watch lr")
    watch.expect(pexpect.EOF)
    watch.close()
    assert watch.exitstatus == 130
    assert answer(sweep(run, found, "status", "lr", "--json"))["counts"] == {"submitting": 2, "running": 1}
    sweep(run, found, "stop", "lr")


def test_what_was_launched_survives_its_terminal(make_workspace: MakeWorkspace) -> None:
    found = quick(make_workspace, command=("python3", "train.py"), configurations=({"pause": 1.5},), seeds=())
    terminal = pexpect.spawn("bash", encoding="utf-8", timeout=20)
    line = " ".join(f"'{word}'" for word in command(found, "launch", "lr", "--yes"))
    terminal.sendline(line)
    terminal.expect("started")
    until(lambda: found.started())
    terminal.close(force=True)  # hangs up
    until(lambda: [m["status"] for m in found.made.manifests()] == ["finished"])


def test_before_the_first_launch_a_try_is_offered_on_a_terminal(make_workspace: MakeWorkspace) -> None:
    found = quick(make_workspace, seeds=())
    words = command(found, "launch", "lr", "--wait")
    terminal = pexpect.spawn(words[0], words[1:], encoding="utf-8", timeout=20)
    terminal.expect("Try one run of lr first")
    terminal.sendline("y")
    terminal.expect("Options that make it short")
    terminal.sendline("")
    terminal.expect("lr-smoke: fine")
    terminal.expect("lr: 1 finished")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_a_smoke_try_is_a_sweep_of_its_own_and_is_verified(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace)
    done = sweep(run, found, "launch", "lr", "--smoke")
    assert done.exit_code == 0 and done.stdout.startswith("lr-smoke: fine: "), done.stderr
    assert "loss=1; 1 files in" in done.stdout
    assert answer(sweep(run, found, "status", "lr", "--json"))["counts"] == {"missing": 3}
    assert sum(found.started().values()) == 1 and not set(found.started()) & {r.name for r in found.runs}
    assert sweep(run, found, "launch", "lr", "--smoke").exit_code == 0  # known already


def test_a_try_is_not_written_over_a_sweep_of_the_users(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace)
    own = sweep_file.write_sweep(found.workspace, dataclasses.replace(found.sweep, name="lr-smoke")).read_bytes()
    done = sweep(run, found, "launch", "lr", "--smoke")
    assert done.exit_code == 1 and "lr-smoke is there already and is no try of lr" in done.stderr
    assert sweep_paths.sweep_path(found.workspace, "lr-smoke").read_bytes() == own and not found.started()


def test_a_failing_try_marks_no_run_of_the_sweep_and_says_what_is_wrong(
    make_workspace: MakeWorkspace, run: Run
) -> None:
    found = scenario.make(make_workspace, configurations=scenario.GRID[3:], seeds=(1,))
    done = sweep(run, found, "launch", "lr", "--smoke", "--smoke-args", "--pause 0.01")
    assert done.exit_code == 3 and "is failed (it diverges)" in done.stdout
    assert "exit 1: it diverges" in done.stderr, "as it happens"
    [tried] = answer(sweep(run, found, "status", "lr-smoke", "--json"))["runs"]
    assert (tried["exit_code"], tried["cause"]) == (1, "it diverges")
    assert answer(sweep(run, found, "status", "lr", "--json"))["counts"] == {"missing": 1}
    found.mend()
    told = answer(sweep(run, found, "launch", "lr", "--smoke", "--smoke-args", "--pause 0.01", "--json"))
    assert told["fine"] and told["sweep"] == "lr-smoke" and "pause=0.01" in told["run"]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('echo "{}" > $RUN_OUTPUT_DIR/metrics.json', "the primary metric `acc` is not among its metrics (none)"),
        (
            "echo '{\"acc\": 1}' > $RUN_OUTPUT_DIR/metrics.json; touch stray.txt",
            "the run changed the repository: stray.txt",
        ),
    ],
)
def test_a_try_that_does_not_do_what_a_run_must_is_said(
    make_workspace: MakeWorkspace, run: Run, script: str, said: str
) -> None:
    found = quick(make_workspace, command=("sh", "-c", script))
    answers = found.made.exp / ".copier-answers.scaffold.yml"
    answers.write_text(answers.read_text() + "primary_metric: acc\n")
    done = sweep(run, found, "launch", "lr", "--smoke")
    assert done.exit_code == 3 and said in done.stdout


LIGHTNING = """
d=$RUN_OUTPUT_DIR/lightning_logs/version_0
mkdir -p $d
printf 'epoch,step,val_acc\\n0,9,0.5\\n1,19,0.75\\n' > $d/metrics.csv
"""
TENSORBOARD = """
import os
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
writer = EventFileWriter(os.environ["RUN_OUTPUT_DIR"])
writer.add_event(Event(step=9, summary=Summary(value=[Summary.Value(tag="val/acc", simple_value=0.75)])))
writer.close()
"""


@pytest.mark.parametrize(
    "command",
    [("sh", "-c", LIGHTNING), (sys.executable, "-c", TENSORBOARD)],
    ids=["Lightning", "TensorBoard"],
)
def test_a_try_whose_metrics_are_in_files_that_results_read_is_fine(
    make_workspace: MakeWorkspace, run: Run, command: tuple[str, ...]
) -> None:
    found = quick(make_workspace, command=command)
    answers = found.made.exp / ".copier-answers.scaffold.yml"
    answers.write_text(answers.read_text() + "primary_metric: val/acc\n")
    done = sweep(run, found, "launch", "lr", "--smoke")
    assert done.exit_code == 0 and "val/acc=0.75; 1 files in" in done.stdout, done.output
    answers.write_text(answers.read_text().replace("val/acc", "f1"))
    done = sweep(run, found, "launch", "lr", "--smoke")
    assert done.exit_code == 3 and "the primary metric `f1` is not among its metrics (val" in done.stdout


def test_changed_code_is_said_with_both_choices_and_nothing_starts(make_workspace: MakeWorkspace, run: Run) -> None:
    found = scenario.make(make_workspace, configurations=({},), seeds=(1,))
    (found.made.exp / "tasks.md").write_text("# Tasks\nmore\n")
    commit_all(found.made.root, "results alone")
    assert sweep(run, found, "launch", "lr", "--dry-run").exit_code == 0
    train = found.made.root / "train.py"
    train.write_text(train.read_text() + "# changed\n")
    done = sweep(run, found, "launch", "lr")
    assert done.exit_code == 3 and "train.py" in done.stderr
    assert "--code current" in done.stderr and "--code original" in done.stderr
    assert not found.started()
    told = {
        c: answer(sweep(run, found, "launch", "lr", "--code", c, "--dry-run", "--json"))
        for c in ("original", "current")
    }
    assert told["original"]["would_start"] == [found.runs[0].name] != told["current"]["would_start"]
    assert sweep_file.read_sweep(found.workspace, "lr") == found.sweep

    done = sweep(run, found, "launch", "lr", "--code", "original", "--wait")
    assert done.exit_code == 0, done.stderr
    assert set(found.outcome()) == {found.runs[0].name}
    (tree,) = (sweep_paths.sweeps_folder(found.workspace) / "lr").glob("code-*/*")
    git(found.made.root, "worktree", "remove", "--force", str(tree))
    assert sweep(run, found, "launch", "lr", "--dry-run").exit_code == 0 and not tree.exists()
    done = sweep(run, found, "launch", "lr", "--code", "current", "--wait")
    assert done.exit_code == 0, done.stderr
    assert len(found.outcome()) == 2 and "finished" in done.stdout


def test_code_that_changes_while_a_sweep_is_paced_stops_the_starting(
    make_workspace: MakeWorkspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scaffold.sweeps.launch import open_sweep

    monkeypatch.setattr(open_sweep, "CHECK_S", 0)
    script = 'echo $RUN_NAME >> started.txt; echo "# $RUN_NAME" >> train.py'
    found = quick(make_workspace, command=("sh", "-c", script), seeds=(1, 2))
    done = sweep(run, found, "launch", "lr", "--wait")
    assert done.exit_code == 3 and "nothing more is started" in done.stderr and "--code original" in done.stderr
    assert sum(found.started().values()) == 1


def test_capacity_is_explained(make_workspace: MakeWorkspace, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = quick(make_workspace)
    cores = os.cpu_count() or 1
    told = answer(sweep(run, found, "capacity", "lr", "--json"))
    assert {k: told[k] for k in ("g", "r", "q", "max_new")} == {"g": 1, "r": 0, "q": 3, "max_new": 1}
    told = answer(sweep(run, found, "capacity", "--cpus-per-run", "1", "--json"))
    assert told["g"] == len(os.sched_getaffinity(0)) and told["q"] == 0 and told["g"] <= cores
    assert "max_new = max(0, min(0, 1 - 0)) = 0" in sweep(run, found, "capacity").stdout


def test_wrong_usage_is_said(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace)
    assert sweep(run, found, "launch", "lr", "--wait", "--detach").exit_code == 2
    assert sweep(run, found, "launch", "lr", "--smoke-args", "x").exit_code == 2
    for option in ("--dry-run", "--detach", "--retry=all", "--code=original"):
        assert sweep(run, found, "launch", "lr", "--smoke", option).exit_code == 2
    assert not found.started()
    assert "did you mean lr?" in sweep(run, found, "launch", "lrr").stderr
    done = sweep(run, found, "launch", "lr", "--backend", "server")
    assert done.exit_code == 1 and "knows no research server" in done.stderr
    assert not (
        sweep_paths.sweeps_folder(found.workspace) / "lr.ledger.json"
    ).exists()  # and so the next launch goes where it always went


def test_where_a_server_is_set_this_machine_has_to_be_asked_for(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scaffold.backends import choose

    found = quick(make_workspace)
    place = found.workspace
    tracked = type(place)(
        workdir=place.workdir, root=place.root, answers={**place.answers, "research_server_url": "http://x"}
    )
    assert choose.choose_backend(place, None, None) == "local"
    assert choose.choose_backend(tracked, None, None) == "server"
    assert choose.choose_backend(tracked, "local", None) == choose.choose_backend(tracked, None, "local") == "local"
    monkeypatch.setenv("RESEARCH_AGENT_SERVER_URL", "http://y")  # of this shell alone: it has to be asked for
    assert (choose.choose_backend(place, None, None), choose.choose_backend(place, "server", None)) == (
        "local",
        "server",
    )


def test_a_damaged_ledger_stops_every_verb_and_stays(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace)
    path = sweep_paths.sweeps_folder(found.workspace) / "lr.ledger.json"
    path.write_text("{")
    for verb in ("launch", "watch", "status", "stop"):
        done = sweep(run, found, verb, "lr")
        assert done.exit_code == 1 and str(path) in done.stderr, verb
    assert path.read_text() == "{"


def test_a_lost_ledger_makes_no_finished_run_run_again(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace, seeds=(1,))
    sweep(run, found, "launch", "lr", "--wait")
    (sweep_paths.sweeps_folder(found.workspace) / "lr.ledger.json").unlink()
    shutil.rmtree(sweep_paths.sweeps_folder(found.workspace) / "lr")
    for copy in found.made.root.glob(".git/scaffold/records/*/metadata/sweeps/*"):
        copy.unlink()
    assert answer(sweep(run, found, "launch", "lr", "--json"))["started"] == []


def test_a_watch_that_is_killed_is_taken_over(make_workspace: MakeWorkspace, run: Run) -> None:
    script = "echo $RUN_NAME >> started.txt; while [ ! -e go ]; do sleep 0.05; done"
    found = quick(make_workspace, command=("sh", "-c", script), files={".gitignore": "started.txt\ngo\n"})
    sweep(run, found, "launch", "lr")
    first, second = (
        subprocess.Popen(command(found, "watch", "lr"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(2)
    )
    with first, second:
        until(lambda: answer(sweep(run, found, "status", "lr", "--json"))["pacer"] is not None)
        pid = answer(sweep(run, found, "status", "lr", "--json"))["pacer"]["pid"]
        assert pid in (first.pid, second.pid)
        os.kill(pid, signal.SIGKILL)
        (found.made.root / "go").touch()
        left = second if pid == first.pid else first
        left.communicate(timeout=30)
        assert left.returncode == 0
    assert sorted(found.started().values()) == [1, 1, 1]


def test_a_recorder_that_names_runs_otherwise_since_starts_nothing(make_workspace: MakeWorkspace, run: Run) -> None:
    found = quick(make_workspace)
    naming = found.made.recorder.with_name("_record_run") / "naming.py"
    text = naming.read_text()
    naming.write_text(text.replace('"seed": seed,', '"seed": -1,'))
    done = sweep(run, found, "launch", "lr", "--wait")
    assert done.exit_code == 1 and "names runs otherwise" in done.stderr and "scaffold update" in done.stderr
    assert not (found.made.root / "started.txt").exists()
    naming.write_text(text)
    assert sweep(run, found, "launch", "lr", "--wait").exit_code == 0
    assert len((found.made.root / "started.txt").read_text().split()) == 3
