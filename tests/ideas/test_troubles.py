"""Loops that are not the sunny kind: crashes, fixed seeds, several at once, one kept under another, killed at any point."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.ideas import background, trial_runs
from scaffold.ideas.loop_state import JudgingStep
from tests.ideas.conftest import FILES, TRAIN, IdeaLoop, MakeLoop, gain, seeds_of


@pytest.fixture
def loop(make_loop: MakeLoop) -> IdeaLoop:
    return make_loop("--apply")


def test_one_seed_that_crashes_runs_again_and_decides_nothing(loop: IdeaLoop) -> None:
    crashed: list[int] = []

    def give(train: str, seed: int) -> float | None:
        if "0.3" in train and not crashed:
            crashed.append(seed)
            return None
        return gain(train, seed)

    loop.give = give
    loop.edit()
    idea = loop.json("try", "better")["idea"]
    assert idea["status"] == "kept" and seeds_of(loop.asked, 1).count(crashed[0]) == 2


def test_an_incumbent_that_crashes_stops_the_loop(loop: IdeaLoop) -> None:
    loop.give = lambda train, seed: None if "GAIN = 0\n" in train else gain(train, seed)
    loop.edit()
    idea = loop.json("try", "better", code=3)["idea"]
    assert idea["status"] == "open" and "runs of the incumbent gave no value" in idea["why"]
    assert loop.code_changes() == [] and loop.study.incumbent == 0


def test_without_a_seed_option_runs_are_repeats(make_loop: MakeLoop) -> None:
    loop = make_loop(started=False)
    started = loop.json(
        "ideas", "start", "--apply", "--seeds", "none", "--metric", "val_bpb", "--minimize", "--", "python3", "train.py"
    )
    assert started["seed_option"] is None and not loop.study.options().seeds
    loop.edit()
    assert loop.json("try", "better")["idea"]["status"] == "kept"


def test_a_seed_that_is_fixed_in_the_code_proves_nothing(make_loop: MakeLoop) -> None:
    fixed = TRAIN.replace('int(os.environ["RUN_SEED"])', "SEED = 42")
    loop = make_loop(files={**FILES, "train.py": fixed}, started=False)
    loop.give = lambda train, seed: gain(train, 42)
    started = loop("ideas", "start", "--apply", "--metric", "val_bpb", "--minimize", "--", "python3", "train.py")
    assert "no two runs differ, because the seed is fixed (train.py:3)" in started.stderr
    loop.edit()
    idea = loop.json("try", "a new draw")["idea"]
    assert idea["status"] == "kept" and idea["notes"] == ["on one seed (train.py:3), unproven"]
    assert "nothing can be claimed" in loop("ideas", "claim", code=1).stderr


def test_simpler_is_kept_where_it_is_not_worse_by_more_than_the_margin(make_loop: MakeLoop) -> None:
    loop = make_loop("--apply", "--margin", "0.2")
    loop.give = lambda train, seed: gain(train, seed)
    loop.edit("GAIN = 0", "GAIN = -0.02")
    assert loop.json("try", "simpler", "--simpler")["idea"]["status"] == "kept"


def test_the_higher_the_better(make_loop: MakeLoop) -> None:
    loop = make_loop(started=False)
    loop.give = lambda train, seed: -(gain(train, seed) or 0)
    loop("ideas", "start", "--apply", "--metric", "acc", "--maximize", "--", "python3", "train.py")
    loop.edit()
    idea = loop.json("try", "better")["idea"]
    assert idea["status"] == "kept" and 0 < idea["low"] < idea["change"] < idea["high"]
    assert [point["best"] for point in loop.json("ideas", "chart")["points"]] == pytest.approx([-1.01, -0.71], abs=0.02)


def second_tree(loop: IdeaLoop, path: Path) -> IdeaLoop:
    """The same loop in a worktree of the user's."""
    loop.git("worktree", "add", "-q", str(path), "HEAD", "-b", "second")
    other = IdeaLoop(path, loop.call)
    other.give = loop.give
    return other


def test_an_idea_under_which_another_was_kept_is_judged_anew_on_top_of_it(loop: IdeaLoop, tmp_path: Path) -> None:
    other = second_tree(loop, tmp_path / "second")
    other.edit("WIDTH = 64", "WIDTH = 65", "model.py")
    other.edit("BONUS = 0", "BONUS = 0.2")
    loop.edit()

    ran: list[str] = []

    def keep_the_other() -> None:
        loop.during = lambda: None
        assert other.json("try", "the other")["idea"]["status"] == "kept"
        loop.give = remember

    def remember(train: str, seed: int) -> float | None:
        ran.append(train)
        return gain(train, seed)

    loop.during = keep_the_other
    done = loop("try", "better")
    both = [train for train in ran if "GAIN = 0.3" in train and "BONUS = 0.2" in train]
    assert len(both) == len(seeds_of(loop.asked, "1-2")) >= 3, "what ran is the idea as it was merged"
    assert "idea 2 was kept since: idea 1 is judged on top of it" in done.stderr
    record = loop.study.ideas[1]
    assert (record.status, record.base, loop.study.incumbent) == ("kept", 2, 1)
    assert loop.content(record.commit, "model.py") == "WIDTH = 65\n" and "GAIN = 0.3" in loop.content(record.commit)
    assert "BONUS = 0.2" in loop.content(record.commit)
    assert loop.content("refs/scaffold/ideas/val-bpb/1-on-0", "model.py") == "WIDTH = 64\n"
    assert loop.code_changes() == [] and loop.content("HEAD", "model.py") == "WIDTH = 65\n"


