"""What writing and keeping up a workspace costs, beside plain Copier doing the same with the same template.

    python -m benchmarks.lifecycle [--quick]

`scaffold init` beside `copier copy` from a clone (from which updates are possible) and from a bare directory (from which none are);
Copier asks nothing and takes the template's defaults, where `init` detects what the repository does. `scaffold update --set` beside
`copier update --data`, which both change one answer, render the template before and after, and merge. The other commands stand
beside `python -c "import click"`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.interleaved import Contender, costs
from benchmarks.peers import Peers, copier_version
from benchmarks.places import PROJECT, SCAFFOLD, commit, git, scratch
from benchmarks.rows import Beside, Row, alone

COPIER = (sys.executable, "-m", "copier")
ROOT = Path(".wild") / "experiments"
TRAIN = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\np.parse_args()\n"


def measured(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """Both sides in small repositories of their own."""
    rounds = 1 if quick else 11
    with scratch() as folder:
        bare, clone = template(folder / "bare"), template(folder / "clone")
        commit(clone)
        git(clone, "tag", "v9.0.0")
        written = costs(writing(folder, bare, clone), rounds=rounds)
        kept = costs(keeping(folder, clone), rounds=rounds)
    version = copier_version()
    return [
        Row(
            benchmark="lifecycle",
            what="init",
            ours=written["init"].ms,
            unit="ms",
            beside=(
                Beside(name="copier copy", version=version, value=written["clone"].ms),
                Beside(name="copier copy without updates", version=version, value=written["bare"].ms),
            ),
        ),
        Row(
            benchmark="lifecycle",
            what="update of one answer",
            ours=kept["update --set"].ms,
            unit="ms",
            beside=(Beside(name="copier update", version=version, value=kept["copier update"].ms),),
        ),
        *(
            Row(
                benchmark="lifecycle",
                what=name,
                ours=kept[name].ms,
                unit="ms",
                beside=(Beside(name="import click", value=kept["import click"].ms),),
            )
            for name in ("--version", "status", "update with nothing new")
        ),
    ]


def writing(folder: Path, bare: Path, clone: Path) -> dict[str, Contender]:
    """Workspaces made anew each turn."""
    trees = {side: repository(folder / f"made-by-{side}") for side in ("init", "clone", "bare")}
    commands = {
        "init": [*SCAFFOLD, "init", "--yes", "--workdir", str(trees["init"])],
        "clone": [*COPIER, "copy", "--quiet", "--defaults", str(clone), str(trees["clone"])],
        "bare": [*COPIER, "copy", "--quiet", "--defaults", str(bare), str(trees["bare"])],
    }
    return {side: Contender(work=command, prepare=cleared(trees[side])) for side, command in commands.items()}


def keeping(folder: Path, clone: Path) -> dict[str, Contender]:
    """Workspaces that are there, committed, and the same again before each turn."""
    ours, theirs = repository(folder / "kept-by-scaffold"), repository(folder / "kept-by-copier")
    subprocess.run([*SCAFFOLD, "init", "--yes", "--workdir", str(ours)], check=True, capture_output=True)
    subprocess.run([*COPIER, "copy", "--quiet", "--defaults", str(clone), str(theirs)], check=True)
    for tree in (ours, theirs):
        commit(tree)
    answer, file = "primary_metric=val/loss", str(ROOT / ".copier-answers.scaffold.yml")
    copier = [*COPIER, "update", "--quiet", "--defaults", "--data", answer, "-a", file, str(theirs)]
    here = ["--workdir", str(ours)]
    return {
        "update --set": Contender(work=[*SCAFFOLD, "update", "--set", answer, *here], prepare=restored(ours)),
        "copier update": Contender(work=copier, prepare=restored(theirs)),
        "import click": Contender(work=[sys.executable, "-c", "import click"], prepare=restored(ours)),
        "--version": Contender(work=[*SCAFFOLD, "--version"]),
        "status": Contender(work=[*SCAFFOLD, "status", *here]),
        "update with nothing new": Contender(work=[*SCAFFOLD, "update", *here]),
    }


def template(path: Path) -> Path:
    """The template as it stands in this tree."""
    path.mkdir()
    shutil.copy2(PROJECT / "copier.yml", path)
    shutil.copytree(PROJECT / "template", path / "template", ignore=shutil.ignore_patterns("__pycache__"))
    return path


def repository(path: Path) -> Path:
    """A small committed repository."""
    path.mkdir()
    (path / "train.py").write_text(TRAIN)
    (path / "requirements.txt").write_text("numpy\n")
    commit(path)
    return path


def cleared(tree: Path) -> Callable[[], None]:
    """Takes the workspace away."""
    return lambda: shutil.rmtree(tree / ".wild", ignore_errors=True)


def restored(tree: Path) -> Callable[[], None]:
    """Makes the tree what was committed."""

    def work() -> None:
        git(tree, "reset", "-q", "--hard")
        git(tree, "clean", "-qfd")

    return work


if __name__ == "__main__":
    raise SystemExit(alone(measured, __doc__))
