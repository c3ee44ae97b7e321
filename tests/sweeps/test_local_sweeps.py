"""Sweeps on this machine, with real launchers, recorders and processes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from scaffold.backends import living_run_processes, start_tokens
from scaffold.backends.interface import JobStatus
from scaffold.backends.local import backend, leases
from scaffold.errors import ScaffoldError
from scaffold.runs import recorder
from scaffold.sweeps.launch import run_scripts
from scaffold.sweeps.launch.run_states import SweepSnapshot
from scaffold.sweeps.launch.scheduler import Scheduler
from scaffold.sweeps.spec.model import PlannedRun, RunResources
from tests.runs.conftest import MakeWorkspace, until
from tests.sweeps import scenario
from tests.sweeps.scenario import Scenario, pace

ONE_AT_A_TIME = RunResources(cpus=os.cpu_count())
SLEEP = ("sh", "-c", "echo $RUN_NAME >> started.txt; exec sleep 60")
QUICK = ("sh", "-c", "echo $RUN_NAME >> started.txt")
LIST = "GPU 0: x (UUID: GPU-aaaa)\nGPU 1: x (UUID: GPU-bbbb)\n"
# when a run has which devices
HOLDS = """\
import json, os, pathlib, time
began = time.time()
time.sleep(0.3)
row = {"gpus": os.environ.get("CUDA_VISIBLE_DEVICES"), "from": began, "to": time.time()}
with open(pathlib.Path(__file__).with_name("held.txt"), "a") as file:
    file.write(json.dumps(row) + "\\n")
