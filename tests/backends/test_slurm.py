"""The Slurm backend on a real Slurm of one node (tools/slurm_single_node.sh): arrays, states, signals, faults.

Not made for real here, and so only read from text in test_slurm_faked.py: out of memory (needs cgroups), node failures, deadlines,
and sacct (needs a database).
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from scaffold.backends.capacity import plural
from scaffold.backends.interface import BackendContext, Job, JobStatus
from scaffold.backends.slurm.array_script import ArrayTask
from scaffold.backends.slurm.backend import SlurmBackend
from scaffold.errors import ScaffoldError
from scaffold.workspace import Workspace
from tests.runs.conftest import MakeWorkspace, until

pytestmark = pytest.mark.usefixtures("slurm")
WAIT_S = 90


class Place:
    """A sweep's folder with hand-made launchers, and its backend; whatever is left in Slurm afterwards is cancelled."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "metadata" / "sweeps" / "s"
        self.folder.mkdir(parents=True)
        self.logs = root / "logs" / "sweeps" / "s"
        self.sweep = f"t{uuid.uuid4().hex[:8]}"
        self.handles: dict[str, str] = {}

    def backend(self, *sbatch: str, answers: Mapping[str, object] | None = None, **needs: int) -> SlurmBackend:
        return SlurmBackend(
            BackendContext(
                workspace=Workspace(workdir=self.root, root="exp", answers={"slurm": answers}),
                sweep=self.sweep,
                goal="g",
                experiment="e",
                folder=self.folder,
                logs=self.logs,
                sbatch=sbatch,
                notes={},
                warn=lambda text: None,
                **needs,  # type: ignore[arg-type]
            )
        )

    def job(self, name: str, script: str, number: int = 1) -> Job:
        launcher = self.folder / f"{name}.sh"
        launcher.write_text(f"#!/bin/bash\nset -euo pipefail\ncd {shlex.quote(str(self.root))}\n{script}\n")
        launcher.chmod(0o755)
        return Job(name=name, number=number, launcher=launcher)

    def told(self, name: str, handle: str) -> None:
        self.handles[name] = handle

    def start(self, backend: SlurmBackend, jobs: Sequence[Job], at_once: int | None = None) -> list[str]:
        backend.submit(jobs, self.told, at_once=at_once)
        return [self.handles[job.name] for job in jobs]

    def file(self, name: str) -> Path:
        return self.root / name

    def said(self, ending: str) -> str:
        return "".join(path.read_text() for path in sorted(self.logs.glob(f"*.{ending}")))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def over(backend: SlurmBackend, handles: Sequence[str], seconds: float = WAIT_S) -> list[JobStatus]:
    """What is seen of jobs once all of them are over."""
    return seen_as(backend, handles, lambda seen: seen.state == "ended", seconds)


def seen_as(
    backend: SlurmBackend, handles: Sequence[str], wanted: Callable[[JobStatus], bool], seconds: float = WAIT_S
) -> list[JobStatus]:
    limit = time.monotonic() + seconds
    while True:
        seen = backend.poll(handles)
        if all(wanted(seen[handle]) for handle in handles):
            return [seen[handle] for handle in handles]
        assert time.monotonic() < limit, seen
        time.sleep(0.2)


def submitted(place: Place) -> int:
    """How many tasks Slurm was ever given for this sweep."""
    words = ["squeue", "-h", "-r", "--states=all", f"--user={os.getuid()}", "-O", "Name:.80"]
    listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return sum(place.sweep in line for line in listed.splitlines())


def test_every_launcher_runs_and_it_is_told_how_each_ended(place: Place) -> None:
    jobs = [
        place.job("fine", "echo fine; echo bad >&2"),
        place.job("three", "exit 3"),
        place.job("killed", "kill -9 $$"),
        place.job("no-ticket", "exit 75"),
    ]
    backend = place.backend()
    handles = place.start(backend, jobs)
    arrays = {ArrayTask.parse(handle) for handle in handles}
    assert len({task.array for task in arrays if task}) == 1 and [h.split()[0].split("_")[1] for h in handles] == list(
        "0123"
    )
    assert over(backend, handles) == [
        JobStatus(state="ended"),
        JobStatus(state="ended", reason="exit 3"),
        JobStatus(state="ended", reason="signal 9"),
        JobStatus(state="ended", reason="exit 75"),
    ]
    assert (place.said("out"), place.said("err")) == ("fine\n", "bad\n")


