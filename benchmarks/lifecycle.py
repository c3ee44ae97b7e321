"""What writing and keeping up a workspace costs, beside plain Copier doing the same with the same template.

usage: python benchmarks/lifecycle.py [ROUNDS]
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from interleaved import Contender, medians, table

PROJECT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
TRAIN = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\np.parse_args()\n"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory(prefix="scaffold-benchmark-") as name:
        work = Path(name)
        repositories = {side: repository(work / side) for side in ("scaffold", "copier", "directory", "kept")}
        plain = work / "template"
        plain.mkdir()
        shutil.copy2(PROJECT / "copier.yml", plain)
        shutil.copytree(PROJECT / "template", plain / "template", ignore=shutil.ignore_patterns("__pycache__"))
        clone = work / "clone"
        shutil.copytree(plain, clone)
        commit(clone)
        scaffold, copier = str(BIN / "scaffold"), str(BIN / "copier")
        kept = str(repositories["kept"])
        subprocess.run([scaffold, "init", "--yes", "--workdir", kept], check=True, capture_output=True)

        def fresh(side: str) -> Contender:
            tree = repositories[side]
            commands = {
                "scaffold": [scaffold, "init", "--yes", "--workdir", str(tree)],
                "copier": [copier, "copy", "--quiet", "--defaults", str(clone), str(tree)],
                "directory": [copier, "copy", "--quiet", "--defaults", str(plain), str(tree)],
            }
            return Contender(command=commands[side], prepare=lambda: shutil.rmtree(tree / ".wild", ignore_errors=True))

        print(f"{rounds} interleaved rounds, medians\n")
        sides = {
            "copier copy, from a clone": fresh("copier"),
            "copier copy, from a bare directory (no update possible)": fresh("directory"),
            "scaffold init (detects, updates possible)": fresh("scaffold"),
        }
        table(medians(sides, rounds=rounds), against="copier copy, from a clone")
        print()
        table(
            medians(
                {
                    'python -c "import click"': Contender(command=[sys.executable, "-c", "import click"]),
                    "scaffold --version": Contender(command=[scaffold, "--version"]),
                    "scaffold detect": Contender(command=[scaffold, "detect", "--json", "--workdir", kept]),
                    "scaffold status": Contender(command=[scaffold, "status", "--workdir", kept]),
                    "scaffold update": Contender(command=[scaffold, "update", "--workdir", kept]),
                },
                rounds=rounds,
            ),
            against='python -c "import click"',
        )


def repository(path: Path) -> Path:
    """A small committed repository."""
    path.mkdir()
    (path / "train.py").write_text(TRAIN)
    (path / "requirements.txt").write_text("numpy\n")
    commit(path)
    return path


def commit(path: Path) -> None:
    """Make `path` a repository with one commit."""
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=b", "-c", "user.email=b@localhost", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", "-C", str(path), *words], check=True)


if __name__ == "__main__":
    main()
