"""What the tool itself said may be quoted: verdicts, p-values, powers, per cents of cited values; what nobody computed may not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.results.conftest import Study


def checked(run: Run, study: Study, tmp_path: Path, text: str) -> int:
    (tmp_path / "text.md").write_text(text + "\n")
    return run("report", "--check", tmp_path / "text.md", "--workdir", study.root).exit_code


@pytest.fixture
def compared(study: Study) -> Study:
    study.seeds("baseline", [0.89, 0.90, 0.92], "val/acc")
    study.seeds("wide", [0.9212, 0.9301, 0.9187], "val/acc")
    return study


def test_a_quoted_verdict_is_accepted(run: Run, compared: Study, tmp_path: Path) -> None:
    done = run("results", "compare", "baseline", "wide", "--workdir", compared.root, "--json")
    (comparison,) = json.loads(done.stdout)["comparisons"]
    p, detectable = comparison["p"], comparison["detectable"]
    text = f"{comparison['verdict']}\n\nThe p-value is {p:.3g}; 3 seeds find differences from {detectable:.3g} on (power 80 %)."
    assert checked(run, compared, tmp_path, text) == 0
    hints = run("results", "compare", "baseline", "wide", "--workdir", compared.root).stderr
    assert checked(run, compared, tmp_path, hints) == 0


def test_per_cent_of_what_is_cited(run: Run, compared: Study, tmp_path: Path) -> None:
    share = 100 * ((0.9212 + 0.9301 + 0.9187) / (0.89 + 0.90 + 0.92) - 1)
    assert checked(run, compared, tmp_path, f"wide is better by {share:.1f} %.") == 0


@pytest.mark.parametrize(
    "claim", ["It improves by 17.3 %.", "The p-value is 0.777.", "The accuracy is 2.2 %.", "Its power 93.1 % is high."]
)
def test_what_nobody_computed_is_refused(run: Run, compared: Study, tmp_path: Path, claim: str) -> None:
    assert checked(run, compared, tmp_path, claim) == 3
