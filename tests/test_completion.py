"""Shell completion: the printed text is right for its shell, and really completes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Run

BIN = Path(sys.executable).parent


def complete(script: str, *words: str) -> list[str]:
    """What bash offers for the last word, with the script sourced."""
    line = " ".join(f"'{w}'" for w in words)
    ask = f'{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _scaffold_completion scaffold; printf "%s\\n" "${{COMPREPLY[@]}}"'
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", ask], capture_output=True, text=True, env={**os.environ, "PATH": path}, check=True
    )
    return done.stdout.split()


def test_bash_offers_commands_verbs_and_options(run: Run) -> None:
    script = run("completion", "bash").output
    assert complete(script, "scaffold", "pl") == ["playbook", "plan"]
    assert "check" in complete(script, "scaffold", "plan", "")
    assert complete(script, "scaffold", "init", "--metri") == ["--metric"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_text_is_one_that_its_shell_can_read(run: Run, shell: str) -> None:
    script = run("completion", shell).output
    assert "scaffold" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n", "-c", script], check=True)


def test_another_shell_is_wrong_usage(run: Run) -> None:
    assert run("completion", "csh").exit_code == 2
