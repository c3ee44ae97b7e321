"""Command lines inside texts: in shell, in strings of code, on lines of a configuration, as a list of arguments."""

from __future__ import annotations

from .secret_names import secrecy, split_words, word_set
from .secret_shapes import find_all
from .secret_tokens import compile_pattern
from .secret_values import is_secret_value
from .secret_words import find_secret_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .secret_shapes import Span


# what follows an option that is spoken of: `pass --token or set HF_TOKEN`
PROSE = word_set(
    "a an and are as at be but by can defaults did does for from has if in is it may must needs not of on option or should the to was "
    "when will with"
)

SHELL_WORD = (
    r"'(?P<single>[^']*)'|\"(?P<double>(?:\\.|[^\"\\])*)\""
    r"|(?P<plain>[^\s'\"|;&<>()]+(?:[\"'][^\"'\n]*[\"'])?)|(?P<end>[\n|;&()<>])"
)
# what of a line may be a command: the whole, or a string of code
STRINGS = r"(?P<quote>[\"'])(?P<inside>(?:\\.|(?!(?P=quote))[^\\\n])*)(?P=quote)"
LISTED = r"\\?[\"']\s{0,80},\s{0,80}(?=\\?[\"'])|[\"']?[ \t]*\n[ \t]*-[ \t]+"
LISTED_VALUE = r"\\?[\"']?(?P<value>[^\n\"'\\]+)"
# programs and options that make a line worth reading without any name of a secret
TELLING = (
    " -u",
    " --user",
    "sshpass",
    "mysql",
    "redis-cli",
    "zip -",
    "ssh-keygen",
    "ldapsearch",
    "openssl",
    "curl",
    "docker login",
    "wandb login",
)


def find_in_command_lines(text: str, low: str, kind: str, options: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """Secrets of the command lines that a text holds; `options` are its options with secrets' names."""
    places = sorted({start for start, _ in options} | find_telling(low))
    done = 0
    for at in places:
        if at < done:
            continue
        start, done = _line_around(text, at)
        line = text[start:done]
        strings = compile_pattern(STRINGS).finditer(line) if kind == "code" else ()
        for offset, command in [(m.start("inside"), m["inside"]) for m in strings] if kind == "code" else [(0, line)]:
            for first, last in _find_in_shell(command):
                yield start + offset + first, start + offset + last
    for start, end in options:
        yield from _find_in_list(text, start, end)


def find_telling(low: str) -> set[int]:
    """Where a text in lower case names a program or an option that may be given a secret."""
    return {at for word in TELLING for at in find_all(low, word)}


def _line_around(text: str, at: int) -> Span:
    """The line that holds a place, with those that a backslash joins to it."""
    start = text.rfind("\n", 0, at) + 1
    while start > 1 and text[start - 2] == "\\":
        start = text.rfind("\n", 0, start - 1) + 1
    end = text.find("\n", at)
    while end > 0 and text[end - 1] == "\\":
        end = text.find("\n", end + 1)
    return start, len(text) if end < 0 else end


def _find_in_list(text: str, start: int, end: int) -> Iterator[Span]:
    """`["--api-key", "..."]`, and in YAML one below the other."""
    name = text[start:end].strip("-")
    comma = compile_pattern(LISTED).match(text, end)
    value = compile_pattern(LISTED_VALUE).match(text, comma.end()) if comma else None
    if value is None or (value["value"].startswith("-") and not value["value"].startswith("-----")):
        return
    if is_secret_value(value["value"], secrecy(name)) and split_words(value["value"]) != split_words(name):
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
