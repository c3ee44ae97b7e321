"""A call that prints -> what it prints: text and the expressions between it, as far as they are written out."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

# what writes lines for people, whatever object it hangs on
PRINTERS = frozenset(
    (
        "print",
        "info",
        "warning",
        "write",
        "echo",
        "print0",
        "print_0",
        "log0",
        "rprint",
        "printf",
        "master_print",
        "log",
        "critical",
        "progress_bar",
    )
)
# what draws a progress bar: its keywords are shown as NAME=VALUE
POSTFIX = "set_postfix"
# what logs one value under one name: what it is given stands for a mapping of that name
_ONE_VALUE = frozenset(("add_scalar", "log_metric", "log_scalar", "scalar", "record", "logkv"))
_DESCRIPTIONS = ("set_description", "set_postfix_str", "set_description_str")
_PERCENT = re.compile(r"%(?:\((?P<key>\w+)\))?[-+ #0]*\d*(?:\.\d+)?(?P<kind>[a-zA-Z%])")
_BRACES = re.compile(r"\{(?P<name>[\w.\[\]]*)(?:![rsa])?(?::(?P<spec>[^{}]*))?\}")


class PrintedField(NamedTuple):
    """A value in printed text: its expression as it stands in the code (empty where it is long), and its format."""

    expression: str
    spec: str


# text and values in the order in which they are printed
PrintedPieces = tuple[str | PrintedField, ...]


def is_print_function(last_name: str) -> bool:
    """Whether a function of this name prints, logs, or draws a progress bar."""
    begins = last_name.startswith(("print_", "set_postfix", "set_description"))
    return last_name in PRINTERS or last_name in _ONE_VALUE or begins or last_name.endswith("_print")


def printed_pieces(call: ast.Call, last_name: str) -> PrintedPieces:
    """What a call prints; empty where no value with text before it is written out."""
    if last_name == POSTFIX:
        shown = [*((k.arg, k.value) for k in call.keywords if k.arg), *_items(call.args[0] if call.args else None)]
        return tuple(piece for name, value in shown for piece in (f" {name}=", _field(value)))
    pieces: list[str | PrintedField] = []
    rest = list(call.args)
    if last_name in _ONE_VALUE or (last_name == "log" and len(rest) > 1):
        name = rest[0].value if rest and isinstance(rest[0], ast.Constant) else None
        return (f" \x00{name}\x00: ", _field(rest[1])) if isinstance(name, str) and len(rest) > 1 else ()
    first = rest[0].value if len(rest) > 1 and isinstance(rest[0], ast.Constant) else None
    if isinstance(first, str) and "%" in first:
        pieces += _percent(first, rest[1:])
    elif isinstance(first, str) and "{}" in first:
        pieces += _braces(first, rest[1:], [])  # loguru
    else:
        for index, argument in enumerate(rest):
            pieces += ([" "] if index else []) + _pieces(argument)
    merged = _merge_texts(pieces)
    return merged if any(isinstance(piece, PrintedField) for piece in merged) else ()


def _merge_texts(pieces: list[str | PrintedField]) -> PrintedPieces:
    merged: list[str | PrintedField] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece != "":
            merged.append(piece)
    return tuple(merged)


def _pieces(node: ast.AST) -> list[str | PrintedField]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        return [piece for value in node.values for piece in _joined(value)]
    if isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
        if isinstance(node.op, ast.Mod):
            values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
            return _percent(node.left.value, list(values))
        return [*_pieces(node.left), *_pieces(node.right)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_pieces(node.left), *_pieces(node.right)]
    if isinstance(node, ast.Call):
        return _call_pieces(node)
    if isinstance(node, ast.Dict):
        return _dict_pieces(node)
    return [_field(node)]


def _joined(value: ast.expr) -> list[str | PrintedField]:
    if not isinstance(value, ast.FormattedValue):
        return [str(value.value)] if isinstance(value, ast.Constant) else []
    spec = value.format_spec.values if isinstance(value.format_spec, ast.JoinedStr) else []
    return [_field(value.value, "".join(str(part.value) for part in spec if isinstance(part, ast.Constant)))]


def _call_pieces(node: ast.Call) -> list[str | PrintedField]:
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr == "format" and isinstance(function.value, ast.Constant):
        return _braces(str(function.value.value), node.args, node.keywords)
    if (
        isinstance(function, ast.Attribute)
        and function.attr == "dumps"
        and node.args
        and isinstance(node.args[0], ast.Dict)
    ):
        return _dict_pieces(node.args[0])
    if isinstance(function, ast.Name) and function.id == "str" and node.args:
        return _pieces(node.args[0])
    return [_field(node)]


def _dict_pieces(node: ast.Dict) -> list[str | PrintedField]:
    return [piece for name, value in _items(node) for piece in (f" \x00{name}\x00: ", _field(value))]


def _items(node: ast.AST | None) -> list[tuple[str, ast.expr]]:
    if not isinstance(node, ast.Dict):
        return []
    return [
        (k.value, v)
        for k, v in zip(node.keys, node.values, strict=True)
        if isinstance(k, ast.Constant) and isinstance(k.value, str)
    ]


def _percent(text: str, values: list[ast.expr]) -> list[str | PrintedField]:
    pieces: list[str | PrintedField] = []
    start, remaining = 0, list(values)
    named = dict(_items(values[0])) if len(values) == 1 else {}
    for match in _PERCENT.finditer(text):
        pieces.append(text[start : match.start()])
        start = match.end()
        if match["kind"] == "%":
            pieces.append("%")
        else:
            value = named.get(match["key"]) if match["key"] else remaining.pop(0) if remaining else None
            pieces.append(_field(value, match[0][1:]))
    return [*pieces, text[start:]]


def _braces(text: str, values: list[ast.expr], keywords: list[ast.keyword]) -> list[str | PrintedField]:
    pieces: list[str | PrintedField] = []
    start = 0
    named = {k.arg: k.value for k in keywords}
    for index, match in enumerate(_BRACES.finditer(text)):
        pieces.append(text[start : match.start()])
        start = match.end()
        place = int(match["name"]) if match["name"].isdecimal() else index
        value = named.get(match["name"]) or (values[place] if place < len(values) else None)
        pieces.append(_field(value, match["spec"] or ""))
    return [*pieces, text[start:]]


def _field(node: ast.AST | None, spec: str = "") -> PrintedField:
    try:
        text = ast.unparse(node) if node is not None else ""
    except (ValueError, RecursionError):
        text = ""
    return PrintedField(text if len(text) <= 80 else "", spec)
