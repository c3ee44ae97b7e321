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
import fnmatch
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from scaffold.conditions import operands
from scaffold.conditions.operands import LEFTMOST, NoAnswer, Operand, Value, Values
from scaffold.conditions.tokens import KEYWORDS, OPERATORS, Tokens
from scaffold.errors import WrongUsage
from scaffold.runs import recorder

Test = Callable[[Values], bool]
# whether a relation holds of the value on its left, and the value on its right, for the next one of `1 < lr < 3`
Relation = Callable[[Values, Value], tuple[bool, Value]]
MAX_NESTING = 50
BRACKETS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`holds` says it of values by name; `words` are all that may be names; `needed` those that must be, each with the names that it
    computes with if it is none itself."""

    text: str
    holds: Test
    words: frozenset[str]
    needed: Mapping[str, frozenset[str]]

    def unknown_names(self, is_known: Callable[[str], bool]) -> list[str]:
        """The names that it needs and that are not known, sorted."""
        unknown = (parts or {word} for word, parts in self.needed.items() if not is_known(word))
        return sorted({name for names in unknown for name in names if not is_known(name)})


def parse_condition(text: str, *, strict: bool = False, text_names: Collection[str] = ()) -> Condition:
    """Parse. Raises WrongUsage with the place where it is not understood.

    What has no value is unequal to everything but null and on no side of `<`, as is what cannot be compared; with `strict` the condition
    raises UnknownName or NoAnswer then. Right of one of `text_names` (`sweep=lr`) a word is always a text.
    """
    parser = _Parser(text, strict, text_names)
    test = parser.condition(0)
    if parser.token:
        parser.fail("`and` or `or`")
    return Condition(text=text, holds=test, words=frozenset(parser.words), needed=parser.needed)


class _Parser(Tokens):
    def __init__(self, text: str, strict: bool, text_names: Collection[str]) -> None:
        super().__init__(text)
        self.strict, self.text_names = strict, text_names
        self.words: set[str] = set()
        self.needed: dict[str, frozenset[str]] = {}
        self.valued: set[str] = set()  # names that were held against one value

    def condition(self, depth: int) -> Test:
        if depth > MAX_NESTING:
            raise WrongUsage(f"{self.text[:60]!r}... cannot be understood: it is nested deeper than {MAX_NESTING}")
        tests = [self.all_of(depth)]
        while self.is_word("or"):
            self.next()
            tests.append(self.all_of(depth))
        return lambda values: any(test(values) for test in tests)

    def all_of(self, depth: int) -> Test:
        tests = [self.test(depth)]
        while self.is_word("and") or self.another_follows():
            if self.is_sign(",") or self.is_word("and"):
                self.next()
            tests.append(self.test(depth))
        return lambda values: all(test(values) for test in tests)

    def another_follows(self) -> bool:
        """Whether another test follows without `and`: after a comma or at once, where that can mean one thing only."""
        if self.is_word("or") or not (self.kind == "word" or self.is_sign(",")):
            return False
        if self.has_or_not():
            self.fail("`and` or `or`")
        name, sign = self.test_ahead() or ("", "")
        if not sign or (sign in ("=", "==") and name in self.valued):
            self.fail("`and`, `or` or another test such as `lr=0.1` (of several values: `lr in (1, 2)`)")
        return True

    def test(self, depth: int) -> Test:
        negated = False
        while self.is_word("not"):
            self.next()
            negated = not negated
        if self.opens_tests():
            self.next()
            test = self.condition(depth + 1)
            self.close_bracket(")")
        else:
            test = self.comparison()
        return (lambda values: not test(values)) if negated else test

    def comparison(self) -> Test:
        name, count, strict = self.token, len(self.words), self.strict
        first = self.operand("a name", is_left=True)
        if self.token in ("=", "=="):
            self.valued.add(name)
        relations = []
        while (relation := self.relation(is_text=name in self.text_names)) is not None:
            relations.append(relation)
        if not relations and (self.is_sign("(") or len(self.words) == count):
            self.fail("a sign such as `=` or `<`")

        def holds(values: Values) -> bool:
            left = first(values, LEFTMOST)
            try:
                for relation in relations:
                    is_so, left = relation(values, left)
                    if not is_so:
                        return False
            except NoAnswer:
                if strict:
                    raise
                return False
            return bool(relations or left)

        return holds

    def relation(self, *, is_text: bool) -> Relation | None:
        """A sign and what follows it; None where no sign follows. With `is_text` a word behind it is no name."""
        negated = self.is_not_in()
        if negated:
            self.next()
        if self.is_word("in"):
            self.next()
            return self.membership(is_text, negated)
        if self.kind != "sign" or self.token in "(),]}":
            return None
        sign = self.next()
        if sign == "~":
            if self.kind not in ("word", "text"):
                self.fail("a pattern")
            return _matches(self.next().strip("'\""))
        right = self.operand("a value", is_text=is_text)
        if sign in operands.ORDERS:
            return lambda values, left: (operands.is_ordered(sign, left, beside := right(values, left)), beside)
        return lambda values, left: (operands.is_equal(left, beside := right(values, left)) is (sign != "!="), beside)

    def membership(self, is_text: bool, negated: bool) -> Relation:
        """What follows `in`: a list in any brackets, or a text or a name, in whose text is looked."""
        if closing := BRACKETS.get(self.token[:1]):
            items = self.items(closing, is_text=is_text)
            return lambda values, left: (
                any(operands.is_equal(left, item(values, left)) for item in items) is not negated,
                left,
            )
        if self.kind != "text" and not isinstance(recorder.values.parse_value(self.token), str):
            self.fail("a list such as `(1, 2)`")
        text = self.operand("a list such as `(1, 2)`", is_left=True)
        return lambda values, left: (operands.contains(text(values, LEFTMOST), left) is not negated, left)

    def items(self, closing: str, *, is_left: bool = False, is_text: bool = False) -> list[Operand]:
        """The operands between brackets, with commas."""
        outer = self.open_bracket(closing)
        items = [self.operand("a value", is_left=is_left, is_text=is_text)]
        while self.is_sign(","):
            self.next()
            if not self.is_sign(closing):
                items.append(self.operand("a value", is_left=is_left, is_text=is_text))
        self.close_bracket(closing, outer)
        return items

    def operand(self, wanted: str, *, is_left: bool = False, is_text: bool = False) -> Operand:
        """One side of a comparison."""
        if self.kind == "text":
            text = self.next()
            if self.kind == "word" and self.token[0] in OPERATORS:
                self.fail(f"a sign or the end, since {text} is not a number,")
            return operands.constant(text[1:-1])
        if self.opens_values():
            return operands.several(self.items(")", is_left=is_left, is_text=is_text))
        start, count = self.start, 0
        is_open = True  # whether a value is due: at first, and behind an operator
        while is_open or (self.kind == "word" and self.token[0] in OPERATORS):
            count += 1
            if is_open and self.is_sign("("):
                self.skip_group()
                is_open, count = False, 2
                continue
            if self.kind != "word" or self.is_word(*KEYWORDS):
                self.fail(wanted)
            word = self.next()
            is_open = (
                word[-1] in OPERATORS and (self.kind == "word" or self.is_sign("(")) and not self.is_word(*KEYWORDS)
            )
            if is_open and not is_left and word.strip(OPERATORS) and self.test_ahead():
                is_open = False  # a path ends so: `out=data/ lr=1`
        return self.meaning(start, is_word=count == 1, is_left=is_left, is_text=is_text)

    def meaning(self, start: int, *, is_word: bool, is_left: bool, is_text: bool) -> Operand:
        """The operand from `start` to here: one word, which may be anything, or arithmetic."""
        text = self.text[start : self.end]
        if is_word and not isinstance(recorder.values.parse_value(text), str):
            return operands.constant(text)
        node = operands.parse_arithmetic(text)
        names = operands.names_in(node)
        self.words |= {text, *names}
        if is_word:
            node = node if isinstance(node, ast.BinOp | ast.UnaryOp) else None
            self.needed |= {text: names if node else frozenset()} if is_left else {}
            return self.lenient(operands.word(text, node, is_text=is_text))
        if node is None:
            self.token, self.start = text, start
            self.fail("numbers and names with + - * / // %")
        self.needed |= {name: frozenset() for name in names}
        return self.lenient(lambda values, left: operands.compute(node, values))

    def lenient(self, operand: Operand) -> Operand:
        """An operand that, but for `strict`, has null for what it cannot say."""

        def value(values: Values, left: Value) -> Value:
            try:
                return operand(values, left)
            except NoAnswer:
                return None

        return operand if self.strict else value


def _matches(pattern: str) -> Relation:
    shortest = recorder.values.format_value
    return lambda values, left: (left is not None and fnmatch.fnmatchcase(shortest(left), pattern), left)
