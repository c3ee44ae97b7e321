"""The workspace's AGENTS.md is all that an agent needs: every command in it is right, and it stays short in its fullest rendering."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli import lines
from tests.conftest import MakeRepo, Run
from tests.lifecycle.conftest import TemplateRepo

TRAIN = """\
import argparse, wandb
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int)
parser.add_argument("--lr", type=float)
if __name__ == "__main__":
    wandb.log({"val/loss": parser.parse_args().lr})
"""
SLURM = "#!/bin/bash\n#SBATCH --partition=gpu\n#SBATCH --account=lab\nsrun python train.py --lr 0.1\n"
LOCK = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.10"\n[tool.uv]\n'
FULL = (
    *("--layout", "per-experiment", "--evolutionary", "--server-url", "http://127.0.0.1:10000", "--session-id", "s"),
    *(word for number in range(6) for word in ("--experiment", f"line-{number}")),
    *(word for number in range(40) for word in ("--memory", f"lesson {number}")),
    *("--steering", "\n".join(f"wish {number}" for number in range(40)), "--goal", "which", "--metric", "val/loss"),
)


@pytest.fixture
def rendered(make_repo: MakeRepo, run: Run, template: TemplateRepo) -> dict[str, str]:
    """AGENTS.md as it is in the barest and in the fullest workspace."""
    found = {}
    for name, files, options in (
        ("bare", {"notes.txt": "x\n"}, ()),
        ("full", {"train.py": TRAIN, "job.sbatch": SLURM, "pyproject.toml": LOCK, "uv.lock": ""}, FULL),
    ):
        repo = make_repo(files, name=name)
        done = run("init", "--workdir", repo, "--root", "exp", "--template", template.path, "--yes", *options)
        assert done.exit_code == 0, done.output
        found[name] = (repo / "exp/AGENTS.md").read_text()
    return found


def test_it_is_short_and_right(rendered: dict[str, str]) -> None:
    full = rendered["full"]
    assert "sbatch" in full and "/run.sbatch" in full and "preflight" in full and "evolutionary" in full
    assert "28 more: `scaffold brief --full`" in full and "> wish 11\n" in full and "wish 12" not in full
    for name, text in rendered.items():
        assert len(text.splitlines()) < 150, name
        assert max(map(len, text.splitlines())) < 400, name
        called = {lines.parsed(line) for line in lines.of(text)}
        wanted = {
            "plan check",
            "plan next",
            "plan start",
            "plan verify",
            "plan done",
            "sweep new",
            "sweep launch",
            "sweep status",
        }
        wanted |= {"runs list", "runs show", "runs audit", "runs cite", "results", "results compare", "report", "brief"}
        assert wanted <= {" ".join(words) for words in called}, name
        for word in (
            "--json",
            "--limit 0",
            "Exit codes: 0 done",
            "2 wrong usage",
            "Never edit or delete",
            "Not yours to change",
        ):
            assert word in text, (name, word)
        assert "  \n" not in text and "\n\n\n" not in text


def test_what_it_says_of_places_is_so(rendered: dict[str, str], tmp_path: Path) -> None:
    assert "`exp/EXPERIMENT/logs/NAME.out`" in rendered["full"] and "`exp/logs/NAME.out`" in rendered["bare"]
    for name, text in rendered.items():
        for row in text.partition("## Where things go")[2].partition("##")[0].splitlines():
            place = row.split("`")[1] if "`" in row else ""
            folder = place.replace("EXPERIMENT", "line-0").partition("/NAME")[0]
            assert not place or (tmp_path / name / folder).exists(), row
