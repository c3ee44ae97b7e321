"""The text of a condition -> its tokens: texts in quotes, signs, words, and what is none of them."""

from __future__ import annotations

import re
from typing import NamedTuple

KEYWORDS = ("and", "or", "not", "in")
OPERATORS = "+-*/%"
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'[^']*'|"[^"]*")|(?P<sign><=|>=|==|!=|[<>=~(),])|(?P<word>[^\s<>=!~(),'"]+))""",
)
# in a list between [ ] or { } these end a word; elsewhere they are letters of one, as in `layers=[64]`
_LIST_TOKEN = re.compile(_TOKEN.pattern.replace("~(),", r"~(),\]}"))


class ConditionToken(NamedTuple):
    """`kind` is text, sign, word, keyword (`text` is in small letters then), unknown, or end (its text is empty)."""

    kind: str
    text: str
    start: int
    end: int

    def starts_operator(self) -> bool:
        """Whether a sum or product goes on with it."""
        return self.kind == "word" and self.text[0] in OPERATORS

    def starts_relation(self) -> bool:
        """Whether something is compared by it."""
        return (self.kind == "sign" and self.text not in "(),[]{}") or self[:2] == ("keyword", "in")


def tokenize_condition(text: str) -> list[ConditionToken]:
    """All tokens, the end behind them; nothing is looked at behind what is no token."""
    tokens: list[ConditionToken] = []
    pattern, position = _TOKEN, 0
    while (match := pattern.match(text, position)) and (kind := match.lastgroup):
        start, position = match.span(kind)
        if tokens and tokens[-1].text == "in" and text[start] in "[{":
            kind, position, pattern = "sign", start + 1, _LIST_TOKEN
        elif kind == "sign" and text[start] in "]}":
            pattern = _TOKEN
        word = text[start:position]
        is_keyword = kind == "word" and word.lower() in KEYWORDS
        tokens.append(
            ConditionToken("keyword", word.lower(), start, position)
            if is_keyword
            else ConditionToken(kind, word, start, position)
        )
    rest = text[position:].lstrip()
    return [*tokens, ConditionToken("unknown" if rest else "end", rest[:1], len(text) - len(rest), len(text))]
