"""A command as a document shows it -> its parts: folder, variables, launcher, script, arguments; with what earlier lines set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from scaffold import recorder_modules
from scaffold.conventions.script_mentions import ScriptMention, count_manager_words
from scaffold.facts.shell_words import Word, lex_shell_command, quote_shell_word, substitute_shell_variables

_FOLDER = re.compile(r"^cd (?:'[^']*'|\S+) && ")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")
_KEYWORDS = frozenset(("do", "then", "else", "time", "nohup", "exec", "sudo", "!", "{", "command", "eval", "env"))
_PYTHON = re.compile(r"^(?:\S*/)?python[\d.]*$|^\$\{?PYTHON\w*\}?$", re.IGNORECASE)
_LAUNCHING_MODULES = frozenset(("torch.distributed.launch", "torch.distributed.run", "accelerate.commands.launch"))
_ELLIPSIS = frozenset(("...", "…", "....", "[...]"))


class DocumentedCommand(NamedTuple):
    """`folder` is `cd X && ` or empty; `manager` what enters the environment (`uv run --extra gpu`); `launcher` what stands before
    the script (`python`, `torchrun --nproc_per_node=8`). `goes_on` says that the document leaves more to come."""

    folder: str = ""
    variables: tuple[Word, ...] = ()
    manager: tuple[Word, ...] = ()
    launcher: tuple[Word, ...] = ()
    script: tuple[Word, ...] = ()
    arguments: tuple[Word, ...] = ()
    goes_on: bool = False

    def text(self, prefix: str = "") -> str:
        """The command as one types it in the work directory; `prefix` enters the environment."""
        words = (*self.launcher, *self.script, *self.arguments)
        entered = [prefix] if prefix else []
        return self.folder + " ".join([*(w.raw for w in self.variables), *entered, *(w.raw for w in words)])


def parse_shown_command(mention: ScriptMention, path: str) -> DocumentedCommand | None:
    """The parts of the command that runs the script `path`; None for what no shell would read."""
    head = _FOLDER.match(mention.text)
    folder = head[0] if head else ""
    text = mention.text[len(folder) :].strip().lstrip("({ ")
    if text.count(")") > text.count("("):  # the end of a subshell
        text = text.rstrip(") ")
    goes_on = text.endswith("\\")
    words = lex_shell_command(text.rstrip("\\").strip())
    if not words:
        return None
    set_before = mention.command.variables
    written_out = [s for w in words if not _hands_on(w) for s in _substituted(w, set_before)]
    taken = list(_without_keywords(written_out))
    goes_on = goes_on or any(w.value in _ELLIPSIS for w in taken)
    taken = [w for w in taken if w.value not in _ELLIPSIS]
    count = next((n for n, w in enumerate(taken) if not _ASSIGNMENT.match(w.value)), len(taken))
    variables, rest = taken[:count], taken[count:]
    count = count_manager_words([w.value for w in rest])
    manager, rest = rest[:count], rest[count:]
    if rest and rest[0].value == "env":  # `uv run env A=1 python train.py`
        count = next((n for n, w in enumerate(rest[1:], 1) if not _ASSIGNMENT.match(w.value)), len(rest))
        variables, rest = [*variables, *rest[1:count]], rest[count:]
    at = _script_at(rest, path)
    if at is None:
        return None
    launcher, script, arguments = rest[: at - 1], rest[at - 1 : at + 1], rest[at + 1 :]
    if at == 0 or rest[at - 1].value != "-m":
        launcher, script = rest[:at], rest[at : at + 1]
    launcher = [
        Word("python", "python") if _PYTHON.match(w.value) and ("/" in w.value or "$" in w.value) else w
        for w in launcher
    ]
    if not launcher and (script[0].value.endswith(".py") or script[0].value == "-m"):
        launcher = [Word("python", "python")]
    exported = _exported(mention, variables)
    return DocumentedCommand(
        folder, (*exported, *variables), tuple(manager), tuple(launcher), tuple(script), tuple(arguments), goes_on
    )


def _substituted(word: Word, values: Mapping[str, str]) -> Sequence[Word]:
    """The word with its variables written out; `$FLAGS` without quotes is as many words as its value has."""
    whole = re.fullmatch(r"\$(\w+)|\$\{(\w+)\}", word.raw)
    if whole and (whole[1] or whole[2]) in values:
        return lex_shell_command(values[whole[1] or whole[2]]) or ()
    return (substitute_shell_variables(word, values),)


def _hands_on(word: Word) -> bool:
    """`"$@"` and its like: nothing, where a script is run by itself."""
    return word.value in ("$@", "$*", "${@}", "${*}") or bool(re.fullmatch(r"\$\{@:\d+\}", word.value))


def _without_keywords(words: Sequence[Word]) -> Iterator[Word]:
    """The words without those of a loop or a wrapper that stand at the front."""
    front = True
    for word in words:
        front = front and (word.value in _KEYWORDS or bool(_ASSIGNMENT.match(word.value)))
        if not front or word.value not in _KEYWORDS:
            yield word


def _script_at(words: Sequence[Word], path: str) -> int | None:
    """Where the script stands: as a file, as a module behind `-m`, or under the name it is installed by (the first word)."""
    name = path.rpartition("/")[2]
    for at, word in enumerate(words):
        if word.value.rpartition("/")[2] == name:
            return at
        if at and words[at - 1].value == "-m" and word.value not in _LAUNCHING_MODULES:
            return at
    return 0 if words and not words[0].value.startswith("-") else None


def _exported(mention: ScriptMention, variables: Sequence[Word]) -> tuple[Word, ...]:
    """What the lines before exported in the same block, but for secrets, and for what is set again or not known."""
    again = {w.value.partition("=")[0] for w in variables}
    secrecy = recorder_modules.load_recorder_module("secret_names").secrecy
    words = (Word(raw, (lex_shell_command(raw) or (Word(raw, raw),))[0].value) for raw in mention.command.exports)
    exported = {w.value.partition("=")[0]: w for w in words}
    return tuple(
        w
        for name, w in exported.items()
        if name not in again and not secrecy(name) and "$" not in w.raw and "`" not in w.raw and len(w.raw) < 80
    )


def split_option_value(word: Word) -> tuple[str, str]:
    """`--name=value` and `name=value` as (`--name=`, value); (empty, the whole) for any other word."""
    match = re.match(r"^(-{1,2}[\w.-]+=|[+~]{0,2}[A-Za-z_][\w./@-]*=)", word.value)
    return (match[1], word.value[len(match[1]) :]) if match else ("", word.value)


def replace_option_value(word: Word, value: str) -> Word:
    """The word with another value behind its `--name=`."""
    head, _ = split_option_value(word)
    text = quote_shell_word(head + value)
    return Word(text, head + value)
