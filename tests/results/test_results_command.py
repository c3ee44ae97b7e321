"""`scaffold results` as it is called: formats, options, what is said on stderr, exit codes."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run, commit_all, git
from tests.results.conftest import Ask, MakeStudy, Study

COMMANDS: tuple[tuple[str, ...], ...] = (
    (),
    ("compare", "base", "main"),
    ("ablation", "--reference", "main-lr=0.1"),
    ("sensitivity", "lr"),
)


@pytest.fixture
def grid(study: Study) -> Study:
    """Two experiments, two learning rates, three seeds; one run failed."""
    noise = [0.001, -0.004, 0.003]
    for experiment, offset in (("base", 0.0), ("main", 0.05)):
        for lr in (0.1, 0.01):
            for seed, n in enumerate(noise, start=1):
                value = 0.8 + offset + n * (1 + lr) + seed / 1000
                failed = (experiment, lr, seed) == ("main", 0.01, 3)
                study.add(
                    experiment,
                    seed,
                    {"lr": lr},
                    {"acc": value},
                    status="failed" if failed else "finished",
                    sweep=f"{experiment}-grid",
                )
    return study


def out(run: Run, study: Study, *args: str, code: int = 0) -> Any:
    done = run("results", *args, "--workdir", study.root)
    assert done.exit_code == code, done.output
    return done


def test_a_table_for_people(run: Run, grid: Study) -> None:
    done = out(run, grid)
    assert done.stdout.splitlines() == [
        "acc (higher is better)",
        "experiment  lr    n       mean    sd      95 % interval     min     max",
        "base        0.01  3       0.8020  0.0040  [0.7920, 0.8120]  0.7980  0.8060",
        "base        0.1   3       0.8020  0.0044  [0.7912, 0.8128]  0.7976  0.8063",
        "main        0.01  2 of 3  0.8500  0.0029  [0.8243, 0.8757]  0.8480  0.8520",
        "main        0.1   3       0.8520  0.0044  [0.8412, 0.8628]  0.8476  0.8563",
    ]
    assert "11 runs in 4 configurations; 1 without a result: 1 failed, exit 3" in done.stderr


def test_markdown_and_latex_escape_and_mark_the_best(run: Run, study: Study) -> None:
    study.seeds("a_b", [0.5, 0.51, 0.49], "acc_1", opt_name="x\\|y&z")
    study.seeds("a_b", [0.9, 0.91, 0.88], "acc_1", opt_name="50%")
    markdown = out(run, study, "--format", "md").stdout
    assert r"| opt\_name | n | mean |" in markdown and r"| x\\\|y&z |" in markdown and "**0.897**" in markdown
    latex = out(run, study, "--format", "latex").stdout
    assert (
        r"50\% & $\mathbf{0.897} \pm 0.038$ & 3 \\" in latex
        and r"x\textbackslash{}\textbar{}y\&z & $0.500 \pm 0.025$ & 3 \\" in latex
    )


def test_values_that_a_terminal_would_obey_are_shown_harmless(run: Run, study: Study) -> None:
    study.seeds("a", [0.5, 0.6], "acc\x1b[2J", name_of="x\ny")
    study.seeds("a", [0.5, 0.7], "acc\x1b[2J", name_of="z")
    done = out(run, study)
    assert "\x1b" not in done.stdout and "x\\u000ay" in done.stdout and len(done.stdout.splitlines()) == 4


def test_and_so_are_metrics_in_comparisons_curves_and_citations(run: Run, study: Study) -> None:
    for number, rate in enumerate((0.1, 0.2), start=1):
        study.seeds("a", [0.5 * number, 0.6 * number], "acc\x1b[2J\nx", lr=rate)
    for words in (
        ("results", "compare", "lr=0.1", "lr=0.2"),
        ("results", "sensitivity", "lr"),
        ("results", "ablation", "--reference", "lr=0.1"),
        ("runs", "cite", "0.5"),
    ):
        done = run(*words, "--workdir", study.root, color=True)
        assert done.exit_code == 0 and "acc\\u001b[2J\\u000ax" in done.stdout and "\x1b" not in done.output, words


def test_csv_has_numbers_in_full_and_empty_cells(run: Run, grid: Study) -> None:
    grid.seeds("one", [0.7], lr=0.1)
    rows = list(csv.DictReader(io.StringIO(out(run, grid, "--format", "csv").stdout)))
    assert [row["experiment"] for row in rows] == ["base", "base", "main", "main", "one"]
    assert rows[2]["n"] == "2" and rows[2]["missing"] == "1"
    assert rows[4]["sd"] == "" and rows[4]["mean"] == "0.7" and rows[4]["direction"] == "maximize"


def test_json_names_the_runs_and_where_values_stand(ask: Ask, study: Study) -> None:
    study.add("base", 1, {"lr": 0.1}, {"acc": "nan"}, files={"metrics.jsonl": '{"step": 5, "f1": 0.5}\n'})
    study.add("base", 2, {"lr": 0.1}, {"acc": 0.5, "f1": 0.6})
    answer = ask()
    assert answer["metrics"] == [
        {"name": "acc", "direction": "maximize", "best": None, "best_of_budgets": []},
        {"name": "f1", "direction": "maximize", "best": None, "best_of_budgets": []},
    ]
    (row,) = answer["rows"]
    first = row["runs"][0]
    assert first["values"] == {"acc": "NaN", "f1": 0.5}
    assert first["sources"]["f1"] == {"path": f"exp/outputs/{first['name']}/metrics.jsonl", "line": 1, "step": 5.0}
    assert row["summaries"]["acc"]["not_finite"] == 1 and row["summaries"]["acc"]["sd"] is None


@pytest.mark.parametrize("words", COMMANDS, ids=lambda w: w[0] if w else "table")
def test_every_answer_is_the_same_each_time_and_versioned(
    run: Run, ask: Ask, grid: Study, words: tuple[str, ...]
) -> None:
    assert ask(*words) == ask(*words)
    assert out(run, grid, *words).stdout == out(run, grid, *words).stdout != ""


@pytest.mark.parametrize("words", [(), ("sensitivity", "lr")], ids=lambda w: w[0] if w else "table")
def test_no_runs(run: Run, study: Study, words: tuple[str, ...]) -> None:
    done = out(run, study, *words, code=1 if words else 0)
    assert "Traceback" not in done.stderr and ("0 runs in 0 configurations" in done.stderr or "no run" in done.stderr)


def test_a_damaged_manifest_is_counted(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.5])
    (study.root / "exp/metadata/broken.json").write_text("{")
    (skipped,) = ask()["skipped"]
    assert skipped["path"] == "exp/metadata/broken.json" and skipped["reason"].startswith("damaged: ")


def test_what_was_passed_over_is_said_with_why(run: Run, study: Study) -> None:
    for name in ("a", "b", "c", "d", "e"):
        study.seeds(name, [0.5, 0.6])
        study.add(name, 1, {}, {"acc": 0.5})
    again = study.add("a", 3, {}, {"acc": 0.7})
    study.add("a", 3, {}, {"acc": 0.7}, attempt=2, name=again)
    study.add("a", 1, {"smoke": True}, {"acc": 0.1}, sweep="grid-smoke")
    (study.root / "exp/metadata/broken.json").write_text("{")
    said = out(run, study).stderr.splitlines()
    assert (
        said[0]
        == "11 runs in 5 configurations; passed over: 5 of a seed that ran again, 1 damaged, 1 of a smoke sweep, 1 of another attempt"
    )
    assert said[1].startswith("warning: exp/metadata/broken.json cannot be read (damaged: ")
    assert said[2].startswith("warning: a, b, c and 2 more: seed 1 ran more than once") and len(said) == 3


def test_a_primary_metric_that_nobody_has_is_said(run: Run, make_study: MakeStudy) -> None:
    study = make_study("primary_metric: val/f1\nmetric_direction: maximize\n", name="other")
    study.seeds("a", [0.5, 0.6])
    assert "no run has the workspace's primary metric val/f1" in out(run, study).stderr


@pytest.mark.parametrize("spelled", ["val_acc", "Val.Acc", "val/acc"])
def test_the_primary_metric_is_known_in_every_spelling(run: Run, make_study: MakeStudy, spelled: str) -> None:
    study = make_study("primary_metric: val/acc\nmetric_direction: maximize\n", name="other")
    for name in ("base", "main"):
        for seed in (1, 2, 3):
            study.add(name, seed, {}, {spelled: 0.1 * seed, "acc": 0.5, "loss": 0.1})
    table = out(run, study)
    assert table.stdout.startswith(f"{spelled} (higher") and "primary metric" not in table.stderr
    compared = out(run, study, "compare", "base", "main").stdout.splitlines()
    assert [line.split()[0] for line in compared] == ["metric", spelled]
    assert f"| seeds | {spelled.replace('_', chr(92) + '_')} (" in run("report", "--md", "--workdir", study.root).stdout


def test_runs_without_a_metric_are_listed_by_what_tells_them_apart(run: Run, study: Study) -> None:
    for lr in (0.1, 0.2):
        study.add("a", 1, {"lr": lr, "depth": 2, "extra": None}, status="failed")
        study.add("a", 2, {"lr": lr, "depth": 2, "extra": None}, status="failed")
    study.add("b", 1, {"lr": 0.1, "depth": 2, "extra": None}, status="failed")
    assert out(run, study).stdout.splitlines() == [
        "experiment  lr   n",
        "a           0.1  0 of 2",
        "a           0.2  0 of 2",
        "b           0.1  0 of 1",
    ]
    assert out(run, study, "--format", "md").stdout == ""
    assert "no run has a result to compare" in out(run, study, "compare", "a", "b", code=1).stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--minimize", "los"), "--minimize los: no run has that metric"),
        (("--maximize", "a*"), "--maximize a*: no run has that metric"),
        (("--metric", "a*", "--metric", "val*"), "--metric val*: no run has that metric"),
        (("--ignore", "output"), "--ignore output: no run has that parameter"),
        (("--sweep", "nope"), "--sweep nope: no run that was asked for belongs to it"),
    ],
)
def test_an_option_that_names_what_no_run_has_is_said_to_do_nothing(
    run: Run, grid: Study, args: tuple[str, ...], said: str
) -> None:
    assert f"warning: {said}" in out(run, grid, *args).stderr
    fine = out(run, grid, "--metric", "a*", "--minimize", "ACC", "--ignore", "lr", "--sweep", "base-grid").stderr
    assert not [option for option in ("--metric", "--minimize", "--ignore", "--sweep") if option in fine]


def test_a_table_needs_no_library(study: Study) -> None:
    study.seeds("a", [0.5, 0.6, 0.7])
    study.seeds("b", [0.5, 0.6, 0.8])
    for words in (["results"], ["results", "compare", "a", "b"]):
        code = (
            f"import sys\nfrom scaffold.cli.main import group\ngroup({[*words, '--workdir', str(study.root)]!r}, standalone_mode=False)\n"
            "print(sorted({'scipy', 'numpy', 'tensorboard', 'rich', 'httpx', 'copier', 'git', 'matplotlib'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"


def test_options_choose_runs_and_metrics(ask: Ask, grid: Study) -> None:
    assert len(ask("--where", "lr<0.05")["rows"]) == 2
    assert {r["experiment"] for r in ask("--sweep", "base-grid")["rows"]} == {"base"}
    assert len(ask("--where", "lr * 10 < 1/2 and status = finished")["rows"]) == 2
    assert ask("--where", "status=failed")["rows"][0]["missing"][0]["reason"] == "failed, exit 3"
    assert [r["config"] for r in ask("--by", "")["rows"]] == [{}, {}]
    assert ask("--metric", "a*")["metrics"][0]["name"] == "acc"
    assert ask("--minimize", "acc")["metrics"][0]["direction"] == "minimize"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("--metric", "nope"), 1, "metrics are acc"),
        (("--by", "nope"), 2, "parameters are lr"),
        (("--where", "lr<"), 2, "its end"),
        (("--where", "lr < 1 depth"), 2, "at `depth` (character 8)"),
        (("--where", "acc>0.5"), 2, "is a metric"),
        (("--where", "width=3"), 2, "no run has a parameter `width`"),
        (("--best", "--at-step", "3"), 2, "cannot go together"),
        (("--best", "--last"), 2, "--last and --best cannot go together"),
        (("--minimize", "acc", "--maximize", "Acc"), 2, "cannot both be"),
        (("--where", "lr=0.1", "compare", "base", "main"), 2, "--where stands before `compare`"),
        (("compare", "base", "nothing"), 1, "no run is meant by 'nothing'"),
        (("sensitivity", "width"), 1, "`width` has no value"),
        (("ablation",), 1, "--reference"),
        (("ablation", "--reference", "base"), 1, "stands for 2 configurations"),
        (("compare", "base", "main", "--noise-from", "main"), 1, "stands for 2 configurations"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_answered_is_said(run: Run, grid: Study, args: tuple[str, ...], code: int, said: str) -> None:
    done = (
        run("results", *args[:2], *args[2:], "--workdir", grid.root)
        if "compare" in args[2:3]
        else out(run, grid, *args, code=code)
    )
    assert done.exit_code == code and done.stdout == "" and said in done.stderr.replace("\nhint:", "")


def test_best_needs_a_direction_and_warns(run: Run, study: Study) -> None:
    study.add(
        "base",
        1,
        {},
        {},
        files={"metrics.jsonl": '{"step": 1, "thing": 3}\n{"step": 2, "thing": 5}\n{"step": 3, "thing": 4}\n'},
    )
    done = out(run, study, "--best", code=2)
    assert "--minimize thing or --maximize thing" in done.stderr
    done = out(run, study, "--best", "--minimize", "thing", "--format", "csv")
    assert ",thing,minimize,1,3.0," in done.stdout and "better than the truth" in done.stderr
    assert ",4.0," in out(run, study, "--last", "--format", "csv").stdout
    assert ",5.0," in out(run, study, "--at-step", "2", "--format", "csv").stdout


def test_bootstrap_from_ten_runs_on(ask: Ask, study: Study) -> None:
    study.seeds("few", [0.1 * n for n in range(9)])
    study.seeds("many", [0.1 * n for n in range(10)])
    few, many = (r["summaries"]["acc"] for r in ask("--interval", "bootstrap")["rows"])
    assert few["low"] is None and few["n"] == 9
    assert 0.2 < many["low"] < 0.3 and 0.6 < many["high"] < 0.7


def test_latex_says_which_interval_it_has(run: Run, study: Study) -> None:
    study.seeds("main", [0.5, 0.51, 0.52, 0.49, 0.53, 0.5, 0.52, 0.51, 0.9, 0.5])
    assert "95 % t-interval" in out(run, study, "--format", "latex").stdout
    text = out(run, study, "--format", "latex", "--interval", "bootstrap").stdout
    assert (
        "95 % bootstrap interval (BCa)" in text
        and "\\pm" not in text
        and re.search(r"\$0\.55\\ \[0\.5\d, 0\.7\d\]\$", text)
    ), text


def test_ablation_each_factor_against_the_reference(ask: Ask, study: Study) -> None:
    noise = [0.001, -0.004, 0.003]
    base: dict[str, Any] = {"aug": True, "ema": True, "depth": 4}
    for off, offset in ((), 0.0), (("aug",), -0.05), (("ema",), 0.0005):
        values = [0.9 + offset - n * abs(offset) * 20 for n in noise] if off else [0.9 + n for n in noise]
        study.seeds("ablate" if off else "main", values, **{**base, **dict.fromkeys(off, False)})
    star = ask("ablation")
    assert star["reference"] == "main aug=true ema=true", "the one that all others are near to"
    study.seeds("none", [0.8 + n for n in noise], aug=False, ema=False, depth=4)
    study.seeds("renamed", [0.9 + 2 * n for n in noise], **base)
    found = ask("ablation", "--reference", "main")
    assert [(c["factor"], c["before"], c["after"]) for c in found["changes"]] == [
        ("aug", "true", "false"), ("ema", "true", "false"), ("experiment", "main", "renamed"),
    ]  # fmt: skip
    assert [c["distinguishable"] for c in found["comparisons"]] == [True, False, False]
    first = found["comparisons"][0]
    assert first["b"] == "aug true -> false (ablate)" and first["better"] == found["reference"] and found["others"] == 1


def test_sensitivity_with_its_scale(ask: Ask, study: Study) -> None:
    noise = [0.001, -0.004, 0.003]
    for lr, offset in ((1e-4, -0.1), (1e-3, 0.0), (1e-2, 0.01)):
        study.seeds("main", [0.9 + offset + n * (1 + 10 * lr) for n in noise], lr=lr, opt="adam")
    for opt in ("sgd", "lion"):
        study.seeds("main", [0.9 + n for n in noise], lr=1e-3, opt=opt)
    (curve,) = ask("sensitivity", "lr")["curves"]
    assert (curve["scale"], curve["held"]) == ("log", "main opt=adam")
    assert [s["value"] for s in curve["spots"]] == [0.0001, 0.001, 0.01]
    assert curve["p"] < 1e-4 and curve["verdict"].startswith(
        "lr matters: it moves acc by 0.11 between lr=0.0001 and lr=0.01"
    )
    (curve,) = ask("sensitivity", "opt")["curves"]
    assert curve["scale"] == "words" and curve["verdict"].startswith("not distinguishable")


def test_the_primary_metric_is_compared_where_it_is_known(run: Run, make_study: MakeStudy) -> None:
    study = make_study("primary_metric: f1\nmetric_direction: maximize\n", name="other")
    for name in ("base", "main"):
        for seed in (1, 2, 3):
            study.add(name, seed, {}, {"f1": 0.1 * seed, "acc": 0.5})
    assert [line.split()[0] for line in out(run, study, "compare", "base", "main").stdout.splitlines()] == [
        "metric",
        "f1",
    ]


def test_real_runs_from_the_recorder_to_the_table(run: Run, make_repo: Any, tmp_path: Path) -> None:
    """init, three recorded runs of two configurations, table, comparison."""
    script = (
        "import argparse, json, os\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\n"
        "p.add_argument('--lr', type=float)\na = p.parse_args()\nvalue = 0.8 + a.lr + a.seed**2 / 1000\n"
        "json.dump({'val': {'acc': value}}, open(os.environ['RUN_OUTPUT_DIR'] + '/metrics.json', 'w'))\n"
    )
    repo = make_repo({"train.py": script})
    assert run("init", "--workdir", repo, "--yes", "--goal", "x", "--metric", "val.acc").exit_code == 0
    commit_all(repo)
    for lr in ("0.1", "1e-2"):
        for seed in ("1", "2", "3"):
            command = [
                sys.executable,
                "-m",
                "scaffold",
                "run",
                "--no-prefix",
                "--",
                sys.executable,
                "train.py",
                "--seed",
                seed,
                "--lr",
                lr,
            ]
            subprocess.run(command, cwd=repo, check=True, capture_output=True)
    done = run("results", "--workdir", repo, "--format", "csv")
    assert done.exit_code == 0 and git(repo, "status", "--porcelain", "--untracked-files=no") == ""
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["lr"], row["n"], row["metric"]) for row in rows] == [("0.01", "3", "val.acc"), ("0.1", "3", "val.acc")]
    assert float(rows[1]["mean"]) == pytest.approx(0.9 + 14 / 3000)
