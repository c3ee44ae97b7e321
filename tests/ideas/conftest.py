"""Loops of ideas: a repository with a workspace and a study, and an idea's runs as a function of its code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from scaffold.ideas import study_files, trial_runs
from scaffold.ideas.loop_state import JudgingStep
from scaffold.ideas.study import IdeaStudy
from scaffold.workspace import Workspace, load_workspace
from tests.conftest import Originals, Run, commit_all, commit_files, git
from tests.runs.conftest import settings, write_workspace

# what the code of a side gives on a seed; None: it crashes
Give = Callable[[str, int], "float | None"]
TRAIN = """\
import os
GAIN = 0
seed = int(os.environ["RUN_SEED"])
# what another idea changes
BONUS = 0
# and what prints it
print(f"val_bpb: {1 - GAIN - BONUS + seed * 7 % 5 / 100}")
"""
FILES = {
    "train.py": TRAIN,
    "model.py": "WIDTH = 64\n",
    "tests/test_model.py": "import model\n",
    "notes.md": "nothing yet\n",
    "run.sh": "python train.py\n",
    ".gitignore": "data/\n*.ignored.py\n",
}


def gain(train: str, seed: int) -> float | None:
    """What TRAIN gives, by its text; `CRASH` in it: nothing; `WOBBLE` in it: a worse value on some seeds."""
    if "CRASH" in train:
        return None
    gains = (float(train.partition(f"{name} = ")[2].split()[0]) for name in ("GAIN", "BONUS"))
    return 1 - sum(gains) + seed * 7 % 5 / 100 + (0.05 * (seed % 2) if "WOBBLE" in train else 0)


class IdeaLoop:
    """A repository in whose tree ideas are tried."""

    def __init__(self, root: Path, call: Run) -> None:
        self.root = root
        self.call = call
        self.give: Give = gain
        self.asked: list[tuple[str, int]] = []
        self.during: Callable[[], None] = lambda: None

    @property
    def workspace(self) -> Workspace:
        """The workspace as the package sees it."""
        return load_workspace(self.root, "exp")

    @property
    def study(self) -> IdeaStudy:
        """The study as it is written."""
        return study_files.read_idea_studies(self.workspace)[-1]

    @property
    def train(self) -> Path:
        """The script."""
        return self.root / "train.py"

    def __call__(self, *args: str, code: int = 0) -> Result:
        """A command here."""
        at = args.index("--") if "--" in args else len(args)
        done = self.call(*args[:at], "--workdir", self.root, *args[at:])
        assert done.exit_code == code, done.output
        return done

    def json(self, *args: str, code: int = 0) -> dict[str, Any]:
        """A command's answer."""
        at = args.index("--") if "--" in args else len(args)
        answer: dict[str, Any] = json.loads(self(*args[:at], "--json", *args[at:], code=code).stdout)
        return answer

    def edit(self, old: str = "GAIN = 0", new: str = "GAIN = 0.3", path: str = "train.py") -> None:
        """Change a file."""
        file = self.root / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def git(self, *args: str) -> str:
        """Git's answer here."""
        return git(self.root, *args)

    def code_changes(self) -> list[str]:
        """What git says is changed, without the workspace."""
        return [row for row in self.git("status", "--porcelain").splitlines() if not row[3:].startswith("exp/")]

    def content(self, commit: str, path: str = "train.py") -> str:
        """A file of a commit."""
        return self.git("show", f"{commit}:{path}")


def start(loop: IdeaLoop, *options: str) -> None:
    """Open a study whose command reads $RUN_SEED."""
    loop("ideas", "start", *options, "--metric", "val_bpb", "--minimize", "--", "python3", "train.py")


def faked_runs(loop: IdeaLoop) -> Callable[..., trial_runs.JudgingStepResults]:
    """What takes the place of real runs: each side gives what its commit's train.py says."""

    def run_step(
        incumbent: trial_runs.IdeaTrialSide,
        candidate: trial_runs.IdeaTrialSide | None,
        step: JudgingStep,
        **others: Any,
    ) -> trial_runs.JudgingStepResults:
        loop.during()
        sides: list[tuple[trial_runs.IdeaTrialRunResult, ...]] = []
        for side, seeds in ((incumbent, step.incumbent), (candidate, step.candidate)):
            sides.append(tuple(_result(loop, side, seed) for seed in seeds) if side is not None else ())
        return trial_runs.JudgingStepResults(*sides)

    return run_step


def _result(loop: IdeaLoop, side: trial_runs.IdeaTrialSide, seed: int) -> trial_runs.IdeaTrialRunResult:
    assert side.sweep.code.commit is not None
    value = loop.give(git(side.workspace.workdir, "show", f"{side.sweep.code.commit}:train.py"), seed)
    loop.asked.append((side.sweep.name, seed))
    return trial_runs.IdeaTrialRunResult(
        seed, value, f"{side.sweep.name}-s{seed}", "" if value is not None else "ValueError: it diverged", 1.0
    )


def write_repository(root: Path, files: Mapping[str, str | bytes] = FILES) -> None:
    """A repository with a workspace, all committed."""
    commit_files(root, files)
    write_workspace(root, settings())
    commit_all(root, "workspace")


MakeLoop = Callable[..., IdeaLoop]


@pytest.fixture
def make_loop(tmp_path: Path, originals: Originals, run: Run, monkeypatch: pytest.MonkeyPatch) -> MakeLoop:
    """A function that makes a loop with a study whose runs are not real; the files and `options` of `ideas start` may be given."""

    def make(*options: str, files: Mapping[str, str | bytes] = FILES, started: bool = True) -> IdeaLoop:
        loop = IdeaLoop(tmp_path / "repo", run)
        monkeypatch.setattr(trial_runs, "run_judging_step", faked_runs(loop))

        def prepare(root: Path) -> None:
            write_repository(root, files)
            if started:
                start(IdeaLoop(root, run), *options)

        originals.put(loop.root, ("ideas", sorted(files.items()), options, started), prepare, is_costly=True)
        return loop

    return make


def seeds_of(asked: Sequence[tuple[str, int]], idea: int | str) -> list[int]:
    """The seeds that an idea's code was run on."""
    return [seed for name, seed in asked if name.endswith(f"-idea{idea}")]
