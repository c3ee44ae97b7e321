"""The shape of the package: rooms that can be surveyed, no circle of modules, one class for each name."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "scaffold"
MOST_MODULES = 16
# each convention and each fact about runs is a module of its own, and none belongs nearer to some of the others than to the rest
FLAT = {"scaffold/conventions", "scaffold/runs"}
# folder -> how many it may have until it is divided
TOO_FULL = {"scaffold/sweeps/launch": 18}
# what says nothing of the thing that it is called for
PRONOUNS = {"found", "there", "known", "told", "said", "one"}
# class name -> why it stands in the package more than once
NAMESAKES: dict[str, str] = {}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def test_no_folder_is_too_full_to_be_surveyed() -> None:
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in modules())
    most = {folder: TOO_FULL.get(folder, MOST_MODULES) for folder in counts}
    assert {folder: count for folder, count in counts.items() if count > most[folder] and folder not in FLAT} == {}


def test_a_class_is_known_by_its_name() -> None:
    names = Counter(
        node.name
        for path in modules()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    assert {name for name, count in names.items() if count > 1} == set(NAMESAKES)


def test_no_value_is_called_by_a_pronoun() -> None:
    """Neither in the package nor in what the template writes."""
    pronouns = []
    for path in sorted([*PACKAGE.rglob("*.py"), *(ROOT / "template").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            name = node.id if stored and isinstance(node, ast.Name) else node.arg if isinstance(node, ast.arg) else ""
            if name.strip("_") in PRONOUNS:
                pronouns.append(f"{path.relative_to(ROOT)}:{node.lineno}: {name}")  # type: ignore[attr-defined]
    assert pronouns == []


def test_a_pattern_of_many_lines_begins_none_with_white_space_that_goes_on_below() -> None:
    r"""`^\s*` goes through all blank lines below a line, from each of them: 60,000 took a minute. `^[^\S\n]*` finds the same."""
    growing = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            is_of_lines = any(
                isinstance(part, ast.Attribute) and part.attr in ("MULTILINE", "M") for part in ast.walk(node)
            )
            texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)] if is_of_lines else []
            if any(isinstance(text, str) and re.search(r"\^\\s[*+]", text) for text in texts):
                growing.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert growing == []


def drawn_rooms() -> set[str]:
    """The folders in the drawing of the house."""
    text = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    lines = text.partition("\n    scaffold/\n")[2].partition("\n\n")[0].splitlines()
    rooms, family = set(), ""
    for line in lines:
        name, slash, _ = line.strip().partition("/")
        if slash and line.startswith("        "):
            rooms.add(f"{family}/{name}")
        elif slash:
            rooms.add(family := name)
    return rooms


def test_the_drawing_of_the_house_has_each_room_and_each_module_beside_them() -> None:
    folders = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("__init__.py")} - {"."}
    assert drawn_rooms() == folders
    drawing = (
        (ROOT / "docs/design.md").read_text(encoding="utf-8").partition("\n    scaffold/\n")[2].partition("\n\n")[0]
    )
    beside = {path.stem for path in modules() if path.parent == PACKAGE} - {"__main__"}
    assert set(drawing.splitlines()[-1].split()) == beside


# two modules of a room, two rooms of a family, a module and a folder beside it
CIRCLES = (
    ("lifecycle.one", "lifecycle.two"),
    ("plan.rules.one", "plan.tasks.two"),
    ("results.stats.one", "results.stats.deeper.two"),
)


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


@pytest.mark.slow
def test_the_import_contract_finds_circles_and_data_that_flows_back(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "scaffold", ignore=shutil.ignore_patterns("__pycache__", "*.bundle"))
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    clean = lint(tmp_path)
    assert clean.returncode == 0, clean.stdout
    for pair in CIRCLES:
        for module, other in (pair, pair[::-1]):
            path = tmp_path / "scaffold" / f"{module.replace('.', '/')}.py"
            path.parent.mkdir(exist_ok=True)
            (path.parent / "__init__.py").touch()
            path.write_text(f"import scaffold.{other}\n")
    (tmp_path / "scaffold/facts/back.py").write_text("import scaffold.conventions.model\n")
    spoilt = lint(tmp_path)
    assert spoilt.returncode == 1
    assert "scaffold.facts.back -> scaffold.conventions.model" in spoilt.stdout
    for folder in ("lifecycle", "plan", "results.stats"):
        assert f"No cycles are allowed in scaffold.{folder}." in spoilt.stdout, spoilt.stdout
