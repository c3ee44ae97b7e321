"""Workflow tools and agent guides."""

from __future__ import annotations

import pytest

from scaffold.conventions.agent_guides import agent_guides
from scaffold.conventions.workflow_tools import detect_workflow_tools
from scaffold.facts.model import facts_from_texts


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ({"Makefile": "all:\n", ".pre-commit-config.yaml": "repos: []\n"}, ("make", "pre-commit")),
        ({"docs/Makefile": "html:\n"}, ()),
        ({"workflow/Snakefile": "rule all:\n"}, ("snakemake",)),
        ({"dvc.yaml": "stages: {}\n", "noxfile.py": "import nox\n"}, ("dvc", "nox")),
        ({"tox.ini": "[tox]\nenvlist = py\n"}, ("tox",)),
        ({"tox.ini": "[flake8]\nmax-line-length = 100\n"}, ()),
        ({"tasks.py": "from invoke import task\n"}, ("invoke",)),
        ({"tasks.py": "def task(): ...\n"}, ()),
        (
            {"justfile": "test:\n", "MLproject": "name: x\n", "dodo.py": "x = 1\n", "main.nf": ""},
            ("doit", "just", "mlproject", "nextflow"),
        ),
        ({"pyproject.toml": "[tool.kedro]\npackage_name = 'x'\n"}, ("kedro",)),
    ],
)
def test_the_tools_whose_file_lies_at_the_top(texts: dict[str, str], found: tuple[str, ...]) -> None:
    assert detect_workflow_tools(facts_from_texts(texts)).value == found


def test_agent_guides_at_any_depth() -> None:
    texts = dict.fromkeys(
        (
            "AGENTS.md",
            ".claude/CLAUDE.md",
            ".cursorrules",
            ".github/copilot-instructions.md",
            "pkg/AGENTS.md",
            "docs/agents.txt",
            "vendor/CLAUDE.md",
        ),
        "",
    )
    assert agent_guides(facts_from_texts(texts)).value == (
        ".claude/CLAUDE.md",
        ".cursorrules",
        ".github/copilot-instructions.md",
        "AGENTS.md",
        "pkg/AGENTS.md",
    )
