"""Loops as agents run them, with real processes: one command an idea, and nothing but `scaffold try`."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold.ideas import background
from scaffold.sweeps.launch import sweep_locks
from tests.conftest import Run, commit_all, git
from tests.ideas import acted_out
from tests.ideas.conftest import FILES, IdeaLoop, write_repository


@pytest.fixture(scope="module")
def false_keeps() -> list[int]:
    """The false keeps of all loops so far."""
    return []


@pytest.mark.long
@pytest.mark.parametrize("loop", range(5))
def test_forty_ideas_of_known_truth(tmp_path: Path, loop: int, false_keeps: list[int]) -> None:
    effects = acted_out.shuffled_effects(loop)
    root = tmp_path / "repo"
    acted_out.make_repository(root, effects)
    outcome = acted_out.run_loop(root, effects)
    print(
        {
            number: (outcome.effects[number], status)
            for number, status in outcome.statuses.items()
            if status != "dropped"
        }
    )
    for number, effect in outcome.effects.items():
        if effect >= 3:
            assert outcome.statuses[number] in ("kept", "open")
    false_keeps += outcome.false_keeps
    assert len(false_keeps) <= 1
    git(root, "reflog", "expire", "--expire=now", "--all")
    git(root, "gc", "-q", "--prune=now")
    for number in outcome.statuses:
        assert f"S{number - 1:02d} = 1" in git(root, "show", f"refs/scaffold/ideas/val-bpb/{number}:train.py")


TRAIN = """\
import sys
GAIN = 0
if GAIN == 13:
    sys.exit("ValueError: it diverged")
print(f"val_bpb: {1 - GAIN / 100}")
"""


def test_a_short_loop_with_real_runs(tmp_path: Path, run: Run) -> None:
    """Without noise, so that few runs decide; with what no run may see: files of the tree that are no part of an idea."""
    loop = IdeaLoop(tmp_path / "repo", run)
    loop.root.mkdir()
    write_repository(loop.root, {**FILES, "train.py": TRAIN})
    loop(
        "ideas",
        "start",
        "--apply",
        "--metric",
        "val_bpb",
        "--minimize",
        "--metric-from",
        r"val_bpb:\s*(\S+)",
        "--",
        "python3",
        "train.py",
    )
    assert len(loop.study.history[0]["runs"]) == 5, "two that are equal may be so by chance"
    statuses = []
    for number in (-1, 2, 13):
        loop.train.write_text(re.sub("GAIN = -?[0-9]+", f"GAIN = {number}", loop.train.read_text()))
        statuses.append(loop.json("try", f"a gain of {number}", code=0 if number == 2 else 3)["idea"]["status"])
    assert statuses == ["dropped", "kept", "failed"] and loop.code_changes() == []
    assert "ValueError: it diverged" in loop.study.ideas[3].notes[0]
    commit_all(loop.root, "records")
    git(loop.root, "reflog", "expire", "--expire=now", "--all")
    git(loop.root, "gc", "-q", "--prune=now")
    for number, gain in ((1, "-1"), (2, "2"), (3, "13")):
        assert f"GAIN = {gain}\n" in loop.content(f"refs/scaffold/ideas/val-bpb/{number}")
    trees = loop.git("worktree", "list", "--porcelain").count("worktree ")
    assert trees == 3, "the tree, and the code of the baseline and of what stands"


def wait_until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Pause until something is so. Fails where that takes too long."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.1)


@pytest.mark.long
def test_an_idea_in_the_background_outlives_its_terminal_and_goes_on_where_it_was_killed(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = IdeaLoop(tmp_path / "repo", run)
    loop.root.mkdir()
    write_repository(loop.root, {**FILES, "train.py": TRAIN.replace("import sys", "import sys, time; time.sleep(1)")})
    pattern = ("--metric-from", r"val_bpb:\s*(\S+)", "--metric", "val_bpb", "--minimize")
    loop("ideas", "start", "--apply", *pattern, "--", "python3", "train.py")
    loop.edit("GAIN = 0", "GAIN = 2")
    who = loop("try", "better", "--detach").stdout
    judge = int(who.partition("process ")[2].partition(",")[0])
    assert os.getsid(judge) == judge, "a session of its own: no terminal takes it along"
    sweeps = loop.root / "exp" / "metadata" / "sweeps"
    wait_until(lambda: (sweep_locks.current_lock_holder(sweeps, background.TRY_LOCK) or {}).get("pid") == judge)
    assert f"an idea is being judged in this tree by process {judge}" in loop("try", "me too", code=1).stderr
    loop.edit("GAIN = 2", "GAIN = 3")  # somebody goes on editing
    wait_until(lambda: any(event["event"] == "asked" for event in loop.study.history))
    os.kill(judge, signal.SIGKILL)
    monkeypatch.setattr(background, "HANDOVER_S", 0.0)
    wait_until(lambda: loop.json("ideas", "watch")["abandoned"] == [1])
    idea = loop.json("ideas", "again", "1")["idea"]
    assert (idea["status"], idea["tree"], idea["runs"]) == ("kept", "by hand", 2)
    assert "GAIN = 3" in loop.train.read_text() and loop.git("log", "-1", "--format=%s").strip() == "workspace"


@pytest.mark.long
@pytest.mark.parametrize(
    ("printed", "cause"), [("val_bpb: nan", "val_bpb is"), ("other: 1", "no val_bpb; it gave"), ("sleep", "")]
)
def test_a_run_that_gives_no_number_has_failed(tmp_path: Path, run: Run, printed: str, cause: str) -> None:
    loop = IdeaLoop(tmp_path / "repo", run)
    loop.root.mkdir()
    write_repository(loop.root, {**FILES, "train.py": TRAIN})
    pattern = ("--metric-from", r"val_bpb:\s*(\S+)", "--metric", "val_bpb", "--minimize", "--timeout", "2")
    loop("ideas", "start", "--apply", *pattern, "--", "python3", "train.py")
    line = "import time; time.sleep(60)" if printed == "sleep" else f"print({printed!r}); sys.exit()"
    loop.edit("GAIN = 0", f"GAIN = 0\n{line}")
    idea = loop.json("try", "no number", "--metric-changed", code=3)["idea"]
    assert idea["status"] == "failed" and cause in " ".join(idea["notes"]) and loop.code_changes() == []
