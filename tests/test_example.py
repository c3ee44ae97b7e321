"""The example runs by its one command: recorded runs, a verified plan, a report, plots and a crate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "digits"


@pytest.mark.slow
def test_digits_from_a_repository_to_a_report(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", EXAMPLE / "run.sh", tmp_path / "digits"],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "does not verify" not in done.stderr
    exp = tmp_path / "digits" / "exp"
    manifests = [json.loads(p.read_text()) for p in (exp / "metadata").glob("*.json")]
    assert sorted(m["status"] for m in manifests) == ["failed"] * 2 + ["finished"] * 28
    assert " ".join((exp / "tasks.md").read_text().split()).count("- [x] [P") == 13
    page = (exp / "analysis" / "report.html").read_text(encoding="utf-8")
    assert "shift against baseline" in page and "ArithmeticError: the loss is" in page
    assert len(list((exp / "analysis" / "plots").glob("*.svg"))) == 6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from rocrate.rocrate import ROCrate

        crate = ROCrate(str(tmp_path / "digits.crate"))
    assert len([e for e in crate.contextual_entities if e.type == "CreateAction"]) == 30
