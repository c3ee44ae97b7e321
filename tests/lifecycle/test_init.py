"""init writes what is missing, changes nothing that is there, and a second time does nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
import yaml

from scaffold import conventions
from scaffold.conventions.model import Conventions
from scaffold.runs import recorder
from tests.conftest import MakeRepo, Run, commit_all, git, write_tree
from tests.lifecycle.conftest import TemplateRepo, snapshot

FLAT = [
    ".copier-answers.scaffold.yml",
    ".gitignore",
    "AGENTS.md",
    "README.md",
    "analysis/README.md",
    "logs/README.md",
    "metadata/README.md",
    "outputs/README.md",
    "prompt_skill_playbook.md",
    "results/README.md",
    "scripts/README.md",
    *(
        f"scripts/_record_run/{path.name}"
        for path in sorted((recorder.recorder_source_directory() / "_record_run").glob("*.py"))
    ),
    "scripts/record_run.py",
    "scripts/run_manifest.schema.json",
    "scripts/setup_env.sh",
    "scripts/summarize.py",
    "scripts/workspace.json",
    "tasks.md",
]
PLACEHOLDER = "# Tasks\n\n## Goal\nBeat the baseline\n\n## Tasks\n- [ ] (Agent will decompose the goal into tasks on iteration 1)\n"


def answers(repo: Path, root: str = ".wild/experiments") -> dict[str, object]:
    loaded = yaml.safe_load((repo / root / ".copier-answers.scaffold.yml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def test_writes_exactly_these_files(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    before = snapshot(repo)
    assert run("init", "--workdir", repo, "--yes").exit_code == 0
    after = snapshot(repo)
    assert sorted(set(after) - set(before)) == [f".wild/experiments/{name}" for name in FLAT]
    assert {name: after[name] for name in before} == before


def test_nothing_rendered_still_holds_template_syntax(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    run("init", "--workdir", repo, "--yes", "--layout", "per-experiment")
    for name, data in snapshot(repo / ".wild").items():
        if not (name.endswith(("record_run.py", ".json")) or "/_record_run/" in name):
            assert b"{{" not in data and b"{%" not in data, name


def test_an_existing_exp_is_the_root(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"train.py": "", "exp/log/run1.txt": "mine\n", "exp/README.md": "my experiments\n"})
    result = run("init", "--workdir", repo, "--yes", "--json")
    answer = json.loads(result.stdout)
    assert answer["root"] == "exp"
    actions = {row["path"]: row["action"] for row in answer["files"]}
    assert actions["exp/README.md"] == "keep"
    assert actions["exp/log/README.md"] == "create", "log/ stays log/"
    assert (repo / "exp/README.md").read_text() == "my experiments\n"
    assert answers(repo, "exp")["kept_files"] == ["exp/README.md"]


def test_an_exp_that_is_source_code_is_left_alone(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo(
        {"run.py": "from exp.main import Exp\nExp()\n", "exp/__init__.py": "", "exp/main.py": "class Exp: ...\n"}
    )
    run("init", "--workdir", repo, "--yes")
    assert (repo / ".wild/experiments/tasks.md").is_file()
    assert sorted(p.name for p in (repo / "exp").iterdir()) == ["__init__.py", "main.py"]


def test_a_second_run_changes_no_byte_and_says_so(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    run("init", "--workdir", repo, "--yes", "--goal", "find out")
    before = {p: p.stat().st_mtime_ns for p in repo.rglob("*")}
    result = run("init", "--workdir", repo, "--yes")
    assert result.exit_code == 0
    assert "nothing to do" in result.stdout
    assert {p: p.stat().st_mtime_ns for p in repo.rglob("*")} == before


def test_a_second_run_after_the_repository_changed_detects_nothing_anew(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    run("init", "--workdir", repo, "--yes")
    write_tree(repo, {"uv.lock": "", "exp/x.txt": "", "slurm/a.sbatch": "#SBATCH -p gpu\nsrun python train.py\n"})
    commit_all(repo)
    assert "nothing to do" in run("init", "--workdir", repo, "--yes").stdout


def test_a_second_run_restores_a_deleted_file(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    run("init", "--workdir", repo, "--yes")
    (repo / ".wild/experiments/AGENTS.md").unlink()
    result = run("init", "--workdir", repo, "--yes")
    assert "wrote 1 of" in result.stdout
    assert (repo / ".wild/experiments/AGENTS.md").is_file()


def test_a_second_run_with_another_wish_says_how_to_change_an_answer(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    run("init", "--workdir", repo, "--yes", "--goal", "one")
    result = run("init", "--workdir", repo, "--yes", "--goal", "two")
    assert result.exit_code == 1
    assert "scaffold update --set experiment_goal=" in result.stderr


def test_dry_run_writes_nothing(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    before = snapshot(repo)
    result = run("init", "--workdir", repo, "--dry-run")
    assert f"would write {len(FLAT)} of {len(FLAT)}" in result.stdout
    assert snapshot(repo) == before
    assert not (repo / ".wild").exists()


def test_every_wish_becomes_an_answer(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    options = {
        "--goal": "Why does it diverge?",
        "--metric": "val/loss",
        "--direction": "minimize",
        "--server-url": "http://127.0.0.1:10000/",
        "--session-id": "wild-1234abcd",
        "--steering": "Look at the\nlearning rate",
        "--memory": "bf16 is unstable here",
        "--layout": "per-experiment",
        "--experiment": "warmup",
        "--tasks-path": "notes/plan.md",
    }
    arguments = [word for pair in options.items() for word in pair]
    assert run("init", "--workdir", repo, "--yes", "--evolutionary", *arguments).exit_code == 0
    found = answers(repo)
    assert (
        found
        | {
            "experiment_goal": "Why does it diverge?",
            "primary_metric": "val/loss",
            "metric_direction": "minimize",
            "research_server_url": "http://127.0.0.1:10000",
            "research_session_id": "wild-1234abcd",
            "steering_text": "Look at the\nlearning rate",
            "memories": ["bf16 is unstable here"],
            "workspace_layout": "per-experiment",
            "experiments": ["warmup"],
            "tasks_path": "notes/plan.md",
            "evolutionary_sweeps": True,
        }
        == found
    )
    assert (repo / "notes/prompt_skill_playbook.md").is_file()
    rules = (repo / ".wild/experiments/AGENTS.md").read_text()
    assert "> learning rate" in rules and "bf16 is unstable here" in rules and "http://127.0.0.1:10000" in rules


@pytest.mark.parametrize(
    "goal", ["", "x: y # no\n- [ ] [P9-T9] sneaky", "ünïcode → 数据 ‮rtl", "{{ 7 * 7 }} {% raw %}", "'\"`\\"]
)
def test_any_goal_survives_the_round_trip(make_repo: MakeRepo, run: Run, goal: str) -> None:
    repo = make_repo()
    assert run("init", "--workdir", repo, "--yes", "--goal", goal).exit_code == 0
    assert answers(repo)["experiment_goal"] == goal
    assert "nothing to do" in run("init", "--workdir", repo, "--yes").stdout
    assert run("plan", "check", repo / ".wild/experiments/tasks.md").exit_code == 0


def test_the_workspace_speaks_of_this_repository(make_repo: MakeRepo, run: Run) -> None:
    train = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\np.parse_args()\n"
    repo = make_repo(
        {"train.py": train, "uv.lock": "version = 1\n", "pyproject.toml": "[project]\nname='x'\nversion='1'\n"}
    )
    run("init", "--workdir", repo, "--yes")
    readme = (repo / ".wild/experiments/README.md").read_text()
    assert "record_run.py --experiment baseline --seed 1 -- uv run python train.py --seed 1" in readme
    assert "uv sync" in (repo / ".wild/experiments/scripts/setup_env.sh").read_text()
    assert not (repo / ".wild/experiments/scripts/run.sbatch").exists(), "nothing of Slurm where nobody uses it"


SBATCH = (
    "#!/bin/bash\n#SBATCH -p gpu-long\n#SBATCH --account=proj123\n#SBATCH --gres=gpu:a100:1\n"
    "module load cuda/12.1\nsrun python train.py\n"
)


def test_slurm_options_come_from_the_repository_and_name_their_place(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"train.py": "", "slurm/train.sbatch": SBATCH})
    run("init", "--workdir", repo, "--yes")
    text = (repo / ".wild/experiments/scripts/run.sbatch").read_text()
    assert "# from slurm/train.sbatch:2\n#SBATCH --partition=gpu-long\n" in text
    assert "#SBATCH --account=proj123\n" in text and "module load cuda/12.1\n" in text
    assert "\n##SBATCH --qos=\n" in text, "what is not known is left off, never guessed"


@pytest.mark.parametrize("layout", ["flat", "per-experiment"])
@pytest.mark.parametrize("root", ["exp", "my exps/ünïcode"])
def test_generated_shell_scripts_are_sound(make_repo: MakeRepo, run: Run, layout: str, root: str) -> None:
    files = {"train.py": "", "slurm/train.sbatch": SBATCH, "environment.yml": "dependencies: [python=3.11]\n"}
    repo = make_repo(files)
    run("init", "--workdir", repo, "--yes", "--root", root, "--layout", layout)
    scripts = [repo / root / "scripts" / name for name in ("setup_env.sh", "run.sbatch")]
    for script in scripts:
        assert os.access(script, os.X_OK)
        subprocess.run(["bash", "-n", str(script)], check=True)
        checked = subprocess.run(
            [Path(sys.executable).with_name("shellcheck"), "-e", "SC1091", str(script)], capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stdout


@pytest.mark.slow
@pytest.mark.long
def test_setup_env_builds_an_environment_without_any_tool_but_python(
    make_repo: MakeRepo, run: Run, tmp_path: Path
) -> None:
    repo = make_repo({"train.py": "", "requirements.txt": ""})
    run("init", "--workdir", repo, "--yes")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    for name in ("dirname", "bash"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    script = repo / ".wild/experiments/scripts/setup_env.sh"
    done = subprocess.run(
        ["bash", str(script)], capture_output=True, text=True, env={"PATH": str(tools), "HOME": str(tmp_path)}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "ready: source .venv/bin/activate"
    assert (repo / ".venv/bin/python").exists()


def test_the_servers_placeholder_plan_is_replaced_and_its_goal_carried_over(make_repo: MakeRepo, run: Run) -> None:
    plan = ".agents/wild/wild-1234abcd/tasks.md"
    repo = make_repo({"train.py": "", plan: PLACEHOLDER})
    result = run("init", "--workdir", repo, "--yes", "--json", "--tasks-path", repo / plan)
    actions = {row["path"]: row["action"] for row in json.loads(result.stdout)["files"]}
    assert actions[plan] == "replace"
    assert answers(repo)["experiment_goal"] == "Beat the baseline"
    assert "Beat the baseline" in (repo / plan).read_text() and "## Phase 1" in (repo / plan).read_text()
    assert (repo / ".agents/wild/wild-1234abcd/prompt_skill_playbook.md").is_file()


def test_the_goal_of_a_placeholder_is_never_lost_silently(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"exp/tasks.md": PLACEHOLDER})
    assert "its goal was carried over" in run("init", "--workdir", repo, "--yes").stdout
    assert answers(repo, "exp")["experiment_goal"] == "Beat the baseline"
    (repo / "exp/tasks.md").write_text(PLACEHOLDER.replace("Beat the baseline", "Beat it twice"))
    assert "placeholder with another goal" in run("init", "--workdir", repo, "--yes").stdout
    assert "Beat it twice" in (repo / "exp/tasks.md").read_text()
    assert run("update", "--workdir", repo, "--set", "experiment_goal=Beat it twice").exit_code == 0
    assert "its goal was carried over" in run("init", "--workdir", repo, "--yes").stdout
    assert "## Phase 1" in (repo / "exp/tasks.md").read_text()


def test_a_goal_that_is_given_stands_in_place_of_a_placeholders(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"exp/tasks.md": PLACEHOLDER})
    assert "the goal that was given" in run("init", "--workdir", repo, "--yes", "--goal", "Find out why").stdout
    assert "Find out why" in (repo / "exp/tasks.md").read_text()


def test_a_plan_that_holds_work_is_kept(make_repo: MakeRepo, run: Run) -> None:
    mine = PLACEHOLDER + "- [ ] my own task\n"
    repo = make_repo({"train.py": "", "plan/tasks.md": mine})
    run("init", "--workdir", repo, "--yes", "--tasks-path", "plan/tasks.md")
    assert (repo / "plan/tasks.md").read_text() == mine


@pytest.mark.parametrize(
    ("hidden", "rule", "lost"),
    [
        ("outputs/\n", "outputs/", False),
        ("logs/\n*.json\n", "logs/", False),
        (".wild/\n", ".wild/", True),
        (".*\n", ".*", True),
    ],
)
def test_ignored_paths_are_reported_with_the_rule(
    make_repo: MakeRepo, run: Run, hidden: str, rule: str, lost: bool
) -> None:
    repo = make_repo({"train.py": "", ".gitignore": hidden})
    git(repo, "add", "-f", ".gitignore")
    git(repo, "commit", "-qm", "rules", "--allow-empty")
    result = run("init", "--workdir", repo, "--yes", "--json")
    found = json.loads(result.stdout)["ignored"]
    assert bool(found) == lost
    if lost:
        assert {(row["source"], row["line"], row["pattern"]) for row in found} == {(".gitignore", 1, rule)}


@pytest.mark.parametrize("hidden", ["outputs/", "logs/", "results/", "metadata/", "*.json", "*.md", "scripts"])
def test_what_counts_is_tracked_and_what_is_bulky_is_not_whatever_the_repository_ignores(
    make_repo: MakeRepo, run: Run, hidden: str
) -> None:
    repo = make_repo({"train.py": "", ".gitignore": hidden + "\n"})
    run("init", "--workdir", repo, "--yes")
    root = repo / ".wild/experiments"
    write_tree(
        root,
        {
            "metadata/a.json": "{}",
            "results/t.md": "x",
            "analysis/p.json": "x",
            "logs/a.out": "x",
            "outputs/a/w.pt": "x",
        },
    )
    git(repo, "add", "-A")
    tracked = set(git(repo, "ls-files", ".wild").split())
    want = {*FLAT, "metadata/a.json", "results/t.md", "analysis/p.json"}
    assert tracked == {f".wild/experiments/{name}" for name in want}


def test_a_linked_log_directory_is_not_written_through(make_repo: MakeRepo, run: Run, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    repo = make_repo({"train.py": "", "exp/notes.txt": "x"})
    (repo / "exp/logs").symlink_to(scratch)
    commit_all(repo)
    result = run("init", "--workdir", repo, "--yes", "--json")
    actions = {row["path"]: row["action"] for row in json.loads(result.stdout)["files"]}
    assert actions["exp/logs/README.md"] == "linked"
    assert not any(scratch.iterdir())
    assert run("status", "--workdir", repo).exit_code == 0
    assert run("update", "--workdir", repo, "--set", "experiment_goal=other").exit_code == 0
    assert run("remove", "--workdir", repo).exit_code == 0
    assert (repo / "exp/logs").is_symlink()


def test_another_template_answers_file_is_neither_read_nor_changed(make_repo: MakeRepo, run: Run) -> None:
    other = "_commit: v1\n_src_path: gh:other/thing\nexperiment_root: elsewhere\nexperiment_goal: not mine\n"
    repo = make_repo({"train.py": "", ".copier-answers.yml": other, "exp/.copier-answers.yml": other, "exp/a.txt": ""})
    run("init", "--workdir", repo, "--yes")
    assert (repo / ".copier-answers.yml").read_text() == other
    assert answers(repo, "exp")["experiment_goal"] == ""


@pytest.mark.parametrize("where", ["subfolder", "worktree", "submodule", "detached", "no commit", "not git"])
def test_every_kind_of_place(make_repo: MakeRepo, run: Run, tmp_path: Path, where: str) -> None:
    repo = make_repo({"train.py": "", "sub/project/train.py": ""})
    place = repo
    if where == "subfolder":
        place = repo / "sub/project"
    elif where == "worktree":
        place = tmp_path / "tree"
        git(repo, "worktree", "add", "-q", "--detach", str(place))
    elif where == "submodule":
        outer = make_repo({"README.md": ""}, name="outer")
        git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo), "inner")
        place = outer / "inner"
    elif where == "detached":
        git(repo, "checkout", "-q", "--detach")
    elif where == "no commit":
        place = tmp_path / "fresh"
        place.mkdir()
        git(place, "init", "-q")
    else:
        place = tmp_path / "plain"
        place.mkdir()
    result = run("init", "--workdir", place, "--yes")
    assert result.exit_code == 0, result.stderr
    assert ("cannot record which code" in result.stderr) == (where in ("no commit", "not git"))
    assert "nothing to do" in run("init", "--workdir", place, "--yes").stdout
    assert run("status", "--workdir", place).exit_code == 0
    assert run("update", "--workdir", place).exit_code == 0
    assert run("remove", "--workdir", place).exit_code == 0
    assert not (place / ".wild").exists()


def test_init_from_another_template_records_it(make_repo: MakeRepo, run: Run, template: TemplateRepo) -> None:
    repo = make_repo()
    assert run("init", "--workdir", repo, "--yes", "--template", template.path).exit_code == 0
    assert (answers(repo)["_src_path"], answers(repo)["_commit"]) == (str(template.path), "v9.0.0")
    assert "nothing to do" in run("init", "--workdir", repo, "--yes").stdout


def test_asks_on_a_terminal_and_takes_the_answers(make_repo: MakeRepo, tmp_path: Path) -> None:
    repo = make_repo()
    child = pexpect.spawn(
        sys.executable, ["-m", "scaffold", "init", "--workdir", str(repo)], encoding="utf-8", timeout=60
    )
    for question, reply in [
        ("Where does the workspace go", "lab"),
        ("find out", "Is it faster?"),
        ("Which metric decides", "acc"),
        ("Better when", "maximize"),
        ("Research server", ""),
        ("A full plan", "short"),
        ("Try the baseline command first", "n"),
        (f"Write {len(FLAT)} files", "y"),
    ]:
        child.expect(question)
        child.sendline(reply)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    found = answers(repo, "lab")
    assert (found["experiment_goal"], found["primary_metric"], found["metric_direction"]) == (
        "Is it faster?",
        "acc",
        "maximize",
    )
    assert found["plan_kind"] == "short" and "<!-- plan: short -->" in (repo / "lab/tasks.md").read_text()


def test_the_repository_is_looked_at_once_whatever_is_answered(
    make_repo: MakeRepo, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []

    really = conventions.detect_conventions

    def detect(workdir: Path) -> Conventions:
        looked.append(workdir)
        return really(workdir)

    monkeypatch.setattr(conventions, "detect_conventions", detect)
    monkeypatch.setattr("scaffold.cli.common.output.may_prompt", lambda **_: True)
    repo = make_repo()
    answered = run("init", "--workdir", repo, input="lab\nIs it faster?\nacc\nmaximize\n\nfull\nn\ny\n")
    assert answered.exit_code == 0
    assert answers(repo, "lab")["experiment_goal"] == "Is it faster?"
    assert looked == [repo]


@pytest.mark.parametrize(
    ("metric", "replies", "direction"),
    [("acc", "\n", "maximize"), ("loss", "\n", "minimize"), ("mfu", "\n\nmaximize\n", "maximize")],
    ids=["its name says so", "its name says otherwise", "its name does not say"],
)
def test_which_way_a_typed_metric_is_better_is_never_guessed(
    make_repo: MakeRepo, run: Run, monkeypatch: pytest.MonkeyPatch, metric: str, replies: str, direction: str
) -> None:
    monkeypatch.setattr("scaffold.cli.common.output.may_prompt", lambda **_: True)
    repo = make_repo()
    asked = run("init", "--workdir", repo, "--root", "lab", "--goal", "g", input=f"{metric}\n{replies}\nfull\nn\ny\n")
    assert asked.exit_code == 0 and answers(repo, "lab")["metric_direction"] == direction


def test_saying_no_on_the_terminal_writes_nothing(make_repo: MakeRepo) -> None:
    repo = make_repo()
    arguments = ["-m", "scaffold", "init", "--workdir", str(repo), "--root", "lab", "--goal", "g", "--metric", "m"]
    child = pexpect.spawn(
        sys.executable,
        [*arguments, "--direction", "minimize", "--server-url", "", "--plan", "full"],
        encoding="utf-8",
        timeout=60,
    )
    child.expect("Try the baseline command first")
    child.sendline("n")
    child.expect(f"Write {len(FLAT)} files")
    child.sendline("n")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1
    assert not (repo / "lab").exists()
