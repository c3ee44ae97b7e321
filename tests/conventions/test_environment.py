"""How the environment is declared, and the line that builds it."""

from __future__ import annotations

import pytest

from scaffold.conventions import environment, environment_setup
from scaffold.facts.model import Facts, facts_from_texts

PROJECT = '[project]\nname = "x"\nrequires-python = ">=3.10"\n'
POETRY = '[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\npython = "~3.9"\n[build-system]\nrequires = ["poetry-core"]\n'
CONDA = "name: ldm\nchannels:\n  - pytorch\ndependencies:  # all of them\n  - python=3.9\n  - pip\n"
TOOLS_ONLY = "[tool.ruff]\nline-length = 100\n[tool.pytest.ini_options]\n"


def line(facts: Facts) -> str:
    return environment_setup.environment_setup_line(
        facts, environment.package_manager(facts).value, environment.python_constraint(facts).value
    ).value


@pytest.mark.parametrize(
    ("files", "manager"),
    [
        ({"uv.lock": "x", "environment.yml": "name: a\n", "requirements.txt": "torch\n"}, "uv"),
        ({"poetry.lock": "x", "pyproject.toml": POETRY, "requirements.txt": "torch\n"}, "poetry"),
        ({"pixi.toml": '[dependencies]\npython = "3.11"\n'}, "pixi"),
        ({"pdm.lock": "x", "pyproject.toml": PROJECT}, "pdm"),
        ({"pyproject.toml": POETRY, "environment.yaml": "name: a\n"}, "poetry"),
        ({"pyproject.toml": PROJECT + "[tool.uv]\ndev-dependencies = []\n"}, "uv"),
        ({"pyproject.toml": PROJECT + "[tool.hatch.envs.default]\n"}, "hatch"),
        ({"pyproject.toml": PROJECT + '[tool.hatch.version]\npath = "x.py"\n'}, "pip"),
        ({"pyproject.toml": PROJECT + '[tool.pdm.version]\nsource = "file"\n'}, "pip"),
        ({"environment.yml": "name: a\n", "requirements.txt": "torch\n"}, "conda"),
        ({"conda.yaml": "name: a\n"}, "conda"),
        ({"requirements.yaml": CONDA}, "conda"),
        ({"ldm.yml": CONDA, "requirements.txt": "torch\n"}, "conda"),
        ({"envs/rule.yaml": CONDA}, "none"),
        ({"pubspec.yaml": "name: a\ndependencies:\n  flutter: 1\n", "config.yml": "channels:\n  - 3\n"}, "none"),
        ({"setup.py": "from setuptools import setup\nsetup()\n"}, "pip"),
        ({"src/requirements.txt": "torch\n"}, "pip"),
        ({"docs/environment.yml": "name: docs\n", "requirements.txt": "torch\n"}, "pip"),
        ({"package/environment.yml": "name: sub\n", "requirements.txt": "torch\n"}, "pip"),
        ({"pyproject.toml": TOOLS_ONLY}, "none"),
        ({"train.py": "print(1)\n"}, "none"),
        ({"third_party/lib/setup.py": "setup()\n", "node_modules/requirements.txt": "x\n"}, "none"),
    ],
)
def test_the_manager_that_the_repository_declares(files: dict[str, str], manager: str) -> None:
    assert environment.package_manager(facts_from_texts(files)).value == manager


def test_an_environment_file_of_any_name_is_read() -> None:
    facts = facts_from_texts({"requirements.yaml": CONDA})
    assert environment.python_constraint(facts).value == "=3.9"
    assert "-n ldm -f requirements.yaml" in line(facts)
    assert "-f environment.yml" in line(facts_from_texts({"dev.yml": CONDA, "environment.yml": CONDA}))


def test_of_two_managers_the_loser_is_named_with_the_reason() -> None:
    found = environment.package_manager(facts_from_texts({"uv.lock": "x", "requirements.txt": "torch\n"}))
    assert [e.path for e in found.evidence] == ["uv.lock"]
    assert [(e.path, e.text) for e in found.lost] == [
        (
            "requirements.txt",
            "pip: a lock file (uv.lock) comes before requirements, pyproject.toml or setup.py",
        )
    ]


def test_files_are_named_to_depth_two_and_tool_settings_declare_nothing() -> None:
    texts = {
        "pyproject.toml": TOOLS_ONLY,
        "setup.cfg": "[flake8]\nmax-line-length = 100\n",
        "requirements/base.txt": "torch\n",
        "requirements-dev.txt": "pytest\n",
        "docs/requirements-doc.txt": "sphinx\n",
        "a/b/requirements.txt": "deep\n",
        ".ci/requirements.txt": "hidden\n",
        "notes.txt": "no\n",
    }
    found = environment.find_environment_files(facts_from_texts(texts))
    assert found.value == ("docs/requirements-doc.txt", "requirements-dev.txt", "requirements/base.txt")
    assert {e.path for e in found.lost} == {"pyproject.toml", "setup.cfg"}


