"""Python text -> what its lines show without parsing: far faster, for a first look, and all there is of a file that does not parse."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scaffold.facts.python_source import Call, Import, PythonSource

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]+)|import[ \t]+([\w., \t]+))", re.MULTILINE
)


def scan_imports(text: str) -> Iterator[Import]:
    """The import statements of a file as its lines show them: far faster than parsing, and good enough to follow them."""
    for match in _IMPORT.finditer(text) if "import" in text else ():
        line = text.count("\n", 0, match.start()) + 1
        dots, module, names, plain = match.groups()
        if plain is not None:
            yield from (Import(module=m.split()[0], line=line) for m in plain.split(",") if m.strip())
        else:
            listed = re.sub(r"#[^\n]*|[()\\]", " ", names).split(",")
            imported = tuple(n.split()[0] for n in listed if n.strip())
            yield Import(module=module, names=imported, level=len(dots), line=line)


def import_lines(text: str) -> str:
    """The lines of a file that hold the word `import`, whole statements, commented ones too: where a cheap look for a module
    looks. It may hold more than the statements, never less."""
    statements = []
    at = text.find("import")
    while at >= 0:
        start = text.rfind("\n", 0, at) + 1
        while text.endswith(("\\\n", "\\\r\n"), 0, start):
            start = text.rfind("\n", 0, start - 1) + 1
        end = _end_of_statement(text, at)
        statements.append(text[start:end])
        at = text.find("import", end)
    return "\n".join(statements)


def _end_of_statement(text: str, at: int) -> int:
    """Where the line ends on which a statement that goes on at `at` ends: parentheses and backslashes continue it."""
    end = _end_of_line(text, at)
    if "(" in text[at:end]:
        close = text.find(")", at)
        while close >= 0 and "#" in text[text.rfind("\n", 0, close) + 1 : close]:
            close = text.find(")", close + 1)
        end = _end_of_line(text, max(close, at)) if close >= 0 else len(text)
    while end < len(text) and text[at:end].rstrip("\r").endswith("\\"):
        end = _end_of_line(text, end + 1)
    return end


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


_MAIN_GUARD = re.compile(r"^if\s+__name__\s*==", re.MULTILINE)
_MAIN_GUARD_OR_APP = re.compile(r"^if\s+__name__\s*==|^[^\S\n]*(?:absl\.)?app\.run\(", re.MULTILINE)


def main_guard_line(text: str) -> int | None:
    """The line of a module's main guard."""
    return _line(_MAIN_GUARD, text) if "__name__" in text else None


def find_main_start_line(text: str) -> int | None:
    """The line at which a module begins its work when it is run: its main guard, or the `app.run(...)` of absl."""
    return _line(_MAIN_GUARD_OR_APP, text) if "__name__" in text or "app.run" in text else None


def _line(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.search(text)
    return text.count("\n", 0, match.start()) + 1 if match else None


_TESTS = re.compile(
    r"^[^\S\n]*def test_|^[^\S\n]*(?:import|from) (?:unittest|pytest|absl\.testing)\b|TestCase", re.MULTILINE
)


def is_experiment_script(text: str) -> bool:
    """Whether a module reads a command line, trains, and has no test in it."""
    return "ArgumentParser(" in text and ".backward(" in text and not _TESTS.search(text)


_FIRST_STRING = re.compile(r"""[\s\\;]*(?:#[^\n]*\n[\s\\;]*)*\(*\s*[rRuUbBfF]{0,2}(\"\"\"|'''|"|')""")


def scan_docstring(text: str) -> str:
    """The first thing of a file where that is a string, its quotes included: a first look at what its docstring may hold."""
    match = _FIRST_STRING.match(text)
    if match is None:
        return ""
    end = text.find(match[1], match.end())
    while end >= 0 and text[end - 1] == "\\":
        end = text.find(match[1], end + 1)
    return text[match.start(1) :] if end < 0 else text[match.start(1) : end + len(match[1])]


def scan_unparsable_python(text: str, error: str) -> PythonSource:
    """What is left of a file that is not Python 3: its imports, its options and its main guard."""
    options = [
        Call(name="parser.add_argument", args=(m[1],), line=text.count("\n", 0, m.start()) + 1)
        for m in re.finditer(r"""\.add_argument\(\s*['"](--[\w-]+)['"]""", text)
    ]
    return PythonSource(
        imports=tuple(scan_imports(text)), calls=tuple(options), main=main_guard_line(text), error=error
    )
