"""Command lines inside texts: in shell, in strings of code, on lines of a configuration, as a list of arguments."""

from __future__ import annotations

from .secret_names import NONE, secrecy, split_words, word_set
from .secret_tokens import compile_pattern
from .secret_values import is_secret_value
from .secret_words import find_secret_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .secret_shapes import Span


# what follows an option that is spoken of: `pass --token or set HF_TOKEN`
PROSE = word_set(
    "a an and are as at be but by can defaults did does for from has if in is it may must needs not of on option or should the to was "
    "when will with"
)

OPTION = r"(?:^|[\s'\"])-{1,2}\w"
SHELL_WORD = (
    r"'(?P<single>[^']*)'|\"(?P<double>(?:\\.|[^\"\\])*)\""
    r"|(?P<plain>[^\s'\"|;&<>()]+(?:[\"'][^\"'\n]*[\"'])?)|(?P<end>[\n|;&()<>])"
)
# what of a text may be a command line: a string of code, a line of a configuration
STRINGS = (
    r"(?P<quote>[\"'])(?P<inside>(?:\\.|(?!(?P=quote))[^\\\n])*?\s-{1,2}\w(?:\\.|(?!(?P=quote))[^\\\n])*)(?P=quote)"
)
LINES = r"(?m)^(?P<inside>[^\n]*\s-{1,2}[A-Za-z][^\n]*)$"
LISTED_OPTION = (
    r"\\?[\"']-{1,2}(?P<name>[A-Za-z][\w.\-]*)\\?[\"']\s{0,80},\s{0,80}(?=\\?[\"'])"
    r"|(?m:^[ \t]*-[ \t]+[\"']?-{1,2}(?P<item>[A-Za-z][\w.\-]*)[\"']?[ \t]*\n[ \t]*-[ \t]+)"
)
LISTED_VALUE = r"\\?[\"']?(?P<value>[^\n\"'\\]+)"


def find_in_command_lines(text: str, kind: str) -> Iterator[Span]:
    """Secrets of the command lines that a text holds, by their options and programs."""
    if not compile_pattern(OPTION).search(text):
        return
    yield from _find_in_lists(text)
    if kind == "text":
        yield from _find_in_shell(text)
        return
    for match in compile_pattern(STRINGS if kind == "code" else LINES).finditer(text):
        offset = match.start("inside")
        for start, end in _find_in_shell(match["inside"]):
            yield offset + start, offset + end


def _find_in_lists(text: str) -> Iterator[Span]:
    """`["--api-key", "..."]`, and in YAML one below the other."""
    for option in compile_pattern(LISTED_OPTION).finditer(text):
        name = option["name"] or option["item"]
        level = secrecy(name)
        value = compile_pattern(LISTED_VALUE).match(text, option.end()) if level != NONE else None
        if value is None or (value["value"].startswith("-") and not value["value"].startswith("-----")):
            continue
        if is_secret_value(value["value"], level) and split_words(value["value"]) != split_words(name):
            yield value.span("value")


def _find_in_shell(text: str) -> Iterator[Span]:
    words: list[str] = []
    places: list[Span] = []
    for match in compile_pattern(SHELL_WORD).finditer(text.replace("\\\n", "  ")):
        group = match.lastgroup or ""
        if group != "end":
            words.append(match[group])
            places.append(match.span(group))
        elif words:
            yield from _find_in_words(words, places)
            words, places = [], []
    if words:
        yield from _find_in_words(words, places)


def _find_in_words(words: list[str], places: list[Span]) -> Iterator[Span]:
    for i, offset in find_secret_words(words).items():
        if not words[i].startswith("$") and words[i] not in PROSE:
            yield places[i][0] + offset, places[i][1]
