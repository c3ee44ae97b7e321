"""Which runs stand behind a number, a file, a text; and which numbers no run backs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scaffold.results.evidence import backing, quotable_numbers, written_number
from scaffold.results.stats.summary import summarize_seed_values
from scaffold.results.tables.model import ResultRow, ResultTable
from scaffold.workspace import find_workspace
from tests.conftest import Run, write_tree
from tests.results.conftest import Study


@pytest.fixture
def measured(study: Study) -> Study:
    """Baseline and wide, three seeds each: means 0.9 and 0.93."""
    study.seeds("baseline", [0.89, 0.90, 0.91], "val/acc", lr=0.1)
    study.seeds("wide", [0.9212, 0.9301, 0.9387], "val/acc", lr=0.1)
    study.add("wide", 9, {"lr": 0.5}, {"val/acc": 0.1234}, status="failed")
    return study


def cited(run: Run, study: Study, what: str, code: int = 0) -> list[dict[str, Any]]:
    done = run("runs", "cite", what, "--workdir", study.root, "--json")
    assert done.exit_code == code, done.output
    found = json.loads(done.stdout)
    assert found["version"] == 1
    rows: list[dict[str, Any]] = found["numbers"][0]["backing"]
    return rows


def test_a_number_leads_to_the_runs_whose_mean_it_is(run: Run, measured: Study) -> None:
    first, *_ = cited(run, measured, "0.930")
    assert (first["kind"], first["metric"], first["of"]) == ("mean", "val/acc", "wide")
    assert [label[:8] for label in first["runs"]] == ["wide-lr=", "wide-lr=", "wide-lr="]
    assert first["value"] == pytest.approx(0.93)


def test_a_value_of_one_run_leads_to_its_manifest(run: Run, measured: Study) -> None:
    (only,) = cited(run, measured, "0.9301")
    assert only["kind"] == "value" and only["sources"] == [f"exp/metadata/{only['runs'][0]}.json"]


@pytest.mark.parametrize("number", ["0.9387", "0.939", "0.94", "93.87 %", "93.9%", "9.387e-1"])
def test_a_value_backs_what_it_rounds_to(run: Run, measured: Study, number: str) -> None:
    assert any(row["kind"] == "value" and row["value"] == 0.9387 for row in cited(run, measured, number))


@pytest.mark.parametrize("number", ["0.9388", "0.938", "0.93871", "93.8%", "0.1234", "9387"])
def test_and_nothing_else(run: Run, measured: Study, number: str) -> None:
    assert not any(row["value"] == 0.9387 for row in cited(run, measured, number, code=3))


def test_a_difference_of_means_and_its_sign(run: Run, measured: Study) -> None:
    (gain,) = (row for row in cited(run, measured, "0.030") if row["kind"] == "difference")
    assert gain["of"] == "wide - baseline" and len(gain["runs"]) == 6
    (loss,) = (row for row in cited(run, measured, "-0.030") if row["kind"] == "difference")
    assert loss["of"] == "baseline - wide"


def test_the_interval_of_a_difference_and_the_noise_floor(run: Run, measured: Study) -> None:
    done = run("results", "compare", "baseline", "wide", "--workdir", measured.root, "--json")
    found = json.loads(done.stdout)["comparisons"][0]
    for name, kind in (
        ("low", "interval"),
        ("high", "interval"),
        ("noise_floor", "noise floor"),
        ("effect", "difference"),
    ):
        assert kind in {row["kind"] for row in cited(run, measured, f"{found[name]:.4f}")}, name


def test_a_file_leads_to_the_run_that_wrote_it(run: Run, measured: Study) -> None:
    name = measured.add("wide", 4, {"lr": 0.1}, {"val/acc": 0.5}, files={"samples/a.txt": "x"})
    write_tree(measured.root, {f"exp/logs/{name}.err": "oops"})
    for path in (f"exp/outputs/{name}/samples/a.txt", f"exp/logs/{name}.err", f"exp/metadata/{name}.json"):
        done = run("runs", "cite", str(measured.root / path), "--workdir", measured.root, "--json")
        assert done.exit_code == 0 and [r["name"] for r in json.loads(done.stdout)["runs"]] == [name]


def test_words_for_people(run: Run, measured: Study) -> None:
    done = run("runs", "cite", "0.900", "--workdir", measured.root)
    assert done.exit_code == 0 and done.stdout.splitlines()[0] == "0.900"
    assert "mean  " in done.stdout and "baseline" in done.stdout
    done = run("runs", "cite", "0.777", "--workdir", measured.root)
    assert done.exit_code == 3 and done.stdout == "0.777: no run backs it\n"


def test_a_file_that_is_not_there(run: Run, measured: Study) -> None:
    done = run("runs", "cite", "nothing.md", "--workdir", measured.root)
    assert done.exit_code == 1 and "nothing.md cannot be read" in done.stderr


PROSE = """\
# Report of 2026

We ran 7 runs with Python 3.11. The baseline reaches 0.900, wide 0.930 [0.908, 0.952]: 0.03 better.
With `lr` 0.1 it took 12.5 s.

| model | val/acc |
|---|---|
| wide | 93.0 % |
| huge | 0.987 |

