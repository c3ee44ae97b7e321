"""Texts: where code, shell, YAML, JSON, TOML, `.env` files and the like hold secrets, by their structure.

`find_secrets(text, kind)` gives spans; kinds are `text` (arguments, shell, logs), `config` (a value lasts to the end of its line) and
`code` (only what stands in quotes is a value). Every pattern looks at little around a name, so that no text takes long.
"""

from __future__ import annotations

from .secret_command_lines import find_in_command_lines, find_telling
from .secret_names import CERTAIN, CONTAINERS, COUNTED, LIKELY, NONE, POSSIBLE, SECRET_PARTS, secrecy
from .secret_shapes import find_all, find_shapes
from .secret_structures import STRING, Budget, find_in_string, find_in_value, is_plain_leaf
from .secret_tokens import compile_pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from .secret_shapes import Span


LONGEST_NAME = 64
ASCII_LOWER = {c: c + 32 for c in range(ord("A"), ord("Z") + 1)}

LEFT_CHARACTERS = frozenset("_.-/@:+")
RIGHT_CHARACTERS = frozenset("_.-")
# from the end of a name to its value: a closing quote or bracket, in code a type, then the sign
CLOSED = r"\\?[\"'`]?[ \t]{0,8}\]?[ \t]{0,40}"
SIGN = {
    "code": CLOSED + r"(?:\??:[ \t]{0,8}[\w.\[\], |]{1,60}?)?[ \t]{0,40}(?P<sign>=>|:=|=(?![=~])|:(?![=:]))[ \t]{0,40}",
    "config": CLOSED + r"(?P<sign>=>|:=|=(?!=)|:(?![=:/]))[ \t]{0,400}",
    "text": CLOSED + r"(?P<sign>=>|:=|=(?![=~])|:(?![=:/]))[ \t]{0,40}",
}
SECTION = r"(?m)^[ \t]{0,40}\[{1,2}[ \t]{0,8}[\"']?(?P<name>[\w.\- \"':/]{1,200}?)[\"']?[ \t]{0,8}\]{1,2}[ \t]{0,40}(?:[#;].*)?\r?$"
SETTING = r"(?m)^[ \t]{0,80}[\"']?(?P<name>[\w.\-]{1,200})[\"']?[ \t]{0,40}[=:][ \t]{0,40}"
# `os.environ.get("API_KEY", "...")`, `add_argument("--password", default="...")`: what stands before the name, and behind it
CALL = (
    r"(?P<declares>add_argument|add_option|option|Option)?(?:DEFINE_\w{1,20}|getenv|getOrDefault|get|setdefault|putenv|setenv|setattr|set|pop|"
    r"Setenv|Getenv|set_password|config)?\(\s{0,200}(?:[\w.]+\s*,\s{0,200})?[fFrRbBuU]{0,2}\\?[\"'](?:-\w\\?[\"'],\s*\\?[\"'])?\Z"
)
CALL_VALUE = r"\\?[\"']\s{0,200},\s{0,200}(?P<more>[^()]{0,300}?\bdefault\s*=\s*)?(?=[fFrRbBuU]{0,2}\\?[\"'])"
PAIRED = ("val", "def", "con", "Val", "VAL")
# `- name: API_KEY` and on the next line `value: ...`, as containers have their environment
PAIR = r"(?i)\b(?:name|key|variable|env|field|header)\\?[\"']?\s{0,8}[:=]\s{0,8}\\?[\"']?\Z"
PAIR_VALUE = r"(?i)\\?[\"']?\s{0,80},?\s{0,200}-?[ \t]{0,80}\\?[\"']?(?:value|val|default|content)\\?[\"']?\s{0,8}[:=][ \t]{0,80}"


def find_interest(text: str, *, below: bool = False) -> list[Span]:
    """Where a text may hold secrets, in order: names of secrets (their spans), and places that may be one themselves (empty spans).

    With `below` only what may begin one that lies on the lines below.
    """
    low = _lower(text)
    names = {(start, end) for start, end in _find_names(text, low) if secrecy(text[start:end]) != NONE}
    places = set(find_all(text, "-----"))
    if not below:
        places |= find_telling(low) | {at for at, _ in find_shapes(text, low)}
    return sorted(names | {(at, at) for at in places})


def may_have_value(text: str, start: int, end: int, kind: str) -> bool:
    """Whether something stands behind a name that may be its value."""
    if start == end:
        return True
    rest = text[end : end + 200].lstrip("\\\"'`] \t\r\n+")
    is_quoted = text[end : end + 1] in ("\\", '"', "'", "`")
    if text[start] == "-" or (is_quoted and rest[:1] == ",") or rest.startswith(PAIRED):
        return True
    if text[start - 1 : start] == "[" and text[end : end + 1] == "]":  # a section of TOML
        return True
    if kind != "code" or is_quoted or rest[:1] == ":":
        return rest[:1] in ("=", ":", ",", "-")
    value = rest[1:].lstrip("=> \t")[:3]
    return rest[:1] == "=" and not value.startswith("=") and any(c in value for c in "\"'`[({\\")


