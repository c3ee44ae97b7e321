"""The lines that a workspace shows are typed as they stand, in a shell, and do what they say: whatever the README's command looks like."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import MakeRepo, Run
from tests.lifecycle.conftest import TemplateRepo
from tests.runs.conftest import keep_bytecode

TRAIN = """\
import argparse, json, os
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float)
p.add_argument("--wd", type=float)
p.add_argument("--out-dir")
p.add_argument("--seed", type=int)
a = p.parse_args()
found = {"cwd": os.path.basename(os.getcwd()), "lr": a.lr, "seed": a.seed}
found.update(out=a.out_dir and os.path.samefile(a.out_dir, os.environ["RUN_OUTPUT_DIR"]))
found.update(threads=os.environ.get("THREADS"), name=os.environ.get("NAME"))
open(os.environ["RUN_OUTPUT_DIR"] + "/seen.json", "w").write(json.dumps(found))
"""
SBATCH = "#!/bin/bash\n#SBATCH --partition=gpu\nsrun python3 train.py\n"
COMMANDS = {
    "plain": (
        "python3 train.py --lr 0.1",
        "train.py",
        {"cwd": "repo", "lr": 0.1, "seed": 1, "threads": None, "name": None},
    ),
    "with its own seed": ("python3 train.py --seed 7 --lr 0.1", "train.py", {"seed": 1}),
    "with its own folder": ("python3 train.py --out-dir out --lr 0.1", "train.py", {"seed": 1, "lr": 0.1, "out": True}),
    "with variables": (
        "THREADS=2 NAME='a b' python3 train.py --lr 0.1",
        "train.py",
        {"threads": "2", "name": "a b", "seed": 1},
    ),
    "in a folder": ("cd deep/er && python3 train.py --lr 0.1", "deep/er/train.py", {"cwd": "er", "lr": 0.1, "seed": 1}),
    "all of it": (
        "cd deep/er && THREADS=2 python3 train.py --seed=7 --lr 0.1",
        "deep/er/train.py",
        {"cwd": "er", "threads": "2", "seed": 1},
    ),
}


Type = Callable[[str, Path], str]


@pytest.fixture
def typed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """A function: what a shell in the work directory makes of a line. `scaffold` is called in this process, where the shell called it."""
    program, words = tmp_path / "bin/scaffold", tmp_path / "words"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf \'%s\\0\' "$PWD" "$@" >"$WORDS"\n')
    program.chmod(0o755)

    def type_line(line: str, repo: Path) -> str:
        environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "WORDS": str(words)}
        words.unlink(missing_ok=True)
        done = subprocess.run(["bash", "-c", line], cwd=repo, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        if not words.exists():
            return done.stdout
        folder, *arguments = words.read_text().split("\0")[:-1]
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            called = run(*arguments)
        assert called.exit_code == 0, (line, called.output)
        return called.stdout

    return type_line


def seen(repo: Path) -> list[dict[str, object]]:
    """What each recorded run of train.py saw."""
    return [json.loads(p.read_text()) for p in sorted(repo.glob(".wild/experiments/outputs/*/**/seen.json"))]


@pytest.mark.parametrize(("command", "script", "expected"), COMMANDS.values(), ids=COMMANDS)
def test_a_recorded_run_and_a_sweep_can_be_typed_as_they_are_shown(
    make_repo: MakeRepo,
    run: Run,
    typed: Type,
    template: TemplateRepo,
    command: str,
    script: str,
    expected: dict[str, object],
) -> None:
    folder, _, rest = command.rpartition(" && ")
    shown = f"```bash\n{command}\n```\n" if not folder else f"```bash\n{rest.replace('train.py', script)}\n```\n"
    texts = {script: TRAIN, "README.md": shown, "job.sbatch": SBATCH}
    if folder:  # a README of the folder is one's own way to say `cd`
        texts |= {"README.md": "hello\n", f"{folder.removeprefix('cd ')}/README.md": f"```bash\n{rest}\n```\n"}
    repo = make_repo(texts)
    made = run("init", "--workdir", repo, "--template", template.path, "--goal", "which lr", "--yes")
    assert made.exit_code == 0, made.output
    keep_bytecode(repo / ".wild/experiments/scripts")
    page = (repo / ".wild/experiments/README.md").read_text()
    plan = (repo / ".wild/experiments/tasks.md").read_text()
    rules = (repo / ".wild/experiments/AGENTS.md").read_text()
    brief = run("brief", "--workdir", repo).stdout

    [recorded] = re.findall(r"^ {4}(.*record_run\.py.*)$", page, re.MULTILINE)
    [ruled] = re.findall(r"^ {6}(.*record_run\.py --.*)$", rules, re.MULTILINE)
    [briefed] = re.findall(r"^(.*record_run\.py .*-- .*train\.py.*)$", brief, re.MULTILINE)
    for line in (recorded, ruled, briefed):
        typed(line, repo)
    found = seen(repo)
    assert len(found) == 3
    for one in found:
        assert {key: one[key] for key in expected} == expected

    sweeps = [
        re.search(r"^ {4}(.*scaffold sweep new.*)$", page, re.MULTILINE),
        re.search(r"^ {6}(.*scaffold sweep new.*)$", rules, re.MULTILINE),
        *re.finditer(r"`(.*scaffold sweep new .*)`$", plan, re.MULTILINE),
    ]
    assert len(sweeps) >= 4
    for number, match in enumerate(sweeps):
        assert match is not None
        line = match[1].replace("sweep new NAME", f"sweep new name{number}").replace("KEY=V1,V2", "wd=0.1,0.2")
        # what only a person knows stands as a choice, in one word of the shell, and is typed in its place
        line = re.sub(r"'\[choice: [^']*\]'", "--wd 0.2", line)
        assert "--seed " not in line and "--seed=" not in line, line
        assert "-s1-" in typed(line, repo), (number, line)


def test_a_seedless_script_is_told_its_seed_by_the_environment(
    make_repo: MakeRepo, run: Run, typed: Type, template: TemplateRepo
) -> None:
    repo = make_repo({"train.py": "print(1)\n", "README.md": "```\npython3 train.py\n```\n"})
    assert run("init", "--workdir", repo, "--template", template.path, "--yes").exit_code == 0
    page = (repo / ".wild/experiments/README.md").read_text()
    [line] = re.findall(r"^ {4}(scaffold sweep new.*)$", page, re.MULTILINE)
    assert "--seed-option env" in line
    assert "-s1-" in typed(line, repo)


def test_many_slurm_scripts_are_named_by_the_first_of_them(
    make_repo: MakeRepo, run: Run, template: TemplateRepo
) -> None:
    jobs = {
        f"jobs/job_{n:03d}.sbatch": f"#!/bin/bash\n#SBATCH --partition=p{n % 9}\nsrun python3 train.py\n"
        for n in range(300)
    }
    repo = make_repo({"train.py": TRAIN, **jobs})
    assert run("init", "--workdir", repo, "--template", template.path, "--yes").exit_code == 0
    plan = (repo / ".wild/experiments/tasks.md").read_text()
    assert "and 296 more; partition `p0`, `p1`, `p2`, `p3` and 5 more" in plan
    brief = run("brief", "--workdir", repo).stdout
    assert "and 296 more: submit" in brief and len(brief) < 8000
    [line] = [one for one in run("brief", "--full", "--workdir", repo).stdout.splitlines() if "Slurm, as in" in one]
    assert line.count("job_") == 300