Deep reached 0.71 with a loss of 1.3e-2.
"""


def check(run: Run, study: Study, text: str, *args: str) -> Any:
    path = study.root / "report.md"
    path.write_text(text, encoding="utf-8")
    return run("report", "--check", path, "--workdir", study.root, *args)


def test_numbers_that_no_run_backs_are_found_with_their_place(run: Run, measured: Study) -> None:
    done = check(run, measured, PROSE)
    path = measured.root / "report.md"
    assert done.exit_code == 3
    assert done.stdout.splitlines() == [
        f"{path}:9:10: no run backs 0.987",
        f"{path}:11:14: no run backs 0.71",
        f"{path}:11:34: no run backs 1.3e-2",
    ]


def test_a_text_that_is_backed_is_said_to_be(run: Run, measured: Study) -> None:
    done = check(run, measured, "\n".join(PROSE.splitlines()[:8]))
    assert done.exit_code == 0 and done.stdout == "" and "backed" in done.stderr


def test_findings_as_json_and_nothing_is_written(run: Run, measured: Study) -> None:
    before = sorted(measured.root.rglob("*"))
    done = check(run, measured, PROSE, "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 3 and found["claims"] == 10
    assert found["findings"][0] == {"line": 9, "column": 10, "number": "0.987"}
    assert sorted(p for p in measured.root.rglob("*") if p.name != "report.md") == before


def test_a_failed_run_backs_nothing(run: Run, measured: Study) -> None:
    assert check(run, measured, "It was 0.1234.").exit_code == 3


def test_the_best_value_of_a_course_backs_too(run: Run, study: Study) -> None:
    rows = "".join(json.dumps({"step": i, "val/acc": v}) + "\n" for i, v in enumerate([0.1, 0.8123, 0.7]))
    study.add("wide", 1, {}, {"val/acc": 0.7}, files={"metrics.jsonl": rows})
    (row,) = cited(run, study, "0.8123")
    assert row["sources"][0].endswith("metrics.jsonl:2")


def test_text_that_is_no_text(run: Run, measured: Study, tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_bytes(b"\xff\xfe\x00")
    done = run("report", "--check", path, "--workdir", measured.root)
    assert done.exit_code == 1 and "UTF-8" in done.stderr


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400])
def test_a_number_that_no_float_holds_is_backed_by_nothing(run: Run, measured: Study, number: str) -> None:
    assert run("runs", "cite", number, "--workdir", measured.root).exit_code == 3


def test_an_exponent_of_thousands_of_digits_is_no_number(run: Run, measured: Study) -> None:
    done = run("runs", "cite", "1e" + "9" * 5000, "--workdir", measured.root)
    assert done.exit_code == 1 and "cannot be read" in done.stderr


def test_pairs_of_many_configurations_are_not_all_held_at_once(study: Study) -> None:
    import tracemalloc

    rows = [
        ResultRow(
            experiment="x", config={"k": i}, runs=(), missing=(), summaries={"acc": summarize_seed_values([i / 7])}
        )
        for i in range(1500)
    ]
    table = ResultTable(by=("k",), metrics=("acc",), directions={}, rows=tuple(rows), bests={}, skipped=())
    tracemalloc.start()
    found = backing.index_quotable_numbers((), [table])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.differences) == 2 * quotable_numbers.MOST_PAIRS and peak < 150e6


def test_a_text_without_a_claim_is_not_said_to_be_backed(run: Run, measured: Study, tmp_path: Path) -> None:
    write_tree(tmp_path, {"plain.md": "Nothing here, in 3 words.\n"})
    for words in (("report", "--check", tmp_path / "plain.md"), ("runs", "cite", tmp_path / "plain.md")):
        done = run(*words, "--workdir", measured.root)
        assert (done.exit_code, done.stdout) == (0, "") and "no number in it claims a result" in done.stderr


@pytest.mark.parametrize("more", [("--md",), ("--out", "page.html")])
def test_a_check_writes_nothing_and_says_so(run: Run, measured: Study, tmp_path: Path, more: tuple[str, ...]) -> None:
    done = run("report", "--check", tmp_path / "plain.md", *more, "--workdir", measured.root)
    assert done.exit_code == 2 and "--check writes nothing" in done.stderr


def test_what_is_indexed_for_claims_backs_them_as_all_numbers_do(measured: Study) -> None:
    for seeds, lr in (((1, 2, 3, 4), 0.2), ((3, 4), 0.3), ((None, None, 5), 0.4)):
        for number, seed in enumerate(seeds):
            measured.add("wide", seed, {"lr": lr}, {"val/acc": 0.9 + lr / 50 + number / 300, "loss": lr * number})
    workspace = find_workspace(measured.root)
    everything = backing.build_backing_index(workspace)
    values = [number.value for number in (*everything.numbers, *everything.differences, *everything.tests)]
    texts = [f"{value:.{digits}g}" for value in values[::7] for digits in (1, 3)]
    texts += [f"{number.value * 100:.3g} %" for number in everything.relative[::7]]
    claims = [claim for text in texts if (claim := written_number.parse_claimed_number(text)) is not None]
    together = backing.build_backing_index(workspace, claims)
    assert len(claims) > 30 and len(together.differences) <= len(everything.differences)
    for claim in claims:
        alone = backing.build_backing_index(workspace, [claim]) if claim in claims[::10] else together
        assert together.find(claim) == everything.find(claim) == alone.find(claim), claim
