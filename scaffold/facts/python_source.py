"""What one Python file says: imports, calls, classes, and what the module does when it is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from scaffold.facts.python_prints import PrintedPieces


class DottedName(str):
    """A dotted name where a value was asked for: `trainer_parser`, `args.seed`."""

    __slots__ = ()


def literal_text(value: object) -> str | None:
    """A value that is a text written out; None for names and all else."""
    return value if isinstance(value, str) and not isinstance(value, DottedName) else None


_NOTHING: Mapping[str, Any] = MappingProxyType({})
Value = object  # a constant, a SourceName, a tuple of values, a dict of them, or None where it is something else


class Import(NamedTuple):
    """`import module` (no names) or `from module import names`; `level` counts the leading dots."""

    module: str
    names: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    level: int = 0
    line: int = 0


class Call(NamedTuple):
    """A call by its dotted name, with those arguments that are written out."""

    name: str
    args: tuple[Value, ...] = ()
    keywords: Mapping[str, Value] = _NOTHING
    line: int = 0

    @property
    def last(self) -> str:
        """The name without what it hangs on."""
        name = self.name
        return name if "." not in name else name.rpartition(".")[2]


class Print(NamedTuple):
    """A call that prints values with text before them."""

    name: str
    pieces: PrintedPieces
    line: int


class BestValueComparison(NamedTuple):
    """`left < right` of two expressions of which one holds a best value so far; `operator` is `<` or `>`."""

    left: str
    operator: str
    right: str
    line: int


class Definition(NamedTuple):
    """A class or function: `fields` maps annotated fields or parameters to their annotation, `defaults` those that have one."""

    name: str
    line: int
    bases: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    fields: Mapping[str, str] = _NOTHING
    outer: str = ""
    defaults: Mapping[str, Value] = _NOTHING


class PythonSource(NamedTuple):
    """What one Python file says; each line number is that of the first place.

    `globals` are assigned at the top level, `names` are dotted names that hold a seed, `keys` are texts in subscripts,
    `stores` are assignments `owner["key"] = ...`, updates and dictionaries as (owner, key, line), `logged` the names that are handed to
    what logs, `prints` what is printed with text before it,
    `comparisons` those with a best value so far, `main` is the main guard and `acts` the first
    top-level work. `error` is why the file could not be parsed; then only what its lines show is there.
    """

    imports: tuple[Import, ...] = ()
    calls: tuple[Call, ...] = ()
    classes: tuple[Definition, ...] = ()
    functions: tuple[Definition, ...] = ()
    globals: Mapping[str, int] = _NOTHING
    names: Mapping[str, int] = _NOTHING
    keys: Mapping[str, int] = _NOTHING
    stores: tuple[tuple[str, str, int], ...] = ()
    logged: frozenset[str] = frozenset()
    prints: tuple[Print, ...] = ()
    comparisons: tuple[BestValueComparison, ...] = ()
    main: int | None = None
    acts: int | None = None
    doc: str = ""
    error: str | None = None

    def modules(self) -> Iterator[tuple[str, int]]:
        """Every module that is imported absolutely, dotted, with its line; `from a import b` gives `a` and `a.b`."""
        for statement in self.imports:
            if statement.level == 0:
                yield statement.module, statement.line
                for name in statement.names:
                    yield f"{statement.module}.{name}", statement.line

    def uses(self, *modules: str) -> int | None:
        """The line that imports one of `modules` or something below it; None where none is."""
        for name, line in self.modules():
            if any(name == m or name.startswith(m + ".") for m in modules):
                return line
        return None
