"""Python text -> PythonSource, by its syntax tree; nothing is executed."""

from __future__ import annotations

import ast
import re
import warnings

from scaffold.facts.python_bindings import NameBindings, dict_literal_keys
from scaffold.facts.python_prints import is_print_function, printed_pieces
from scaffold.facts.python_source import (
    BestValueComparison,
    Call,
    Definition,
    DottedName,
    Import,
    Print,
    PythonSource,
    Value,
)
from scaffold.facts.quick_scan import scan_unparsable_python

_SETUP_CALLS = re.compile(
    r"^(warnings|logging|logger|sys\.path|os\.environ|matplotlib|plt\.rc|torch\.set|jax\.config|register|__all__|dotenv|load_dotenv)"
)


def parse_python_source(text: str) -> PythonSource:
    """Read one file. A file that does not parse gives a PythonSource with `error` and what its lines still show."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return scan_unparsable_python(text, f"{type(error).__name__}: {error}")
    try:
        return _ModuleVisitor().read(tree)
    except RecursionError as error:
        return scan_unparsable_python(text, f"RecursionError: {error}")


def format_dotted_name(node: ast.AST) -> str:
    """`a.b.c` of a name, an attribute chain, or a call's result; empty for anything else."""
    names = []
    while True:
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            break
    if isinstance(node, ast.Name):
        names.append(node.id)
    elif not names:
        return ""
    return ".".join(reversed(names))


def evaluate_literal(node: ast.AST | None) -> Value:
    """A literal's value, a SourceName for a name, None for what is only known when it runs."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.Name, ast.Attribute)):
        return DottedName(format_dotted_name(node))
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return tuple(evaluate_literal(e) for e in node.elts)
    if isinstance(node, ast.Dict):
        return {
            k.value: evaluate_literal(v)
            for k, v in zip(node.keys, node.values, strict=True)
            if isinstance(k, ast.Constant)
        }
    if isinstance(node, ast.IfExp):  # one of two, by what is only known when it runs
        return evaluate_literal(node.body), evaluate_literal(node.orelse)
    if isinstance(node, ast.JoinedStr):
        pieces = [str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values]
        return "".join(pieces)
    return None


def _has_default(node: ast.expr | None) -> bool:
    """Whether a field's value gives it a default: `field(metadata=...)` alone gives none, and neither does `MISSING`."""
    if isinstance(node, ast.Call) and format_dotted_name(node.func).rpartition(".")[2] in ("field", "Field"):
        keywords = {k.arg for k in node.keywords}
        return bool(keywords & {"default", "default_factory"}) or any(
            not (isinstance(a, ast.Constant) and a.value is ...) for a in node.args
        )
    return node is not None and format_dotted_name(node).rpartition(".")[2] != "MISSING"


def _is_main_guard(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and {"__name__", "__main__"}
        <= {getattr(n, "id", getattr(n, "value", None)) for n in (node.test.left, *node.test.comparators)}
    )


def _acts(node: ast.stmt) -> bool:
    """Whether a top-level statement does work when the module is run, beyond defining and setting up."""
    if isinstance(node, (ast.For, ast.While, ast.With)):
        return True
    if isinstance(node, ast.If):
        return not _is_main_guard(node) and any(_acts(s) for s in node.body)
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and not _SETUP_CALLS.match(format_dotted_name(node.value.func))
    )


_ORDER: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<", ast.Gt: ">", ast.GtE: ">"}
_BEST = re.compile(
    r"(?i)(?:^|[._])best|(?:^|[._])(?:min|lowest|max|highest)_\w*(?:loss|acc|score|error|metric|reward|return|bpb|ppl)"
)


def _is_best(node: ast.expr) -> bool:
    """Whether an expression is called a best value: `best_acc`, `state["best_acc"]`."""
    key = node.slice if isinstance(node, ast.Subscript) else None
    text = key.value if isinstance(key, ast.Constant) else None
    return _BEST.search(text if isinstance(text, str) else format_dotted_name(node)) is not None


# what takes numbers under names, by a name and a value or by a dictionary
_LOGGERS = frozenset(
    (
        *(
            "log",
            "log_metrics",
            "log_dict",
            "log_metric",
            "log_scalar",
            "save_metrics",
            "write_scalars",
            "add_scalar",
            "add_scalars",
        ),
        *(
            "scalar",
            "record",
            "record_mean",
            "logkv",
            "logkv_mean",
            "report",
            "report_scalar",
            "log_tabular",
            "write",
            "add",
        ),
    )
)
# nodes with nothing below them
_OPERATORS = (kind for base in (ast.operator, ast.unaryop, ast.cmpop, ast.boolop) for kind in base.__subclasses__())
_LEAVES = frozenset((ast.Name, ast.Constant, ast.Load, ast.Store, ast.Del, ast.alias, ast.Pass, ast.Break, *_OPERATORS))


