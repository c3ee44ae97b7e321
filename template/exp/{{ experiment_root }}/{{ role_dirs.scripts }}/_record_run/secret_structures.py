"""Structures: the secrets of one value, as code, YAML, JSON, TOML or shell writes it: a string, a block, a list, a mapping, a bare word."""

from __future__ import annotations

from .secret_names import COUNTED, PLAIN_LEAVES, POSSIBLE, secrecy, split_words
from .secret_tokens import compile_pattern
from .secret_values import is_secret_value, is_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from .secret_shapes import Span


LONGEST_STRUCTURE = 1 << 16

QUOTE = r"(?P<quote>\\?\"\\?\"\\?\"|\\?'\\?'\\?'|\\?[\"'`])"
STRING = r"[fFrRbBuU@$]{0,2}" + QUOTE
PLAIN_WORD = r"[^\s\"'`;,|<>()\[\]{}\\&]+"
# YAML: the head of a block, the end of a line where the value stands below, an anchor or tag
BLOCK = r"(?:![\w!<>:.,/-]+[ \t]{1,8})?[|>][+-]?\d?[+-]?[ \t]{0,8}(?:#[^\n]*)?\r?(?:\n|\Z)"
LINE_END = r"(?:[!&][\w!<>:.,/-]+[ \t]{0,8})?(?:#[^\n]*)?\r?(?:\n|\Z)"
MARK = r"[!&][\w!<>:.,/-]+[ \t]{1,8}"
LEAF = r"(?:-[ \t]+)*(?:[\"']?(?P<name>[\w.\- /]{1,80}?)[\"']?[ \t]{0,8}[:=](?=[ \t\r]|\Z)[ \t]*)?(?P<value>.*)"
GROUP_PART = r"[\[{(]|[\]})]|[fFrRbBuU]{0,2}(?:\\?[\"'`])|[A-Za-z0-9_$*!@#%^][^\s\"'`;,|<>()\[\]{}\\&]*"


class Budget:
    """How many characters of structures may still be read in a text: one that nests them without end must not take long."""

    def __init__(self, text: str) -> None:
        self.left = len(text) + LONGEST_STRUCTURE

    def take(self) -> int:
        """How far one structure may be read."""
        return min(self.left, LONGEST_STRUCTURE)


def find_in_value(text: str, at: int, kind: str, level: int, line: int, budget: Budget) -> Iterator[Span]:
    """The secrets of a value that begins at `at`, on the line that begins at `line`, under a name of such a level."""
    if kind == "code" and level == COUNTED:
        level = POSSIBLE  # `tokens = ["a", "b"]` are words in most code
    mark = compile_pattern(MARK).match(text, at) if kind == "config" else None
    if mark and not compile_pattern(BLOCK).match(text, at):
        if mark.group().startswith("!") and not mark.group().startswith("!!"):
            return  # `!env NAME`, `!secret name`
        at = mark.end()
    string = compile_pattern(STRING).match(text, at)
    if string:
        yield from find_in_string(text, string, level)
    elif text[at : at + 1] in ("[", "{", "("):
        yield from _find_in_group(text, at, kind, level, budget)
    elif kind == "config" and compile_pattern(BLOCK).match(text, at):
        yield from _find_below(text, text.find("\n", at) + 1, line, level, budget, is_block=True)
    elif kind == "config" and compile_pattern(LINE_END).match(text, at):
        yield from _find_below(text, text.find("\n", at) + 1, line, level, budget, is_block=False)
    elif kind != "code":
        end = _end_of_bare_value(text, at, kind, text[line:at])
        value = text[at:end]
        if is_secret_value(value, level) and not _is_variable(value, kind):
            yield at, end


def _end_of_bare_value(text: str, at: int, kind: str, before: str) -> int:
    """Where a value without quotes ends: a word in shell, else the line less its comment, in brackets (and in JSON) the next comma."""
    if kind != "config":
        word = compile_pattern(PLAIN_WORD).match(text, at)
        return word.end() if word else at
    end = text.find("\n", at)
    value = text[at : end if end >= 0 else len(text)]
    if any(before.count(left) > before.count(right) for left, right in ("{}", "[]")) or before.lstrip().startswith('"'):
        value = value[: min((value.find(c) for c in ",}]" if c in value), default=len(value))]
    for comment in (" #", "\t#"):
        value = value.partition(comment)[0]
    return at + len(value.rstrip(" \t\r,"))


def _is_variable(value: str, kind: str) -> bool:
    """Whether a bare word of shell or of a log stands for another value."""
    return value.startswith("$" if kind == "text" else "${") or value.startswith("<") or is_source(value)


