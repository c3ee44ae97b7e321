"""Every command line that a message, hint or help text of the code names is one that its command accepts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from scaffold.cli.main import group
from scaffold.runs import recorder_command
from tests.conftest import Run
from tests.runs.conftest import MakeWorkspace, make_workspace
from tests.stand_in import StandIn

__all__ = ["make_workspace"]

PACKAGE = Path(__file__).parents[2] / "scaffold"
# `scaffold sweep launch NAME --retry lost`, up to what ends the clause
COMMAND_LINE = re.compile(r"\bscaffold ([a-z][a-z-]*(?:\s[^;`|()\n]*)?)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
# commands whose backend may be the research server, or that ask it
TALK_TO_SERVER = (
    *(("sweep", verb) for verb in ("launch", "watch", "status", "stop", "capacity", "evolve")),
    *(("server", verb) for verb in ("status", "logs")),
    ("results",),
    ("results", "compare"),
    ("preflight",),
    ("playbook",),
    ("runs", "audit"),
)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a module, each with its line; what an f-string fills in is `X`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (str(p.value) if isinstance(p, ast.Constant) else "X" for p in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.lineno, node.value


def resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words lead to, and those behind its name."""
    command: click.Command = group
    while words and isinstance(command, click.Group):
        subcommand = command.get_command(click.Context(command), words[0])
        if subcommand is None:
            break
        command, words = subcommand, words[1:]
    return command, words


def unknown_options(text: str) -> Iterator[str]:
    """The options that the command lines in a text name and their commands do not have."""
    for match in COMMAND_LINE.finditer(text):
        # what stands behind ` -- ` is the run's own
        line = re.sub(r"'[^']*'", "X", match[1].partition(" -- ")[0])
        command, rest = resolve(line.split())
        if command is group:
            continue
        accepted = {opt for p in command.params for opt in (*p.opts, *p.secondary_opts)} | {"--help"}
        if command.name == "run":  # the recorder's
            accepted |= set(OPTION.findall(recorder_command.recorder_usage()))
        yield from (f"{match[0]!r}: {o}" for o in OPTION.findall(" ".join(rest)) if o not in accepted)


def test_a_wrong_hint_would_be_seen() -> None:
    assert list(unknown_options("scaffold sweep launch NAME --retry lost; scaffold runs audit --nope")) == [
        "'scaffold runs audit --nope': --nope"
    ]


def test_every_hint_names_only_what_its_command_accepts() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE.parent)}:{line}: {option}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, text in texts(path)
        for option in unknown_options(text)
    ]
    assert wrong == []


@pytest.mark.parametrize("words", TALK_TO_SERVER, ids=" ".join)
def test_every_command_that_talks_to_the_server_takes_its_address_and_token(words: tuple[str, ...]) -> None:
    command, rest = resolve(list(words))
    options = {opt for p in command.params for opt in p.opts}
    assert rest == [] and {"--server-url", "--auth-token-file"} <= options


def test_address_and_token_are_those_that_were_typed(
    make_workspace: MakeWorkspace, run: Run, stand_in: StandIn, tmp_path: Path
) -> None:
    made = make_workspace()
    stand_in.token = "t0ken"
    token = tmp_path / "token"
    token.write_text("t0ken\n")
    where = ("sweep", "capacity", "--backend", "server", "--workdir", made.root, "--server-url", stand_in.url)
    assert run(*where).exit_code == 1
    done = run(*where, "--auth-token-file", token)
    assert done.exit_code == 0 and "the research server" in done.stdout
    assert run(*where).exit_code == 1, "nothing of it stays"