def find_secrets(text: str, kind: str = "text") -> list[Span]:
    """Where a text holds secrets: spans in order, none in another, none across the end of a line."""
    low = _lower(text)
    spans = list(find_shapes(text, low))
    budget = Budget(text)
    options = []
    done = 0
    for start, end in _find_names(text, low):
        level = secrecy(text[start:end])
        if level == NONE:
            continue
        if text[start] == "-":
            options.append((start, end))
        if start >= done:
            values = list(_find_values(text, start, end, kind, level, budget))
            spans += values
            done = max((stop for _, stop in values), default=done)
    if kind == "config" and "[" in text and any(name in low for name in CONTAINERS):
        spans += _find_in_sections(text, budget)
    spans += find_in_command_lines(text, low, kind, options)
    return [line for start, end in _merge(spans) for line in _split_lines(text, start, end)]


def _lower(text: str) -> str:
    """A text in lower case, as long as it was: some letters are two in lower case."""
    low = text.lower()
    return low if len(low) == len(text) else text.translate(ASCII_LOWER)


def _merge(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        elif start < end:
            merged.append((start, end))
    return merged


def _split_lines(text: str, start: int, end: int) -> Iterator[Span]:
    """A span as one a line, without the space around: so that a text keeps its lines."""
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        line = text[start:stop]
        if line.strip():
            yield start + len(line) - len(line.lstrip()), stop - len(line) + len(line.rstrip())
        start = stop + 1


def _find_names(text: str, low: str) -> Iterator[Span]:
    """Where names stand that hold a part of a secret's name."""
    done = 0
    for at in sorted({at for part in SECRET_PARTS for at in find_all(low, part)}):
        if at < done:
            continue
        start, done = at, at
        first, last = max(0, at - LONGEST_NAME), min(len(text), at + LONGEST_NAME)
        while start > first and (text[start - 1] in LEFT_CHARACTERS or text[start - 1].isalnum()):
            start -= 1
        while done < last and (text[done] in RIGHT_CHARACTERS or text[done].isalnum()):
            done += 1
        yield start, done


def _find_values(text: str, start: int, end: int, kind: str, level: int, budget: Budget) -> Iterator[Span]:
    """The secrets that stand behind a name."""
    line = text.rfind("\n", 0, start) + 1
    sign = compile_pattern(SIGN[kind]).match(text, end)
    if sign:
        notation = _notation_of_value(kind, text[line:start], sign, text[sign.end() : sign.end() + 1])
        if kind == "text" and sign["sign"] == ":" and level in (COUNTED, LIKELY) and text[line:start].strip():
            level = POSSIBLE  # a sentence: `the key is a token: hello`
        yield from find_in_value(text, sign.end(), notation, level, line, budget) if notation else ()
    elif text[end : end + 1] in ("\\", '"', "'") and text[end : end + 200].lstrip("\\\"' \t\n")[:1] == ",":
        yield from _find_in_call(text, start, end, level)
    is_paired = level >= LIKELY and text[end : end + 200].lstrip("\\\"' ,\t\n-").startswith(PAIRED)
    pair = compile_pattern(PAIR_VALUE).match(text, end) if is_paired else None
    if pair and compile_pattern(PAIR).search(text[max(0, start - 40) : start]):
        yield from find_in_value(text, pair.end(), kind, level, text.rfind("\n", 0, pair.end()) + 1, budget)


def _find_in_call(text: str, start: int, end: int, level: int) -> Iterator[Span]:
    """The default that a call gives to a name: of a declaration only what it calls so."""
    start += len(text[start:end]) - len(text[start:end].lstrip("-"))
    before = text[max(0, start - 120) : start].rstrip("-")
    call = compile_pattern(CALL).search(before)
    value = compile_pattern(CALL_VALUE).match(text, end) if call and not call.group().startswith("(") else None
    string = compile_pattern(STRING).match(text, value.end()) if value else None
    if call and value and string and (value["more"] or not call["declares"]):
        yield from find_in_string(text, string, level)


def _notation_of_value(kind: str, before: str, sign: re.Match[str], first: str) -> str:
    """As what a value is read: in shell an assignment has no space around its sign; in a string of code the rest of the string is text."""
    written = sign.group().lstrip("\\\"'`]")
    is_tight = written == "="
    around = _open_quote(before[-1000:]) if kind == "code" and first != "\\" and written == sign.group() else ""
    if around and (first == around or first not in "\"'`[{("):
        return "text" if is_tight else ""
    return "code" if kind == "text" and sign["sign"] == "=" and not is_tight else kind


def _open_quote(before: str) -> str:
    """The quote in which what follows `before` on its line of code stands; empty where it stands in none."""
    quote = ""
    for i, c in enumerate(before):
        if c in "\"'`" and (not quote or c == quote) and before[i - 1 : i] != "\\":
            quote = "" if quote else c
    return quote


def _find_in_sections(text: str, budget: Budget) -> Iterator[Span]:
    """`[secrets]` of TOML and INI: the values of its settings."""
    sections = list(compile_pattern(SECTION).finditer(text))
    for i, section in enumerate(sections):
        parts = compile_pattern(r"[.\s\"':/]+").split(section["name"].lower())
        if not CONTAINERS.intersection(parts):
            continue
        end = sections[i + 1].start() if i + 1 < len(sections) else len(text)
        for setting in compile_pattern(SETTING).finditer(text, section.end(), end):
            if not is_plain_leaf(setting["name"]):
                yield from find_in_value(text, setting.end(), "config", CERTAIN, setting.start(), budget)
