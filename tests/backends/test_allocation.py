"""The script that has Slurm start a run of the research server, with commands in Slurm's place that say how they were called."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.backends.interface import BackendContext, Job
from scaffold.backends.server import slurm_allocation
from scaffold.backends.slurm.sbatch_options import choose_sbatch_options
from scaffold.workspace import Workspace
from tests.runs.conftest import until

OPTIONS = choose_sbatch_options(
    {"partitions": ["gpu"], "evidence": {"partitions": "slurm/train.sbatch:3"}},
    sbatch=("--signal=B:USR1@60", "--requeue", "--comment=it's a"),
)
# says what it was called with and what of Slurm's it sees; `srun --test-only` answers with $REFUSES; the last word is the launcher
FAKE = """\
#!/bin/bash
name=$(basename "$0")
if [ "$name" = srun ] && [ "$1" = --test-only ]; then [ -z "$REFUSES" ] || { echo "$REFUSES" >&2; exit 1; }; exit 0; fi
printf '%s\\n' "$name $*" >> "$CALLS"
env | grep '^SLURM' | sort >> "$CALLS"
case "$name" in
  squeue) case "$*" in *RUNNING*) echo "$JOB_RUNS" ;; *all*) echo "$STATES" ;; esac ;;
  scancel) kill -s TERM "$(cat "$CALLS.pid")" ;;
  srun | sbatch) echo $$ > "$CALLS.pid"; exec bash "${@: -1}" ;;
esac
"""


class Allocation:
    """A script, its launcher, and the directory that it runs with as PATH."""

    def __init__(self, folder: Path, *, commands: tuple[str, ...] = ("srun", "sbatch", "squeue", "scancel")) -> None:
        self.calls = folder / "calls"
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in commands:
            (self.bin / name).write_text(FAKE)
            (self.bin / name).chmod(0o755)
        self.launcher = folder / "it's one.sh"
        self.launcher.write_text("exit 7\n")
        workspace = Workspace(workdir=folder, root="exp", answers={})
        self.context = BackendContext(
            workspace=workspace, sweep="lr", folder=folder, logs=folder, gpus_per_run=1, cpus_per_run=2, warn=print
        )
        self.job = Job(name="one", number=1, launcher=self.launcher)
        self.path = folder / "one.slurm.sh"
        self.path.write_text(slurm_allocation.format_allocation_script(self.context, self.job, OPTIONS))

    def start(self, **variables: str) -> subprocess.Popen[str]:
        env = {"PATH": f"{self.bin}:/usr/bin:/bin", "CALLS": str(self.calls), **variables}
        return subprocess.Popen(["bash", str(self.path)], env=env, stderr=subprocess.PIPE, text=True)

    def run(self, **variables: str) -> tuple[int, str]:
        process = self.start(**variables)
        complaint = process.communicate(timeout=20)[1]
        return process.returncode, complaint

    @property
    def lines(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def made(tmp_path: Path) -> Allocation:
    return Allocation(tmp_path)


def test_options_say_where_they_are_from_and_the_script_is_clean(made: Allocation) -> None:
    text = made.path.read_text()
    assert "  # slurm/train.sbatch:3\n  --partition=gpu\n" in text and "  --signal=USR1@60\n" in text
    assert "  # the sweep: --requeue is left out, it is for sbatch alone\n" in text
    checked = subprocess.run([Path(sys.executable).with_name("shellcheck"), made.path], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")
    assert slurm_allocation.read_slurm_job_name(made.path.parent, "one") == slurm_allocation.format_slurm_job_name(
        made.context, made.job
    )


def test_the_launcher_is_started_by_srun_and_its_exit_status_is_passed_on(made: Allocation) -> None:
    assert made.run() == (7, "")
    name = slurm_allocation.format_slurm_job_name(made.context, made.job)
    expected = f"--nodes=1 --ntasks=1 --overlap --job-name={name} --partition=gpu --signal=USR1@60 --comment=it's a"
    assert made.lines == [f"srun {expected} bash {made.launcher}"]


def test_where_srun_is_not_allowed_sbatch_waits(made: Allocation) -> None:
    code, complaint = made.run(REFUSES="srun: error: Access/permission denied")
    assert code == 7 and "Access/permission denied); sbatch --wait instead" in complaint
    assert made.lines[0].startswith("sbatch --wait --nodes=1") and "--partition=gpu" in made.lines[0]


def test_in_a_job_of_its_own_it_is_a_step_that_asks_for_no_more(made: Allocation) -> None:
    job = {"SLURM_JOB_ID": "12", "SLURM_CPUS_ON_NODE": "8", "SLURM_GPUS_ON_NODE": "0", "JOB_RUNS": "12"}
    assert made.run(**job)[0] == 7
    step = next(line for line in made.lines if line.startswith("srun"))
    assert "--cpus-per-task=2 --overlap" in step and "partition" not in step and "gres" not in step
    made.calls.unlink()
    assert made.run(**{**job, "SLURM_CPUS_ON_NODE": "1", "SLURM_GPUS_ON_NODE": "2"})[0] == 7
    step = next(line for line in made.lines if line.startswith("srun"))
    assert "--exact --mem=0 --gres=gpu:1 bash" in step and "cpus-per-task" not in step


def test_a_job_that_is_over_leaves_nothing_in_a_new_allocation(made: Allocation) -> None:
    code, _ = made.run(SLURM_JOB_ID="12", SLURM_NTASKS="64", SLURM_CONF="/etc/slurm/slurm.conf", JOB_RUNS="")
    assert code == 7
    called = next(n for n, line in enumerate(made.lines) if line.startswith("srun"))
    assert "--partition=gpu" in made.lines[called] and made.lines[called + 1 :] == ["SLURM_CONF=/etc/slurm/slurm.conf"]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("refuses", ["", "no"], ids=["srun", "sbatch"])
def test_who_ends_it_has_slurm_end_the_job(made: Allocation, number: signal.Signals, refuses: str) -> None:
    made.launcher.write_text("trap 'exit 9' TERM\ntouch $CALLS.up\nwhile :; do sleep 0.02; done\n")
    with made.start(REFUSES=refuses) as process:
        try:
            until(made.calls.with_name("calls.up").exists)
            process.send_signal(number)
            process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 9
    assert any(line.startswith("scancel --name=lr.") for line in made.lines)


def test_a_job_that_somebody_cancelled_before_it_began_is_told_from_one_that_failed(made: Allocation) -> None:
    made.launcher.with_name("one.ticket").touch()
    assert made.run(STATES="3 CANCELLED")[0] == 76
    assert made.run(STATES="3 FAILED")[0] == 7
    made.launcher.with_name("one.ticket").unlink()
    assert made.run(STATES="3 CANCELLED")[0] == 7, "it began"


def test_without_slurm_nothing_is_started(tmp_path: Path) -> None:
    found = Allocation(tmp_path, commands=())
    for name in ("bash", "cat"):
        (found.bin / name).symlink_to(str(shutil.which(name)))
    found.launcher.write_text("touch started\n")
    done = subprocess.run(
        ["bash", found.path], env={"PATH": str(found.bin)}, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 69 and "nothing is started" in done.stderr and not (tmp_path / "started").exists()
