"""`setup_env.sh` is a sound script whatever a repository declares, and does what detection says builds its environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MakeRepo, Run
from tests.lifecycle.conftest import TemplateRepo
from tests.old_shells import unportable

PROJECT = "[project]\nname = 'x'\nversion = '1'\n"
POETRY = "[tool.poetry]\nname = 'x'\n"
CONDA = "name: lab\ndependencies: [python=3.11]\n"
DECLARED = {
    "nothing": ({}, "declares nothing that can be installed"),
    "only a README": ({"README.md": "```\npip install torch\n```\n"}, "uv pip install torch"),
    "requirements": ({"requirements.txt": "torch\n"}, "-m pip install -r requirements.txt"),
    "a project": ({"pyproject.toml": PROJECT}, "-m pip install -e ."),
    "uv": ({"uv.lock": "x", "pyproject.toml": PROJECT}, "uv sync"),
    "an extension below": ({"ext/setup.py": "setup()\n", "ext/k.cu": ""}, "declares nothing that can be installed"),
    "requirements in a folder": (
        {"requirements/requirements.txt": "torch\n", "requirements/pyproject.toml": POETRY},
        "-m pip install -r requirements/requirements.txt",
    ),
    "conda": ({"environment.yml": CONDA}, "micromamba create -y -p .conda -f environment.yml"),
    "conda and the project": (
        {"environment.yml": CONDA, "setup.py": "setup()\n", "README.md": "```\npip install -e .\n```\n"},
        "micromamba run -p .conda python -m pip install -e .",
    ),
    "poetry": ({"poetry.lock": "x", "pyproject.toml": POETRY}, "poetry install"),
    "pixi": ({"pixi.toml": "[dependencies]\n"}, "pixi install"),
}


@pytest.mark.parametrize(("files", "line"), DECLARED.values(), ids=DECLARED)
def test_the_script_is_sound_and_builds_what_is_declared(
    make_repo: MakeRepo, run: Run, template: TemplateRepo, files: dict[str, str], line: str
) -> None:
    repo = make_repo({"train.py": "print(1)\n", **files})
    made = run("init", "--workdir", repo, "--template", template.path, "--yes")
    assert made.exit_code == 0, made.output
    script = repo / ".wild/experiments/scripts/setup_env.sh"
    assert line in script.read_text()
    checked = subprocess.run(
        [Path(sys.executable).with_name("shellcheck"), "-e", "SC1091", str(script)], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
    assert unportable(script.read_text()) == []
