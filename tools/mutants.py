"""A syntax tree -> its mutants: the same code with one small change each. Which they are, and what is left alone.

Another comparison, a number beside the right one, `and` for `or`, a condition turned round or left out, a statement left out, no
answer, one word fewer in a pattern. Words of messages are left as they are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

REPLACEMENTS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.And: (ast.Or,), ast.Or: (ast.And,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,), ast.Pow: (ast.Mult,), ast.Continue: (ast.Break,), ast.Break: (ast.Continue,),
}  # fmt: skip
SWAPS = {"min": "max", "any": "all", "startswith": "endswith", "lower": "upper", "search": "match", "floor": "ceil"}
SWAPS |= {new: old for old, new in SWAPS.items()}
# a cache, the making of a type: nothing that one can see depends on their arguments
UNSEEN = ("lru_cache", "cache", "dataclass", "Literal", "NamedTuple", "TypeVar")
HOLDERS = (ast.Compare, ast.Tuple, ast.List, ast.Set, ast.Dict)  # a word in them is hardly one of a message
ALTERNATIVE = re.compile(r"\|[^|()\[\]]+(?=[|)]|$)|(?<=[(:])[^|()\[\]?:]+\|")


class Mutant(NamedTuple):
    """Where the change is, the code before and after, and whether it is in the body of a function (else it acts on import)."""

    line: int
    before: str
    after: str
    in_function: bool


def generate_mutants(node: ast.AST, line: int = 0, *, in_function: bool = False) -> Iterator[Mutant]:
    """Every mutant below a node. The tree is the mutant while the caller has the item, and is put back after it."""
    if isinstance(node, (ast.Assert, ast.Raise, ast.JoinedStr)):
        return
    for field, value in ast.iter_fields(node):
        inside = in_function or (isinstance(node, ast.FunctionDef) and field == "body")
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(child, ast.AST) or field in ("annotation", "returns") or _is_unseen(child):
                continue
            at = getattr(child, "lineno", line)
            for new in _replacements(child, node, field):
                shown = node if isinstance(child, (ast.operator, ast.cmpop, ast.boolop)) else child
                before = ast.unparse(shown)
                _put(node, field, index, new)
                yield Mutant(at, before, ast.unparse(node if shown is node else new), inside)
                _put(node, field, index, child)
            yield from generate_mutants(child, at, in_function=inside)


def _put(node: ast.AST, field: str, index: int, new: ast.AST) -> None:
    value = getattr(node, field)
    if isinstance(value, list):
        value[index] = new
    else:
        setattr(node, field, new)


def _is_unseen(node: ast.AST) -> bool:
    named = node.func if isinstance(node, ast.Call) else node.value if isinstance(node, ast.Subscript) else None
    name = named.attr if isinstance(named, ast.Attribute) else named.id if isinstance(named, ast.Name) else ""
    return name in UNSEEN or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _replacements(node: ast.AST, parent: ast.AST, field: str) -> Iterator[ast.AST]:
    yield from (other() for other in REPLACEMENTS.get(type(node), ()))
    if isinstance(node, ast.Constant):
        yield from (ast.Constant(value) for value in _changed_values(node.value, parent))
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Name) and node.id in SWAPS:
        yield ast.Name(SWAPS[node.id], node.ctx)
    elif isinstance(node, ast.Attribute) and node.attr in SWAPS:
        yield ast.Attribute(node.value, SWAPS[node.attr], node.ctx)
    elif isinstance(node, (ast.Expr, ast.AugAssign, ast.Raise)):
        yield ast.Pass()
    elif isinstance(node, ast.Return) and node.value and getattr(node.value, "value", node) is not None:
        yield ast.Return(ast.Constant(None))
    asked = field == "test" or (field == "ifs" and isinstance(parent, ast.comprehension))
    if asked and isinstance(node, ast.expr) and not isinstance(node, (ast.Compare, ast.UnaryOp)):
        yield ast.UnaryOp(ast.Not(), node)
    if isinstance(parent, ast.BoolOp) and field == "values":
        yield ast.Constant(isinstance(parent.op, ast.And))  # as if it were not there


def _changed_values(value: object, parent: ast.AST) -> Iterator[bool | int | float | str]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield from ((value + 1, value - 1) if value else (1,))
    elif isinstance(value, str) and "\\" in value:
        yield from (value[: m.start()] + value[m.end() :] for m in ALTERNATIVE.finditer(value))
    elif isinstance(value, str) and " " not in value and isinstance(parent, HOLDERS):
        yield f"{value}_"
