"""`lr < 0.01 and opt = adam` -> a condition on named values.

    condition  := all ("or" all)*                    all := test (("and" | "," | nothing) test)*
    test       := "not" test | "(" condition ")" | comparison
    comparison := operand (sign operand)*            sign := = == != < <= > >= ~, "in" or "not in" a list: (1, 2)
    operand    := 'text' | word | (operand, operand) | numbers and names with + - * / // % ( )

A word on the left is a name. On the right it is the value of that name where there is one, else a text; in quotes it is always a text. A
word with an operator in it, such as `do-not-use` or `80/20`, is a text beside a text and computed beside a number. A comma or nothing
between tests is `and` where the condition has no `or` and no `not` and no name is given two values. `~` takes a pattern with `*` and `?`.
`1`, `1.0` and the text `1` are one value, `true` and 1 are two.

Why not Python's own grammar: `opt = adam`, `sweep=lr-2` and `started > 2026-01-01` are what people type, and mean other things in it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NoReturn

from scaffold.conditions import operands
from scaffold.conditions.operands import LEFTMOST, Operand, Relation, UncomputableValue, Values
from scaffold.conditions.tokens import OPERATORS, ConditionToken, tokenize_condition
from scaffold.errors import WrongUsage
from scaffold.runs import recorder

Test = Callable[[Values], bool]
EXAMPLE = "for example 'lr<0.01 and (opt=adam or depth in (1, 2))'"
MAX_NESTING = 50
BRACKETS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionExpression:
    """`holds` says it of values by name; `words` are all that may be names; `needed` those that must be, each with the names that it
    computes with if it is none itself."""

    holds: Test
    words: frozenset[str]
    needed: Mapping[str, frozenset[str]]

    def unknown_names(self, is_known: Callable[[str], bool]) -> list[str]:
        """The names that it needs and that are not known, sorted."""
        unknown = (parts or {word} for word, parts in self.needed.items() if not is_known(word))
        return sorted({name for names in unknown for name in names if not is_known(name)})


def parse_condition(text: str, *, strict: bool = False, text_names: Collection[str] = ()) -> ConditionExpression:
    """Parse. Raises WrongUsage with the place where it is not understood.

    What has no value is unequal to everything but null and on no side of `<`, as is what cannot be compared; with `strict` the condition
    raises UnknownName or UncomputableValue then. Right of one of `text_names` (`sweep=lr`) a word is always a text.
    """
    parser = _Parser(text, strict, text_names)
    test = parser.condition(0)
    if parser.token.kind != "end":
        parser.fail("`and` or `or`")
    return ConditionExpression(holds=test, words=frozenset(parser.words), needed=parser.needed)


class _Parser:
    def __init__(self, text: str, strict: bool, text_names: Collection[str]) -> None:
        self.text, self.strict, self.text_names = text, strict, text_names
        self.tokens, self.index = tokenize_condition(text), 0
        self.words: set[str] = set()
        self.needed: dict[str, frozenset[str]] = {}
        self.valued: set[str] = set()  # names that were held against one value

    @property
    def token(self) -> ConditionToken:
        return self.tokens[self.index]

    def take(self, *texts: str, kind: str = "sign") -> ConditionToken | None:
        """The next token where it is one of these (none: any of this kind), and go behind it."""
        token = self.token
        if token.kind != kind or (texts and token.text not in texts):
            return None
        self.index += 1
        return token

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            self.fail(f"`{sign}`")

    def fail(self, expected: str, token: ConditionToken | None = None) -> NoReturn:
        token = token or self.token
        place = f"`{token.text}` (character {token.start + 1})" if token.text else "its end"
        raise WrongUsage(f"{self.text!r} cannot be understood at {place}: {expected} is expected there", hint=EXAMPLE)

    def condition(self, depth: int) -> Test:
        if depth > MAX_NESTING:
            raise WrongUsage(f"{self.text[:60]!r}... cannot be understood: it is nested deeper than {MAX_NESTING}")
        tests = [self.all_of(depth)]
        while self.take("or", kind="keyword"):
            tests.append(self.all_of(depth))
        return lambda values: any(test(values) for test in tests)

    def all_of(self, depth: int) -> Test:
        tests = [self.test(depth)]
        while self.take("and", kind="keyword") or self.another_follows():
            tests.append(self.test(depth))
        return lambda values: all(test(values) for test in tests)

    def another_follows(self) -> bool:
        """Whether another test follows without `and`: after a comma, which is passed, or at once, where that can mean one thing only."""
        if self.token.kind != "word" and self.token[:2] not in (("sign", ","), ("keyword", "not"), ("keyword", "in")):
            return False
        if any(token.kind == "keyword" and token.text in ("or", "not") for token in self.tokens):
            self.fail("`and` or `or`")
        first = self.index + (self.token.text == ",")
        is_test = self.tokens[first].kind == "word" and self.tokens[first + 1].starts_relation()
        is_second_value = (
            is_test and self.tokens[first + 1].text in ("=", "==") and self.tokens[first].text in self.valued
        )
        if not is_test or is_second_value:
            self.fail("`and`, `or` or another test such as `lr=0.1` (of several values: `lr in (1, 2)`)")
        self.take(",")
        return True

    def test(self, depth: int) -> Test:
        negated = False
        while self.take("not", kind="keyword"):
            negated = not negated
        inner = self.tokens[self.index + 1 : self.group_end()]
        if any(token.kind == "keyword" or token.starts_relation() for token in inner):
            self.expect("(")
            test = self.condition(depth + 1)
            self.expect(")")
        else:
            test = self.comparison()
        return (lambda values: not test(values)) if negated else test

    def group_end(self) -> int:
        """The index of what closes the parenthesis that is next, or of the end; of the next token where that is none."""
        depth = 0
        for index in range(self.index, len(self.tokens)):
            token = self.tokens[index]
            depth += (token.text == "(") - (token.text == ")") if token.kind == "sign" else 0
            if depth <= 0:
                return index
        return len(self.tokens) - 1

    def comparison(self) -> Test:
        name, count, strict = self.token.text, len(self.words), self.strict
        first = self.operand("a name", is_left=True)
        if self.token.text in ("=", "=="):
            self.valued.add(name)
        relations = []
        while (relation := self.relation(is_text=name in self.text_names)) is not None:
            relations.append(relation)
        if not relations and (self.token.text == "(" or len(self.words) == count):
            self.fail("a sign such as `=` or `<`")

        def holds(values: Values) -> bool:
            left = first(values, LEFTMOST)
            try:
                for relation in relations:
                    is_so, left = relation(values, left)
                    if not is_so:
                        return False
            except UncomputableValue:
                if strict:
                    raise
                return False
            return bool(relations or left)

        return holds

    def relation(self, *, is_text: bool) -> Relation | None:
        """A sign and what follows it; None where no sign follows. With `is_text` a word behind it is no name."""
        negated = self.token.text == "not" and self.tokens[self.index + 1][:2] == ("keyword", "in")
        self.index += negated
        if self.take("in", kind="keyword"):
            return self.membership(is_text, negated)
        if not self.token.starts_relation():
            return None
        sign = self.token.text
        self.index += 1
        if sign == "~":
            pattern = self.take(kind="word") or self.take(kind="text") or self.fail("a pattern")
            return operands.build_pattern_match(pattern.text.strip("'\""))
        return operands.build_comparison_relation(sign, self.operand("a value", is_text=is_text))

    def membership(self, is_text: bool, negated: bool) -> Relation:
        """What follows `in`: a list in any brackets, or a text or a name, in whose text is looked."""
        if bracket := self.take(*BRACKETS):
            return operands.build_list_membership(self.items(BRACKETS[bracket.text], is_text=is_text), negated)
        if self.token.kind == "word" and not isinstance(recorder.values.parse_value(self.token.text), str):
            self.fail("a list such as `(1, 2)`")
        return operands.build_text_membership(self.operand("a list such as `(1, 2)`", is_left=True), negated)

    def items(self, closing: str, *, is_left: bool = False, is_text: bool = False) -> list[Operand]:
        """The operands up to the closing bracket, with commas."""
        items = [self.operand("a value", is_left=is_left, is_text=is_text)]
        while self.take(",") and self.token.text != closing:
            items.append(self.operand("a value", is_left=is_left, is_text=is_text))
        self.expect(closing)
        return items

    def operand(self, expected: str, *, is_left: bool = False, is_text: bool = False) -> Operand:
        """One side of a comparison."""
        if text := self.take(kind="text"):
            if self.token.starts_operator():
                self.fail(f"a sign or the end, since {text.text} is not a number,")
            return operands.build_constant_operand(text.text[1:-1])
        first, group = self.index, self.tokens[self.index : self.group_end()]
        if any(token.text == "," for token in group):
            self.expect("(")
            return operands.build_tuple_operand(self.items(")", is_left=is_left, is_text=is_text))
        is_open = True  # whether a value is due: at first, and behind an operator
        while is_open or self.token.starts_operator():
            if is_open and self.token.text == "(":
                self.index = self.group_end()
                self.expect(")")
                is_open = False
                continue
            word = self.take(kind="word") or self.fail(expected)
            is_open = word.text[-1] in OPERATORS and (self.token.kind == "word" or self.token.text == "(")
            if is_open and not is_left and word.text.strip(OPERATORS) and self.tokens[self.index + 1].starts_relation():
                is_open = False  # a path ends so: `out=data/ lr=1`
        return self.meaning(self.tokens[first], is_left=is_left, is_text=is_text)

    def meaning(self, first: ConditionToken, *, is_left: bool, is_text: bool) -> Operand:
        """The operand from the token `first` to here: one word, which may be anything, or arithmetic."""
        text = self.text[first.start : self.tokens[self.index - 1].end]
        is_word = text == first.text
        if is_word and not isinstance(recorder.values.parse_value(text), str):
            return operands.build_constant_operand(text)
        node = operands.parse_arithmetic(text)
        names = operands.find_expression_names(node)
        self.words |= {text, *names}
        if is_word:
            node = node if isinstance(node, ast.BinOp | ast.UnaryOp) else None
            self.needed |= {text: names if node else frozenset()} if is_left else {}
            return operands.build_name_operand(text, node, is_text=is_text, strict=self.strict)
        if node is None:
            self.fail("numbers and names with + - * / // %", ConditionToken("word", text, first.start, 0))
        self.needed |= {name: frozenset() for name in names}
        return operands.build_arithmetic_operand(node, strict=self.strict)
