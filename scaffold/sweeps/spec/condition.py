"""`lr < 0.01 or batch_size == 64`: conditions on a configuration, read with Python's grammar and computed here, never by `eval`."""

from __future__ import annotations

import ast
import difflib
import operator
from collections.abc import Callable, Mapping
from typing import Any

from scaffold.errors import WrongUsage
from scaffold.runs import recorder
from scaffold.sweeps.spec.parameter_values import recorded_name

Values = Mapping[str, Any]
Step = Callable[[Values], Any]
COMPARES: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
COMPUTES: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
WORDS = {"true": True, "false": False, "null": None}
LONGEST = 2000


def compiled(text: str) -> Callable[[Mapping[str, str]], bool]:
    """A condition as a function of a configuration. Raises WrongUsage where it cannot be understood; so does the function where
    it names a parameter that is not there, or compares a number with a text."""
    try:
        if len(text) > LONGEST:
            raise ValueError("it is too long")
        step = _step(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or error
        raise WrongUsage(
            f"--only-if {text!r} cannot be understood: {reason}", hint="such as 'lr < 0.01 or batch_size == 64'"
        ) from error

    def holds(configuration: Mapping[str, str]) -> bool:
        value_of = recorder.module().value_of
        values = {recorded_name(key): value_of(value) for key, value in configuration.items()}
        try:
            return bool(step(values))
        except KeyError as error:
            raise _unknown(text, str(error.args[0]), values) from error
        except (TypeError, ArithmeticError) as error:
            said = ", ".join(f"{k}={v}" for k, v in configuration.items())
            raise WrongUsage(f"--only-if {text!r} has no answer for {said[:200]}: {error}") from error

    return holds


def _unknown(text: str, name: str, values: Values) -> WrongUsage:
    near = difflib.get_close_matches(name, values, n=1)
    hint = (
        f"did you mean {near[0]}?"
        if near
        else f"a text is written in quotes: '{name}'; parameters: {', '.join(values)}"
    )
    return WrongUsage(f"--only-if {text!r}: there is no parameter {name}", hint=hint)


def _step(node: ast.AST) -> Step:
    if isinstance(node, ast.BoolOp):
        parts = [_step(v) for v in node.values]
        if isinstance(node.op, ast.And):
            return lambda values: all(part(values) for part in parts)
        return lambda values: any(part(values) for part in parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        inner, negated = _step(node.operand), operator.not_ if isinstance(node.op, ast.Not) else operator.neg
        return lambda values: negated(inner(values))
    if isinstance(node, ast.Compare):
        return _comparison(node)
    if isinstance(node, ast.BinOp) and type(node.op) in COMPUTES:
        left, right, compute = _step(node.left), _step(node.right), COMPUTES[type(node.op)]
        return lambda values: compute(_number(left(values)), _number(right(values)))
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        items = [_step(item) for item in node.elts]
        return lambda values: [item(values) for item in items]
    return _leaf(node)


def _comparison(node: ast.Compare) -> Step:
    if any(type(op) not in COMPARES for op in node.ops):
        raise ValueError("`is` is not known here; use ==")
    steps = [_step(part) for part in (node.left, *node.comparators)]
    compares = [COMPARES[type(op)] for op in node.ops]

    def holds(values: Values) -> bool:
        found = [step(values) for step in steps]
        return all(compare(a, b) for compare, a, b in zip(compares, found, found[1:], strict=False))

    return holds


def _leaf(node: ast.AST) -> Step:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str, bool, type(None))):
        value = node.value
        return lambda values: value
    name = _name(node)
    if name is None:
        raise ValueError(f"{ast.unparse(node)} is more than names, numbers, texts, comparisons, and, or, not")
    if name in WORDS:
        known = WORDS[name]
        return lambda values: values.get(name, known)
    return lambda values: values[name]


def _name(node: ast.AST) -> str | None:
    """`lr`, or `model.lr`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _name(node.value)
        return None if before is None else f"{before}.{node.attr}"
    return None


def _number(value: Any) -> Any:
    """Only numbers are computed with: a text times a number could fill the memory."""
    if not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is not a number")
    return value
