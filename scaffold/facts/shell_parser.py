"""Shell text -> commands, and the #SBATCH block at its top."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from scaffold.facts.paths import parse_word_set
from scaffold.facts.shell_words import lex_shell_command, substitute_shell_variables

_NOTHING: Mapping[str, str] = MappingProxyType({})

_DIRECTIVE = re.compile(r"^#SBATCH\s+(.*)$")
_SEPARATORS = re.compile(r"&&|\|\||;|\|(?!\|)|(?<![>&])&(?!&|>)")
_ANY_SEPARATOR = re.compile(r"[;&|]")
_QUOTED = re.compile(r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|[\w=./-]+""")
_COMMENT = re.compile(r"\s#")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")
_NOT_PLAIN = re.compile(r"""['"\\#]|[^ -~\t\r\n]""")
_WRAPPERS = parse_word_set("time nohup sudo exec env eval then do else ! ( { command if while")

# shlex takes time by the square of a word's length: half a minute for one of 400,000 letters
LONGEST_COMMAND = 8_000


class ShellCommand(NamedTuple):
    """One command as it is typed, with the file and line.

    `words` leaves out variables that are set before it, and wrappers like `nohup`. `variables` are those that earlier lines set,
    a loop's with its first value, and `exports` what they export.
    """

    path: str
    line: int
    text: str
    words: tuple[str, ...]
    variables: Mapping[str, str] = _NOTHING
    exports: tuple[str, ...] = ()


def split_shell_words(text: str) -> list[str]:
    """The words of a command; unbalanced quotes split at blanks."""
    if not _NOT_PLAIN.search(text) or len(text) > LONGEST_COMMAND:
        return text.split()  # the same words, in a hundredth of the time
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()


def parse_commands(
    path: str, text: str, first: int = 1, variables: Mapping[str, str] = _NOTHING, exports: tuple[str, ...] = ()
) -> Iterator[ShellCommand]:
    """The commands of a script: continued lines are joined, `&&`, `;` and pipes separate, comments do not count.

    `variables` and `exports` are those of the lines before `text`.
    """
    for line, joined in _joined(text, first):
        stripped = joined.strip()
        if not stripped or stripped.startswith("#"):
            continue
        for piece in _separated(stripped):
            words = split_shell_words(piece)
            while words and (_ASSIGNMENT.match(words[0]) or words[0] in _WRAPPERS):
                words.pop(0)
            if not words or words[0] in ("export", "for"):
                variables, exports = apply_shell_assignments(piece, variables, exports)
            if words:
                typed = " ".join(_without_comment(piece).split())
                yield ShellCommand(path, line, typed, tuple(words), variables, exports)


def _without_comment(piece: str) -> str:
    """A command without the comment at its end, which begins where no quote follows any more."""
    start = _COMMENT.search(piece, max(piece.rfind('"'), piece.rfind("'")) + 1)
    return piece[: start.start()] if start else piece


def _separated(text: str) -> list[str]:
    """The commands of a line; a separator in quotes is none."""
    if not _ANY_SEPARATOR.search(text):
        return [text]
    if "'" not in text and '"' not in text:
        # not `\s*` in the pattern: on a long row of spaces that takes the square of its length
        return [part.strip() for part in _SEPARATORS.split(text)]
    pieces, begin, at = [], 0, 0
    while at < len(text):
        quoted = _QUOTED.match(text, at)
        separator = None if quoted else _SEPARATORS.match(text, at)
        if separator:
            pieces.append(text[begin:at].strip())
            begin = separator.end()
        match = quoted or separator
        at = max(match.end() if match else 0, at + 1)
    return [*pieces, text[begin:].strip()]


def apply_shell_assignments(
    text: str, variables: Mapping[str, str], exports: tuple[str, ...]
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """What is set and exported after `NAME=value`, `export NAME=value` or `for NAME in first second`, several of them too."""
    for piece in _separated(text):
        words = [substitute_shell_variables(word, variables) for word in lex_shell_command(piece) or ()]
        exporting = bool(words) and words[0].value == "export"
        pairs = [w.value.partition("=") for w in words[exporting:] if _ASSIGNMENT.match(w.value)]
        if len(words) > 3 and words[0].value == "for" and words[2].value == "in":
            pairs = [(words[1].value, "=", words[3].value)]
        if exporting:
            exports = (*exports, *(w.raw for w in words[1:] if _ASSIGNMENT.match(w.value)))
        variables = {**variables, **{name: value for name, _, value in pairs}}
    return variables, exports


def _joined(text: str, first: int) -> Iterator[tuple[int, str]]:
    continued, start = "", first
    for number, raw in enumerate(text.splitlines(), start=first):
        if not continued:
            start = number
        if raw.rstrip().endswith("\\") and not raw.lstrip().startswith("#"):
            continued += raw.rstrip()[:-1] + " "
            continue
        yield start, continued + raw
        continued = ""
    if continued:
        yield start, continued


def sbatch_directives(text: str) -> list[tuple[int, str]]:
    """The #SBATCH lines that Slurm would read, (line, options): the block ends at the first command (sbatch manual)."""
    options = []
    for number, raw in enumerate(text.splitlines(), start=1):
        match = _DIRECTIVE.match(raw)
        if match:
            options.append((number, match[1].strip()))
        elif raw.strip() and not raw.startswith("#"):
            break
    return options


def parse_option_words(words: list[str] | tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """`--name value`, `--name=value`, `-n value`, `-nvalue` as (name, value); ends at the first other word."""
    waiting = ""
    for word in words:
        if word.startswith("--"):
            if waiting:
                yield waiting, ""
            name, equals, rest = word[2:].partition("=")
            waiting = "" if equals else name
            if equals:
                yield name, rest
        elif word.startswith("-") and len(word) > 1 and word[1].isalpha():
            if waiting:
                yield waiting, ""
            waiting = word[1] if len(word) == 2 else ""
            if not waiting:
                yield word[1], word[2:].lstrip("=")
        elif waiting:
            yield waiting, word
            waiting = ""
        else:
            return
    if waiting:
        yield waiting, ""
