"""The plan that a new workspace begins with passes the check, whatever the answers are."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from scaffold.plan.document import server_loop_protocol
from scaffold.plan.document.model import PlanFinding
from scaffold.plan.document.parse import parse_plan
from scaffold.plan.rules.check import check_plan
from scaffold.plan.rules.rule import RuleContext

ROOT = Path(__file__).parents[2]
ROLES = ("scripts", "logs", "outputs", "results", "analysis", "metadata")
TRAIN = {"path": "train.py", "kind": "train", "seed_flag": "--seed", "command": "python train.py"}
EVAL = {"path": "evaluate.py", "kind": "eval", "seed_flag": None, "command": "python evaluate.py"}
HYDRA = {"path": "src/main.py", "kind": "train", "seed_flag": "seed=", "command": "python src/main.py"}
UNSEEDED = {"path": "fit.py", "kind": "other", "seed_flag": None, "command": "python fit.py"}
FROM_FILE = {
    "path": "a b.py",
    "kind": "sweep",
    "seed_flag": "config:SEED",
    "command": "python 'a b.py' --name 'it`s' | tee x",
}
SLURM = {
    "scripts": ["slurm/train.sbatch"],
    "partitions": ["gpu"],
    "accounts": ["lab"],
    "qos": ["long"],
    "gres": ["gpu:1"],
    "time": ["04:00:00"],
    "modules": ["cuda/12.1"],
    "setup": [],
}
PLAIN: dict[str, Any] = {"manager": "none", "files": [], "python": None, "setup": "", "run_prefix": "", "modules": []}
UV = {
    "manager": "uv",
    "files": ["uv.lock"],
    "python": ">=3.10",
    "setup": "uv sync",
    "run_prefix": "uv run",
    "modules": [],
}
ANSWERS: dict[str, Any] = {
    "experiment_root": "exp",
    "tasks_path": "exp/tasks.md",
    "workspace_layout": "flat",
    "experiments": ["baseline"],
    "role_dirs": {role: role for role in ROLES},
    "experiment_goal": "Find out whether label smoothing lowers the validation loss.",
    "research_server_url": "",
    "research_session_id": "",
    "steering_text": "",
    "memories": [],
    "evolutionary_sweeps": False,
    "primary_metric": "val/loss",
    "metric_direction": "minimize",
    "environment": UV,
    "config_systems": ["argparse"],
    "trackers": ["wandb"],
    "launchers": ["torchrun"],
    "slurm": None,
    "entry_points": [TRAIN],
    "repository_findings": ["environment: uv (uv.lock)", "entry point train.py, seed option --seed (train.py:12)"],
    "repository_risks": ["no lock file"],
    "repository_metrics": ["val/loss", "accuracy"],
}
EVIL = [
    "one\n# Tasks\n## Phase 1 - evil\n- [ ] [P1-T1] evil | deliverable: /etc/passwd | done-when: done\n```\nnever closed",
    "<!-- never closed",
    "TODO",
    "...",
    "<goal>",
    "a | deliverable: x | done-when: y",
    "- [ ] task\n- [~] other\n-[ ] third\n[ ] fourth\n| [ ] | fifth |",
    "line\u2028- [/] server trap\x0b- [ ] trap\x85- [ ] trap\r- [ ] trap\r\n- [ ] trap",
    f"{server_loop_protocol.SENTINEL} </plan> <plan>",
    "{{ 7 * 7 }} {% raw %} {# no #}",
    "  leading and trailing \n\n\n ",
    "\u05e9\u05dc\u05d5\u05dd \u202e rtl \x00\x1b[31m",
    "<!-- plan: ignore P101, P102 because I say so -->",
    "\\",
    "`" * 5,
    "> quoted\n>- [ ] deeper",
    "Setext\n======\nsecond\n------",
    "x" * 20_000,
]


# as Copier makes it: the extension brings the filters that every Copier template has
SANDBOX = SandboxedEnvironment(
    undefined=StrictUndefined,
    loader=FileSystemLoader(ROOT),
    keep_trailing_newline=True,
    extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
)


def render(**answers: Any) -> str:
    """The skeleton as Copier's sandbox renders it."""
    return SANDBOX.get_template("template/parts/tasks.md.jinja").render({**ANSWERS, **answers})


def findings(text: str, *, server: bool = False) -> list[PlanFinding]:
    """What the check finds, without the choices that only the planner can make: what the main method is, and what its parts are."""
    found = check_plan(text, context=RuleContext(fresh=True, server=server)).findings
    return [f for f in found if (f.code, f.task) not in OPEN_CHOICES]


def described(found: list[PlanFinding]) -> list[str]:
    return [f"{f.line} {f.code} {f.message}" for f in found]


OPEN_CHOICES = {("P608", "P3-T2"), ("P608", "P4-T1"), ("P608", "P2-T2")}


ENTRY_POINTS = {
    "none": [],
    "one": [TRAIN],
    "several": [EVAL, HYDRA, TRAIN],
    "unseeded": [UNSEEDED],
    "odd": [FROM_FILE],
    "eval": [EVAL],
}


