"""The generated parts of README.md and docs/: `PYTHONPATH=. cog -P -r README.md docs/*.md` writes them, the gate checks them."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable

import click

from benchmarks import idea_peers, result_rows
from benchmarks import idea_rules as simulation
from scaffold.cli import main
from scaffold.cli.common import answer_schemas
from scaffold.cli.common.examples import EXAMPLES
from scaffold.cli.main import group
from scaffold.cli.workspace import detect
from scaffold.conventions import config_systems, directories, launchers, trackers, workflow_tools
from scaffold.conventions.model import Conventions
from scaffold.sweeps.launch.state_table import STATE_TABLE

EXIT_CODES = {
    0: "done",
    1: "could not: the message says why and what to do next",
    2: "wrong usage",
    3: "it worked, and the answer is no: findings, conflicts, a newer version, a check that failed",
}


def print_command_table() -> None:
    """A table of every command with the first sentence of its help, subcommands beside it."""
    print("| command | does |\n|---|---|")
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        verbs = ""
        if isinstance(command, click.Group):
            verbs = " " + " \\| ".join(sorted(command.list_commands(context)))
        print(f"| `scaffold {name}`{f' `{verbs.strip()}`' if verbs else ''} | {command.get_short_help_str(200)} |")


def print_command_sections() -> None:
    """A table of the sections of `scaffold --help`: the commands of each, and what the first ones are for."""
    print("| | commands |\n|---|---|")
    for section, lines in main.SECTIONS.items():
        if names := [name for name in lines if name in main.COMMANDS]:
            print(f"| {section.lower()} | {', '.join(f'`{name}`' for name in names)} |")


def print_speed_table() -> None:
    """The last whole run of the benchmarks: a table, and the machine and the day."""
    last = result_rows.read_last_run(result_rows.LAST_FILE)
    print("| | what | ours | limit | beside it |\n|---|---|---|---|---|")
    for cells in result_rows.group_rows(last.rows):
        print(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    print(f"\n{last.line()}.")


def print_sweep_states() -> None:
    """The states of a run of a sweep: what each needs, and what moves it on."""
    print("| state | evidence | and then |\n|---|---|---|")
    for state, row in STATE_TABLE.items():
        after = "; ".join(f"`{name}`: {mover}" for name, mover in row.next.items()) or "nothing more"
        print(f"| `{state}` | {row.evidence} | {after} |")


def print_idea_rules() -> None:
    """The last kept table of the simulation: rules for keeping changes of code, by world."""
    table = json.loads(simulation.LAST.read_text(encoding="utf-8"))
    names = list(simulation.RULES)
    print(f"| world | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    for row in table["worlds"]:
        print(f"| {row['world']} | {' | '.join(simulation.shown(row['scores'][name]) for name in names)} |")
    covered = [row["scores"]["this rule"]["covered"] for row in table["worlds"]]
    host = table["machine"]
    print(
        f"\n{table['loops']:,} loops in each world, {host['date']}; the rule is that of digest `{table['rule']}`. 100 loops of 100 ideas "
        f"through the rule took "
        f"{table['seconds']:.1f} s ({host['cpu']}). Claims held the truth in {min(covered):.0f} to {max(covered):.0f} of 100 loops."
    )


def print_idea_rules_further() -> None:
    """The same simulation, our rule where something is otherwise than in its base world."""
    table = json.loads(simulation.LAST.read_text(encoding="utf-8"))
    print("| the base world, but | this rule |\n|---|---|")
    for row in table["further"]:
        print(f"| {row['world']} | {simulation.shown(row['score'])} |")


def print_idea_peers() -> None:
    """The last kept loops of others, with their own programs on the same ideas, beside ours."""
    table = json.loads(idea_peers.LAST.read_text(encoding="utf-8"))
    head = (
        "",
        "false keeps",
        "kept of 3 sigma",
        "of 1 sigma",
        "true gain of a loop, sigma",
        "runs an idea",
        "commands an idea",
    )
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for name in idea_peers.PEERS:
        print(f"| {' | '.join(idea_peers.shown_row(name, table['peers'][name]))} |")
    print(f"\n{idea_peers.LOOPS} loops of 40 ideas each, {table['machine']['date']}.")


def print_exit_codes() -> None:
    """A table of the exit codes."""
    print("| code | means |\n|---|---|")
    for code, meaning in EXIT_CODES.items():
        print(f"| {code} | {meaning} |")


def print_command_reference() -> None:
    """Every command with its help, its arguments, all of its options, and examples."""
    for words, command in answer_schemas.list_cli_commands(group):
        name = " ".join(("scaffold", *words))
        context = click.Context(command, info_name=name)
        usage = " ".join(command.collect_usage_pieces(context))
        print(f"## `{name}`\n\n    {name} {usage}\n\n{_help(command)}\n")
        options = [o for o in command.params if isinstance(o, click.Option) and not o.hidden and o.name != "help"]
        for record in (o.get_help_record(context) for o in options):
            if record is not None:
                print(f"- `{record[0]}`{': ' + _one_line(record[1]) if record[1] else ''}")
        print("\n".join(("\n```sh", *EXAMPLES.get(" ".join(words), ()), "```\n")))


def _help(command: click.Command) -> str:
    """A command's help as text: one line for each paragraph, examples as they stand."""
    parts = inspect.cleandoc(command.help or "").replace("\f", "").split("\n\n")
    return "\n\n".join(
        "\n".join(f"    {line.strip()}" for line in part.split("\n")[1:]) if part.startswith("\b") else _one_line(part)
        for part in parts
    )


