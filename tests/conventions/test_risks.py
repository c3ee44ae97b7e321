"""What a planner should know before it trusts a run."""

from __future__ import annotations

import pytest

from scaffold.conventions.answer import answer
from scaffold.facts.model import of_texts

TRAIN = "import argparse\nif __name__ == '__main__':\n    p = argparse.ArgumentParser()\n    p.add_argument('--seed')\n"
SOUND = {
    "train.py": TRAIN,
    "uv.lock": "x",
    "pyproject.toml": "[project]\nname='x'\n",
    "tests/test_a.py": "def test_a(): ...\n",
}


def test_a_sound_repository_has_none() -> None:
    assert answer(of_texts(SOUND)).risks == ()


@pytest.mark.parametrize(
    ("change", "risk"),
    [
        ({"train.py": TRAIN.replace("--seed", "--lr")}, "train.py has no seed option"),
        ({"uv.lock": None}, "no lock file"),
        ({"uv.lock": None, "pyproject.toml": None}, "no declared environment"),
        ({"tests/test_a.py": None}, "no tests"),
        ({"data.py": "ROOT = '/home/ann/data'\n"}, "hard-coded absolute paths: data.py:1"),
        ({"outputs/model.pt": ""}, "outputs are committed to git: outputs/model.pt"),
        ({".gitignore": "*.pyc\nresults/\n"}, "results/ is ignored by git"),
        ({"eval.py": "print 'python 2'\nif __name__ == '__main__':\n    main()\n"}, "could not be read: eval.py"),
    ],
)
def test_each_risk_is_named(change: dict[str, str | None], risk: str) -> None:
    texts = {path: text for path, text in {**SOUND, **change}.items() if text is not None}
    assert any(r.startswith(risk) for r in answer(of_texts(texts)).risks)


@pytest.mark.parametrize("line", ["# see /home/ann/data\n", "URL = 'https://example.org/home/x'\n", "p = '/tmp/x'\n"])
def test_a_comment_or_address_is_no_path_of_the_author(line: str) -> None:
    assert answer(of_texts({**SOUND, "data.py": line})).risks == ()
