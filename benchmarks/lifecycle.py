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

from benchmarks.fixtures import PROJECT, SCAFFOLD, commit_files, run_git, scratch_home
from benchmarks.interleaved import Contender, measure_costs
from benchmarks.peers import Peers, copier_version
from benchmarks.result_rows import Reference, Row, run_alone

COPIER = (sys.executable, "-m", "copier")
ROOT = Path(".wild") / "experiments"
TRAIN = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\np.parse_args()\n"


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """Both sides in small repositories of their own."""
    rounds = 1 if quick else 11
    with scratch_home() as folder:
        bare, clone = copy_template(folder / "bare"), copy_template(folder / "clone")
        commit_files(clone)
        run_git(clone, "tag", "v9.0.0")
        written = measure_costs(writing_contenders(folder, bare, clone), rounds=rounds)
        kept = measure_costs(upkeep_contenders(folder, clone), rounds=rounds)
    version = copier_version()
    return [
        Row(
            benchmark="lifecycle",
            what="init",
            ours=written["init"].ms,
            unit="ms",
            beside=(
                Reference(name="copier copy", version=version, value=written["clone"].ms),
                Reference(name="copier copy without updates", version=version, value=written["bare"].ms),
            ),
        ),
        Row(
            benchmark="lifecycle",
            what="update of one answer",
            ours=kept["update --set"].ms,
            unit="ms",
            beside=(Reference(name="copier update", version=version, value=kept["copier update"].ms),),
        ),
        *(
            Row(
                benchmark="lifecycle",
                what=name,
                ours=kept[name].ms,
                unit="ms",
                beside=(Reference(name="import click", value=kept["import click"].ms),),
            )
            for name in ("--version", "status", "status without hashes", "update with nothing new")
        ),
        Row(
            benchmark="lifecycle",
            what="status over `import click`",
            ours=kept["status"].passed / kept["import click"].passed,
            unit="x",
            limit=4,
        ),
    ]


def writing_contenders(folder: Path, bare: Path, clone: Path) -> dict[str, Contender]:
    """Workspaces made anew each turn."""
    trees = {side: make_repository(folder / f"made-by-{side}") for side in ("init", "clone", "bare")}
    commands = {
        "init": [*SCAFFOLD, "init", "--yes", "--workdir", str(trees["init"])],
        "clone": [*COPIER, "copy", "--quiet", "--defaults", str(clone), str(trees["clone"])],
        "bare": [*COPIER, "copy", "--quiet", "--defaults", str(bare), str(trees["bare"])],
    }
    return {side: Contender(work=command, prepare=remove_workspace(trees[side])) for side, command in commands.items()}


def upkeep_contenders(folder: Path, clone: Path) -> dict[str, Contender]:
    """Workspaces that are there, committed, and the same again before each turn."""
    updated, same = (workspace_of_scaffold(folder / f"kept-by-scaffold-{use}") for use in ("updated", "same"))
    copied = make_repository(folder / "kept-by-copier")
    subprocess.run([*COPIER, "copy", "--quiet", "--defaults", str(clone), str(copied)], check=True)
    commit_files(copied)
    cloned = folder / "cloned"
    run_git(folder, "clone", "-q", str(same), str(cloned))
    answer, file = "primary_metric=val/loss", str(ROOT / ".copier-answers.scaffold.yml")
    copier = [*COPIER, "update", "--quiet", "--defaults", "--data", answer, "-a", file, str(copied)]
    update = [*SCAFFOLD, "update", "--set", answer, "--workdir", str(updated)]
    return {
        "update --set": Contender(work=update, prepare=restore_tree(updated)),
        "copier update": Contender(work=copier, prepare=restore_tree(copied)),
        "import click": Contender(work=[sys.executable, "-c", "import click"]),
        "--version": Contender(work=[*SCAFFOLD, "--version"]),
        "status": Contender(work=[*SCAFFOLD, "status", "--workdir", str(same)]),
        "status without hashes": Contender(work=[*SCAFFOLD, "status", "--workdir", str(cloned)]),
        "update with nothing new": Contender(work=[*SCAFFOLD, "update", "--workdir", str(same)]),
    }


def workspace_of_scaffold(path: Path) -> Path:
    """A small committed repository with a workspace."""
    tree = make_repository(path)
    subprocess.run([*SCAFFOLD, "init", "--yes", "--workdir", str(tree)], check=True, capture_output=True)
    commit_files(tree)
    return tree


def copy_template(path: Path) -> Path:
    """The template as it stands in this tree."""
    path.mkdir()
    shutil.copy2(PROJECT / "copier.yml", path)
    shutil.copytree(PROJECT / "template", path / "template", ignore=shutil.ignore_patterns("__pycache__"))
    return path


def make_repository(path: Path) -> Path:
    """A small committed repository."""
    path.mkdir()
    (path / "train.py").write_text(TRAIN)
    (path / "requirements.txt").write_text("numpy\n")
    commit_files(path)
    return path


def remove_workspace(tree: Path) -> Callable[[], None]:
    """Takes the workspace away."""
    return lambda: shutil.rmtree(tree / ".wild", ignore_errors=True)


def restore_tree(tree: Path) -> Callable[[], None]:
    """Makes the tree what was committed."""

    def work() -> None:
        run_git(tree, "reset", "-q", "--hard")
        run_git(tree, "clean", "-qfd")

    return work


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
