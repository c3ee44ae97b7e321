"""Ideas whose runs are the research server's, or Slurm's: the same loop, tracked there; the server goes away in the middle and forgets."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.ideas.conftest import FILES, IdeaLoop, write_repository
from tests.stand_in import StandIn

pytestmark = pytest.mark.long
TRAIN = """\
import os, time
GAIN = 0
time.sleep(0.3)
seed = int(os.environ["RUN_SEED"])
print(f"val_bpb: {1 - GAIN + seed * 7 % 5 / 100}")
"""
IDEAS = ((-0.3, "dropped"), (0.3, "kept"), (0.1, "dropped"), (0.5, "kept"), (0.2, "dropped"), (0.45, "dropped"))


def make_loop(root: Path, run: Run, backend: str, *options: str) -> IdeaLoop:
    """A study whose runs are given to a backend."""
    root.mkdir(exist_ok=True)
    write_repository(root, {**FILES, "train.py": TRAIN})
    loop = IdeaLoop(root, run)
    pattern = ("--metric-from", r"val_bpb:\s*(\S+)", "--metric", "val_bpb", "--minimize")
    loop("ideas", "start", "--apply", "--backend", backend, *pattern, *options, "--", "python3", "train.py")
    return loop


def try_all(loop: IdeaLoop) -> None:
    """Each idea, one after the other, in place of the last."""
    for number, status in IDEAS:
        text = loop.train.read_text()
        before = text.partition("GAIN = ")[2].split("\n")[0]
        loop.edit(f"GAIN = {before}", f"GAIN = {number}")
        idea = loop.json("try", f"a gain of {number}", code=0 if status == "kept" else 3)["idea"]
        assert (idea["status"], idea["tree"]) == (status, "done"), idea
    assert loop.code_changes() in ([], ["?? .agents/"]) and "GAIN = 0.5" in loop.train.read_text()


def test_on_the_research_server_which_is_killed_in_the_middle(
    stand_in: StandIn, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in.execute, stand_in.gpus = True, 2
    monkeypatch.setenv("RESEARCH_AGENT_SERVER_URL", stand_in.url)
    loop = make_loop(tmp_path / "repo", run, "server", "--gpus-per-run", "1")
    seen = len(stand_in.asked("POST", "/runs"))
    assert seen >= 2, "the baseline is tracked there"

    def kill() -> None:
        stand_in.down()
        threading.Event().wait(2)
        stand_in.restart()
        stand_in.up()

    killer = threading.Timer(4, kill)
    killer.start()
    try_all(loop)
    killer.join()


@pytest.mark.usefixtures("slurm")
def test_on_slurm(tmp_path: Path, run: Run) -> None:
    loop = make_loop(tmp_path / "repo", run, "slurm", "--cpus-per-run", "1", "--gpus-per-run", "0")
    try_all(loop)
    assert list(loop.root.glob("exp/metadata/sweeps/*/array-*.sbatch")), "its runs are jobs of an array"