def test_what_cannot_be_brought_together_stays_open(loop: IdeaLoop, tmp_path: Path) -> None:
    other = second_tree(loop, tmp_path / "second")
    other.edit("GAIN = 0", "GAIN = 0.4")
    loop.edit()

    def keep_the_other() -> None:
        loop.during = lambda: None
        other("try", "the other")

    loop.during = keep_the_other
    idea = loop.json("try", "better", code=3)["idea"]
    assert idea["status"] == "open" and "in the same lines by the code that stands now" in idea["why"]


def test_a_second_try_in_one_tree_is_refused(loop: IdeaLoop) -> None:
    loop.edit()
    seen: list[str] = []

    def try_too() -> None:
        loop.during = lambda: None
        seen.append(loop("try", "me too", code=1).stderr)

    loop.during = try_too
    loop("try", "better")
    assert "an idea is being judged in this tree" in seen[0]


def test_an_idea_that_nobody_judges_any_more_is_said_to_be_and_goes_on(
    loop: IdeaLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "HANDOVER_S", -1.0)
    loop.edit()

    def die() -> None:
        loop.during = lambda: None
        raise SystemExit(137)

    loop.during = die
    loop("try", "better", code=137)
    going_on = "nobody judges idea 1 any more: scaffold ideas again 1 goes on where it was"
    assert going_on in loop("ideas", "list").stdout and going_on in loop("ideas", "watch").stdout
    assert loop.json("ideas", "watch")["abandoned"] == [1]
    loop.edit("WIDTH = 64", "WIDTH = 65", "model.py")
    idea = loop.json("ideas", "again", "1")["idea"]
    assert (idea["idea"], idea["status"], idea["tree"]) == (1, "kept", "by hand")
    assert "model.py was changed while the idea was judged" in idea["notes"][-1]
    assert loop.json("ideas", "watch") | {"last": []} == {
        **{"version": 1, "study": "val-bpb", "incumbent": 1, "running": [], "last": [], "abandoned": []}
    }


def test_the_checks_of_an_idea_for_the_background_run_at_once(make_loop: MakeLoop) -> None:
    loop = make_loop("--apply", "--check", "false")
    loop.edit()
    idea = loop.json("try", "better", "--detach", code=3)["idea"]
    assert (idea["status"], idea["why"]) == ("dropped", "the check `false` failed") and loop.code_changes() == []


def test_both_sides_take_turns() -> None:
    order = [side[0] + str(seed) for side, seed in trial_runs.interleave((1, 2, 3), (1, 2, 3))]
    assert order == ["i1", "c1", "c2", "i2", "i3", "c3"]
    assert trial_runs.interleave((), (4, 5)) == [("candidate", 4), ("candidate", 5)]
    assert trial_runs.interleave((9,), (4, 5)) == [("incumbent", 9), ("candidate", 4), ("candidate", 5)]


def test_so_many_run_at_once_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    class Side:
        warn = staticmethod(print)

        def __init__(self, name: str) -> None:
            self.name = name

        def open(self, seeds: list[int]) -> list[int]:
            return seeds

        def request(self, seeds: list[int], crashes: dict[int, int]) -> None:
            calls.append(f"{self.name}{seeds}")

        def finish(self, seeds: list[int], show: object) -> list[trial_runs.IdeaTrialRunResult]:
            calls.append(f"wait {self.name}")
            return [trial_runs.IdeaTrialRunResult(seed, 1.0, f"{self.name}{seed}") for seed in seeds]

    calls: list[str] = []
    step = JudgingStep(kind="run", incumbent=(1, 2, 3), candidate=(1, 2, 3), level=0.05)
    results = trial_runs.run_judging_step(Side("A"), Side("B"), step, at_once=2, crashes={}, show=lambda s: None)  # type: ignore[arg-type]
    requested = [call for call in calls if not call.startswith("wait")]
    assert requested == ["A[1]", "B[1]", "B[2]", "A[2]", "A[3]", "B[3]"] and calls[:4] == [
        "A[1]",
        "B[1]",
        "wait A",
        "wait B",
    ]
    assert [r.seed for r in results.incumbent] == [1, 2, 3]


KILLED = Path(__file__).with_name("killed_try.py")


def kill_and_go_on(loop: IdeaLoop, point: int) -> bool:
    """Try the tree in a process that is killed at a point, then again to its end; whether it was killed."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, str(KILLED), str(loop.root), str(point)], env=environment, capture_output=True, text=True
    )
    if done.returncode >= 0:
        assert done.returncode in (0, 3), done.stderr
        return False
    loop.call("try", "better", "--workdir", loop.root)
    if "GAIN = 0.3" not in loop.git(
        "show", "HEAD:train.py"
    ):  # it was killed with the verdict written and the tree not done
        loop.call("try", "better", "--workdir", loop.root)
    return True


def check_end(loop: IdeaLoop) -> None:
    study = loop.study
    assert [(record.number, record.status) for record in study.ideas] == [(0, "kept"), (1, "kept")]
    assert study.incumbent == 1 and loop.code_changes() == []
    assert loop.git("log", "--format=%s").splitlines()[:2] == ["better", "workspace"]


def test_killed_and_called_again_it_goes_on(loop: IdeaLoop) -> None:
    loop.edit()
    assert kill_and_go_on(loop, 17)
    check_end(loop)


@pytest.mark.long
def test_killed_at_every_point(make_loop: MakeLoop, tmp_path: Path) -> None:
    import shutil

    loop = make_loop("--apply")
    loop.edit()
    original = tmp_path / "original"
    shutil.copytree(loop.root, original, symlinks=True)
    point = 1
    while True:
        shutil.rmtree(loop.root)
        shutil.copytree(original, loop.root, symlinks=True)
        if not kill_and_go_on(loop, point):
            break
        check_end(loop)
        point += 1
    assert point > 25
