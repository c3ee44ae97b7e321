"""What `scaffold try` costs beside its runs, and how long it takes to find that an idea is known among a thousand.

    python -m benchmarks.ideas_cost [--quick]

The limits are 0.5 s for a whole trial beyond the time that its run takes by its own record, and 0.3 s for the look into memory. The
trial is of a script that does nothing, without noise, so that one run decides; both are measured in one process, as medians.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.fixtures import commit_files, make_recorded_repository, run_git, scratch_home
from benchmarks.peers import Peers
from benchmarks.result_rows import Row, run_alone
from scaffold.ideas import judging, study_files
from scaffold.ideas.idea_capture import IdeaTryOptions
from scaffold.ideas.start import opening
from scaffold.ideas.start.question import StudyOptions
from scaffold.ideas.study import IdeaStudy
from scaffold.runs import records
from scaffold.workspace import Workspace, load_workspace

MOST_IDEAS, ROUNDS = 1_000, 9
TRAIN = "GAIN = 0\nprint(f'val_bpb: {1 - GAIN}')\n"


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """The overhead of a trial, and the look into memory."""
    rounds, ideas = (1, 10) if quick else (ROUNDS, MOST_IDEAS)
    with scratch_home() as folder:
        root = folder / "repository"
        make_recorded_repository(root, 2)
        (root / "try.py").write_text(TRAIN)
        commit_files(root)
        for key, value in (("user.name", "bench"), ("user.email", "bench@localhost")):
            run_git(root, "config", key, value)
        workspace = load_workspace(root, "exp")
        options = StudyOptions(
            name="bench",
            command=("python3", "try.py"),
            metric="val_bpb",
            direction="minimize",
            seeds="none",
            apply=True,
            metric_from=(r"val_bpb:\s*(\S+)",),
        )
        opening.start_idea_study(workspace, options, warn=_ignore, show=_ignore, note=_ignore)
        overhead = median(_time_trial(workspace, root, number) for number in range(1, rounds + 1))
        study_files.change_idea_study(workspace, "bench", lambda study: _with_many(study, ideas))
        known = median(_time_memory(workspace, root) for _ in range(rounds))
    return [
        Row(benchmark="sweeps", what="a trial beyond its runs", ours=overhead * 1000, unit="ms", limit=500),
        Row(benchmark="sweeps", what=f"an idea that is known, of {ideas:,}", ours=known * 1000, unit="ms", limit=300),
    ]


def _time_trial(workspace: Workspace, root: Path, number: int) -> float:
    """Seconds that one idea takes, without those of its runs."""
    (root / "try.py").write_text(TRAIN.replace("= 0", f"= -{number}", 1))
    before = {run.uuid for run in records.read_records(workspace).runs}
    began = time.perf_counter()
    judging.open_idea_judge(workspace, "bench", warn=_ignore, show=_ignore, say=_ignore).try_idea(
        IdeaTryOptions(text=f"idea {number}")
    )
    took = time.perf_counter() - began
    runs = [run for run in records.read_records(workspace).runs if run.uuid not in before]
    return took - sum(run.duration_s or 0.0 for run in runs)


def _time_memory(workspace: Workspace, root: Path) -> float:
    """Seconds until the first idea, once more in the tree, is known."""
    (root / "try.py").write_text(TRAIN.replace("= 0", "= -1", 1))
    trial = judging.open_idea_judge(workspace, "bench", warn=_ignore, show=_ignore, say=_ignore)
    began = time.perf_counter()
    *_, is_known = trial.register(IdeaTryOptions(text="again"))
    took = time.perf_counter() - began
    assert is_known
    return took


def _with_many(study: IdeaStudy, count: int) -> IdeaStudy:
    """The study with so many ideas, copies of its last."""
    last = study.ideas[-1]
    for number in range(len(study.ideas), count + 1):
        study = study.with_idea(replace(last, number=number, text=f"idea {number}", state=f"{number:064x}"))
        study = study.with_event({"event": "began", "idea": number, "confirm": False})
        study = study.with_event({"event": "closed", "idea": number, "outcome": "drop"})
    return study


def _ignore(*_: object) -> None:
    """What nobody reads."""


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
