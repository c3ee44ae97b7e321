"""What Slurm prints and is given, as text; and states and answers that no Slurm of one node can be made to give, from fake commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from scaffold.backends.interface import BackendContext, Job, JobStatus
from scaffold.backends.slurm import commands, parse_output
from scaffold.backends.slurm.array_script import (
    ArrayTask,
    format_array_script,
    format_index_set,
    format_sbatch_array_option,
    parse_array_job_name,
    parse_array_script_tasks,
)
from scaffold.backends.slurm.backend import SlurmBackend
from scaffold.backends.slurm.parse_output import parse_sacct, parse_sbatch_job_number, parse_sinfo, parse_squeue
from scaffold.backends.slurm.sbatch_options import SbatchOption, choose_sbatch_options, parse_sbatch_option
from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.workspace import Workspace

ANSWER = {
    "partitions": ["gpu-long", "gpu"],
    "accounts": ["proj123"],
    "qos": [],
    "gres": ["gpu:a100:4"],
    "time": ["1-00:00:00"],
    "evidence": {"partitions": "slurm/train.sbatch:3", "accounts": "slurm/train.sbatch:4", "gres": "run.sh:9"},
}


def words(options: tuple[SbatchOption, ...]) -> list[str]:
    return [option.word for option in options]


def test_the_repositorys_options_come_with_their_evidence() -> None:
    assert [(o.word, o.origin) for o in choose_sbatch_options(ANSWER)] == [
        ("--partition=gpu-long", "slurm/train.sbatch:3"),
        ("--account=proj123", "slurm/train.sbatch:4"),
        ("--time=1-00:00:00", "the workspace's answers"),
        ("--gres=gpu:a100:4", "run.sh:9"),
    ]


@pytest.mark.parametrize(
    "answer", [None, {}, "x", {"partitions": []}, {"partitions": None}, {"accounts": ["a\n#SBATCH --x"]}]
)
def test_what_is_not_known_is_left_out(answer: object) -> None:
    assert choose_sbatch_options(answer) == ()


def test_what_a_run_needs_goes_before_the_repository_and_keeps_its_kind_of_gpu() -> None:
    assert words(choose_sbatch_options(ANSWER, gpus=1, cpus=8, timeout_s=600)) == [
        "--partition=gpu-long",
        "--account=proj123",
        "--time=11",
        "--gres=gpu:a100:1",
        "--cpus-per-task=8",
    ]
    assert words(choose_sbatch_options({"gres": ["gpu:2"]}, gpus=1)) == ["--gres=gpu:1"]
    assert words(choose_sbatch_options(ANSWER, gpus=0))[-1] == "--time=1-00:00:00"


@pytest.mark.parametrize("mine", ["--gpus=1", "-G1", "--gpus-per-node 1", "--gres=gpu:1", "--gpus-per-task=1"])
def test_the_sweeps_word_on_gpus_replaces_the_repositorys_however_it_is_said(mine: str) -> None:
    found = words(choose_sbatch_options(ANSWER, sbatch=(mine,), gpus=4))
    assert "--gres=gpu:a100:4" not in found and found[-1] == parse_sbatch_option(mine).word


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("--time=1:00:00", "--time=1:00:00"),
        ("--time 1:00:00", "--time=1:00:00"),
        ("-t 60", "--time=60"),
        ("-pgpu", "--partition=gpu"),
        ("--exclusive", "--exclusive"),
        ("-H", "-H"),
        ("-x node1", "-xnode1"),
        ("--comment=a 'b' c", "--comment=a 'b' c"),
    ],
)
def test_options_as_they_are_typed(text: str, word: str) -> None:
    assert parse_sbatch_option(text).word == word


@pytest.mark.parametrize(
    "text", ["--array=0-3", "-a 1", "-J x", "--out=x", "--wait", "-M all", "--wrap=true", "--test-only"]
)
def test_options_that_a_launch_needs_for_itself(text: str) -> None:
    with pytest.raises(WrongUsage, match="is set by the launch itself"):
        parse_sbatch_option(text)


@pytest.mark.parametrize("text", ["", "gpu", "partition=gpu", "--x=a\n#SBATCH --y", "---", "-"])
def test_what_is_no_option(text: str) -> None:
    with pytest.raises(WrongUsage, match="is no option of sbatch"):
        parse_sbatch_option(text)


def jobs(*names: str) -> list[Job]:
    return [Job(name=name, number=1, launcher=Path(f"/w/it's a/{name}.sh")) for name in names]


SCRIPT = """\
#SBATCH --job-name=lr.0
#SBATCH --array=0-1%1
#SBATCH --open-mode=append
# slurm/train.sbatch:3
#SBATCH --partition=gpu
# the sweep
#SBATCH '--comment=a '"'"'b'"'"' \\\\ $c'
#: 0 1 a
#: 1 1 b
"""


def test_the_script_says_where_each_option_is_from_and_what_each_task_is(tmp_path: Path) -> None:
    options = choose_sbatch_options(
        {"partitions": ["gpu"], "evidence": {"partitions": "slurm/train.sbatch:3"}}, sbatch=("--comment=a 'b' \\ $c",)
    )
    text = format_array_script("lr.0", jobs("a", "b"), options, 1)
    assert SCRIPT in text
    assert format_array_script("lr.0", jobs("a", "b"), options, 1) == text
    assert (parse_array_job_name(text), parse_array_script_tasks(text)) == ("lr.0", {("a", 1): 0, ("b", 1): 1})
    (tmp_path / "s.sh").write_text(text)
    checked = subprocess.run(
        [Path(sys.executable).with_name("shellcheck"), tmp_path / "s.sh"], capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("index", [None, "", "2", "-1", "x", "1;touch here", "99999999999999999999"])
def test_an_index_that_is_none_touches_nothing(tmp_path: Path, index: str | None) -> None:
    launcher = tmp_path / "a.sh"
    launcher.write_text("touch here")
    text = format_array_script("lr.0", [Job(name="a", number=1, launcher=launcher)] * 2, (), None)
    given = {"PATH": "/usr/bin:/bin"} if index is None else {"PATH": "/usr/bin:/bin", "SLURM_ARRAY_TASK_ID": index}
    done = subprocess.run(["bash", "-c", text], env=given, cwd=tmp_path, capture_output=True, text=True)
    assert (
        done.returncode == 2
        and f"lr.0: there is no task '{index or ''}', only 0 to 1; nothing is started" in done.stderr
    )
    assert not (tmp_path / "here").exists()
    assert (
        subprocess.run(["bash", "-c", text], env={**given, "SLURM_ARRAY_TASK_ID": "08"[:1]}, cwd=tmp_path).returncode
        == 0
    )
    assert (tmp_path / "here").exists()


def test_numbers_of_tasks_as_slurm_writes_them() -> None:
    assert format_index_set([5, 0, 1, 2, 7, 6, 2]) == "0-2,5-7" and format_index_set([3]) == "3"
    assert [format_sbatch_array_option(3, n) for n in (None, 0, 1, 2, 3, 9)] == [
        "0-2",
        "0-2%1",
        "0-2%1",
        "0-2%2",
        "0-2",
        "0-2",
    ]
    assert format_sbatch_array_option(1, None) == "0-0"


@pytest.mark.parametrize(
    ("text", "number"),
    [("12\n", 12), ("12;cluster\n", 12), ("site says hello\n12\n", 12), ("", None), ("Submitted batch job 12\n", None)],
)
def test_the_number_that_sbatch_answers(text: str, number: int | None) -> None:
    assert parse_sbatch_job_number(text) == number


def row(state: str, code: int = 0, reason: str = "None", index: str = "3") -> str:
    return f"{7:>20}{index:>20}{state:>30}{code:>20}{'lr.0':>80}{reason:>200}"


TASK = ArrayTask(array=7, index=3, name="lr.0")


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        (row("PENDING", reason="Priority"), JobStatus(state="waiting", reason="Priority")),
        (
            row("PENDING", reason="ReqNodeNotAvail, UnavailableNodes:n1"),
            JobStatus(state="waiting", reason="ReqNodeNotAvail, UnavailableNodes:n1"),
        ),
        (row("PENDING"), JobStatus(state="waiting")),
        (row("REQUEUE_HOLD"), JobStatus(state="waiting", reason="requeued, held")),
        (row("CONFIGURING"), JobStatus(state="starting")),
        (row("RUNNING"), JobStatus(state="running")),
        (row("COMPLETING"), JobStatus(state="running")),
        (row("SUSPENDED"), JobStatus(state="running", reason="suspended")),
        (row("COMPLETED"), JobStatus(state="ended")),
        (row("FAILED", 768, "NonZeroExitCode"), JobStatus(state="ended", reason="exit 3")),
        (row("FAILED", 9), JobStatus(state="ended", reason="signal 9")),
        (row("FAILED", 4021, "JobLaunchFailure"), JobStatus(state="ended", reason="node could not start it")),
        (row("TIMEOUT", reason="TimeLimit"), JobStatus(state="ended", reason="time limit")),
        (row("PREEMPTED"), JobStatus(state="ended", reason="preempted")),
        (row("OUT_OF_MEMORY", 125 * 256), JobStatus(state="ended", reason="out of memory")),
        (row("NODE_FAIL"), JobStatus(state="ended", reason="node failed")),
        (row("BOOT_FAIL"), JobStatus(state="ended", reason="node did not boot")),
        (row("DEADLINE"), JobStatus(state="ended", reason="deadline")),
        (row("CANCELLED"), JobStatus(state="ended", reason="cancelled")),
        (row("OF_THE_FUTURE"), JobStatus(state="unknown", reason="Slurm calls it OF_THE_FUTURE")),
    ],
)
def test_states_as_squeue_tells_them(line: str, seen: JobStatus) -> None:
    assert parse_squeue(f"CLUSTER: a\n{line}\n\nslurm says something else\n") == {TASK: seen}


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("7_3|lr.0|COMPLETED|0:0", JobStatus(state="ended")),
        ("7_3|lr.0|FAILED|3:0", JobStatus(state="ended", reason="exit 3")),
        ("7_3|lr.0|FAILED|0:9", JobStatus(state="ended", reason="signal 9")),
        ("7_3|lr.0|FAILED|0:53", JobStatus(state="ended", reason="node could not start it")),
        ("7_3|lr.0|CANCELLED by 1000|0:0", JobStatus(state="ended", reason="cancelled")),
        ("7_3|lr.0|OUT_OF_MEMORY|0:125", JobStatus(state="ended", reason="out of memory")),
        ("7_3|lr.0|TIMEOUT|0:0", JobStatus(state="ended", reason="time limit")),
        ("7_3|lr.0|RUNNING|0:0", JobStatus(state="running")),
    ],
)
def test_states_as_sacct_tells_them(line: str, seen: JobStatus) -> None:
    assert parse_sacct(f"{line}\n7_[4-9%2]|lr.0|PENDING|0:0\n8|other|COMPLETED|0:0\n\n") == {TASK: seen}


def test_cores_and_gpus_of_nodes_that_take_work() -> None:
    listed = (
        "n1|mix|30/34/0/64|gpu:a100:4(S:0-1),mps:200|gpu*\n"
        "n1|mix|30/34/0/64|gpu:a100:4(S:0-1),mps:200|all\n"
        "n2|idle~|0/64/0/64|gpu:2,gpu:v100:1|gpu*\n"
        "n3|down*|0/0/64/64|gpu:8|gpu*\n"
        "n4|drain|0/0/64/64|gpu:8|gpu*\n"
        "n5|idle*|0/64/0/64|gpu:8|gpu*\n"
        "n6|idle|0/8/0/8|(null)|all\n"
    )
    default = parse_sinfo(listed, None)
    assert (default.cores, default.gpus, default.partitions) == (128, 7, ("gpu",))
    everything = parse_sinfo(listed.replace("*\n", "\n"), None)
    assert (everything.cores, everything.gpus, everything.partitions) == (136, 7, ("all", "gpu"))
    assert parse_sinfo("", "none") == parse_output.NodeResources(cores=0, gpus=0, partitions=())


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in front of PATH; every command of Slurm is there, says nothing, and writes down how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sbatch", "squeue", "sacct", "scancel", "sinfo", "scontrol"):
        says(folder, name)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def says(folder: Path, name: str, stdout: str = "", *, stderr: str = "", code: int = 0, more: str = "") -> None:
    (folder / f"{name}.out").write_text(stdout)
    (folder / f"{name}.err").write_text(stderr)
    (folder / name).write_text(
        f'#!/bin/sh\nprintf "%s\\n" "{name} $*" >>{folder}/calls\n{more}\n'
        f"cat {folder}/{name}.out\ncat {folder}/{name}.err >&2\nexit {code}\n"
    )
    (folder / name).chmod(0o755)


def calls(folder: Path, name: str) -> list[str]:
    path = folder / "calls"
    return [line for line in path.read_text().splitlines() if line.split()[0] == name] if path.exists() else []


@pytest.fixture
def backend(tmp_path: Path) -> SlurmBackend:
    folder = tmp_path / "sweeps" / "s"
    folder.mkdir(parents=True)
    answers: Mapping[str, object] = {"slurm": None}
    return SlurmBackend(
        BackendContext(
            workspace=Workspace(workdir=tmp_path, root="exp", answers=answers),
            sweep="s",
            goal="g",
            experiment="e",
            folder=folder,
            logs=tmp_path / "logs",
            notes={},
            warn=lambda text: None,
        )
    )


COUNTING = "n=$(cat {0}/n 2>/dev/null || echo 100); n=$((n + 1)); echo $n >{0}/n; echo $n"
H = "7_3 lr.0"


def test_more_runs_than_an_array_may_have_are_several_one_after_the_other_where_they_are_held_to_a_number(
    fake: Path, backend: SlurmBackend
) -> None:
    says(fake, "scontrol", "MaxArraySize            = 2\n")
    says(fake, "sbatch", more=COUNTING.format(fake))
    told: dict[str, str] = {}
    backend.submit(jobs("a", "b", "c", "d", "e"), told.__setitem__, at_once=1)
    assert [handle.split()[0] for handle in told.values()] == ["101_0", "101_1", "102_0", "102_1", "103_0"]
    submitted_as = calls(fake, "sbatch")
    assert [line.count("--dependency=afterany:") for line in submitted_as] == [0, 1, 1]
    assert "afterany:101 " in submitted_as[1] and "afterany:102 " in submitted_as[2]
    assert len({handle.split()[1] for handle in told.values()}) == 3


def test_without_a_number_to_hold_they_do_not_wait_for_each_other(fake: Path, backend: SlurmBackend) -> None:
    says(fake, "scontrol", "MaxArraySize            = 2\n")
    says(fake, "sbatch", more=COUNTING.format(fake))
    backend.submit(jobs("a", "b", "c"), lambda name, handle: None)
    assert len(calls(fake, "sbatch")) == 2 and not any("--dependency" in line for line in calls(fake, "sbatch"))


def test_a_thousand_runs_are_one_short_command_line(fake: Path, backend: SlurmBackend) -> None:
    says(fake, "sbatch", "12\n")
    backend.submit(jobs(*(f"{'x' * 110}-{n}" for n in range(1000))), lambda name, handle: None, at_once=4)
    (line,) = calls(fake, "sbatch")
    assert len(line) < 1000 and "--array=0-999%4" in line


def test_sbatch_that_does_not_answer_may_have_taken_it(
    fake: Path, backend: SlurmBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scaffold.backends.slurm.backend.SUBMIT_S", 0.2)
    says(fake, "sbatch", more="exec sleep 20")
    with pytest.raises(
        ScaffoldError, match="did not say whether it took the array: sbatch did not answer within"
    ) as caught:
        backend.submit(jobs("a"), lambda name, handle: None)
    assert "not submitted twice" in str(caught.value.hint)
    # it had: the second call finds it
    name = calls(fake, "sbatch")[0].partition("--job-name=")[2].split()[0]
    says(fake, "squeue", f"{12:>20}{0:>20}{'PENDING':>30}{0:>20}{name:>80}{'None':>200}\n")
    told: dict[str, str] = {}
    backend.submit(jobs("a"), told.__setitem__)
    assert told == {"a": f"12_0 {name}"} and len(calls(fake, "sbatch")) == 1


def test_what_slurm_has_and_is_over_is_submitted_again(fake: Path, backend: SlurmBackend) -> None:
    says(fake, "sbatch", "12\n")
    backend.submit(jobs("a"), lambda name, handle: None)
    name = calls(fake, "sbatch")[0].partition("--job-name=")[2].split()[0]
    says(fake, "squeue", f"{12:>20}{0:>20}{'NODE_FAIL':>30}{0:>20}{name:>80}{'None':>200}\n")
    says(fake, "sbatch", "13\n")
    told: dict[str, str] = {}
    backend.submit(jobs("a"), told.__setitem__)
    assert told == {"a": f"13_0 {name}"}


def test_an_array_script_that_cannot_be_written_submits_nothing(
    fake: Path, backend: SlurmBackend, tmp_path: Path
) -> None:
    (tmp_path / "logs").write_text("a file where the folder is to be")
    with pytest.raises(ScaffoldError, match="logs cannot be written: File exists; nothing was submitted"):
        backend.submit(jobs("a"), lambda name, handle: None)
    assert calls(fake, "sbatch") == []


def test_sbatch_that_succeeds_without_a_number(fake: Path, backend: SlurmBackend) -> None:
    says(fake, "sbatch", "welcome\n")
    with pytest.raises(ScaffoldError, match="did not say whether it took the array: welcome"):
        backend.submit(jobs("a"), lambda name, handle: None)


def test_while_squeue_does_not_answer_jobs_are_unknown_but_for_what_accounting_knows_to_be_over(
    fake: Path, backend: SlurmBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scaffold.backends.slurm.commands.ASK_S", 0.2)
    says(fake, "squeue", more="exec sleep 20")
    assert backend.poll([H]) == {
        H: JobStatus(state="unknown", reason="Slurm cannot be asked: squeue did not answer within 0.2 s")
    }
    says(fake, "sacct", "7_3|lr.0|TIMEOUT|0:0\n7_4|lr.0|RUNNING|0:0\n")
    seen = backend.poll([H, "7_4 lr.0"])
    assert seen[H] == JobStatus(state="ended", reason="time limit") and seen["7_4 lr.0"].state == "unknown"


def test_sacct_is_asked_for_what_squeue_no_longer_knows(fake: Path, backend: SlurmBackend) -> None:
    says(fake, "squeue", row("RUNNING", index="4") + "\n")
    says(fake, "sacct", "7_3|lr.0|OUT_OF_MEMORY|0:125\n9_0|other|FAILED|1:0\n")
    seen = backend.poll([H, "7_4 lr.0", "9_0 lr.0", "what"])
    assert seen == {
        H: JobStatus(state="ended", reason="out of memory"),
        "7_4 lr.0": JobStatus(state="running"),
        "9_0 lr.0": JobStatus(state="gone", reason="Slurm no longer knows it"),
        "what": JobStatus(state="gone", reason="not a handle of Slurm"),
    }
    assert "--jobs=7,9" in calls(fake, "sacct")[0] and len(calls(fake, "squeue")) == 1


def test_tasks_that_were_cancelled_together_before_they_began(fake: Path, backend: SlurmBackend) -> None:
    says(fake, "squeue", row("CANCELLED", index="N/A") + "\n" + row("RUNNING", index="4") + "\n")
    assert [seen.state for seen in backend.poll([H, "7_4 lr.0"]).values()] == ["ended", "running"]


def test_no_slurm_here(backend: SlurmBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ScaffoldError, match="sinfo cannot be started: No such file or directory"):
        backend.availability()
    with pytest.raises(ScaffoldError, match="cannot be started"):
        backend.submit(jobs("a"), lambda name, handle: None)
    assert backend.poll([H])[H].state == "unknown"


def test_scancel_that_fails_says_why_and_what_is_over_is_no_failure(fake: Path, backend: SlurmBackend) -> None:
    says(fake, "squeue", row("RUNNING") + "\n" + row("COMPLETED", index="4") + "\n")
    says(fake, "scancel", stderr="scancel: error: Kill job error on job id 7_3: Access/permission denied\n", code=1)
    with pytest.raises(ScaffoldError, match="Access/permission denied"):
        backend.cancel([H, "7_4 lr.0", "7_5 lr.0"])
    assert calls(fake, "scancel") == ["scancel 7_[3]"]
    over = "scancel: error: Kill job error on job id 7_3: Job/step already completing or completed\n"
    says(fake, "scancel", stderr=over, code=1)
    backend.cancel([H])


def test_slurms_commands_know_nothing_of_an_enclosing_job() -> None:
    given = {
        "PATH": "/bin",
        "SLURM_CONF": "/c",
        "SLURM_JOB_ID": "1",
        "SBATCH_WAIT": "1",
        "SBATCH_ACCOUNT": "a",
        "SQUEUE_SORT": "i",
    }
    assert commands.slurm_environment(given) == {"PATH": "/bin", "SLURM_CONF": "/c", "SBATCH_ACCOUNT": "a"}
