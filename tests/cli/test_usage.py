"""Wrong command lines: exit code 2, nothing on stdout, the option or argument by its name, an example; and never a question."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import click
import pytest
from click.testing import CliRunner

from scaffold.cli.common import answer_schemas
from scaffold.cli.common.examples import EXAMPLES
from scaffold.cli.main import group
from tests.cli import lines
from tests.cli.story import TRAIN
from tests.conftest import MakeRepo, Run, commit_all, git, write_tree

ALL = dict(answer_schemas.list_cli_commands(group))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a workspace."""
    repo = tmp_path_factory.mktemp("made") / "repo"
    write_tree(repo, {"train.py": TRAIN})
    for args in (["init", "-q"], ["config", "user.name", "Test"], ["config", "user.email", "test@localhost"]):
        git(repo, *args)
    commit_all(repo)
    done = CliRunner().invoke(group, ["init", "--workdir", str(repo), "--root", "exp", "--yes"], catch_exceptions=False)
    assert done.exit_code == 0
    return repo


def test_every_command_and_no_other_has_examples() -> None:
    assert set(EXAMPLES) == {" ".join(words) for words in ALL}
    assert [words for words, command in ALL.items() if not answer_schemas.takes_json_option(command)] == [
        ("completion",)
    ]


@pytest.mark.parametrize("line", [line for known in EXAMPLES.values() for line in known])
def test_an_example_is_a_command_line_that_is_right(line: str) -> None:
    assert " ".join(lines.parsed(line)) in EXAMPLES and line in EXAMPLES[" ".join(lines.parsed(line))]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_ends_with_examples(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words, "--help")
    assert done.exit_code == 0 and EXAMPLES[" ".join(words)][0] in done.stdout


