"""Each example runs by its one command: recorded runs, a verified plan, a report, plots and a crate; and a Slurm array with a retry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(example: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run an example into `directory` with the `scaffold` of this interpreter."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", EXAMPLES / example / "run.sh", directory],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done


def manifests(directory: Path) -> list[dict[str, Any]]:
    """What the recorder wrote there."""
    return [json.loads(p.read_text()) for p in (directory / "exp" / "metadata").glob("*.json")]


@pytest.mark.slow
@pytest.mark.long
def test_digits_from_a_repository_to_a_report(tmp_path: Path) -> None:
    done = run("digits", tmp_path / "digits")
    assert "does not verify" not in done.stderr
    exp = tmp_path / "digits" / "exp"
    assert sorted(m["status"] for m in manifests(tmp_path / "digits")) == ["failed"] * 2 + ["finished"] * 28
    assert " ".join((exp / "tasks.md").read_text().split()).count("- [x] [P") == 13
    page = (exp / "analysis" / "report.html").read_text(encoding="utf-8")
    assert "shift against baseline" in page and "ArithmeticError: the loss is" in page
    # what train.py prints as well, under other names, is no curve of its own
    curves = {"curves-val-acc", "curves-train-loss"}
    others = {"bars-val-acc", "parallel-val-acc", "sensitivity-val-acc-lr", "timeline"}
    assert {plot.stem for plot in (exp / "analysis" / "plots").glob("*.svg")} == curves | others
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from rocrate.rocrate import ROCrate

        crate = ROCrate(str(tmp_path / "digits.crate"))
    assert len([e for e in crate.contextual_entities if e.type == "CreateAction"]) == 30


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_slurm_from_an_sbatch_script_to_a_report(tmp_path: Path) -> None:
    done = run("slurm", tmp_path / "slurm")
    assert "slurm.partitions: debug\n  train.sbatch:3  #SBATCH --partition=debug\n" in done.stdout
    sweeps = tmp_path / "slurm" / "exp" / "metadata" / "sweeps" / "lr"
    arrays = [p.read_text() for p in sweeps.glob("array-*.sbatch")]
    assert len(arrays) == 2
    assert all("# train.sbatch:4\n#SBATCH --time=00:05:00\n" in a for a in arrays)
    found = manifests(tmp_path / "slurm")
    assert sorted((m["status"], m["run"]["attempt"]) for m in found) == sorted(
        [("finished", 1)] * 6 + [("failed", 1), ("failed", 2)] * 3
    )
    assert {m["params"]["lr"] for m in found if m["status"] == "failed"} == {100}
    assert "6 runs in 3 configurations; 3 without a result" in done.stderr
    page = (tmp_path / "slurm" / "exp" / "analysis" / "report.html").read_text(encoding="utf-8")
    assert "training diverged" in page
