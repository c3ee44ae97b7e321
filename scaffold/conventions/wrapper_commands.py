"""What documents hand to a shell script, the Python script in it gets: `./dist.sh 4 --lr 1` -> `torchrun ... train.py --lr 1`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from scaffold.conventions.script_mentions import ScriptMention
from scaffold.facts import Facts, paths
from scaffold.facts.shell_words import quote_shell_word

_ALL_ARGUMENTS = re.compile(r"""(["']?)\$(?:[@*]|\{[@*](?::(\d))?\})\1(?=\s|$)""")
_ARGUMENT = re.compile(r"\$(?:([1-9])|\{([1-9])(?::?[-=][^{}]*)?\})")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")
_MOST = 8


def find_wrapper_script_commands(
    facts: Facts, mentions: Mapping[str, Sequence[ScriptMention]]
) -> dict[str, list[ScriptMention]]:
    """Script -> the commands that documents have a shell script run it with, its arguments and the variables set before it put in."""
    wrapped: dict[str, list[ScriptMention]] = {}
    for path, run in mentions.items():
        inner = [m for m in run if m.first and paths.classify_file(m.command.path) == "shell"]
        for mention in inner if path.endswith(".py") else ():
            outer = (m for m in mentions.get(mention.command.path, ()) if m.first and _is_shown(m))
            if mention.text == mention.command.text and (made := list(_compose(facts, mention, outer))):
                wrapped.setdefault(path, []).extend(made[:_MOST])
    return wrapped


def _is_shown(mention: ScriptMention) -> bool:
    return paths.classify_file(mention.command.path) == "prose" and not mention.text.startswith("cd ")


def _compose(facts: Facts, inner: ScriptMention, outer: Iterator[ScriptMention]) -> Iterator[ScriptMention]:
    """The inner command once for each that a document shows of the script it stands in; nothing where it takes nothing over."""
    text, inner_variables = inner.text, inner.command.variables
    takes_arguments = bool(_ALL_ARGUMENTS.search(text)) or any(map(_ARGUMENT.search, (text, *inner_variables.values())))
    open_names = {name for name in _VARIABLE.findall(text) if name not in inner_variables}
    name = inner.command.path.rpartition("/")[2]
    shifted = _shifted(facts, inner)
    for mention in outer:
        command = mention.command
        at = next((n for n, word in enumerate(command.words) if word.rpartition("/")[2] == name), None)
        arguments = command.words[at + 1 :] if at is not None else ()
        passed = {n: v for n, v in command.variables.items() if n in open_names}
        if at is None or not ((takes_arguments and arguments) or passed):
            continue

        def remaining(match: re.Match[str], arguments: Sequence[str] = arguments) -> str:
            skipped = int(match[2]) - 1 if match[2] else shifted
            return " ".join(map(quote_shell_word, arguments[skipped:]))

        def argument(match: re.Match[str], arguments: Sequence[str] = arguments) -> str:
            number = int(match[1] or match[2])
            return arguments[number - 1] if number <= len(arguments) else match[0]

        variables = {n: _ARGUMENT.sub(argument, v) for n, v in inner_variables.items()}
        typed = _ARGUMENT.sub(argument, _ALL_ARGUMENTS.sub(remaining, text)).strip()
        exports = tuple(e for e in command.exports if e.partition("=")[0] not in passed)
        yield ScriptMention(
            command._replace(
                text=typed, words=tuple(typed.split()), variables={**variables, **passed}, exports=exports
            ),
            typed,
        )


def _shifted(facts: Facts, inner: ScriptMention) -> int:
    """By how many arguments a script has shifted before one of its commands."""
    before = (c for c in facts.shell_commands if c.path == inner.command.path and c.line < inner.command.line)
    return sum(int((*c.words, "1")[1]) if (*c.words, "1")[1].isdigit() else 1 for c in before if c.words[0] == "shift")
