"""Workflow tools and agent guides: files whose name says it all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scaffold.conventions.detected import Detected, Occurrence, collect
from scaffold.facts import Facts, paths
from scaffold.facts.config_formats import parse_ini, parse_toml, subtable

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
_GUIDE = re.compile(
    r"(^|/)(AGENTS?\.md|AGENTS\.override\.md|CLAUDE(\.local)?\.md|GEMINI\.md|QWEN\.md|WARP\.md|\.cursorrules|\.windsurfrules|\.clinerules|\.goosehints|\.roorules)$"
    r"|(^|/)\.github/(copilot-instructions\.md|instructions/[^/]+\.md)$|(^|/)\.cursor/rules/[^/]+\.mdc?$|(^|/)\.junie/guidelines\.md$|(^|/)\.clinerules/[^/]+$",
    re.IGNORECASE,
)


def workflow(facts: Facts) -> Detected[tuple[str, ...]]:
    """The workflow tools whose file lies at the top of the work directory."""
    return collect((*_by_name(facts), *_by_content(facts)))


def _by_name(facts: Facts) -> Iterator[Occurrence]:
    for path, tool in _AT_TOP.items():
        if facts.has(path):
            yield Occurrence(tool, path, None, path)


def _by_content(facts: Facts) -> Iterator[Occurrence]:
    tables = subtable(parse_toml(facts.texts.get("pyproject.toml", "")), "tool")
    for tool in ("tox", "kedro"):
        if tool in tables:
            yield Occurrence(tool, "pyproject.toml", facts.line_of("pyproject.toml", f"[tool.{tool}"), f"[tool.{tool}]")
    for path in ("tox.ini", "setup.cfg"):
        section = next(
            (
                s
                for s in parse_ini(facts.texts.get(path, ""))
                if s.split(":")[0] in ("tox", "testenv") and s != "tox:pytest"
            ),
            None,
        )
        if section:
            yield Occurrence("tox", path, facts.line_of(path, f"[{section}]"), f"[{section}]")
    if "tasks.py" in facts.texts and facts.parse("tasks.py").uses("invoke") is not None:
        yield Occurrence("invoke", "tasks.py", facts.parse("tasks.py").uses("invoke"), "import invoke")


def agent_guides(facts: Facts) -> Detected[tuple[str, ...]]:
    """AGENTS.md, CLAUDE.md and their like, at any depth, links included."""
    named = (p for p in facts.notable if ("." in p and _GUIDE.search(p)))
    return collect(
        Occurrence(p, p, None, p.rpartition("/")[2]) for p in named if not paths.is_vendored(p.rpartition("/")[0])
    )
