"""The guard of hooks: a hundred commands that start an experiment unrecorded, a hundred that do not."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scaffold.plan.tasks.unrecorded_command_check import LONGEST_COMMAND, find_launches_in_command
from tests.conftest import Run

ENTRIES = """\
entry_points:
- command: python src/train.py
  kind: train
  path: src/train.py
- command: python evaluate.py
  kind: eval
  path: evaluate.py
- command: python prepare.py
  kind: preprocess
  path: prepare.py
- command: bash scripts/launch.sh
  kind: train
  path: scripts/launch.sh
"""

STOPPED = [
    "python src/train.py",
    "python3 src/train.py --lr 0.1",
    "python3.11 -u src/train.py",
    "./src/train.py",
    "python ./src/train.py --help-me 1",
    "cd src && python train.py",
    "cd src; python train.py",
    "PYTHONPATH=. python src/train.py",
    "A=1 B=2 python src/train.py",
    "env A=1 python src/train.py",
    "env -u A -i python src/train.py",
    "timeout 60 python src/train.py",
    "timeout -s KILL 1h python src/train.py",
    "timeout --signal=INT 5 python src/train.py",
    "nohup python src/train.py &",
    "nohup python src/train.py > log.txt 2>&1 &",
    "nice -n 10 python src/train.py",
    "ionice -c 3 python src/train.py",
    "time python src/train.py",
    "setsid python src/train.py",
    "stdbuf -oL python src/train.py | tee log",
    "sudo -u kim python src/train.py",
    "exec python src/train.py",
    "command python src/train.py",
    "python src/train.py && echo done",
    "true && python src/train.py",
    "false || python src/train.py",
    "make data; python src/train.py",
    "ls\npython src/train.py",
    "bash -c 'python src/train.py'",
    'bash -lc "cd src && python train.py"',
    "sh -c 'exec python src/train.py'",
    "zsh -c 'python src/train.py'",
    "bash -c \"bash -c 'python src/train.py'\"",
    "eval 'python src/train.py'",
    'eval "python src/train.py --lr 1"',
    "xargs -n 1 python src/train.py < seeds",
    "seq 5 | xargs -I {} python src/train.py --seed {}",
    "echo 1 | python src/train.py",
    "cat cfg | python src/train.py --cfg -",
    "for s in 1 2 3; do python src/train.py --seed $s; done",
    "while true; do python src/train.py; done",
    "if true; then python src/train.py; fi",
    "(cd src && python train.py)",
    "{ python src/train.py; }",
    "! python src/train.py",
    "x=$(python src/train.py)",
    'echo "$(python src/train.py)"',
    "echo `python src/train.py`",
    "torchrun src/train.py",
    "torchrun --nproc_per_node 4 src/train.py",
    "python -m torch.distributed.run src/train.py",
    "python -m torch.distributed.launch --nproc_per_node=2 src/train.py",
    "accelerate launch src/train.py",
    "accelerate launch --config_file a.yml src/train.py",
    "deepspeed src/train.py",
    "mpirun -np 4 python src/train.py",
    "mpiexec -n 2 python src/train.py",
    "srun python src/train.py",
    "srun --gres=gpu:1 python src/train.py",
    "sbatch job.sh",
    "sbatch --array=1-5 scripts/job.sbatch",
    "sbatch --wrap 'python src/train.py'",
    "bash scripts/launch.sh",
    "sh scripts/launch.sh 1",
    "./scripts/launch.sh",
    "scripts/launch.sh",
    "cd scripts && ./launch.sh",
    "bash -x scripts/launch.sh",
    "uv run python src/train.py",
    "uv run src/train.py",
    "uv run --extra gpu python src/train.py",
    "poetry run python src/train.py",
    "pdm run python src/train.py",
    "pixi run python src/train.py",
    "hatch run python src/train.py",
    "pipenv run python src/train.py",
    "conda run -n ml python src/train.py",
    "micromamba run -p .conda python src/train.py",
    "python evaluate.py",
    "python evaluate.py --ckpt a.pt",
    "python -m src.train",
    "python -m evaluate --ckpt a",
    "python -m cProfile src/train.py",
    "python -m pdb src/train.py",
    "coverage run src/train.py",
    "py-spy record -o a.svg -- python src/train.py",
    "nsys profile -o a python src/train.py",
    "docker run --gpus all img python src/train.py",
    "ssh node1 'cd repo && python src/train.py'",
    "tmux new -d 'python src/train.py'",
    "screen -dmS a bash -c 'python src/train.py'",
    "watch -n 5 python src/train.py",
    "CUDA_VISIBLE_DEVICES=0 python src/train.py",
    "export A=1; python src/train.py",
    "source .venv/bin/activate && python src/train.py",
    "bash <<'EOF'\npython src/train.py\nEOF",
    "python \\\n  src/train.py",
    "/usr/bin/env python src/train.py",
    "/opt/py/bin/python /data/repo/src/train.py",
    "python pretrain_model.py",
]
PASSED = [
    "ls",
    "cat src/train.py",
    "less src/train.py",
    "head -50 src/train.py",
    "grep -n seed src/train.py",
    "rg 'python src/train.py'",
    "sed -n 1,20p src/train.py",
    "wc -l src/train.py",
    "git diff src/train.py",
    "git add src/train.py && git commit -m 'python src/train.py works'",
    "git log -- src/train.py",
    "vim src/train.py",
    "python src/train.py --help",
    "python src/train.py -h",
    "python -m src.train --help",
    "torchrun src/train.py --help",
    "python evaluate.py --version",
    "python -m pytest",
    "python -m pytest tests/test_train.py",
    "pytest tests -k train",
    "python -m py_compile src/train.py",
    "python -m compileall src",
    "ruff check src/train.py",
    "python -m ruff check src/train.py",
    "mypy src/train.py",
    "python -m mypy src",
    "black src/train.py",
    "flake8 src/train.py",
    "pylint src/train.py",
    "python -m unittest tests.test_train",
    "echo 'python src/train.py'",
    'echo "run python src/train.py later"',
    "printf 'python src/train.py\\n'",
    "# python src/train.py",
    "ls # python src/train.py",
    "man python",
    "which python",
    "type torchrun",
    "python --version",
    "python -V",
    "python -c 'import train'",
    "python -c \"print('python src/train.py')\"",
    "python prepare.py",
    "python setup.py install",
    "python tools/plot.py",
    "python scripts/summarize.py",
    "pip install -e .",
    "uv sync",
    "uv pip install torch",
    "uv run pytest",
    "uv run ruff check",
    "poetry install",
    "poetry run pytest",
    "conda run -n ml pytest",
    "make test",
    "make lint",
    "npm test",
    "cp src/train.py src/train2.py",
    "mv src/train.py a.py",
    "rm -f old/train.py",
    "chmod +x src/train.py",
    "ln -s src/train.py t.py",
    "diff src/train.py b.py",
    "find . -name train.py",
    "find . -name train.py -exec cat {} +",
    "cat > run.sh <<'EOF'\npython src/train.py\nEOF",
    "tee job.sh <<EOF\npython src/train.py\nEOF",
    "git commit -F - <<'EOF'\nNow python src/train.py runs\nEOF",
    "scaffold run -- python src/train.py",
    "scaffold run --task P2-T3 -- python src/train.py --lr 0.1",
    "scaffold sweep new a --seeds 1-5 -- python src/train.py",
    "scaffold sweep launch a --wait",
    "scaffold plan next",
    "scaffold detect",
    "cd /tmp && scaffold run -- python src/train.py",
    "timeout 60 scaffold run -- python src/train.py",
    "python exp/scripts/record_run.py --experiment a --seed 1 -- python src/train.py",
    "python3 exp/scripts/record_run.py -- torchrun src/train.py",
    "nohup scaffold sweep launch a &",
    "uv run scaffold run -- python src/train.py",
    "bash -c 'scaffold run -- python src/train.py'",
    "sbatch exp/scripts/run.sbatch --experiment a -- python src/train.py",
    "bash -n scripts/launch.sh",
    "bash scripts/setup_env.sh",
    "cat scripts/launch.sh",
    "shellcheck scripts/launch.sh",
    "sh -c 'ls'",
    "xargs rm < files",
    "ps aux | grep train.py",
    "pgrep -f src/train.py",
    "kill 123",
    "nvidia-smi",
    "squeue -u kim",
    "sacct -j 1",
    "scancel 5",
    "srun --help",
    "sbatch --version",
    "accelerate config",
    "curl http://127.0.0.1:1/docs",
    "tail -f logs/train.log",
    "jq . a.json",
    "python - <<'EOF'\nprint(1)\nEOF",
    "tar czf a.tgz src/train.py",
    "unclosed 'quote python src/train.py",
]


@pytest.fixture
def repo_with_entries(repo: Path) -> Path:
    answers = repo / "exp/.copier-answers.scaffold.yml"
    answers.write_text(answers.read_text() + ENTRIES)
    return repo


def test_there_are_a_hundred_of_each() -> None:
    assert len(set(STOPPED)) >= 100 and len(set(PASSED)) >= 100


def test_stopped(run: Run, repo_with_entries: Path) -> None:
    for command in STOPPED:
        result = run("guard", "--command", command)
        assert result.exit_code == 3, (command, result.output)
        assert "outside of the recorder; say `scaffold run --task " in result.stderr, command


def test_passed(run: Run, repo_with_entries: Path) -> None:
    for command in PASSED:
        result = run("guard", "--command", command)
        assert result.exit_code == 0, (command, result.output)


@pytest.mark.parametrize(
    ("command", "starts"),
    [
        ("# don't\npython train.py --name 'a b'", True),
        ("ls # it's\npython train.py", True),
        ("cat > a.txt <<EOF\nit's\nEOF\npython train.py", True),
        ("bash <<EOF\npython train.py\n EOF\n", True),
        ("python train.py <<< 'x'", True),
        ("echo a#b; python train.py", True),
        ("python \"train.py\" 'it''s'", True),
        ("cat <<A <<B\npython train.py\nA\n", False),
        ("cat <<A\npython train.py", True),
        ('echo "\\"" python train.py', False),
    ],
)
def test_comments_quotes_and_here_documents(command: str, starts: bool) -> None:
    assert bool(list(find_launches_in_command(command, ["train.py"]))) is starts


def test_no_text_makes_an_agent_wait() -> None:
    """Each of these took seconds to minutes with a reader that goes over a word again for every letter of it."""
    began = time.process_time()
    longest = LONGEST_COMMAND - 20
    for piece in ("a", "a'b'", '"', "'", "<<A\n", "$(", "$(a", "`a", "\\", "# ", "<", "(", "A=1 ", "env ", "a;"):
        text = "python train.py " + piece * (longest // len(piece))
        with contextlib.suppress(ValueError, RecursionError):
            list(find_launches_in_command(text, ["train.py"]))
    assert time.process_time() - began < 20
    assert list(find_launches_in_command(f"python train.py --name {'a' * (longest - 20)}", ["train.py"]))
    with pytest.raises(ValueError, match="longer than"):
        list(find_launches_in_command("a" * (LONGEST_COMMAND + 1), ["train.py"]))


def ask(repo: Path, event: object, *options: str) -> subprocess.CompletedProcess[str]:
    text = event if isinstance(event, str) else json.dumps(event)
    return subprocess.run(
        [sys.executable, "-m", "scaffold", "guard", *options],
        cwd=repo,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_hooks_send(repo_with_entries: Path, plan: Path) -> None:
    plan.write_text(plan.read_text().replace("- [ ] [P2-T3]", "- [/] [P2-T3]"))
    command = {"command": "python src/train.py"}
    for event in (
        {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": command, "cwd": str(repo_with_entries)},
        {"hook_event_name": "beforeShellExecution", **command, "cwd": str(repo_with_entries)},
        {"tool_input": {"command": ["bash", "-lc", "'python src/train.py'"]}},
    ):
        done = ask(repo_with_entries, event)
        assert done.returncode == 2 and "scaffold run --task P2-T3 -- " in done.stderr and done.stdout == ""
    assert ask(repo_with_entries, {"tool_name": "Edit", "tool_input": {"file_path": "src/train.py"}}).returncode == 0


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", "{}", '{"tool_input": 3}', '{"command": null}', '{"command": {"a": 1}}']
)
def test_what_it_does_not_understand_passes(repo_with_entries: Path, text: str) -> None:
    assert ask(repo_with_entries, text).returncode == 0


def test_its_own_errors_pass(repo_with_entries: Path, tmp_path: Path) -> None:
    event = {"tool_input": {"command": "python src/train.py"}}
    assert ask(repo_with_entries, event, "--no-such-option", "3").returncode == 2, "an unknown option changes nothing"
    (tmp_path / "empty").mkdir()
    done = ask(tmp_path / "empty", event)
    assert done.returncode == 0 and "no workspace" in done.stderr
    (repo_with_entries / "exp/.copier-answers.scaffold.yml").write_bytes(b"\xff\xfe")
    assert ask(repo_with_entries, event).returncode == 0


def test_while_planning_nothing_is_started(run: Run, repo_with_entries: Path, plan: Path) -> None:
    for command in ("scaffold run -- python src/train.py", "scaffold sweep launch a", "python src/train.py"):
        refused = run("guard", "--iteration", "0", "--command", command)
        assert refused.exit_code == 3 and "iteration 0 only plans" in refused.stderr, command
    for command in (
        "scaffold sweep new a -- python src/train.py",
        "scaffold plan check",
        "ls",
        "python src/train.py --help",
    ):
        assert run("guard", "--iteration", "0", "--command", command).exit_code == 0, command
    assert run("guard", "--iteration", "1", "--command", "scaffold run -- python src/train.py").exit_code == 0
    plan.write_text(plan.read_text().replace("- [ ] [P1-T1]", "- [/] [P1-T1]"))
    assert run("guard", "--iteration", "0", "--command", "scaffold run -- python src/train.py").exit_code == 0
