"""The command line as a whole: help for everything, and exit codes."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from scaffold import __version__
from scaffold.cli import main
from scaffold.cli.common import answer_schemas
from scaffold.cli.main import COMMANDS, group
from tests.conftest import MakeRepo, Run


def commands() -> list[tuple[str, ...]]:
    """Every command and every group as words."""
    known = [words for words, _ in answer_schemas.list_cli_commands(group)]
    return sorted({words[:length] for words in known for length in range(1, len(words) + 1)})


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_and_every_option_has_help(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words, "--help")
    assert result.exit_code == 0
    command: click.Command = group
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{' '.join(words)} {parameter.opts}"


def test_help_names_every_command_in_its_section_on_whole_lines(run: Run) -> None:
    listed = run("--help").stdout
    sections = [name for lines in main.SECTIONS.values() for name in lines]
    assert len(sections) == len(set(sections)) and set(main.COMMANDS) <= set(sections)
    for section, lines in main.SECTIONS.items():
        assert (f"{section}:\n" in listed) == any(name in main.COMMANDS for name in lines)
        for name, text in lines.items():
            assert (f"  {name}".ljust(14) + text + "\n" in listed) == (name in main.COMMANDS)
    assert max(map(len, listed.splitlines())) < 80


def test_help_of_the_whole_is_what_click_writes_on_any_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    context = group.make_context("scaffold", ["runs"], resilient_parsing=True)
    for columns in ("80", "200", "60", "", "wide"):
        monkeypatch.setenv("COLUMNS", columns)
        assert group.get_help(context) == click.Group.get_help(group, context)


@pytest.mark.parametrize("words", ["plan", "sweep", "runs", "results", "report", "server"])
def test_help_of_a_group_cuts_no_sentence(run: Run, words: str) -> None:
    rows = run(words, "--help").stdout.partition("Commands:\n")[2]
    assert rows and not any(line.endswith("...") for line in rows.splitlines())


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"scaffold, version {__version__}\n"


def test_an_unknown_command_is_wrong_usage(run: Run) -> None:
    assert run("frobnicate").exit_code == 2


def test_a_closed_pipe_is_no_traceback(make_repo: MakeRepo) -> None:
    command = f"{sys.executable} -m scaffold init --workdir {make_repo()} --dry-run | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert "Traceback" not in done.stderr


def run_process(code: str) -> subprocess.CompletedProcess[str]:
    """A Python process of its own that runs `code`, in which `main` is what the `scaffold` command calls, without arguments."""
    start = "import atexit, sys, threading; from scaffold.__main__ import end_process, main; sys.argv[1:] = []\n"
    return subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("arguments", "status"), [("['--version']", 0), ("['frobnicate']", 2)])
def test_a_process_ends_with_the_status_of_its_command_and_with_all_that_it_wrote(arguments: str, status: int) -> None:
    done = run_process(
        f"sys.argv[1:] = {arguments}; sys.stdout.write('before '); atexit.register(print, 'at exit'); main()"
    )
    assert done.returncode == status
    assert done.stdout.startswith("before ") and done.stdout.endswith("at exit\n"), done
    assert ("frobnicate" in done.stderr) == (status == 2)


def test_a_process_takes_nothing_apart_at_its_end() -> None:
    done = run_process("class A:\n def __del__(self): print('taken apart')\na = A()\nend_process(3)")
    assert (done.returncode, done.stdout) == (3, "")


@pytest.mark.parametrize(
    ("somebody", "heard"),
    [
        ("threading.Thread(target=lambda: (time.sleep(0.1), print('the thread'))).start()", "the thread"),
        (
            "import cProfile; p = cProfile.Profile(); p.enable(); atexit.register(lambda: (p.disable(), p.print_stats()))",
            "function calls",
        ),
    ],
    ids=["a thread", "a profiler"],
)
def test_a_process_ends_as_python_does_where_somebody_is_still_to_be_heard(somebody: str, heard: str) -> None:
    done = run_process(f"import time; {somebody}\nend_process(3)\nsys.exit(4)")
    assert done.returncode == 4
    assert heard in done.stdout


def test_an_answer_that_cannot_be_written_is_no_success() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m scaffold --help > /dev/full"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stderr


def test_every_command_has_a_module_of_its_own_kind() -> None:
    assert all(module.startswith("scaffold.cli.") for module, _ in COMMANDS.values())
