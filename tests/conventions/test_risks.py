"""What a planner should know before it trusts a run."""

from __future__ import annotations

import pytest

from scaffold.conventions.detect_all import derive_conventions
from scaffold.facts.model import facts_from_texts

TRAIN = "import argparse\nif __name__ == '__main__':\n    p = argparse.ArgumentParser()\n    p.add_argument('--seed')\n"
SOUND = {
    "train.py": TRAIN,
    "uv.lock": "x",
    "pyproject.toml": "[project]\nname='x'\n",
    "tests/test_a.py": "def test_a(): ...\n",
}


def test_a_sound_repository_has_none() -> None:
    assert derive_conventions(facts_from_texts(SOUND)).risks == ()


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
    assert any(r.startswith(risk) for r in derive_conventions(facts_from_texts(texts)).risks)


@pytest.mark.parametrize(
    ("option", "command", "endless"),
    [
        ("'--max-steps', '-m', type=int, default=-1, help='or -1 for infinite'", "", True),
        ("'--epochs', type=int, default=0, help=f'0 runs forever'", "", True),
        ("'--num_iters',\n        default=None,\n        help='endless without'", "", True),
        ("'--max-steps', type=int, help='unlimited where it is not given'", "", True),
        ("'--max-steps', default=-1, help='or -1 for infinite'", "--max-steps 100", False),
        ("'--max-steps', default=-1, help='or -1 for infinite'", "--max-steps=100", False),
        ("'--max-steps', default=10 * 100, help='or -1 for infinite'", "", False),
        ("'--max-steps', default=500, help='or -1 for infinite'); p.add_argument('--x', default=-1", "", False),
        ("'--max-steps', default=-1, help='steps'", "", False),
        ("'--top-k', default=-1, help='or -1 for no limit'", "", False),
    ],
)
def test_a_script_that_runs_until_it_is_stopped(option: str, command: str, endless: bool) -> None:
    script = f"{TRAIN}    p.add_argument({option})\n"
    texts = {**SOUND, "train.py": script, "README.md": f"    python train.py {command}\n"}
    found = [
        r
        for r in derive_conventions(facts_from_texts(texts)).risks
        if r.startswith("runs until it is stopped unless --")
    ]
    assert bool(found) == endless and all(r.endswith(" is given: train.py:5") for r in found)


@pytest.mark.parametrize("line", ["# see /home/ann/data\n", "URL = 'https://example.org/home/x'\n", "p = '/tmp/x'\n"])
def test_a_comment_or_address_is_no_path_of_the_author(line: str) -> None:
    assert derive_conventions(facts_from_texts({**SOUND, "data.py": line})).risks == ()
