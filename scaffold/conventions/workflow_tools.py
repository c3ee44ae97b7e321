"""Workflow tools: files at the top whose name says it all."""

from __future__ import annotations

from collections.abc import Iterator

from scaffold.conventions.detected import DetectedValue, Occurrence, merge_occurrences
from scaffold.facts import Facts

_AT_TOP = {
    "Makefile": "make",
    "makefile": "make",
    "GNUmakefile": "make",
    "justfile": "just",
    "Justfile": "just",
    ".justfile": "just",
    "Snakefile": "snakemake",
    "workflow/Snakefile": "snakemake",
    "dvc.yaml": "dvc",
    "noxfile.py": "nox",
    "dodo.py": "doit",
    "nextflow.config": "nextflow",
    "main.nf": "nextflow",
    "MLproject": "mlproject",
    ".pre-commit-config.yaml": "pre-commit",
    ".pre-commit-config.yml": "pre-commit",
    "conf/base/catalog.yml": "kedro",
}


def detect_workflow_tools(facts: Facts) -> DetectedValue[tuple[str, ...]]:
    """The workflow tools whose file lies at the top of the work directory."""
    return merge_occurrences((*_by_name(facts), *_by_content(facts)))


def _by_name(facts: Facts) -> Iterator[Occurrence]:
    for path, tool in _AT_TOP.items():
        if facts.has(path):
            yield Occurrence(tool, path, None, path)


def _by_content(facts: Facts) -> Iterator[Occurrence]:
    tables = facts.toml_table("pyproject.toml", "tool")
    for tool in ("tox", "kedro"):
        if tool in tables:
            yield Occurrence(tool, "pyproject.toml", facts.line_of("pyproject.toml", f"[tool.{tool}"), f"[tool.{tool}]")
    for path in ("tox.ini", "setup.cfg"):
        section = next(
            (s for s in facts.ini_sections(path) if s.split(":")[0] in ("tox", "testenv") and s != "tox:pytest"),
            None,
        )
        if section:
            yield Occurrence("tox", path, facts.line_of(path, f"[{section}]"), f"[{section}]")
    if "tasks.py" in facts.texts and facts.parse("tasks.py").uses("invoke") is not None:
        yield Occurrence("invoke", "tasks.py", facts.parse("tasks.py").uses("invoke"), "import invoke")