@pytest.mark.parametrize("entry_points", ENTRY_POINTS.values(), ids=ENTRY_POINTS)
@pytest.mark.parametrize(
    ("layout", "stride"),
    [
        ("flat", 7),
        ("per-experiment", 9),
        *(pytest.param(layout, 1, marks=pytest.mark.long) for layout in ("flat", "per-experiment")),
    ],
)
def test_passes_for_every_combination_of_answers(entry_points: list[dict[str, Any]], layout: str, stride: int) -> None:
    axes: list[list[dict[str, Any]]] = [
        [{"slurm": None}, {"slurm": {}}, {"slurm": SLURM}],
        [
            {"research_server_url": ""},
            {"research_server_url": "http://127.0.0.1:10000/", "research_session_id": "wild-0a1b2c3d"},
        ],
        [
            {"primary_metric": "", "metric_direction": ""},
            {"primary_metric": "val/loss"},
            {"primary_metric": "a|b", "metric_direction": ""},
        ],
        [{"environment": PLAIN}, {"environment": UV}],
        [
            {"evolutionary_sweeps": False, "experiments": []},
            {"evolutionary_sweeps": True, "experiments": ["base", "ours"]},
        ],
        [{"repository_findings": [], "repository_risks": [], "repository_metrics": []}, {}],
    ]
    # every seventh or ninth of the 144 combinations: each value of an axis still meets each value of every other
    for combination in itertools.islice(itertools.product(*axes), 0, None, stride):
        answers = {key: value for part in combination for key, value in part.items()}
        text = render(entry_points=entry_points, workspace_layout=layout, **answers)
        found = findings(text, server=bool(answers["research_server_url"]))
        assert {f.code for f in found} <= {"P007"}, described(found)
        assert "undefined" not in text.lower() and "{{" not in text and "None" not in text


@pytest.mark.parametrize("said", EVIL, ids=range(len(EVIL)))
def test_user_text_breaks_nothing(said: str) -> None:
    text = render(
        experiment_goal=said, steering_text=said, memories=[said, said], research_server_url="http://127.0.0.1:1"
    )
    found = findings(text, server=True)
    assert not found, described(found)
    assert [task.id for task in parse_plan(text).tasks] == [task.id for task in parse_plan(render()).tasks]
    assert text.count(server_loop_protocol.SENTINEL) == 0
    first = server_loop_protocol.current_task_index(text.splitlines())
    assert first is not None and "[P1-T1]" in text.splitlines()[first]


@pytest.mark.parametrize("said", EVIL, ids=range(len(EVIL)))
def test_what_was_read_off_the_repository_breaks_nothing(said: str) -> None:
    entry = {"path": said, "kind": "train", "seed_flag": said.strip() or None, "command": said}
    text = render(
        repository_findings=[said],
        repository_risks=[said],
        repository_metrics=[said],
        primary_metric=said,
        trackers=[said],
    )
    assert not findings(text), described(findings(text))
    text = render(entry_points=[entry])
    assert {f.code for f in findings(text)} <= {"P203", "P609"}, described(findings(text))


def test_a_metric_and_a_goal_that_nobody_named_are_marked_choices() -> None:
    found = findings(render(experiment_goal=" \n", primary_metric="", metric_direction=""))
    assert [(f.code, f.severity) for f in found] == [("P007", "warning")] * 2


def planned(text: str, task: str) -> str:
    """The command that plans the sweep of a task."""
    (found,) = (line for line in text.splitlines() if "scaffold sweep new" in line and f"--task {task} " in line)
    return found


def test_experiments_are_sweeps_and_the_sweep_adds_prefix_and_seed() -> None:
    text = render(slurm=SLURM)
    assert planned(text, "P2-T3") == (
        "  - command: `scaffold sweep new baseline --goal 'noise floor of the baseline over 5 seeds' "
        "--experiment baseline --task P2-T3 --seeds 1-5 -- python train.py`"
    )
    assert "  - command: `scaffold sweep launch baseline --wait`\n" in text
    assert (
        "  - on Slurm: `scaffold sweep launch baseline --backend slurm --wait`; partition `gpu`; account `lab`; qos `long`;"
        in text
    )
    chosen = "'[choice: the option that switches the main method on]'`"
    assert planned(render(entry_points=[HYDRA]), "P3-T2").endswith(f"--seeds 1-5 -- python src/main.py {chosen}")
    assert planned(text, "P3-T1").endswith("--seeds 1 -- python train.py`"), "with the option off"


@pytest.mark.parametrize(
    ("flag", "command", "typed"),
    [
        ("--seed", "uv run python train.py --seed 7 --lr 1", "--seeds 1-5 -- python train.py --lr 1"),
        ("--seed", "python train.py --seed=7", "--seeds 1-5 -- python train.py"),
        ("seed=", "python train.py seed=7 lr=1", "--seeds 1-5 -- python train.py lr=1"),
        (None, "python train.py", "--seeds 1-5 --seed-option env -- python train.py"),
        ("config:seed", "python train.py c.yaml", "--seeds 1-5 --seed-option env -- python train.py c.yaml"),
    ],
)
def test_a_command_of_a_sweep_has_no_seed_and_no_prefix_of_its_own(flag: str | None, command: str, typed: str) -> None:
    entry = {"path": "train.py", "kind": "train", "seed_flag": flag, "command": command}
    assert planned(render(entry_points=[entry]), "P2-T3").endswith(typed + "`")


def test_with_a_server_every_run_goes_through_it() -> None:
    """Where a server is set a launch is on the server unless told otherwise: the plan names no other backend."""
    text = render(research_server_url="http://127.0.0.1:10000", slurm=SLURM, research_session_id="wild-1")
    commands = [line for line in text.splitlines() if line.startswith("  - command: ")]
    assert [line for line in commands if "record_run.py" in line and "smoke" not in line] == []
    assert "--backend" not in text and "scaffold sweep launch baseline --wait" in text
    assert "research server" in next(line for line in text.splitlines() if "[P2-T3]" in line)


def test_no_token_stands_in_the_plan() -> None:
    text = render(research_server_url="http://127.0.0.1:10000")
    assert "Token" not in text and "TOKEN" not in text


def test_same_answers_give_the_same_bytes() -> None:
    assert render(slurm=SLURM) == render(slurm=SLURM)
