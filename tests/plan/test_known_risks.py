"""What is known before anybody plans reaches whom it concerns: earlier launches the brief, a script without an end its commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaffold.conventions.endless_scripts import EndlessScript, find_endless_script, has_option_value
from scaffold.plan.rules.check import check_plan
from scaffold.plan.rules.rule import RuleContext
from tests.conftest import MakeRepo, Run
from tests.plan.cases import FOLDER

ENDLESS = """\
import argparse
p = argparse.ArgumentParser()
p.add_argument("--max-steps", type=int, default=-1, help="how long; -1: until stopped")
p.add_argument("--seed", type=int, default=0)
p.parse_args()
print("val/loss", 1)
"""
SCRIPTS = (EndlessScript("src/train.py", "--max-steps"),)


@pytest.mark.parametrize(
    ("command", "endless"),
    [
        ("python src/train.py", True),
        ("python train.py", True),
        ("python -m src.train --lr 1", True),
        ("uv run python ./src/train.py --seed 1", True),
        ("python src/train.py --max-steps 10", False),
        ("python src/train.py --max-steps=10", False),
        ("python src/train.py --max-steps-warm 10", True),
        ("python other/train.py", False),
        ("python eval.py", False),
        ("ls", False),
    ],
)
def test_which_commands_do_not_say_when_they_end(command: str, endless: bool) -> None:
    assert find_endless_script(command.split(), SCRIPTS) == (SCRIPTS[0] if endless else None)
    assert has_option_value(command.split(), "--max-steps") is (
        "--max-steps 10" in command or "--max-steps=10" in command
    )


@pytest.mark.parametrize(
    ("command", "warned"),
    [
        ("scaffold sweep new b --seeds 1-5 -- python src/train.py", True),
        ("scaffold run -- python src/train.py", True),
        ("python3 exp/scripts/record_run.py --seed 1 -- python src/train.py", True),
        ("scaffold run -- python src/train.py --max-steps 5", False),
        ("scaffold run -- python src/train.py --max-steps '[choice: when]'", False),
        ("scaffold sweep launch b --wait", False),
    ],
)
def test_the_plan_is_warned(command: str, warned: bool) -> None:
    text = (FOLDER / "good/short.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("- [ ] [P2-T1]"))
    for context, expected in ((RuleContext(endless=SCRIPTS), warned), (RuleContext(), False)):
        plan = "\n".join([*lines[: at + 1], f"  - command: `{command}`", *lines[at + 1 :]]) + "\n"
        found = [f.code for f in check_plan(plan, context=context, select=("P610",)).findings]
        assert found == (["P610"] if expected else [])
    assert not check_plan(plan.replace("- [ ] [P2-T1]", "- [x] [P2-T1]"), select=("P610",)).findings


def test_from_the_code_to_plan_brief_check_and_sweep(
    run: Run, make_repo: MakeRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = tmp_path / "history"
    token = "hf_" + "a1B2" * 9
    launches = [
        "python train.py --max-steps 3000",
        "make coffee",
        f"HF_TOKEN={token} python train.py --max-steps 9",
        "python other.py",
    ]
    history.write_text("\n".join(launches) + "\n")
    monkeypatch.setenv("HISTFILE", str(history))
    repo = make_repo({"train.py": ENDLESS})
    monkeypatch.chdir(repo)
    made = json.loads(run("init", "--workdir", repo, "--root", "exp", "--goal", "Is it so?", "--json").stdout)
    (entry,) = made["answers"]["entry_points"]
    assert entry["length_option"] == "--max-steps"
    plan = repo / "exp/tasks.md"
    choice = "--max-steps '[choice: --max-steps, else it runs until it is stopped]'"
    assert plan.read_text().count(f"-- python train.py {choice}") == 4
    checked = run("plan", "check", plan, "--fresh")
    assert checked.exit_code == 0 and "P608" in checked.stdout and "P610" not in checked.stdout

    brief = run("brief").stdout
    assert choice in brief and "runs until it is stopped unless --max-steps is given" in brief
    assert "- python train.py --max-steps 3000" in brief and "--max-steps 9" in brief
    assert "coffee" not in brief and "other.py" not in brief and token not in brief
    assert brief.index("--max-steps 9") < brief.index("--max-steps 3000"), "the latest first"
    assert "3000" not in run("brief", "--no-history").stdout

    plan.write_text(plan.read_text().replace(f" {choice}", ""))
    assert run("plan", "check", plan, "--fresh").stdout.count("P610 (warning)") == 4
    planned = ("sweep", "new", "b", "--goal", "g", "--seeds", "1-2")
    warned = run(*planned, "--", "python", "train.py")
    assert warned.exit_code == 0 and "train.py runs until it is stopped" in warned.output
    for more in (
        ("--replace", "--", "python", "train.py", "--max-steps", "3"),
        ("--replace", "--grid", "max-steps=1,2", "--", "python", "train.py"),
    ):
        assert "until it is stopped" not in run(*planned, *more).output
