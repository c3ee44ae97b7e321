"""The plan that `init` writes can be followed to the letter: its commands are run as they stand."""

from __future__ import annotations

import json
import shlex

import pytest

from scaffold.plan.document import task_commands
from scaffold.plan.document.parse import parse_plan
from tests.conftest import MakeRepo, Run

TRAIN = """
import argparse, json, os
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
seed = parser.parse_args().seed
with open(os.path.join(os.environ["RUN_OUTPUT_DIR"], "metrics.json"), "w") as out:
    json.dump({"val/loss": 1 + seed / 100}, out)
"""


def test_the_baseline_as_the_plan_says_it(make_repo: MakeRepo, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = make_repo({"train.py": TRAIN, "README.md": "# x\n\n    python train.py --seed 0\n"})
    assert run("init", "--workdir", repo, "--yes", "--goal", "What is the loss?", "--metric", "val/loss").exit_code == 0
    monkeypatch.chdir(repo)
    plan = {task.id: task for task in parse_plan((repo / ".wild/experiments/tasks.md").read_text()).tasks}
    for name in ("P2-T2", "P2-T3"):
        assert task_commands.list_task_commands(plan[name])
        for line in task_commands.list_task_commands(plan[name]):
            words = shlex.split(line)
            assert words.pop(0) == "scaffold"
            if ">" in line:
                words = words[: next(i for i, word in enumerate(words) if word.startswith(">"))]
            done = run(*words)
            assert done.exit_code == 0, f"{line}\n{done.output}"
    rows = [line for line in done.output.splitlines() if line.startswith("baseline,")]
    assert len(rows) == 1, "the table in CSV: one configuration"
    listed = json.loads(run("runs", "list", "--sweep", "baseline", "--json").output)["runs"]
    assert sorted((r["seed"], r["status"], r["task"]) for r in listed) == [
        (s, "finished", "P2-T3") for s in range(1, 6)
    ]
    assert (repo / ".wild/experiments/metadata/sweeps/baseline.yml").is_file()


def test_what_the_plan_leaves_open_is_refused_until_it_is_decided(
    make_repo: MakeRepo, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = "# x\n\n```bash\npython train.py --data /path/to/data --gpus <GPU_ID>\n```\n"
    script = TRAIN.replace(
        "seed = ", 'parser.add_argument("--data", required=True)\nparser.add_argument("--gpus", default=1)\nseed = '
    )
    repo = make_repo({"train.py": script, "README.md": readme})
    assert run("init", "--workdir", repo, "--yes", "--goal", "What is the loss?", "--metric", "val/loss").exit_code == 0
    monkeypatch.chdir(repo)
    plan = repo / ".wild/experiments/tasks.md"
    checked = json.loads(run("plan", "check", "--json").output)
    codes = {(f["code"], f["task"]) for f in checked["findings"] if f["code"] in ("P608", "P609")}
    assert {("P608", "P2-T2"), ("P608", "P3-T2")} <= codes
    task = next(t for t in parse_plan(plan.read_text()).tasks if t.id == "P2-T2")
    (line,) = (c for c in task_commands.list_task_commands(task) if c.startswith("scaffold sweep new"))
    assert line.endswith("-- python train.py --data '[choice: --data, shown as /path/to/data (README.md:4)]'")
    done = run(*shlex.split(line)[1:])
    assert done.exit_code == 2 and "leaves open: [choice: --data, shown as /path/to/data (README.md:4)]" in done.stderr
    refused = run("run", "--seed", "1", "--", "python", "train.py", "--data", "<path/to/data>")
    assert refused.exit_code == 2 and "leaves open: <path/to/data>" in refused.stderr
    plan.write_text(plan.read_text().replace("'[choice: --data, shown as /path/to/data (README.md:4)]'", "data/a"))
    checked = json.loads(run("plan", "check", "--json").output)
    left = [f["message"] for f in checked["findings"] if f["code"] in ("P608", "P609")]
    assert left and not any("/path/to/data" in message for message in left), f"what no README shows stays open: {left}"
    assert (
        run(
            *shlex.split(line.replace("'[choice: --data, shown as /path/to/data (README.md:4)]'", "data/a"))[1:]
        ).exit_code
        == 0
    )