# `run` takes all behind it for the command; `guard` must let pass what it does not understand, since 2 means to its callers: do not run it
@pytest.mark.parametrize("words", [words for words in ALL if words not in (("run",), ("guard",))], ids=" ".join)
def test_an_unknown_option_is_named(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words, "--frobnicate")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--frobnicate" in done.stderr and f"for example: {EXAMPLES[' '.join(words)][0]}" in done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--frobnicate", ["--frobnicate", "scaffold --help"]),
        ("swep new x", ["no command 'swep'", "did you mean 'sweep'?", "scaffold --help"]),
        ("launch lr", ["did you mean `scaffold sweep launch`?"]),
        ("sweep lanch lr", ["`scaffold sweep` has no command 'lanch'", "did you mean 'launch'?", "scaffold sweep --help"]),
        ("runs lst", ["did you mean 'list'?"]),
        ("runs list --limt 3", ["--limt", "--limit"]),
        ("runs list --status done", ["'--status'", "finished", "scaffold runs list --status failed"]),
        ("runs list --limit many", ["'--limit'", "many", "--limit 1"]),
        ("runs show", ["'NAME'", "scaffold runs show baseline"]),
        ("runs show a --lines x", ["'--lines'", "--lines 20"]),
        ("runs diff a", ["'B'"]),
        ("runs export", ["'--ro-crate'", "--ro-crate crate"]),
        ("runs cite", ["NUMBER|FILE", "scaffold runs cite 0.8731"]),
        ("run", ["no command", "-- python train.py"]),
        ("run --seed 1", ["no command", "-- python train.py"]),
        ("sweep new", ["'NAME'", "--goal"]),
        ("sweep new x -- python train.py", ["no goal", "--goal 'which"]),
        ("sweep new x --goal g", ["no command", "-- python train.py"]),
        ("sweep new x --goal g --grid -- python train.py", ["--grid", "lr=0.1,0.01"]),
        ("sweep new x --goal g --gird lr=1 -- python train.py", ["--gird", "--grid"]),
        ("sweep launch", ["'NAME'", "scaffold sweep launch lr"]),
        ("sweep launch lr --smoke-args x", ["--smoke-args", "--smoke"]),
        ("sweep launch lr --wait --detach", ["--wait", "--detach", "one of them"]),
        ("sweep evolve", ["'SPEC'", "search.md"]),
        ("results compare a", ["two names", "scaffold results compare"]),
        ("results compare", ["two names", "scaffold results compare baseline"]),
        ("results --last --at-step 3", ["--last", "--at-step", "one of them"]),
        ("results --format html", ["'--format'", "csv"]),
        ("results sensitivity", ["'PARAMETER'", "sensitivity lr"]),
        ("report --check", ["'--check'", "findings.md"]),
        ("report plots", ["'--out'", "--out plots"]),
        ("report --md plots --out x", ["--md", "write it behind"]),
        ("server logs", ["'RUN'", "scaffold server logs 4f3a9c"]),
        ("server status --watch --json", ["--watch", "--json", "scaffold server status"]),
        ("plan add 2 x", ["'--deliverable'", "--done-when"]),
        ("plan add two x", ["'PHASE'", "scaffold plan add 3"]),
        ("plan start", ["'TASK'", "P2-T1"]),
        ("plan done P1-T1 --force ''", ["--force", "--force 'checked by hand'"]),
        ("plan rules P999", ["P999", "scaffold plan rules"]),
        ("plan abort", ["'--reason'", "--reason 'the"]),
        ("init --layout wide", ["'--layout'", "per-experiment"]),
        ("init --direction up", ["'--direction'", "minimize"]),
        ("add", ["'NAME'", "scaffold add ablation"]),
        ("detect --explain", ["'--explain'", "environment.manager"]),
        ("detect --explain nothing", ["--explain", "the fields are"]),
        ("preflight --wait long", ["'--wait'", "--wait 60"]),
        ("schema runs lst", ["did you mean 'runs list'?"]),
        ("completion csh", ["csh", "bash", "scaffold completion bash"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_an_example(
    line: str, said: list[str], run: Run, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made)
    done = run(*shlex.split(line))
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert done.stderr.startswith("error: ") and "\nhint: " in done.stderr and "Traceback" not in done.stderr
    assert [word for word in said if word not in done.stderr] == [], done.stderr


@pytest.mark.parametrize("inside", [False, True], ids=["nowhere", "in a workspace"])
@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_nothing_is_asked_without_a_terminal(
    words: tuple[str, ...], inside: bool, run: Run, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "repo", copy_function=os.link) if inside else tmp_path)

    def asked(*args: object, **options: object) -> NoReturn:
        raise AssertionError(f"a question: {args}")

    for name in ("prompt", "confirm", "getchar", "pause", "edit"):
        monkeypatch.setattr(click, name, asked)
    monkeypatch.setattr("builtins.input", asked)
    assert run(*words).exit_code in (0, 1, 2, 3)


# closed is the harder one of both
@pytest.mark.parametrize("how", ["closed", pytest.param("null", marks=pytest.mark.long)])
def test_a_process_without_a_terminal_goes_on_or_fails_at_once(how: str, make_repo: MakeRepo) -> None:
    repo = make_repo({"train.py": TRAIN})
    grid = "scaffold sweep new lr --goal g --grid lr=1,2,3 --seeds 1-67"
    steps = [f"scaffold init --root exp || exit 9; {grid} -- python3 train.py; [ $? = 2 ] || exit 8"]
    steps += [
        f"{grid} --yes --dry-run -- python3 train.py >&2 || exit 7",
        "scaffold sweep launch lr; [ $? = 1 ] || exit 6",
    ]
    script = "scaffold() { " + shlex.quote(sys.executable) + ' -m scaffold "$@"; }\n' + "\n".join(steps)
    script = f"exec {'<&-' if how == 'closed' else '</dev/null'}\n{script}"
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        ["bash", "-c", f"export PYTHONPATH={shlex.quote(root)}\n{script}"],
        cwd=repo,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stderr
    assert "more than 200" in done.stderr and "--yes" in done.stderr and "Traceback" not in done.stderr