"""


def states(snapshot: SweepSnapshot) -> list[str]:
    return [s.state for s in snapshot.states]


def running(found: Scenario, scheduler: Scheduler, count: int = 1) -> None:
    until(lambda: states(scheduler.snapshot()).count("running") == count and sum(found.started().values()) >= count)


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """A function that puts an nvidia-smi on PATH."""
    monkeypatch.setitem(sys.modules, "pynvml", None)

    def put(gpus: str, busy: str = "") -> None:
        folder = tmp_path / "driver"
        folder.mkdir(exist_ok=True)
        smi = folder / "nvidia-smi"
        smi.write_text(
            f"#!/bin/sh\ncase $1 in -L) echo {shlex.quote(gpus)};; --query-comp*) echo {shlex.quote(busy)};; *) exit 1;; esac\n"
        )
        smi.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return put


@pytest.mark.slow
def test_the_twelve_runs_end_as_they_must_and_only_the_failed_are_tried_again(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace)
    scheduler = found.scheduler()
    assert len(scheduler.request_runs()) == 12
    pace(scheduler)
    assert found.outcome() == found.expected() and len(found.failing) == 3
    assert set(found.started().values()) == {1}
    assert scheduler.request_runs() == () and scheduler.step().started == ()

    found.mend()
    again = found.scheduler()
    assert {s.name for s in again.request_runs(retry="failed")} == found.failing
    pace(again)
    assert {name for name, count in found.started().items() if count == 2} == found.failing
    assert all(status == "finished" for status, _ in found.outcome().values())
    assert again.request_runs(retry="all") == ()


def test_no_two_runs_have_a_gpu_at_once_whoever_launches_them(
    make_workspace: MakeWorkspace, driver: Callable[[str, str], None]
) -> None:
    driver(LIST, "")
    given: dict[str, Any] = {
        "files": {"hold.py": HOLDS, ".gitignore": "held.txt\n"},
        "command": ("python3", "hold.py"),
        "configurations": ({},),
    }
    found = scenario.make(make_workspace, resources=RunResources(), seeds=(1, 2, 3, 4), **given)
    one, two = found.scheduler(), found.scheduler()
    one.request_runs()
    started = [name for scheduler in (one, two) for name in scheduler.step().started]
    assert len(started) == 2
    pace(two)
    rows = sorted(
        (json.loads(line) for line in (found.made.root / "held.txt").read_text().splitlines()), key=lambda r: r["from"]
    )
    assert sorted(r["gpus"] for r in rows) == ["0", "0", "1", "1"]
    for gpu in ("0", "1"):
        assert all(a["to"] <= b["from"] for a, b in pairwise([r for r in rows if r["gpus"] == gpu]))
    last = found.made.last()
    assert last["environment"]["variables"]["CUDA_VISIBLE_DEVICES"] in ("0", "1")


def test_the_lease_of_a_gpu_is_the_runs_own(
    make_workspace: MakeWorkspace, driver: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(LIST, "")
    monkeypatch.setattr(
        leases, "count_slots_taken", lambda folder, sure=(): 0
    )  # places for all: GPUs alone hold them back
    found = scenario.make(make_workspace, command=SLEEP, configurations=({},), resources=RunResources())
    first = found.scheduler()
    first.request_runs(max_parallel=1)
    first.step()
    running(found, first)
    later = found.scheduler()
    later.request_runs(max_parallel=3)
    later.step()
    running(found, later, 2)
    assert later.step().started == ()
    assert sorted(s.submission.gpus for s in later.snapshot().states if s.state == "running" and s.submission) == [
        ("0",),
        ("1",),
    ]
    later.cancel()
    assert not any(leases.has_leased_device(leases.lease_directory(), uuid) for uuid in ("GPU-aaaa", "GPU-bbbb"))


def test_an_inherited_list_and_other_peoples_processes_are_respected(
    make_workspace: MakeWorkspace, driver: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = scenario.make(make_workspace, command=SLEEP, configurations=({},), resources=RunResources())
    driver(LIST, "GPU-aaaa")
    scheduler = found.scheduler()
    scheduler.request_runs()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert scheduler.step().started == ()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-bbbb,GPU-aaaa")
    free = found.scheduler()
    step = free.step()
    assert (
        len(step.started) == 1
        and step.capacity is not None
        and "1 of them in use by somebody else" in step.capacity.sentence
    )
    running(found, free)
    assert [s.submission.gpus for s in free.snapshot().states if s.state == "running" and s.submission] == [
        ("GPU-bbbb",)
    ]
    free.cancel()


def test_a_run_that_needs_more_gpus_than_there_are_is_an_error(
    make_workspace: MakeWorkspace, driver: Callable[[str, str], None]
) -> None:
    driver(LIST, "")
    found = scenario.make(make_workspace, resources=RunResources(gpus=4))
    scheduler = found.scheduler()
    scheduler.request_runs()
    with pytest.raises(ScaffoldError, match="needs 4 GPUs, and this machine shows 2"):
        scheduler.step()


def test_a_run_without_gpus_sees_none(make_workspace: MakeWorkspace, driver: Callable[[str, str], None]) -> None:
    driver(LIST, "")
    given: dict[str, Any] = {
        "files": {"hold.py": HOLDS},
        "command": ("python3", "hold.py"),
        "configurations": ({},),
        "seeds": (),
    }
    found = scenario.make(make_workspace, resources=RunResources(gpus=0, cpus=1), **given)
    scheduler = found.scheduler()
    scheduler.request_runs()
    pace(scheduler)
    assert json.loads((found.made.root / "held.txt").read_text())["gpus"] == ""


def test_stop_ends_what_runs_and_starts_no_more_and_launch_goes_on(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace, command=SLEEP, configurations=({},), resources=ONE_AT_A_TIME)
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    running(found, scheduler)
    began = time.monotonic()
    snapshot = found.scheduler().cancel()  # somebody else's
    assert time.monotonic() - began < 5
    assert sorted(states(snapshot)) == ["missing", "missing", "terminated"]
    assert found.made.last()["exit"]["signal"] == "SIGTERM"
    assert scheduler.step().started == () and not scheduler.step().outstanding
    assert [s.state for s in scheduler.request_runs()] == ["missing", "missing"]
    assert len(scheduler.step().started) == 1
    running(found, scheduler)
    scheduler.cancel()


def test_a_run_that_will_not_end_is_killed(make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    stubborn = ("sh", "-c", 'trap "" TERM INT; echo $RUN_NAME >> started.txt; while :; do sleep 0.1; done')
    found = scenario.make(make_workspace, command=stubborn, configurations=({},), seeds=())
    monkeypatch.setattr(backend, "GRACE_S", 0.3)
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    running(found, scheduler)
    assert states(scheduler.cancel()) == ["terminated"]
    assert found.made.last()["exit"]["signal"] == "SIGKILL"


# its worker ignores what ends it
LEAVES_A_WORKER = (
    "sh",
    "-c",
    '(trap "" TERM INT HUP; exec sleep 300) & echo $! > worker.txt; echo $RUN_NAME >> started.txt; wait',
)


def worker_lives(found: Scenario) -> bool:
    """Whether the worker that a LEAVES_A_WORKER started is there, and no zombie."""
    try:
        pid = int((found.made.root / "worker.txt").read_text())
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_a_worker_that_will_not_end_is_killed_with_its_run(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command itself ends as it is told, and leaves it behind."""
    found = scenario.make(make_workspace, command=LEAVES_A_WORKER, configurations=({},), seeds=())
    monkeypatch.setattr(backend, "GRACE_S", 0.3)
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    running(found, scheduler)
    assert worker_lives(found)
    assert states(scheduler.cancel()) == ["terminated"]
    until(lambda: not worker_lives(found))