def _one_line(text: str) -> str:
    """The text in one line of Markdown; outside of code, `<` and `*` are no markup."""
    pieces = " ".join(text.split()).split("`")
    return "`".join(piece if i % 2 else re.sub(r"([<*])", r"\\\1", piece) for i, piece in enumerate(pieces))


FIELD_MEANINGS = {
    "experiment_root": "`exp` where it is there and holds no importable source, else `.wild/experiments`",
    "existing_experiment_dirs": (
        "directories at the top that hold experiments or the traces of runs, by name and content"
    ),
    "role_dirs": (
        "the directories that the repository already uses for each role, by name and content; the workspace "
        "takes over such a name inside its root"
    ),
    "environment.manager": (
        "what declares the environment nearest to the top: a lock file before a tool's table, before an "
        "environment file, before requirements, pyproject.toml, setup.py"
    ),
    "environment.files": "files that declare it, at most one folder deep",
    "environment.python": (
        "the constraint as written: requires-python, python_requires, the tool's or the environment file's"
    ),
    "environment.setup": (
        "a line that builds it apart from the user's own: uv where it can, micromamba for an environment file; "
        "without a declaration what the README installs"
    ),
    "environment.run_prefix": "what stands before a command in it: `uv run`, `poetry run`, ...",
    "environment.modules": "environment modules that its job scripts load, one version each",
    "config_systems": "how the main train and eval scripts, and what they import, are configured",
    "trackers": (
        "trackers that code logs to: imports, logger classes in configs, `report_to`; a mere requirement is none"
    ),
    "launchers": "what starts jobs: commands in scripts, code and README, imports, manifests",
    "slurm": (
        "from the repository's own scripts, or from its documentation where there are none: "
        "partitions, accounts, qos, gres, time, modules, activation lines; "
        "the most used first, placeholders left out; nothing where it does not use Slurm"
    ),
    "entry_points": (
        "scripts that are meant to be run, at most 12, the likeliest first, each with its kind, its seed option and a command"
    ),
    "tests.runner": "pytest where it is configured, called or imported, else unittest",
    "tests.paths": "the folders that pytest is told to look in, else the topmost ones that hold tests",
    "workflow": "workflow tools whose file lies at the top",
    "agent_guides": "AGENTS.md, CLAUDE.md and their like, at any depth",
    "metrics": "names that are logged or printed, at most 20, the primary metric first",
    "primary_metric.name": "the metric that the main script decides by; open where several may be meant",
    "primary_metric.direction": "which way it is better: what the code's own comparison says, else its name",
    "primary_metric.candidates": "where it is open, those that may be meant, with file and line",
    "printed_metrics": "how metrics are printed: name, pattern, the line that prints it",
    "git": "commit, branch, remote, submodules, LFS, whether there are changes: asked of git",
    "machine": "GPUs, Slurm and its partitions: asked of this machine",
    "risks": (
        "what to know before trusting a run: no seed option, no lock file, no tests, absolute paths, outputs "
        "in git, ignored results"
    ),
}


def print_convention_fields() -> None:
    """A table of what detection answers; fails where a field is not described, or a described one is not there."""
    names = set(detect.flatten_conventions(Conventions(role_dirs=dict.fromkeys(directories.ROLES, ()))))
    groups = {name: {n for n in names if n == name or n.startswith(f"{name}.")} for name in FIELD_MEANINGS}
    if names != set().union(*groups.values()) or not all(groups.values()):
        raise LookupError(f"fields and their descriptions differ: {names ^ set().union(*groups.values())}")
    print("| field | says |\n|---|---|")
    for name, text in FIELD_MEANINGS.items():
        print(f"| `{name}` | {text} |")


def print_vocabulary() -> None:
    """A table of the words that detection knows."""
    vocabulary: dict[str, Iterable[str]] = {
        "trackers": trackers._MODULES,
        "config_systems": {*config_systems._IMPORTS, *config_systems._CALLS},
        "launchers": {*launchers._IMPORTS, *launchers._FIRST_WORD.values(), *launchers._PAIRS.values(), "slurm"},
        "workflow": {*workflow_tools._AT_TOP.values(), "tox", "invoke"},
        **{f"role_dirs.{role}": directories._NAMES[role] for role in directories.ROLES},
    }
    print("| field | words |\n|---|---|")
    for name, words in vocabulary.items():
        print(f"| `{name}` | {', '.join(sorted(words))} |")
