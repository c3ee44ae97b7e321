"""`scaffold init --goal ...`, then `scaffold plan check`: exit 0 on every repository where init works, with the real Copier."""

from __future__ import annotations

import json

import pytest

from tests.conftest import MakeRepo, Run
from tests.lifecycle.conftest import TemplateRepo, template

__all__ = ["template"]

ARGPARSE = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\np.parse_args()\nprint('val/loss', 1)\n"
SBATCH = (
    "#!/bin/bash\n#SBATCH --partition=gpu\n#SBATCH --account=lab\n#SBATCH --time=04:00:00\n"
    "module load cuda/12.1\nsrun python train.py\n"
)
REPOSITORIES = {
    "nothing but a readme": {"README.md": "hello\n"},
    "one script": {"train.py": ARGPARSE},
    "several scripts and an exp": {
        "train.py": ARGPARSE,
        "src/eval.py": ARGPARSE,
        "sweep.sh": "python train.py\n",
        "exp/old.txt": "x\n",
    },
    "slurm": {"train.py": ARGPARSE, "slurm/train.sbatch": SBATCH, "requirements.txt": "torch\n"},
    "odd names": {"a | b/train [x].py": ARGPARSE, "`.py": ARGPARSE, "train ...py": ARGPARSE},
}
GOALS = ["Find out whether it helps.", "one\n# two\n- [ ] three | four\n```\n<!-- <five> TODO", "TODO"]


@pytest.mark.parametrize("files", REPOSITORIES.values(), ids=REPOSITORIES)
def test_the_plan_of_a_new_workspace_passes(
    run: Run, make_repo: MakeRepo, template: TemplateRepo, files: dict[str, str]
) -> None:
    repo = make_repo(files)
    for number, (goal, more) in enumerate(
        zip(GOALS, (["--server-url", "http://127.0.0.1:10000"], ["--layout", "per-experiment"], []), strict=True)
    ):
        root = f"runs{number}"
        made = run(
            "init", "--workdir", repo, "--root", root, "--template", template.path, "--goal", goal, *more, "--yes"
        )
        assert made.exit_code == 0, made.output
        plan = repo / root / "tasks.md"
        result = run("plan", "check", plan, "--fresh", "--json")
        findings = json.loads(result.stdout)["findings"]
        assert (result.exit_code, {found["code"] for found in findings}) in ((0, {"P608"}), (0, {"P007", "P608"})), (
            findings
        )
        assert run("plan", "next", plan).stdout.startswith("P1-T1")
        assert run("plan", "emit", plan).stdout.encode() == b"<plan>\n" + plan.read_bytes().strip() + b"\n</plan>\n"
        brief = run("brief", "--workdir", repo, "--root", root)
        assert brief.exit_code == 0 and f"plan `{root}/tasks.md`" in brief.stdout
