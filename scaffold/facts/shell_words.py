"""One shell command -> its words, each with its quotes and its variables; what a shell would not take gives nothing.

`shlex` drops what matters here: which dollar stands in single quotes, where a `<blank>` is no redirection, and how a word was spelled.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from scaffold.facts.paths import parse_word_set

_VARIABLE = re.compile(
    r"\$(?:(?P<name>[A-Za-z_]\w*|[@*#?0-9])|\{(?P<braced>[A-Za-z_]\w*|[@*0-9])(?::?[-=](?P<default>[^{}]*))?\})"
)
# what a reader is to replace, though a shell would take it for a redirection or a pattern
_ANGLE_BLANK = re.compile(r"<\s?[A-Za-z][^<>\n]*>")
_BRACKET_BLANK = re.compile(r"\[[A-Za-z.<-][^\[\]\n=,'\"]*\](?=\s|$)")
# one quoted part, one escaped letter, one computed part, or plain letters of a word
_PIECE = re.compile(
    r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|\$\((?:[^()]|\([^()]*\))*\)|`[^`]*`|[^\s\\'"`();|&<>$\[]+|[$\[]""", re.DOTALL
)
_REDIRECTION = re.compile(r"(?:\d|&)?>{1,2}(?:&\d|\|)?|<{1,3}")
_ENVIRONMENT = parse_word_set("HOME USER PWD TMPDIR HOSTNAME PATH PYTHONPATH LD_LIBRARY_PATH SHELL")


class Word(NamedTuple):
    """A word as it is spelled, and what it means; `variables` are those that a shell would look up, `computed` a `$(...)` in it."""

    raw: str
    value: str
    variables: tuple[str, ...] = ()
    computed: bool = False


def lex_shell_command(text: str) -> tuple[Word, ...] | None:
    """The words of one simple command without its redirections; None for what no shell reads as one."""
    words: list[Word] = []
    at, skip_next = 0, False
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        if text[at] == "#":
            break
        blank = _ANGLE_BLANK.match(text, at) or _BRACKET_BLANK.match(text, at)
        redirection = None if blank else _REDIRECTION.match(text, at)
        if redirection:
            at, skip_next = redirection.end(), "&" not in redirection[0][1:]
            continue
        end = _end_of_word(text, at)
        if end is None:
            return None
        if not skip_next:
            words.append(_word(text[at:end]))
        at, skip_next = end, False
    return tuple(words)


def _end_of_word(text: str, at: int) -> int | None:
    """Where the word that begins at `at` ends; None where a quote or a parenthesis has no other, or has no business there."""
    while at < len(text) and not text[at].isspace():
        blank = {"<": _ANGLE_BLANK, "[": _BRACKET_BLANK}.get(text[at])
        piece = (blank and blank.match(text, at)) or _PIECE.match(text, at)
        if piece is None:
            return at if text[at] in "<>" else None
        at = piece.end()
    return at


def _word(raw: str) -> Word:
    variables: list[str] = []
    computed = False
    value = ""
    for quote, piece in _pieces(raw):
        value += piece
        if quote != "'":
            variables += [m["name"] or m["braced"] for m in _VARIABLE.finditer(piece)]
            computed = computed or "$(" in piece or "`" in piece
    return Word(raw, value, tuple(variables), computed)


def _pieces(raw: str) -> list[tuple[str, str]]:
    """(quote, text) of the quoted and plain pieces of a word; backslashes outside single quotes are taken."""
    pieces: list[tuple[str, str]] = []
    for piece in re.findall(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|(?:\\.|[^'\"\\])+", raw, re.DOTALL):
        if piece[0] in "'\"":
            inner = piece[1:-1]
            pieces.append((piece[0], inner if piece[0] == "'" else re.sub(r"\\([\"\\$`])", r"\1", inner)))
        else:
            pieces.append(("", re.sub(r"\\(.)", r"\1", piece)))
    return pieces


def substitute_shell_variables(word: Word, values: Mapping[str, str]) -> Word:
    """The word with the variables that `values` knows, or that have a default in it, written out; the others stay as they are."""
    if not word.variables:
        return word

    def written_out(match: re.Match[str]) -> str:
        value = values.get(match["name"] or match["braced"], match["default"] if match["default"] else match[0])
        # a shell reads `~` where a variable is set, and nowhere within a word
        return f"$HOME{value[1:]}" if value.startswith("~/") else value

    pieces = [(quote, text if quote == "'" else _VARIABLE.sub(written_out, text)) for quote, text in _pieces(word.raw)]
    value = "".join(text for _, text in pieces)
    if value == word.value:
        return word
    left = tuple(
        name
        for quote, text in pieces
        if quote != "'"
        for m in _VARIABLE.finditer(text)
        for name in [m["name"] or m["braced"]]
    )
    raw = f'"{value}"' if left or word.computed else quote_shell_word(value)
    return Word(raw, value, left, word.computed)


def quote_shell_word(value: str) -> str:
    """A word that means `value`, quoted only where it must be; an option keeps its name outside: `--data='a b'`."""
    option = re.match(r"^(-{0,2}[\w.+-]+=)(?=.)", value)
    head = option[1] if option else ""
    rest = value[len(head) :]
    tail = (
        rest
        if re.fullmatch(r"[\w@%+=:,./~^{}\[\]-]+", rest) and not re.search(r"^[\[~{]|\{[^{}]*,[^{}]*\}", rest)
        else shlex.quote(rest)
    )
    return head + tail


def unknown_variables(word: Word) -> tuple[str, ...]:
    """The variables of a word that neither every shell nor Slurm sets."""
    return tuple(v for v in word.variables if v not in _ENVIRONMENT and not v.startswith("SLURM_"))
