"""Write `scaffold/runs/manifest_check.py`: the schema of manifests as code, made by fastjsonschema, so that no command has to compile it.

usage: python -m tools.manifest_check

Run it whenever `run_manifest.schema.json` has changed; a test sees to it. Why not compile at run time? That takes as long as a whole
`runs list`: the import of the library, and 40 ms for the schema.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import fastjsonschema

from scaffold.runs import recorder

FILE = Path(__file__).parent.parent / "scaffold" / "runs" / "manifest_check.py"
HEADER = '''"""Made from `run_manifest.schema.json` by `python -m tools.manifest_check`, and not to be edited."""

# mypy: ignore-errors
import re

from scaffold.runs.schema_violation import SchemaViolation

'''
# what the library's code imports and we do not: JSON holds no Decimal, and one exception is enough
REPLACED = ("Decimal", "JsonSchemaValuesException")


def main() -> None:
    """Write the module."""
    FILE.write_text(module_text(), encoding="utf-8")


def module_text() -> str:
    """The module's text, which depends on nothing but the schema and the library."""
    schema = json.loads((recorder.recorder_source_directory() / "run_manifest.schema.json").read_bytes())
    code = fastjsonschema.compile_to_code(read_tolerantly(schema), use_default=False)
    tree = ast.parse(code)
    body = [node for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom)) and not _is_version(node)]
    module = Shortened().visit(ast.Module(body=body, type_ignores=[]))
    return HEADER + ast.unparse(ast.fix_missing_locations(module)) + "\n"


def read_tolerantly(part: Any) -> Any:
    """A schema that lets fields pass which it does not name: a newer recorder may write more. What it says to people is left out."""
    if isinstance(part, dict):
        return {
            key: read_tolerantly(value)
            for key, value in part.items()
            if (key, value) != ("additionalProperties", False) and not (key == "description" and isinstance(value, str))
        }
    return [read_tolerantly(item) for item in part] if isinstance(part, list) else part


def _is_version(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "VERSION"


class Shortened(ast.NodeTransformer):
    """The library's code with an exception of ours, which knows no sentence and no definition: a fifth of the text."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.args = ast.arguments(
            posonlyargs=[], args=[ast.arg("data", ast.Name("object"))], kwonlyargs=[], kw_defaults=[], defaults=[]
        )
        node.returns = ast.Name("object")
        self.generic_visit(node)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        return ast.Constant("") if ast.unparse(node) == "name_prefix or 'data'" else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        left, right = node.left, node.right
        if isinstance(node.op, ast.Add) and isinstance(left, ast.Constant) and left.value == "":
            return right
        return left if isinstance(node.op, ast.Add) and isinstance(right, ast.Constant) and right.value == "" else node

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        names = [element for element in node.elts if ast.unparse(element) not in REPLACED]
        node.elts = [self.visit(element) for element in names]
        return node.elts[0] if len(names) == 1 else node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name("SchemaViolation") if node.id == "JsonSchemaValueException" else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if ast.unparse(node.func) == "JsonSchemaValueException":
            parts = {keyword.arg: keyword.value for keyword in node.keywords}
            is_required = ast.unparse(parts["rule"]) == "'required'"
            node.args = [parts["name"], parts["value"]]
            if is_required:
                required = ast.literal_eval(parts["definition"])["required"]
                node.args.append(ast.Tuple([ast.Constant(name) for name in required]))
            node.keywords = []
        self.generic_visit(node)
        return node


if __name__ == "__main__":
    main()
