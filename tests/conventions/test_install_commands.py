"""The set-up line installs what the documents install: extras, groups, further requirement files."""

from __future__ import annotations

import pytest

from scaffold.conventions.detect_all import derive_conventions
from scaffold.facts.model import facts_from_texts

PYPROJECT = '[project]\nname = "lab"\n'
PYPROJECT += '[project.optional-dependencies]\ntrain = ["torch"]\ngpu = ["jax"]\ndev = ["pytest"]\nwandb = ["wandb"]\n'
VENV = "uv venv .venv && source .venv/bin/activate && uv pip install"


def environment(*lines: str, **files: str) -> tuple[str, str]:
    readme = "# L\n\n```bash\n" + "\n".join(lines) + "\n```\n"
    found = derive_conventions(
        facts_from_texts({"pyproject.toml": PYPROJECT, "lab/a.py": "x = 1\n", "README.md": readme, **files})
    )
    return found.environment.setup, found.environment.run_prefix


@pytest.mark.parametrize(
    ("lines", "setup"),
    [
        (["pip install -e .[train]"], f"{VENV} -e '.[train]'"),
        (["pip install -e '.[train,gpu]'"], f"{VENV} -e '.[train,gpu]'"),
        (['pip install "lab[train]"'], f"{VENV} -e '.[train]'"),
        (["uv pip install -e .[gpu]"], f"{VENV} -e '.[gpu]'"),
        (["pip install -e .", "pip install -e .[train]"], f"{VENV} -e '.[train]'"),
        (["pip install -e .", "pip install -e .[wandb]"], f"{VENV} -e ."),
        (["pip install -e .[dev]"], f"{VENV} -e ."),
        (["pip install -e .[gone]"], f"{VENV} -e ."),
        (["pip install -e ."], f"{VENV} -e ."),
    ],
)
def test_extras_of_pip(lines: list[str], setup: str) -> None:
    assert environment(*lines) == (setup, "")


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("uv sync --extra gpu", " --extra gpu"),
        ("uv sync --all-extras", " --all-extras"),
        ("uv sync --group train", " --group train"),
        ("uv sync --extra=train --extra gpu", " --extra train --extra gpu"),
        ("uv run --extra gpu python train.py", " --extra gpu"),
        ("uv sync --extra dev", ""),
        ("uv sync", ""),
        ("uv pip install -e .[train]", " --extra train"),
    ],
)
def test_options_of_uv(line: str, options: str) -> None:
    assert environment(line, **{"uv.lock": "version = 1\n"}) == (f"uv sync{options}", f"uv run{options}")


@pytest.mark.parametrize(
    ("files", "count"),
    [
        (("requirements.txt", "requirements-train.txt"), 2),
        (("requirements-cpu.txt", "requirements-gpu.txt"), 1),
        (("requirements/base.txt", "requirements/train.txt"), 2),
        (("requirements/dev.txt",), 0),
        (("requirements.txt", "requirements-gpu.txt"), 2),
        (("requirements-docs.txt", "requirements-test.txt"), 0),
    ],
)
def test_requirement_files_beside_a_project(files: tuple[str, ...], count: int) -> None:
    installs = [f"pip install -r {name}" for name in files]
    setup = environment("pip install -e .", *installs, "pip install -r gone.txt", **dict.fromkeys(files, "numpy\n"))[0]
    assert setup.count("-r ") == count and setup.endswith("-e .")


def test_requirements_beside_the_main_script_are_installed_too() -> None:
    script = "import argparse\np = argparse.ArgumentParser()\nif __name__ == '__main__':\n    loss.backward()\n"
    setup = environment("cd impls && python main.py", **{"impls/main.py": script, "impls/requirements.txt": "jax\n"})[0]
    assert setup == f"{VENV} -r impls/requirements.txt -e ."