@pytest.mark.parametrize(
    ("files", "python"),
    [
        ({"pyproject.toml": PROJECT, "setup.py": "setup(python_requires='>=3.6')\n"}, ">=3.10"),
        ({"setup.py": "from setuptools import setup\nsetup(name='x', python_requires='>=3.6')\n"}, ">=3.6"),
        ({"setup.cfg": "[metadata]\nname = x\n[options]\npython_requires = >=3.8,<=3.10\n"}, ">=3.8,<=3.10"),
        ({"pyproject.toml": POETRY}, "~3.9"),
        (
            {"environment.yml": "name: a\ndependencies:\n  # - python=3.7\n  - python >= 3.8  # note\n  - pip\n"},
            ">= 3.8",
        ),
        ({"environment.yml": "dependencies:\n  - conda-forge::python=3.10\n"}, "=3.10"),
        ({"requirements.txt": "torch\n"}, None),
        ({"pyproject.toml": "[project\nbroken"}, None),
    ],
)
def test_the_python_constraint_is_given_as_written(files: dict[str, str], python: str | None) -> None:
    assert environment.python_constraint(facts_from_texts(files)).value == python


def test_the_constraint_comes_with_its_line() -> None:
    [evidence] = environment.python_constraint(facts_from_texts({"pyproject.toml": PROJECT})).evidence
    assert (evidence.path, evidence.line) == ("pyproject.toml", 3)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"uv.lock": "x", "pyproject.toml": PROJECT}, "uv sync"),
        ({"sub/uv.lock": "x", "sub/pyproject.toml": PROJECT}, "uv sync --project sub"),
        (
            {"requirements.txt": "torch\n"},
            "uv venv .venv && source .venv/bin/activate && uv pip install -r requirements.txt",
        ),
        (
            {"requirements.txt": "torch\n", "setup.py": "setup(python_requires='>=3.8,<3.11')\n"},
            "uv venv .venv --python '>=3.8,<3.11' && source .venv/bin/activate && uv pip install -r requirements.txt -e .",
        ),
        (
            {"requirements_dev.txt": "x\n", "setup.py": "setup()\n"},
            "uv venv .venv && source .venv/bin/activate && uv pip install -e .",
        ),
        (
            {"requirements-gpu.txt": "x\n"},
            "uv venv .venv && source .venv/bin/activate && uv pip install -r requirements-gpu.txt",
        ),
        (
            {"evaluation/requirements.txt": "x\n", "pyproject.toml": PROJECT},
            "uv venv .venv && source .venv/bin/activate && uv pip install -e .",
        ),
        (
            {"requirements/requirements.txt": "x\n", "requirements/pyproject.toml": POETRY},
            "uv venv .venv && source .venv/bin/activate && uv pip install -r requirements/requirements.txt",
        ),
        (
            {"ext/setup.py": "setup()\n", "ext/k.cu": "", "README.md": "```\npip install torch\n```\n"},
            "uv venv .venv && source .venv/bin/activate && uv pip install torch",
        ),
        (
            {"a/requirements.txt": "x\n", "bb/setup.py": "setup()\n", "bb/m.py": "x = 1\n"},
            "uv venv .venv && source .venv/bin/activate && uv pip install -e ./bb",
        ),
        (
            {"environment.yml": "name: lab\n", "environment-dev.yml": "name: dev\n"},
            'micromamba create -y -n lab -f environment.yml && eval "$(micromamba shell hook --shell bash)" && micromamba activate lab',
        ),
        (
            {"poetry.lock": "x", "pyproject.toml": POETRY},
            "uv venv .venv && source .venv/bin/activate && uv pip install poetry && poetry install",
        ),
        (
            {"README.md": "```\npip install torch 'numpy<2'\n```\n"},
            "uv venv .venv && source .venv/bin/activate && uv pip install torch 'numpy<2'",
        ),
        ({"README.md": "```\npip install git+https://example.org/x; rm -rf /\n```\n"}, ""),
        ({"train.py": "print(1)\n"}, ""),
        (
            {"my lab; rm -rf x/requirements.txt": "torch\n"},
            "uv venv .venv && source .venv/bin/activate && uv pip install -r 'my lab; rm -rf x/requirements.txt'",
        ),
    ],
)
def test_the_line_that_builds_the_environment(files: dict[str, str], expected: str) -> None:
    assert line(facts_from_texts(files)) == expected


def test_of_projects_beside_each_other_that_of_the_main_script_is_built() -> None:
    facts = facts_from_texts({"a/requirements.txt": "x\n", "sim/requirements.txt": "y\n", "sim/train.py": "x = 1\n"})
    assert environment_setup.environment_setup_line(facts, "pip", None, "sim/train.py").value.endswith(
        "uv pip install -r sim/requirements.txt"
    )
    assert environment_setup.environment_setup_line(facts, "pip", None, "other.py").value.endswith(
        "uv pip install -r a/requirements.txt"
    )


def test_a_conda_environment_takes_the_project_where_the_readme_installs_it() -> None:
    files = {"environment.yml": "name: lab\n", "setup.py": "setup()\n", "README.md": "```bash\npip install -e .\n```\n"}
    assert line(facts_from_texts(files)).endswith("micromamba activate lab && pip install -e .")


@pytest.mark.parametrize(
    ("files", "prefix"),
    [
        ({"uv.lock": "x"}, "uv run"),
        ({"pixi.toml": "[dependencies]\n"}, "pixi run"),
        ({"requirements.txt": "torch\n"}, ""),
    ],
)
def test_the_prefix_of_a_run(files: dict[str, str], prefix: str) -> None:
    facts = facts_from_texts(files)
    assert environment_setup.environment_run_prefix(facts, environment.package_manager(facts).value) == prefix
