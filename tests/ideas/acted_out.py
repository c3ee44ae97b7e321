"""A loop as an agent runs it: a repository shaped like karpathy/autoresearch, 40 ideas of which the truth is known, and `scaffold try`.

python -m tests.ideas.acted_out FOLDER LOOP    one loop in a new repository; its outcome as JSON
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SIGMA = 0.01
# effects in standard deviations of one run; better where they are larger
NOTHING, HARM, GOOD, SMALL = 33, (-1.0, -1.5, -2.0, -2.5), (3.0, 3.0), (1.0,)
PREPARE = """\
import os, struct
EFFECTS = {effects}
def noise():
    return sum(struct.unpack("<12H", os.urandom(24))) / 65536 - 6  # nearly normal, and from no seed
def evaluate_bpb(settings):
    return 1.0 - {sigma} * sum(e for e, s in zip(EFFECTS, settings) if s) + {sigma} * noise()
"""
TRAIN = """\
import prepare
SEED = 42
{settings}
print("---")
val_bpb = prepare.evaluate_bpb([{names}])
print(f"val_bpb:          {{val_bpb:.6f}}")
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a loop made of its ideas: the numbers of the ideas (as they were tried) by status, and which of them are truly good."""

    statuses: Mapping[int, str]
    effects: Mapping[int, float]
    runs: int

    def of(self, status: str) -> list[int]:
        """The ideas that ended so."""
        return [number for number, each in self.statuses.items() if each == status]

    @property
    def false_keeps(self) -> list[int]:
        """What was kept and does nothing, or harm."""
        return [number for number in self.of("kept") if self.effects[number] <= 0]


def write_stand_in(root: Path, effects: Sequence[float]) -> None:
    """The repository as such loops begin with it, committed."""
    root.mkdir(parents=True)
    names = [f"S{index:02d}" for index in range(len(effects))]
    (root / "prepare.py").write_text(PREPARE.format(effects=list(effects), sigma=SIGMA))
    (root / "train.py").write_text(
        TRAIN.format(settings="\n".join(f"{name} = 0" for name in names), names=", ".join(names))
    )
    (root / "program.md").write_text("Try ideas.\n")
    _call(root, "git", "init", "-q", "-b", "main")
    for key, value in (("user.name", "loop"), ("user.email", "loop@localhost")):
        _call(root, "git", "config", key, value)
    _commit(root, "first")


def make_repository(root: Path, effects: Sequence[float]) -> None:
    """The same with a workspace."""
    write_stand_in(root, effects)
    _scaffold(root, "init", "--yes")
    _commit(root, "workspace")


def _commit(root: Path, message: str) -> None:
    _call(root, "git", "add", "-A")
    _call(root, "git", "commit", "-qm", message)


def run_loop(root: Path, effects: Sequence[float]) -> Outcome:
    """Try all ideas in turn, each with one command; the start alone takes another one."""
    _scaffold(root, "ideas", "start", "--apply", "--", "python3", "train.py")
    statuses: dict[int, str] = {}
    runs = 0
    for index in range(len(effects)):
        switch_on(root, index)
        answer = json.loads(_scaffold(root, "try", f"switch {index:02d} on", "--json", codes=(0, 3)))
        assert answer["idea"]["idea"] == index + 1 and answer["idea"]["tree"] == "done", answer
        statuses[index + 1] = answer["idea"]["status"]
        runs += answer["idea"]["runs"]
    return Outcome(statuses=statuses, effects={i + 1: e for i, e in enumerate(effects)}, runs=runs)


def switch_on(root: Path, index: int) -> None:
    """Edit the code: one idea."""
    train = root / "train.py"
    train.write_text(train.read_text().replace(f"S{index:02d} = 0", f"S{index:02d} = 1"))


def shuffled_effects(loop: int) -> list[float]:
    """The 40 ideas in the order of one loop."""
    effects = [0.0] * NOTHING + [*HARM, *GOOD, *SMALL]
    random.Random(loop).shuffle(effects)
    return effects


def _scaffold(root: Path, *args: str, codes: Sequence[int] = (0,)) -> str:
    return _call(root, sys.executable, "-m", "scaffold", *args, codes=codes)


def _call(root: Path, *command: str, codes: Sequence[int] = (0,)) -> str:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode in codes, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def main() -> None:
    """One loop, and what came of it."""
    root, loop = Path(sys.argv[1]), int(sys.argv[2])
    effects = shuffled_effects(loop)
    make_repository(root, effects)
    outcome = run_loop(root, effects)
    good = {n: outcome.statuses[n] for n, e in outcome.effects.items() if e > 0}
    kept = {n: outcome.effects[n] for n in outcome.of("kept")}
    print(json.dumps({"loop": loop, "good": good, "kept": kept, "false": outcome.false_keeps, "runs": outcome.runs}))


if __name__ == "__main__":
    main()