def test_who_comes_later_sees_what_runs_and_does_not_start_it_again(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace, configurations=({"pause": 1},), seeds=(), command=("python3", "train.py"))
    first = found.scheduler()
    first.request_runs()
    first.step()
    later = found.scheduler()
    assert later.request_runs() == () and later.step().started == ()
    pace(later)
    assert list(found.started().values()) == [1] and found.made.last()["status"] == "finished"


def test_a_killed_recorder_is_a_lost_run_that_is_run_again_when_asked(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace, command=SLEEP, configurations=({},), seeds=())
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    running(found, scheduler)
    handle = scheduler.snapshot().states[0].submission.job_id  # type: ignore[union-attr]
    os.kill(int(str(handle).split()[0]), signal.SIGKILL)
    until(lambda: states(scheduler.snapshot()) == ["lost"])
    assert scheduler.request_runs() == () and not scheduler.step().outstanding
    # not before what its recorder ran is gone too
    until(lambda: bool(scheduler.request_runs(retry="lost")))
    scheduler.step()
    until(lambda: found.started()[found.runs[0].name] == 2)
    scheduler.cancel()


def test_no_second_try_beside_what_lives_of_the_first_and_stop_ends_that(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorder is killed, and its guard with it: the worker is in a session of its own, and nobody's child."""
    monkeypatch.setattr(living_run_processes, "GRACE_S", 0.2)
    worker = ("sh", "-c", f"setsid {shlex.join(LEAVES_A_WORKER)}")
    found = scenario.make(make_workspace, command=worker, configurations=({},), seeds=())
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    running(found, scheduler)
    until(lambda: worker_lives(found))
    submission = scheduler.snapshot().states[0].submission
    assert submission is not None and submission.job_id is not None
    launcher = int(submission.job_id.split()[0])
    family = recorder.processes.descendants(launcher)
    guards = [pid for pid in family if b"-IS" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
    for pid in (*guards, launcher):
        os.kill(pid, signal.SIGKILL)
    until(lambda: states(scheduler.snapshot()) == ["lost"])
    assert worker_lives(found) and scheduler.request_runs(retry="lost") == ()
    assert any("of its last try still run" in text for text in found.warnings)
    assert scheduler.preview(retry="lost").start == ()
    scheduler.cancel()
    assert not worker_lives(found)
    assert len(scheduler.request_runs(retry="lost")) == 1


def instead(found: Scenario, text: str) -> Scheduler:
    """A scheduler whose launchers are `text`, with $1 as the beginning of the ticket's path."""

    def write(runs: Sequence[PlannedRun]) -> Mapping[str, Path]:
        paths = run_scripts.write_launchers(found.workspace, found.sweep, runs)
        for name, path in paths.items():
            path.write_text(f"set -- {shlex.quote(str(path.with_name(name)))}\n{text}\n")
        return paths

    return Scheduler(found.workspace, found.sweep, found.runs, write_scripts=write, warn=found.warnings.append)


# what a launcher does first, in `instead`
TAKE = 'mv "$1.ticket" "$1.taken"; printf "host=$(uname -n)\\npid=$$\\n" >> "$1.taken"'


def test_a_run_that_never_writes_a_manifest_is_tried_once_more_and_then_lost(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace, configurations=({},), seeds=())
    scheduler = instead(found, f"{TAKE}; echo tried >> {shlex.quote(str(found.made.root))}/started.txt; exit 9")
    scheduler.request_runs()
    snapshot = pace(scheduler)
    assert states(snapshot) == ["lost"] and not scheduler.step().started
    assert snapshot.states[0].reason == ("its launcher ended (exit 9) and left no manifest, as did the one before it")
    submission = scheduler.snapshot().states[0].submission
    assert submission is not None and (submission.number, submission.starts, submission.automatic) == (2, 1, True)
    assert found.started()["tried"] == 2
    # asked for by the user, it has both its tries again
    assert [s.name for s in scheduler.request_runs(retry="lost")] == [found.runs[0].name]
    assert states(pace(scheduler)) == ["lost"] and found.started()["tried"] == 4


@pytest.mark.parametrize("later", [False, True], ids=["one-pacer", "a-new-one-each-step"])
def test_launchers_that_end_without_a_manifest_hold_nobody_up(make_workspace: MakeWorkspace, later: bool) -> None:
    """Of 4 runs, with room for one: the 1st always ends so, the 3rd the first time; each look agrees with the one before."""
    found = scenario.make(
        make_workspace, command=QUICK, configurations=({},), seeds=(1, 2, 3, 4), resources=ONE_AT_A_TIME
    )
    never, once = found.runs[0].name, found.runs[2].name

    def write(runs: Sequence[PlannedRun]) -> Mapping[str, Path]:
        paths = run_scripts.write_launchers(found.workspace, found.sweep, runs)
        for name in {never, once} & paths.keys():
            path = paths[name]
            begun = path.with_suffix(".begun")
            if name == never or not begun.exists():
                text = f"set -- {shlex.quote(str(path.with_suffix('')))}\n{TAKE}; touch {shlex.quote(str(begun))}; exit 9\n"
                path.write_text(text)
        return paths

    def make() -> Scheduler:
        return Scheduler(found.workspace, found.sweep, found.runs, write_scripts=write, warn=found.warnings.append)

    scheduler = make()
    scheduler.request_runs()
    lost, limit = set(), time.monotonic() + 60
    while (snapshot := scheduler.step()).outstanding or snapshot.started:
        assert time.monotonic() < limit, [(s.name, s.state, s.startable) for s in snapshot.outstanding]
        lost |= {s.name for s in snapshot.states if s.state == "lost"}
        changed = [s for s in snapshot.states if s.name in lost and (s.state != "lost" or s.startable)]
        assert not changed
        scheduler.wait_for_change(snapshot, 0.05)
        scheduler = make() if later else scheduler
    assert states(snapshot) == ["lost", "finished", "finished", "finished"]
    assert states(scheduler.snapshot()) == states(make().snapshot()) == states(scheduler.snapshot())
    assert found.started() == {r.name: 1 for r in found.runs[1:]}


def test_a_run_that_was_lost_after_its_script_began_is_not_run_again_by_itself(make_workspace: MakeWorkspace) -> None:
    """Nor where no manifest says that it began, because metadata was purged."""
    script = "echo $RUN_NAME >> started.txt; sleep 0.2; rm -f exp/metadata/*.json exp/metadata/.live/*; kill -9 $PPID"
    found = scenario.make(make_workspace, command=("sh", "-c", script), configurations=({},), seeds=())
    scheduler = found.scheduler()
    scheduler.request_runs()
    snapshot = pace(scheduler)
    assert states(snapshot) == ["lost"] and list(found.started().values()) == [1]
    assert states(scheduler.snapshot()) == ["lost"] == states(found.scheduler().snapshot())
    assert not found.scheduler().step().outstanding


def test_a_launcher_that_cannot_take_its_ticket_is_tried_three_times(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace, configurations=({},), seeds=())
    scheduler = instead(found, "echo broken; exit 4")
    scheduler.request_runs()
    snapshot = pace(scheduler)
    assert states(snapshot) == ["lost"] and "3 times" in str(snapshot.states[0].reason)
    log = scheduler.paths.logs / f"{found.runs[0].name}.1.log"
    assert log.read_text() == "broken\n" * 3


def test_a_deleted_launcher_is_written_again(make_workspace: MakeWorkspace) -> None:
    found = scenario.make(make_workspace, command=QUICK, configurations=({},), resources=ONE_AT_A_TIME)
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    for path in scheduler.paths.folder.glob("*.sh"):
        path.unlink()
    pace(scheduler)
    assert sorted(found.started().values()) == [1, 1, 1]


LAUNCH = """
import pickle, sys
found = pickle.load(open(sys.argv[1], "rb"))
scheduler = found.scheduler()
print("up", flush=True)
sys.stdin.readline()
scheduler.request_runs()
scheduler.step()
"""


def test_two_launches_at_once_start_each_run_once(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    import pickle

    found = scenario.make(make_workspace, command=QUICK, configurations=({},), seeds=(1, 2, 3, 4))
    (tmp_path / "found").write_bytes(pickle.dumps(found))
    both = [
        subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(tmp_path / "found")],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout is not None and process.stdout.readline() == "up\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.close()
    for process in both:
        assert process.wait(30) == 0
        assert process.stdout is not None
        process.stdout.close()
    pace(found.scheduler())
    assert sorted(found.started().values()) == [1, 1, 1, 1] and len(found.made.paths()) == 4


def test_a_hostile_path_and_hostile_values_reach_the_script_as_they_are(make_workspace: MakeWorkspace) -> None:
    values = ['it\'s "quoted"', "a!b #c $HOME `d`", "two\nlines", "ü" * 10_000]
    found = scenario.make(
        make_workspace,
        name="wörk space 'q' $HOME \"d\"",
        files={
            "show.py": "import os, sys, json; json.dump(sys.argv[1:], open(os.environ['RUN_OUTPUT_DIR'] + '/seen.json', 'w'))\n"
        },
        command=("python3", "show.py"),
        configurations=tuple({"v": v} for v in values),
        seeds=(),
    )
    scheduler = found.scheduler()
    scheduler.request_runs()
    assert set(states(pace(scheduler))) == {"finished"}
    seen = [json.loads(p.read_text()) for p in found.made.exp.glob("outputs/*/seen.json")]
    assert sorted(words[1] for words in seen) == sorted(values)


def test_what_runs_on_another_host_is_not_for_this_one_to_tell() -> None:
    mark = {"pid": 1, "start": 1, "boot": "b", "namespace": "n", "host": "elsewhere"}
    assert backend._launcher_status(backend.format_job_id(mark)) == JobStatus(
        state="unknown", reason="it was started on elsewhere"
    )
    assert backend._launcher_status("garbage").state == "unknown"


def test_a_place_is_free_when_its_launcher_is_gone_whatever_it_left_behind(tmp_path: Path) -> None:
    place, fd = leases.acquire_slot(tmp_path)
    assert leases.count_slots_taken(tmp_path) == 1
    process = subprocess.Popen(["sleep", "60"], pass_fds=(fd,))
    os.close(fd)
    assert leases.count_slots_taken(tmp_path) == 1  # not signed yet: held by whoever has it
    gone = subprocess.Popen(["true"])
    gone.wait()
    leases.record_slot_holder(place, gone.pid, "lr/a")
    assert leases.count_slots_taken(tmp_path) == 0
    leases.record_slot_holder(place, process.pid, "lr/a")
    assert leases.count_slots_taken(tmp_path) == 1
    process.kill()
    process.wait()
    assert leases.count_slots_taken(tmp_path) == 0 and not place.exists()


def test_a_full_disk_stops_a_launch_before_anything_is_started(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = scenario.make(make_workspace, command=QUICK, configurations=({},))
    scheduler = found.scheduler()
    scheduler.request_runs()

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(start_tokens, "write_atomic", full)
        with pytest.raises(ScaffoldError, match="No space left"):
            scheduler.step()
    assert found.started() == {} and set(states(scheduler.snapshot())) == {"submitting"}
    pace(scheduler)
    assert sorted(found.started().values()) == [1, 1, 1]
