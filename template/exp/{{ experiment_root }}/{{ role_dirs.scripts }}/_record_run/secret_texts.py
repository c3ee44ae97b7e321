"""Texts: where code, shell, YAML, JSON, TOML, `.env` files and the like hold secrets, by their structure.

`find_secrets(text, kind)` gives spans; kinds are `text` (arguments, shell, logs), `config` (a value lasts to the end of its line) and
`code` (only what stands in quotes is a value).
"""

from __future__ import annotations

from .secret_command_lines import find_in_command_lines
from .secret_names import CERTAIN, CONTAINERS, LIKELY, NONE, SECRET_PARTS, secrecy
from .secret_shapes import find_shapes
from .secret_structures import STRING, find_in_string, find_in_value, is_plain_leaf
from .secret_tokens import compile_pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from .secret_shapes import Span


LONGEST_NAME = 64

PART = rf"(?i)(?:{'|'.join(SECRET_PARTS)})[\w.\-]{{0,{LONGEST_NAME}}}"
NAME_LEFT = r"[\w.\-/@:+]*\Z"
# from the end of a name to its value: a closing quote or bracket, in code a type, then the sign
CLOSED = r"\\?[\"'`]?[ \t]{0,8}\]?[ \t]{0,40}"
SIGN = {
    "code": CLOSED + r"(?:\??:[ \t]{0,8}[\w.\[\], |]{1,60}?)?[ \t]{0,40}(?P<sign>=>|:=|=(?![=~])|:(?![=:]))[ \t]{0,40}",
    "config": CLOSED + r"(?P<sign>=>|:=|=(?!=)|:(?![=:/]))[ \t]{0,400}",
    "text": CLOSED + r"(?P<sign>=>|:=|=(?![=~])|:(?![=:/]))[ \t]{0,40}",
}
SECTION = r"(?m)^[ \t]*\[+[ \t]*[\"']?(?P<name>[\w.\- \"':/]{1,200}?)[\"']?[ \t]*\]+[ \t]*(?:[#;].*)?\r?$"
SETTING = r"(?m)^[ \t]*[\"']?(?P<name>[\w.\-]+)[\"']?[ \t]*[=:][ \t]*"
CALL = (
    r"(?:add_argument|add_option|option|Option|DEFINE_\w+|getenv|getOrDefault|get|setdefault|putenv|setenv|setattr|set|pop|Setenv|Getenv|"
    r"set_password|config)\(\s*(?:[\w.]+\s*,\s*)?[fFrRbBuU]{0,2}\\?[\"'](?:-\w\\?[\"'],\s*\\?[\"'])?-{0,2}(?P<name>[\w.\-]+)\\?[\"']\s*,\s*"
    r"(?P<more>[^()]{0,300}?\bdefault\s*=\s*)?(?=[fFrRbBuU]{0,2}\\?[\"'])"
)
PAIR = (
    r"(?i)\b(?:name|key|variable|env|field|header)\\?[\"']?\s*[:=]\s*\\?[\"']?(?P<name>[\w.\-]*(?:token|key|secret|pass|pwd|auth|cred)[\w.\-]*)"
    r"\\?[\"']?\s*,?\s*(?:-?[ \t]*)\\?[\"']?(?:value|val|default|content)\\?[\"']?\s*[:=][ \t]*"
)


def find_secrets(text: str, kind: str = "text") -> list[Span]:
    """Where a text holds secrets: spans in order, none in another, none across the end of a line."""
    spans = list(find_shapes(text))
    low = text.lower()
    if any(part in low for part in SECRET_PARTS):
        spans += _find_assigned(text, kind)
        spans += _find_pairs(text, kind)
        spans += _find_in_sections(text) if kind == "config" else _find_in_calls(text)
    spans += find_in_command_lines(text, kind)
    return [line for start, end in _merge(spans) for line in _split_lines(text, start, end)]


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


def _find_assigned(text: str, kind: str) -> Iterator[Span]:
    """Values behind names that are secrets', in any notation."""
    done = 0
    for part in compile_pattern(PART).finditer(text):
        if part.start() < done:
            continue
        left = compile_pattern(NAME_LEFT).search(text[max(0, part.start() - LONGEST_NAME) : part.start()])
        before = left.group() if left else ""
        level = secrecy(before + part.group())
        start = part.start() - len(before)
        sign = compile_pattern(SIGN[kind]).match(text, part.end()) if level != NONE else None
        if sign is None:
            continue
        line = text.rfind("\n", 0, start) + 1
        notation = _notation_of_value(kind, text[line:start], sign, text[sign.end() : sign.end() + 1])
        for span in find_in_value(text, sign.end(), notation, level, line) if notation else ():
            done = max(done, span[1])
            yield span


def _notation_of_value(kind: str, before: str, sign: re.Match[str], first: str) -> str:
    """As what a value is read: in shell an assignment has no space around its sign; in a string of code the rest of the string is text."""
    written = sign.group().lstrip("\\\"'`]")
    is_tight = written == "="
    if kind == "code" and first != "\\" and written == sign.group() and _is_in_string(before):
        return "text" if is_tight else ""
    return "code" if kind == "text" and sign["sign"] == "=" and not is_tight else kind


def _is_in_string(before: str) -> bool:
    """Whether what follows `before` on its line of code stands in quotes."""
    quote = ""
    for i, c in enumerate(before[-1000:]):
        if c in "\"'`" and (not quote or c == quote) and before[-1000:][i - 1 : i] != "\\":
            quote = "" if quote else c
    return bool(quote)


def _find_in_sections(text: str) -> Iterator[Span]:
    """`[secrets]` of TOML and INI: the values of its settings."""
    sections = list(compile_pattern(SECTION).finditer(text))
    for i, section in enumerate(sections):
        parts = compile_pattern(r"[.\s\"':/]+").split(section["name"].lower())
        if not CONTAINERS.intersection(parts):
            continue
        end = sections[i + 1].start() if i + 1 < len(sections) else len(text)
        for setting in compile_pattern(SETTING).finditer(text, section.end(), end):
            if not is_plain_leaf(setting["name"]):
                yield from find_in_value(text, setting.end(), "config", CERTAIN, setting.start())


def _find_in_calls(text: str) -> Iterator[Span]:
    """`os.environ.get("API_KEY", "...")`, `add_argument("--password", default="...")`."""
    for call in compile_pattern(CALL).finditer(text):
        level = secrecy(call["name"].strip("-"))
        string = compile_pattern(STRING).match(text, call.end()) if level != NONE else None
        is_declared = call.group().startswith(("add_", "option", "Option"))
        if string and (call["more"] or not is_declared):
            yield from find_in_string(text, string, level)


def _find_pairs(text: str, kind: str) -> Iterator[Span]:
    """`- name: API_KEY` and on the next line `value: ...`, as containers have their environment."""
    for pair in compile_pattern(PAIR).finditer(text):
        level = secrecy(pair["name"])
        if level >= LIKELY:
            yield from find_in_value(text, pair.end(), kind, level, text.rfind("\n", 0, pair.end()) + 1)