class _ModuleVisitor:
    """One walk over a module's tree."""

    def __init__(self) -> None:
        self.imports: list[Import] = []
        self.calls: list[Call] = []
        self.classes: list[Definition] = []
        self.functions: list[Definition] = []
        self.names: dict[str, int] = {}
        self.keys: dict[str, int] = {}
        self.stores: list[tuple[str, str, int]] = []
        self.prints: list[Print] = []
        self.comparisons: list[BestValueComparison] = []
        self.bindings = NameBindings()
        # what is logged under names that the whole module spells out: calls with their keys, keys of owners
        self.open_calls: list[tuple[Call, tuple[ast.expr, ...]]] = []
        self.open_stores: list[tuple[str, ast.expr, int]] = []
        self.assigned: list[tuple[str, str, int]] = []
        self.logged: set[str] = set()

    def read(self, tree: ast.Module) -> PythonSource:
        self._walk(tree, "")
        self._spell_out_names()
        assigned = [s for s in tree.body if isinstance(s, (ast.Assign, ast.AnnAssign))]
        targets = [(t, s.lineno) for s in assigned for t in (s.targets if isinstance(s, ast.Assign) else [s.target])]
        return PythonSource(
            imports=tuple(self.imports),
            calls=tuple(self.calls),
            classes=tuple(self.classes),
            functions=tuple(self.functions),
            globals={t.id: line for t, line in targets if isinstance(t, ast.Name)},
            names=self.names,
            keys=self.keys,
            stores=tuple(self.stores),
            logged=frozenset(self.logged),
            prints=tuple(self.prints),
            comparisons=tuple(self.comparisons),
            main=next((s.lineno for s in tree.body if _is_main_guard(s)), None),
            acts=next((s.lineno for s in tree.body if _acts(s)), None),
            doc=ast.get_docstring(tree, clean=False) or "",
        )

    def _spell_out_names(self) -> None:
        """Add what is logged under names and f-strings of a few texts, and dictionaries that are logged after they are built."""
        for call, keys in self.open_calls:
            names = [text for key in keys for text in self.bindings.spell_out(key)]
            if names and isinstance(call.args[0], dict):
                self.calls.append(call._replace(args=(dict.fromkeys(names),)))
            else:
                self.calls += [call._replace(args=(name, *call.args[1:])) for name in names]
        for owner, key, line in self.open_stores:
            self.stores += [(owner, name, line) for name in self.bindings.spell_out(key)]
        self.stores += [row for row in self.assigned if row[0] in self.logged or row[0].endswith("metrics")]

    def _walk(self, node: ast.AST, outer: str) -> None:
        """Visit what lies below a node; by hand, since `ast.iter_child_nodes` takes twice as long."""
        for name in node._fields:
            child = getattr(node, name, None)
            if child.__class__ is list:
                for item in child:
                    if isinstance(item, ast.AST) and item.__class__ not in _LEAVES:
                        self._visit(item, outer)
            elif isinstance(child, ast.AST) and child.__class__ not in _LEAVES:
                self._visit(child, outer)

    def _visit(self, node: ast.AST, outer: str) -> None:
        inner = outer
        if isinstance(node, ast.Call):
            self._call(node)
        elif isinstance(node, ast.Attribute):
            if "seed" in node.attr.lower():
                self.names.setdefault(format_dotted_name(node), node.lineno)
        elif isinstance(node, ast.Subscript):
            self._subscript(node)
        elif isinstance(node, ast.Compare):
            self._comparison(node)
        elif isinstance(node, (ast.Assign, ast.For, ast.comprehension)):
            self._binding(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node)
        elif isinstance(node, ast.ClassDef):
            self._class(node, outer)
            inner = f"{outer}.{node.name}" if outer else node.name
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self._function(node, outer)
        self._walk(node, inner)

    def _call(self, node: ast.Call) -> None:
        name = format_dotted_name(node.func)
        if name:
            keywords = {k.arg: evaluate_literal(k.value) for k in node.keywords if k.arg}
            for keyword in node.keywords:
                if keyword.arg:
                    self.bindings.add_value(keyword.arg, keyword.value)
            self.calls.append(
                Call(name=name, args=tuple(evaluate_literal(a) for a in node.args), keywords=keywords, line=node.lineno)
            )
            last = name.rpartition(".")[2]
            if (node.args or node.keywords) and is_print_function(last) and (pieces := printed_pieces(node, last)):
                self.prints.append(Print(name, pieces, node.lineno))

            if last in _LOGGERS or last == "update":
                self._logging_call(node, self.calls[-1])
            if last in ("max", "min") and len(node.args) == 2:
                first_is_best = _is_best(node.args[0])
                value, best = reversed(node.args) if first_is_best else node.args
                self._compare_sides("<" if last == "min" else ">", value, best, node.lineno)

    def _logging_call(self, node: ast.Call, call: Call) -> None:
        """What a call logs under names that are not written out, or takes up for later: `metrics.update(...)`."""
        self.logged.update(argument.id for argument in node.args if isinstance(argument, ast.Name))
        first = node.args[0] if node.args else None
        if call.last == "update":
            owner = call.name.rpartition(".")[0]
            self.stores += [(owner, keyword.arg, node.lineno) for keyword in node.keywords if keyword.arg]
            for key in dict_literal_keys(first) if first is not None else ():
                self._store(owner, key, node.lineno)
        elif isinstance(first, (ast.JoinedStr, ast.Name)):
            self.open_calls.append((call, (first,)))
        elif isinstance(first, ast.Dict):
            keys = tuple(key for key in dict_literal_keys(first) if not isinstance(key, ast.Constant))
            if keys:
                self.open_calls.append((call, keys))

    def _binding(self, node: ast.Assign | ast.For | ast.comprehension) -> None:
        if not isinstance(node, ast.Assign):
            self.bindings.add_member(node.target, node.iter)
            return
        self.bindings.add_assignment(node.targets, node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                for key in dict_literal_keys(node.value):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        self.assigned.append((target.id, key.value, key.lineno))

    def _store(self, owner: str, key: ast.expr, line: int) -> None:
        if isinstance(key, ast.Constant):
            if isinstance(key.value, str):
                self.stores.append((owner, key.value, line))
        elif isinstance(key, (ast.JoinedStr, ast.Name)):
            self.open_stores.append((owner, key, line))

    def _comparison(self, node: ast.Compare) -> None:
        if isinstance(node.ops[0], ast.In):
            self.bindings.add_member(node.left, node.comparators[0])
        operator = _ORDER.get(type(node.ops[0]))
        if operator and len(node.ops) == 1:
            self._compare_sides(operator, node.left, node.comparators[0], node.lineno)

    def _compare_sides(self, operator: str, left: ast.expr, right: ast.expr, line: int) -> None:
        """Keep a comparison with a best value; `max(best, value)` is `value > best`."""
        if _is_best(left) or _is_best(right):
            self.comparisons.append(BestValueComparison(ast.unparse(left), operator, ast.unparse(right), line))

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            self.imports += [Import(module=a.name, aliases=(a.asname or a.name,), line=node.lineno) for a in node.names]
            return
        names = tuple(a.name for a in node.names)
        aliases = tuple(a.asname or a.name for a in node.names)
        self.imports.append(
            Import(module=node.module or "", names=names, aliases=aliases, level=node.level, line=node.lineno)
        )

    def _class(self, node: ast.ClassDef, outer: str) -> None:
        annotated = [
            (s.target.id, s) for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)
        ]
        self.classes.append(
            Definition(
                name=node.name,
                line=node.lineno,
                bases=tuple(format_dotted_name(b) for b in node.bases),
                decorators=tuple(format_dotted_name(d) for d in node.decorator_list),
                fields={name: ast.unparse(s.annotation) for name, s in annotated},
                outer=outer,
                defaults={name: evaluate_literal(s.value) for name, s in annotated if _has_default(s.value)},
            )
        )

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, outer: str) -> None:
        positional = [*node.args.posonlyargs, *node.args.args]
        parameters = [*positional, *node.args.kwonlyargs]
        with_default = [
            *zip(reversed(positional), reversed(node.args.defaults), strict=False),
            *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
        ]
        for argument, default in with_default:
            if default is not None:
                self.bindings.add_value(argument.arg, default)
        self.functions.append(
            Definition(
                name=node.name,
                line=node.lineno,
                decorators=tuple(format_dotted_name(d) for d in node.decorator_list),
                fields={a.arg: "" for a in parameters},
                outer=outer,
                defaults={a.arg: evaluate_literal(d) for a, d in with_default if d is not None},
            )
        )

    def _subscript(self, node: ast.Subscript) -> None:
        key = node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            self.keys.setdefault(key.value, node.lineno)
        if isinstance(node.ctx, ast.Store):
            self._store(format_dotted_name(node.value), key, node.lineno)
