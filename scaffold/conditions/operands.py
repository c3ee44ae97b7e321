"""The sides of a comparison as functions of named values, and how two values compare.

Arithmetic is read by Python's parser and computed here: nothing of a condition is ever executed.
"""

from __future__ import annotations

import ast
import fnmatch
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from scaffold.runs import recorder
from scaffold.runs.model import Scalar

Values = Mapping[str, Scalar]
Value = Scalar | tuple[Any, ...]
# the value of a side, among values by name, right of another value. LEFTMOST is right of none: there a word must be a name
Operand = Callable[[Values, Value], Value]
LEFTMOST: tuple[Any, ...] = ("leftmost",)
# whether it holds right of a value, and its own value, for the next one of `1 < lr < 3`
Relation = Callable[[Values, Value], tuple[bool, Value]]
MAX_ARITHMETIC = 2000
ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COMPUTES: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
READ = (ast.Name, ast.Attribute, ast.Load, ast.Constant, ast.BinOp, ast.UnaryOp, ast.UAdd, ast.USub, *COMPUTES)
_ARITHMETIC = re.compile(
    r"(?:\s|[-+*/%()]|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])|[^\W\d]\w*(?:\.[^\W\d]\w*)*(?![\w.]))+"
)


class UncomputableValue(ValueError):
    """Values that cannot be computed with, or have no order."""


class UnknownOperandName(UncomputableValue):
    """A name (the only argument) that there is no value of."""


def parse_arithmetic(text: str) -> ast.expr | None:
    """Numbers and names with + - * / // % and parentheses; None where the text is anything else."""
    if len(text) > MAX_ARITHMETIC or not _ARITHMETIC.fullmatch(text):
        return None
    try:
        node = ast.parse(text.strip(), mode="eval").body
        return node if all(isinstance(part, READ) for part in ast.walk(node)) else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def find_expression_names(node: ast.AST | None) -> frozenset[str]:
    """The names in arithmetic, such as `lr` and `model.lr`."""
    if isinstance(node, ast.Name | ast.Attribute):
        return frozenset([ast.unparse(node)])
    return (
        frozenset(name for part in ast.iter_child_nodes(node) for name in find_expression_names(part))
        if node
        else frozenset()
    )


def build_constant_operand(text: str) -> Operand:
    """A number, true, false, null or a text."""
    value = _normalize_value(text)
    return lambda values, left: value


def build_name_operand(text: str, node: ast.expr | None, *, is_text: bool, strict: bool) -> Operand:
    """A name; else what `node` computes; else, right of another value, a text: always with `is_text`.

    Right of a text nothing is computed: `sweep = lr-2` is no difference.
    """

    def value(values: Values, left: Value) -> Value:
        if text in values and not is_text:
            return _normalize_value(values[text])
        if left is LEFTMOST and node is None and strict:
            raise UnknownOperandName(text)
        if left is LEFTMOST:
            return build_arithmetic_operand(node, strict=strict)(values, left) if node is not None else None
        try:
            return compute_arithmetic(node, values) if node is not None and is_number(left) else text
        except UncomputableValue:
            return text

    return value


def build_arithmetic_operand(node: ast.expr, *, strict: bool) -> Operand:
    """What can only be computed, such as `depth * 2`; null, but for `strict`, where it cannot."""

    def value(values: Values, left: Value) -> Value:
        try:
            return compute_arithmetic(node, values)
        except UncomputableValue:
            if strict:
                raise
            return None

    return value


def build_tuple_operand(items: list[Operand]) -> Operand:
    """Values that are compared together, each right of its counterpart."""

    def value(values: Values, left: Value) -> Value:
        lefts: tuple[Any, ...] = (left,) * len(items)
        if isinstance(left, tuple) and left is not LEFTMOST and len(left) == len(items):
            lefts = left
        return tuple(item(values, counterpart) for item, counterpart in zip(items, lefts, strict=True))

    return value


def build_comparison_relation(sign: str, right: Operand) -> Relation:
    """`= right` or `< right`, which has no answer but for two numbers and two texts."""

    def relation(values: Values, left: Value) -> tuple[bool, Value]:
        value = right(values, left)
        if sign not in ORDERS:
            return is_equal(left, value) is (sign != "!="), value
        if (is_number(left) and is_number(value)) or (isinstance(left, str) and isinstance(value, str)):
            return ORDERS[sign](left, value), value
        raise UncomputableValue(f"{left!r} and {value!r} have no order")

    return relation


def build_pattern_match(pattern: str) -> Relation:
    """`~ pattern`."""
    format_value = recorder.values.format_value
    return lambda values, left: (left is not None and fnmatch.fnmatchcase(format_value(left), pattern), left)


def build_list_membership(items: list[Operand], negated: bool) -> Relation:
    """`in (1, 2)`."""
    return lambda values, left: (any(is_equal(left, item(values, left)) for item in items) is not negated, left)


def build_text_membership(text: Operand, negated: bool) -> Relation:
    """`in` a text, which has no answer but for texts."""

    def relation(values: Values, left: Value) -> tuple[bool, Value]:
        container = text(values, LEFTMOST)
        if not isinstance(container, str) or not isinstance(left, str):
            raise UncomputableValue(f"{left!r} cannot be in {container!r}")
        return (left in container) is not negated, left

    return relation


def compute_arithmetic(node: ast.expr, values: Values) -> Scalar:
    """The value of arithmetic. Raises UncomputableValue."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.BinOp):
        left, right = _compute_number(node.left, values), _compute_number(node.right, values)
        try:
            computed: int | float = COMPUTES[type(node.op)](left, right)
            return computed
        except ArithmeticError as error:
            raise UncomputableValue(str(error)) from error
    if isinstance(node, ast.UnaryOp):
        return (
            -_compute_number(node.operand, values)
            if isinstance(node.op, ast.USub)
            else _compute_number(node.operand, values)
        )
    if (name := ast.unparse(node)) not in values:
        raise UnknownOperandName(name)
    return _normalize_value(values[name])


def _compute_number(node: ast.expr, values: Values) -> int | float:
    """Only numbers are computed with: a text times a number could fill the memory."""
    value = compute_arithmetic(node, values)
    if not isinstance(value, int | float):
        raise UncomputableValue(f"{value!r} is not a number")
    return value


def is_equal(left: Value, right: Value) -> bool:
    """Whether two values are the same; true and 1 are not."""
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(is_equal, left, right))
    return left == right and (type(left) is type(right) or (is_number(left) and is_number(right)))


def is_number(value: Value) -> bool:
    """Whether it can be counted with: true and false cannot."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _normalize_value(value: Scalar) -> Scalar:
    """A value as the recorder would have read it: the text `1` is the number."""
    normalized: Scalar = recorder.values.parse_value(value) if isinstance(value, str) else value
    return normalized
