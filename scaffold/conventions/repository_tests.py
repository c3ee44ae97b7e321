"""How the repository tests itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from scaffold.conventions.detected import DetectedValue, Occurrence, merge_occurrences
from scaffold.facts import Facts, paths

_TEST_FUNCTION = re.compile(r"^(?:  |    |\t)?(?:async )?def test_?\w*\(", re.MULTILINE)
_TEST_CASE = re.compile(
    r"^class \w+\(.*\b(?:TestCase|\w*Test)\b.*\):|^[^\S\n]*unittest\.main\(|absltest\.main\(|tf\.test\.main\(",
    re.MULTILINE,
)
_RUNS_PYTEST = re.compile(r"(^|\s)(py\.?test)(\s|$)")


_RUN_BY_NAME = {"tests/testthat.R": "testthat", "test/runtests.jl": "Pkg.test", "tests/tinytest.R": "tinytest"}
_DEEPEST = 4


def find_test_files(facts: Facts) -> list[str]:
    """Python files that hold tests: named as such, and with a test in them."""
    named = [
        p for p in facts.read_files("python") if facts.is_test(p) and not paths.is_documentation(p) and _is_test_name(p)
    ]
    return [p for p in named if _TEST_FUNCTION.search(facts.texts[p]) or _TEST_CASE.search(facts.texts[p])]


def _is_test_name(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith("test") or name.endswith(("_test.py", "_tests.py"))


def detect_test_folders(facts: Facts) -> DetectedValue[tuple[str, ...]]:
    """The topmost folders named for tests that hold test files; for tests beside the code, the folder they share."""
    folders: list[Occurrence] = []
    beside: list[str] = []
    for path in find_test_files(facts):
        pieces = path.split("/")[:-1]
        at = next((n for n, p in enumerate(pieces) if p.lower() in paths.TESTS), None)
        if at is None:
            beside.append(path)
        else:
            folders.append(Occurrence("/".join(pieces[: at + 1]), path, None, path))
    if beside and not folders:
        shared = posixpath.commonpath([p.rpartition("/")[0] for p in beside])
        folders += [Occurrence(shared or p, p, None, p) for p in beside]
    if not beside and not folders:
        folders = [
            Occurrence(hit.path.rpartition("/")[0] or ".", hit.path, None, hit.path) for hit in _other_languages(facts)
        ]
    declared = _declared(facts)
    folders = [Occurrence(d, h.path) for h in folders for d in declared if h.path.startswith(f"{d}/")] or folders
    near = [hit for hit in folders if paths.count_path_parts(hit.value) <= 2]
    return merge_occurrences(near or [hit for hit in folders if paths.count_path_parts(hit.value) <= _DEEPEST])


def _other_languages(facts: Facts) -> list[Occurrence]:
    """The test runners of R, Julia and Nextflow, by the files that they look for."""
    runners = [Occurrence(name, path) for path, name in _RUN_BY_NAME.items() if facts.has(path)]
    if not runners and (tests := [p for p in facts.files_below("tests/testthat") if p.endswith(".R")]):
        runners = [Occurrence("testthat", tests[0].replace("/testthat/", "/"), None, tests[0])]
    nextflow = [p for p in facts.notable if p.endswith(".nf.test")]
    return runners + [Occurrence("nf-test", p) for p in nextflow[:5]]


def _declared(facts: Facts) -> list[str]:
    """The folders that pytest is told to look in, `testpaths` of pyproject.toml; one that has no tests is passed over."""
    options = facts.toml_table("pyproject.toml", "tool", "pytest", "ini_options")
    test_paths = options.get("testpaths", ())
    names = test_paths.split() if isinstance(test_paths, str) else test_paths
    return [p.strip("/").removeprefix("./") for p in names if isinstance(p, str)]


def detect_test_runner(facts: Facts) -> DetectedValue[str | None]:
    """pytest where it is configured, imported, called, or its style is used; else unittest; None without tests."""
    files = find_test_files(facts)
    if not files and (other := _other_languages(facts)):
        return DetectedValue(other[0].value, (other[0].evidence,))
    if not detect_test_folders(facts).value:
        return DetectedValue(None)
    for hit in (*_configured(facts), *_called(facts), *_imported(facts)):
        return DetectedValue("pytest", (hit.evidence,))
    cases = [p for p in files if _TEST_CASE.search(facts.texts[p])]
    if cases:
        match = _TEST_CASE.search(facts.texts[cases[0]])
        text = match[0].strip() if match else ""
        return DetectedValue(
            "unittest", (Occurrence("unittest", cases[0], facts.line_of(cases[0], text), text).evidence,)
        )
    return DetectedValue("pytest", (Occurrence("pytest", files[0], None, "test functions without a class").evidence,))


def _configured(facts: Facts) -> Iterator[Occurrence]:
    if "pytest" in facts.toml_table("pyproject.toml", "tool"):
        yield Occurrence("pytest", "pyproject.toml", facts.line_of("pyproject.toml", "[tool.pytest"), "[tool.pytest]")
    for path, section in (("setup.cfg", "tool:pytest"), ("tox.ini", "pytest"), ("pytest.ini", "pytest")):
        if section in facts.ini_sections(path):
            yield Occurrence("pytest", path, facts.line_of(path, f"[{section}]"), f"[{section}]")
    for path in facts.notable:
        if path.endswith("conftest.py") and not paths.is_vendored(path.rpartition("/")[0]):
            yield Occurrence("pytest", path, None, "conftest.py")


def _called(facts: Facts) -> Iterator[Occurrence]:
    for command in (*facts.shell_commands, *facts.shown_commands):
        if _RUNS_PYTEST.search(" ".join(command.words[:5])) and command.words[0] not in ("pip", "echo", "conda"):
            yield Occurrence("pytest", command.path, command.line, command.text)
    for path in facts.read_files("config"):
        if path.startswith(".github/workflows/"):
            match = re.search(
                r"^[^\S\n]*(?:(?:-\s*)?run:\s*)?(?:\|\s*)?((?:[\w./-]+ ){0,4}pytest\b.*)$",
                facts.texts[path],
                re.MULTILINE,
            )
            if match and "install" not in match[1]:
                yield Occurrence("pytest", path, facts.line_of(path, match[1]), match[1].strip())


def _imported(facts: Facts) -> Iterator[Occurrence]:
    for path in find_test_files(facts):
        if re.search(r"^[^\S\n]*(import pytest|from pytest)", facts.texts[path], re.MULTILINE):
            yield Occurrence("pytest", path, facts.line_of(path, "pytest"), "import pytest")