@pytest.mark.parametrize("name", ["a b", "it's", 'a"b', "$HOME`x`", "%x %A%%", "ü✓", "line\nbreak", "!#*?[a]"])
def test_any_path_but_one_with_a_backslash(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    root.mkdir()
    place = Place(root)
    backend = place.backend()
    handles = place.start(backend, [place.job("run", "pwd; touch here")])
    assert over(backend, handles) == [JobStatus(state="ended")]
    assert place.file("here").exists() and place.said("out") == f"{root}\n"


def test_a_path_with_a_backslash_is_refused_because_slurm_cannot_write_there(tmp_path: Path) -> None:
    (tmp_path / "a\\b").mkdir()
    place = Place(tmp_path / "a\\b")
    with pytest.raises(ScaffoldError, match="no backslash in a path"):
        place.start(place.backend(), [place.job("run", "true")])
    assert submitted(place) == 0


@pytest.mark.parametrize("name", ["a b,c", "ünï", "%x%a", "-n", "x" * 200, "a;b"])
def test_a_sweep_of_any_name_is_found_by_it(place: Place, name: str) -> None:
    place.sweep = name
    backend = place.backend("--hold")
    handles = place.start(backend, [place.job("run", "true")])
    try:
        assert backend.poll(handles)[handles[0]] == JobStatus(state="waiting", reason="JobHeldUser")
    finally:
        backend.cancel(handles)
    assert over(backend, handles) == [JobStatus(state="ended", reason="cancelled")]


def test_no_more_run_at_once_than_asked(place: Place) -> None:
    overlap = "mkdir one || exit 9; sleep 0.3; rmdir one"
    jobs = [place.job(f"r{n}", overlap) for n in range(4)]
    backend = place.backend()
    assert over(backend, place.start(backend, jobs, at_once=1)) == [JobStatus(state="ended")] * 4


def test_what_a_killed_launch_submitted_is_found_again_and_not_submitted_twice(place: Place) -> None:
    jobs = {
        name: place.job(name, f"echo x >> {name}; until [ -e go ]; do sleep 0.1; done") for name in ("a", "b", "c", "d")
    }
    backend = place.backend()
    if (child := os.fork()) == 0:
        backend.submit([jobs["a"], jobs["b"], jobs["c"]], lambda name, handle: os.kill(os.getpid(), signal.SIGKILL))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    handles = place.start(backend, [jobs["b"], jobs["d"], jobs["c"]])
    place.file("go").touch()
    assert over(backend, handles) == [JobStatus(state="ended")] * 3
    until(lambda: place.file("a").exists())
    assert submitted(place) == 4 and [place.file(name).read_text() for name in "abcd"] == ["x\n"] * 4
    first, fourth = ArrayTask.parse(place.handles["b"]), ArrayTask.parse(place.handles["d"])
    assert first and fourth and first.array != fourth.array and (first.index, fourth.index) == (1, 0)


def test_another_try_of_the_same_run_is_another_task(place: Place) -> None:
    backend = place.backend()
    first = place.start(backend, [place.job("a", "exit 1", number=1)])
    over(backend, first)
    second = place.start(backend, [place.job("a", "exit 0", number=2)])
    assert over(backend, second) == [JobStatus(state="ended")] and first != second
    assert backend.poll(first)[first[0]].reason == "exit 1"


def test_stop_ends_exactly_the_tasks_that_it_names(place: Place) -> None:
    jobs = [
        place.job(f"r{n}", f"for _ in $(seq 300); do [ -e go ] && exit 0; sleep 0.1; done; exit {n}") for n in range(3)
    ]
    backend = place.backend()
    handles = place.start(backend, jobs, at_once=1)
    seen_as(backend, handles[:1], lambda seen: seen.state == "running")
    assert backend.poll(handles)[handles[2]].state == "waiting"
    backend.cancel([handles[0], handles[2]])
    assert over(backend, handles[:1]) == [JobStatus(state="ended", reason="cancelled")]
    # of a task that never began Slurm keeps nothing, unless it was the last of its array
    assert backend.poll(handles)[handles[2]].state in ("ended", "gone")
    place.file("go").touch()
    assert over(backend, handles[1:2]) == [JobStatus(state="ended")]
    backend.cancel(handles)


def test_a_number_that_now_belongs_to_another_job_is_not_touched(place: Place) -> None:
    backend = place.backend("--hold")
    handles = place.start(backend, [place.job("run", "true")])
    stale = [handles[0].replace(place.sweep, "before-a-new-installation")]
    assert backend.poll(stale)[stale[0]].state == "gone"
    backend.cancel(stale)
    assert backend.poll(handles)[handles[0]].state == "waiting"
    backend.cancel(handles)


def recorded(workspace_root: Path, recorder: Path, *command: str) -> str:
    return "exec " + shlex.join([sys.executable, "-IS", str(recorder), "--quiet", "--", *command])


def test_a_stopped_run_is_recorded_as_terminated(place: Place, make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace()
    script = recorded(workspace.root, workspace.recorder, "sleep", "60")
    backend = place.backend()
    handles = place.start(backend, [place.job("run", f"cd {shlex.quote(str(workspace.root))}\n{script}")])
    until(workspace.paths, WAIT_S)
    backend.cancel(handles)
    assert over(backend, handles) == [JobStatus(state="ended", reason="cancelled")]
    assert workspace.last()["status"] == "terminated"


def test_a_preempted_run_is_recorded_as_terminated_and_told_apart(place: Place, make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace()
    everything = f"--cpus-per-task={os.cpu_count()}"
    low = place.backend("--partition=low", everything)
    script = recorded(workspace.root, workspace.recorder, "sleep", "60")
    handles = place.start(low, [place.job("run", f"cd {shlex.quote(str(workspace.root))}\n{script}")])
    until(workspace.paths, WAIT_S)
    high = place.backend("--partition=debug", everything)
    assert over(high, place.start(high, [place.job("more-important", "true")])) == [JobStatus(state="ended")]
    assert over(low, handles) == [JobStatus(state="ended", reason="preempted")]
    assert workspace.last()["status"] == "terminated"


@pytest.mark.slow
def test_a_run_over_its_time_limit_is_recorded_as_terminated_and_told_apart(
    place: Place, make_workspace: MakeWorkspace
) -> None:
    workspace = make_workspace()
    backend = place.backend("--time=1")
    script = recorded(workspace.root, workspace.recorder, "sleep", "300")
    handles = place.start(backend, [place.job("run", f"cd {shlex.quote(str(workspace.root))}\n{script}")])
    until(workspace.paths, WAIT_S)
    # limits are whole minutes; Slurm looks for what is over every 30 s
    subprocess.run(["scontrol", "update", f"JobId={handles[0].split()[0]}", "EndTime=now+1"], check=True)
    assert over(backend, handles) == [JobStatus(state="ended", reason="time limit")]
    assert workspace.last()["status"] == "terminated"


@pytest.mark.slow
def test_a_requeued_task_is_the_same_task_and_says_that_it_was_restarted(place: Place) -> None:
    script = "echo ${SLURM_RESTART_COUNT:-0} >> starts; [ -e again ] || sleep 60"
    backend = place.backend("--requeue")
    handles = place.start(backend, [place.job("run", script)])
    until(lambda: place.file("starts").exists(), WAIT_S)
    place.file("again").touch()
    subprocess.run(["scontrol", "requeue", handles[0].split()[0]], check=True)
    seen_as(backend, handles, lambda seen: seen.state == "waiting")
    assert over(backend, handles) == [JobStatus(state="ended")]
    assert place.file("starts").read_text() == "0\n1\n"


def test_slurm_gives_out_the_gpus(place: Place) -> None:
    script = "echo $CUDA_VISIBLE_DEVICES >> devices; for _ in $(seq 100); do [ $(wc -l < devices) = 2 ] && exit 0; sleep 0.1; done"
    backend = place.backend("--partition=gpu", gpus_per_run=1)
    if (os.cpu_count() or 1) < 2:
        pytest.skip("two runs at once need two cores")
    over(backend, place.start(backend, [place.job("a", script), place.job("b", script)]))
    assert sorted(place.file("devices").read_text().split()) == ["0", "1"]


def test_the_sweeps_options_beat_the_users_variables_and_an_enclosing_job_is_forgotten(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "SBATCH_PARTITION": "no-such",
        "SBATCH_ARRAY_INX": "5-9",
        "SBATCH_JOB_NAME": "theirs",
        "SBATCH_WAIT": "1",
        "SLURM_RESTART_COUNT": "3",
        "SLURM_JOB_ID": "1",
        "SQUEUE_FORMAT": "%i",
    }.items():
        monkeypatch.setenv(name, value)
    backend = place.backend("-p debug")
    handles = place.start(backend, [place.job("run", "echo ${SLURM_RESTART_COUNT:-none}")])
    assert over(backend, handles) == [JobStatus(state="ended")]
    assert place.said("out") == "none\n"


def test_sbatch_refuses_and_is_quoted_with_where_each_option_is_from(place: Place) -> None:
    answers = {"partitions": ["gpu-long"], "evidence": {"partitions": "slurm/train.sbatch:3"}}
    backend = place.backend("--comment=x", answers=answers)
    with pytest.raises(ScaffoldError) as caught:
        place.start(backend, [place.job("run", "touch here")])
    assert "invalid partition specified: gpu-long" in caught.value.message
    assert caught.value.hint is not None
    assert "--partition=gpu-long is from slurm/train.sbatch:3; --comment=x is from the sweep" in caught.value.hint
    # and after mending it the same call works: what was refused is not taken for submitted
    backend = place.backend()
    assert over(backend, place.start(backend, [place.job("run", "touch here")])) == [JobStatus(state="ended")]


def test_an_index_that_is_none_starts_nothing_and_says_so(place: Place) -> None:
    backend = place.backend()
    handles = place.start(backend, [place.job("run", "echo x >> here")])
    over(backend, handles)
    script = next(place.folder.glob("*.sbatch"))
    words = ["sbatch", "--parsable", "--array=7", f"--output={place.root}/off.%a", "--wait", str(script)]
    assert subprocess.run(words, capture_output=True).returncode == 2
    assert "there is no task '7', only 0 to 0; nothing is started" in (place.root / "off.7").read_text()
    assert place.file("here").read_text() == "x\n"


def test_a_launcher_that_was_deleted(place: Place) -> None:
    job = place.job("run", "true")
    job.launcher.unlink()
    backend = place.backend()
    assert over(backend, place.start(backend, [job])) == [JobStatus(state="ended", reason="exit 2")]
    assert f"{job.launcher} is missing; nothing is started" in place.said("err")


def test_room_is_never_more_than_the_cores_and_counts_what_this_user_runs(place: Place) -> None:
    cores = os.cpu_count() or 1
    backend = place.backend("--partition=debug", cpus_per_run=cores)
    room = backend.availability()
    assert room.limit == 1 and room.gpus is None
    assert room.because == f"Slurm with 2 GPUs, but only {plural(cores, 'core')}, {cores} a run"
    handles = place.start(backend, [place.job("run", "sleep 60")])
    seen_as(backend, handles, lambda seen: seen.state == "running")
    assert backend.availability().active >= 1
    backend.cancel(handles)
    over(backend, handles)


def test_while_the_controller_is_down_nothing_is_gone(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = place.backend("--hold")
    handles = place.start(backend, [place.job("run", "true")])
    conf = tmp_path / "slurm.conf"
    real = Path("/etc/slurm/slurm.conf").read_text()
    conf.write_text(f"{real}SlurmctldPort=1\nMessageTimeout=1\n")
    with monkeypatch.context() as patched:
        patched.setenv("SLURM_CONF", str(conf))
        seen = backend.poll(handles)[handles[0]]
        assert seen.state == "unknown" and "Unable to contact slurm controller" in (seen.reason or "")
        with pytest.raises(ScaffoldError, match=r"how much room there is: .*Unable to contact slurm controller"):
            backend.availability()
        with pytest.raises(ScaffoldError, match=r"whether it has these runs already: .*Unable to contact"):
            place.start(backend, [place.job("run", "true")])
    assert backend.poll(handles)[handles[0]].state == "waiting"
    backend.cancel(handles)
    assert submitted(place) == 1
