"""How the repository tests itself."""

from __future__ import annotations

import pytest

from scaffold.conventions.repository_tests import detect_test_folders, detect_test_runner
from scaffold.facts.model import facts_from_texts

FUNCTION = "def test_it():\n    assert True\n"
CASE = "import unittest\n\nclass TestIt(unittest.TestCase):\n    def test_it(self): ...\n"


@pytest.mark.parametrize(
    ("texts", "name", "folders"),
    [
        ({"tests/test_a.py": FUNCTION}, "pytest", ("tests",)),
        ({"tests/test_a.py": "class TestIt:\n  def test_it(self): ...\n"}, "pytest", ("tests",)),
        (
            {
                "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['src', './scripts/', 'empty']\n",
                "src/pkg/deep/er/a_test.py": FUNCTION,
                "scripts/b_test.py": FUNCTION,
            },
            "pytest",
            ("scripts", "src"),
        ),
        ({"test/a/test_a.py": CASE}, "unittest", ("test",)),
        ({"tests/test_a.py": CASE, "pyproject.toml": "[tool.pytest.ini_options]\n"}, "pytest", ("tests",)),
        ({"tests/test_a.py": CASE, "tests/conftest.py": "x = 1\n"}, "pytest", ("tests",)),
        ({"tests/test_a.py": CASE, "Makefile": "test:\n\tpython -m pytest tests\n"}, "pytest", ("tests",)),
        (
            {"tests/test_a.py": CASE, ".github/workflows/ci.yml": "jobs:\n  t:\n    steps:\n      - run: pytest -q\n"},
            "pytest",
            ("tests",),
        ),
        ({"tests/test_a.py": CASE, "setup.cfg": "[tool:pytest]\naddopts = -q\n"}, "pytest", ("tests",)),
        ({"pkg/a_test.py": CASE, "pkg/b/c_test.py": CASE}, "unittest", ("pkg",)),
        (
            {"tests/test_a.py": FUNCTION, "pkg/tests/test_b.py": FUNCTION, "pkg/x/tests/test_c.py": FUNCTION},
            "pytest",
            ("pkg/tests", "tests"),
        ),
        ({"test.py": "import argparse\nargparse.ArgumentParser()\n"}, None, ()),
        ({"tests/configs/a.yaml": "x: 1\n"}, None, ()),
        ({"third_party/x/tests/test_a.py": FUNCTION}, None, ()),
        ({"train.py": "x = 1\n", "requirements.txt": "pytest\n"}, None, ()),
    ],
)
def test_the_runner_and_the_folders(texts: dict[str, str], name: str | None, folders: tuple[str, ...]) -> None:
    facts = facts_from_texts(texts)
    assert (detect_test_runner(facts).value, detect_test_folders(facts).value) == (name, folders)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"tests/testthat.R": "library(testthat)\n", "tests/testthat/test-a.R": "x\n"}, ("testthat", ("tests",))),
        ({"tests/testthat/test-a.R": "test_that('a', {})\n"}, ("testthat", ("tests",))),
        ({"tests/tinytest.R": "tinytest::test_package('a')\n"}, ("tinytest", ("tests",))),
        ({"test/runtests.jl": "using Test\n"}, ("Pkg.test", ("test",))),
        ({"tests/main.nf.test": "nextflow_pipeline {}\n"}, ("nf-test", ("tests",))),
        ({"modules/a/tests/main.nf.test": "x\n", "main.nf": "x\n"}, ("nf-test", ("modules/a/tests",))),
        ({"test/runtests.jl": "x\n", "tests/test_a.py": "import pytest\ndef test_a(): ...\n"}, ("pytest", ("tests",))),
    ],
)
def test_runners_of_other_languages(texts: dict[str, str], expected: tuple[str, tuple[str, ...]]) -> None:
    facts = facts_from_texts(texts)
    assert (detect_test_runner(facts).value, detect_test_folders(facts).value) == expected