def find_in_string(text: str, string: re.Match[str], level: int) -> Iterator[Span]:
    """The inside of a string in quotes, where it is a secret; of many lines where the quotes are three."""
    start = string.end()
    end = find_end_of_string(text, start, string["quote"])
    value = text[start:end]
    is_format = "{" in value and "}" in value
    if is_format or value.lower().rstrip() in ("bearer", "basic", "token") or not is_secret_value(value, level):
        return
    yield start, end


def find_end_of_string(text: str, start: int, quote: str) -> int:
    """Where a string ends: at its quote that no backslash escapes; where none does, and one quote opened it, at the end of its line."""
    is_single = len(quote.replace("\\", "")) == 1
    limit = len(text)
    if is_single:
        blank = text.find("\n\n", start)
        limit = blank if blank >= 0 else limit
    at = text.find(quote, start, limit)
    while at >= 0:
        slashes = 0
        while at - slashes > start and text[at - slashes - 1] == "\\":
            slashes += 1
        if quote.startswith("\\") or slashes % 2 == 0:
            return at
        at = text.find(quote, at + 1, limit)
    line = text.find("\n", start) if is_single else -1
    return len(text) if line < 0 else line


def _find_in_group(text: str, at: int, kind: str, level: int, budget: Budget) -> Iterator[Span]:
    """The secrets of a list or mapping in brackets: its leaves, however deep; not the names of a mapping."""
    depth, name, after = 0, "", at
    end, first = at + budget.take(), at
    for part in compile_pattern(GROUP_PART).finditer(text, at, end):
        piece = part.group()
        budget.left -= part.end() - first
        first = part.end()
        if part.start() < after:
            continue
        if piece in ("[", "{", "(", "]", "}", ")"):
            depth += 1 if piece in "[{(" else -1
            if depth == 0:
                return
            continue
        string = compile_pattern(STRING).match(text, part.start()) if piece[-1] in "\"'`" else None
        start = string.end() if string else part.start()
        stop = find_end_of_string(text, start, string["quote"]) if string else part.end()
        after = stop + (len(string["quote"]) if string else 0)
        if string is None and kind == "code":
            if text[stop : stop + 1] == "(":
                return  # a call: what it is given is another's
        elif text[start:stop].endswith(":") if string is None else text[after : after + 40].lstrip()[:1] == ":":
            name = text[start:stop].rstrip(":")
        else:
            if not is_plain_leaf(name):
                yield from _find_in_leaf_of_group(text, start, stop, kind, level, string)
            name = ""


def _find_in_leaf_of_group(
    text: str, start: int, stop: int, kind: str, level: int, string: re.Match[str] | None
) -> Iterator[Span]:
    if string:
        yield from find_in_string(text, string, level)
    elif is_secret_value(text[start:stop], level) and not _is_variable(text[start:stop], kind):
        yield start, stop


def is_plain_leaf(name: str) -> bool:
    """Whether what a mapping of secrets has under this name is none."""
    words = split_words(name)
    return bool(words) and words[-1] in PLAIN_LEAVES


def _find_below(text: str, at: int, line: int, level: int, budget: Budget, *, is_block: bool) -> Iterator[Span]:
    """The secrets on the lines below a name that are indented deeper than it (a list also as deep): all of a block, else the leaves."""
    first = text[line:at].split("\n")[0]
    indent = len(first) - len(first.lstrip(" \t"))
    is_item = first.lstrip(" \t").startswith("- ")
    end = at + budget.take()
    while 0 < at < min(end, len(text)):
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        budget.left -= stop - at
        row = text[at:stop]
        bare = row.lstrip(" \t")
        deeper = len(row) - len(bare) > indent or (row[indent : indent + 2] == "- " and not is_item and not is_block)
        if bare.strip() and not deeper:
            return
        if is_block:
            yield at, stop
        elif bare.strip() and not bare.startswith("#"):
            yield from _find_leaf(bare.rstrip(" \t\r,"), stop - len(bare), level)
        at = stop + 1


def _find_leaf(row: str, at: int, level: int) -> Iterator[Span]:
    """The secret on one row of a mapping or list, which begins at `at`."""
    leaf = compile_pattern(LEAF).match(row)
    if (
        leaf
        and leaf["value"]
        and not is_plain_leaf(leaf["name"] or "")
        and not compile_pattern(BLOCK).match(leaf["value"])
    ):
        value = leaf["value"].partition(" #")[0].rstrip()
        if is_secret_value(value, max(level, secrecy(leaf["name"] or ""))) and not is_source(value):
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            start = at + leaf.start("value")
            yield start + quoted, start + len(value) - quoted
