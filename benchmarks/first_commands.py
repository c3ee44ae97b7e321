"""Whether the first command of the plan can be typed as it stands, in each repository of a folder of clones, judged by rules.

    python -m benchmarks.first_commands FOLDER [--json]

FOLDER holds one clone a repository (any public ones; nothing is fetched, nothing of them is run). A command is *runnable* where a
shell reads it, it has no blank, its script is there, its parser knows the options and gets those that it requires, nothing only
tries the script out, and the environment's prefix stands once. It is a *choice* where all of that holds but for what is openly
marked as `[choice: ...]`, and *wrong* for the first rule that it breaks. `none` is a repository without a script that runs experiments.
The rules do not see whether it is the experiment that the authors mean: for that a person reads the table.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from scaffold.conventions import detect_conventions
from scaffold.conventions.baseline_command import choose_baseline_entry_point
from scaffold.conventions.blanks import CHOICE, list_open_choices_in_command, unmarked_command_blanks
from scaffold.conventions.command_builder import (
    CommandBuilder,
    given_by_launcher,
    group_words_by_option,
    is_trial_option,
)
from scaffold.conventions.model import Conventions, EntryPoint
from scaffold.facts import Facts, collect_repository_facts
from scaffold.facts.shell_words import lex_shell_command


def first_entry(conventions: Conventions) -> EntryPoint | None:
    """The script that the plan's baseline runs."""
    at = choose_baseline_entry_point([point.kind for point in conventions.entry_points])
    return None if at is None else conventions.entry_points[at]


def broken_rule(facts: Facts, conventions: Conventions, entry: EntryPoint) -> str | None:
    """The first rule that a command breaks; None where it breaks none."""
    command = CHOICE.sub("choice", entry.command)
    words = lex_shell_command(command.replace(" && ", " "))
    prefix = conventions.environment.run_prefix
    if words is None:
        return "no shell reads it"
    builder = CommandBuilder(facts, entry.path, entry.kind)
    if blanks := [w.raw for w in words if builder.is_open(w) and w.raw in unmarked_command_blanks(w.raw)]:
        return f"has the blank {blanks[0]}"
    if not facts.has(entry.path):
        return f"there is no {entry.path}"
    if prefix and (command.count(prefix.split()[0] + " run") != 1):
        return f"{prefix} does not stand once"
    names = (entry.path.rpartition("/")[2], entry.path.removesuffix(".py").removeprefix("src/").replace("/", "."))
    at = next((n for n, w in enumerate(words) if w.value.endswith(names)), 0)
    groups = group_words_by_option(words[at + 1 :], builder.command_line)
    if tried := [name for name, value, _ in groups if is_trial_option(name.rstrip("="), value)]:
        return f"{tried[0]} only tries it out"
    if unknown := [name for name, _, _ in groups if builder.is_unknown(name.rstrip("="))]:
        return f"its parser does not know {unknown[0]}"
    given = {name.rstrip("=").replace("_", "-") for name, _, _ in groups}
    given.update(given_by_launcher(w.value for w in words[:at]))
    required = (o for o in builder.command_line.required() if o.name.startswith("-"))
    missing = [o.name for o in required if given.isdisjoint(n.replace("_", "-") for n in o.names)]
    return f"{missing[0]} is required" if missing else None


def judge(folder: Path) -> tuple[str, str, str]:
    """(verdict, reason, command) of one repository."""
    conventions = detect_conventions(folder)
    entry = first_entry(conventions)
    if entry is None:
        return "none", "", ""
    reason = broken_rule(collect_repository_facts(folder), conventions, entry)
    verdict = "wrong" if reason else "choice" if list_open_choices_in_command(entry.command) else "runnable"
    return verdict, reason or "", entry.command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    rows = {path.name: judge(path) for path in sorted(options.folder.iterdir()) if (path / ".git").exists()}
    if options.json:
        print(
            json.dumps(
                {name: dict(zip(("verdict", "reason", "command"), row, strict=True)) for name, row in rows.items()},
                indent=1,
            )
        )
        return
    for name, (verdict, reason, command) in rows.items():
        print(f"{name:<45} {verdict:<9} {reason + ': ' if reason else ''}{command}")
    counts = {
        verdict: sum(row[0] == verdict for row in rows.values()) for verdict in ("runnable", "choice", "wrong", "none")
    }
    print(f"\n{len(rows)} repositories: {counts}")
    sys.exit(3 if counts["wrong"] else 0)


if __name__ == "__main__":
    main()
