"""The text of a condition, token by token, and what stands ahead in it."""

from __future__ import annotations

import re
from typing import NoReturn

from scaffold.errors import WrongUsage

EXAMPLE = "for example 'lr<0.01 and (opt=adam or depth in (1, 2))'"
KEYWORDS = ("and", "or", "not", "in")
OPERATORS = "+-*/%"
_WORD = r"""[^\s<>=!~(),'"]+"""
_SIGN = "<=|>=|==|!=|[<>=~]"
_TOKEN = re.compile(rf"""\s*(?:(?P<text>'[^']*'|"[^"]*")|(?P<sign>{_SIGN}|[(),])|(?P<word>{_WORD}))""")
# between [ ] and { } these end a word; elsewhere they are letters of one, as in `layers=[64]`
_LIST_TOKEN = re.compile(_TOKEN.pattern.replace("[(),]", r"[(),\]}]").replace(_WORD, r"""[^\s<>=!~(),'"\]}]+"""))
_TEXTS = re.compile(r"""'[^']*'|"[^"]*\"""")
# words of their own: `experiment=do-not-use` has none
_OR_NOT = re.compile(r"(?<![^\s(),])(?:or|not)(?![^\s(),])", re.IGNORECASE)
_TESTS = re.compile(r"[<>=!~]|(?<![^\s(),])(?:and|or|not|in)(?![^\s(),])", re.IGNORECASE)
_NOT_IN = re.compile(r"not\s+in(?![^\s([{])", re.IGNORECASE)
_TEST = re.compile(rf"\s*(?P<name>{_WORD})\s*(?P<sign>{_SIGN}|(?:not\s+)?in\s*[(\[{{])", re.IGNORECASE)


class Tokens:
    """Goes through a text from left to right: `token` is the next one, `start` where it begins, `end` where the one before ended.

    `kind` is text (in quotes), sign, word, or empty at the end. Raises WrongUsage for what is none of them.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.token, self.kind, self.start, self.end = "", "", 0, 0
        self._position, self._pattern = 0, _TOKEN
        self.next()

    def next(self) -> str:
        """Go one token on; the one that is left behind."""
        before, self.end = self.token, self._position
        match = self._pattern.match(self.text, self._position)
        if match is None or match.lastgroup is None:
            rest = self.text[self._position :].lstrip()
            self.start, self.kind, self.token = len(self.text) - len(rest), "", rest[:1]
            if rest:
                self.fail("a name, a value or a sign")
            return before
        self.kind, self._position = match.lastgroup, match.end()
        self.token, self.start = match[self.kind], match.start(self.kind)
        return before

    def open_bracket(self, closing: str) -> re.Pattern[str]:
        """Go behind the bracket that the next token begins with (`[` of `[1`); what `close_bracket` takes."""
        outer, self._pattern = self._pattern, self._pattern if closing == ")" else _LIST_TOKEN
        self._position = self.start + 1
        self.next()
        return outer

    def close_bracket(self, closing: str, outer: re.Pattern[str] = _TOKEN) -> None:
        """Go behind a closing bracket. Raises WrongUsage where another token is next."""
        if not self.is_sign(closing):
            self.fail(f"`{closing}`")
        self._pattern = outer
        self.next()

    def fail(self, wanted: str) -> NoReturn:
        """Raise WrongUsage: the next token is not what is wanted."""
        place = f"`{self.token}` (character {self.start + 1})" if self.token else "its end"
        raise WrongUsage(f"{self.text!r} cannot be understood at {place}: {wanted} is expected there", hint=EXAMPLE)

    def is_word(self, *words: str) -> bool:
        """Whether one of `words` is next."""
        return self.kind == "word" and self.token.lower() in words

    def is_sign(self, sign: str) -> bool:
        """Whether this sign or bracket is next."""
        return self.kind == "sign" and self.token == sign

    def is_not_in(self) -> bool:
        """Whether `not in` is next."""
        return bool(_NOT_IN.match(self.text, self.start))

    def test_ahead(self) -> tuple[str, str] | None:
        """The name and the sign of a test, such as `lr <`, that is next or behind the comma that is next; None where there is none."""
        test = _TEST.match(self.text, self._position if self.is_sign(",") else self.start)
        return (test["name"], test["sign"]) if test else None

    def has_or_not(self) -> bool:
        """Whether `or` or `not` stands anywhere in the text."""
        return bool(_OR_NOT.search(_TEXTS.sub("", self.text)))

    def opens_tests(self) -> bool:
        """Whether the parenthesis that is next has tests in it, and no arithmetic or values."""
        return self.is_sign("(") and bool(_TESTS.search(self._group()))

    def opens_values(self) -> bool:
        """Whether the parenthesis that is next has several values in it."""
        return self.is_sign("(") and "," in re.sub(r"\([^()]*\)", "", self._group())

    def _group(self) -> str:
        """What stands in the parentheses that open next, texts emptied."""
        rest, depth = _TEXTS.sub("''", self.text[self.start :]), 0
        for at, character in enumerate(rest):
            depth += (character == "(") - (character == ")")
            if not depth:
                return rest[1:at]
        return rest[1:]

    def skip_group(self) -> None:
        """Go behind the parentheses that open next. Raises WrongUsage where they do not close."""
        depth = 0
        while True:
            depth += self.is_sign("(") - self.is_sign(")")
            if not self.token:
                self.fail("`)`")
            self.next()
            if not depth:
                return
