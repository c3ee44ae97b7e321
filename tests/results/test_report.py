"""What a report says, as a page and as Markdown: whole, escaped, with links that lead somewhere, the same for the same records."""

from __future__ import annotations

import json
import math
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from scaffold.results.report.gather import gather_report
from scaffold.results.report.markdown import render_report_markdown
from scaffold.results.report.model import ExperimentReport, ReportTable
from scaffold.results.report.page import render_html
from tests.conftest import Run, commit_all, git, write_tree
from tests.results.conftest import MakeStudy, Study
from tests.results.report_workspace import ANSWERS, ATTACK, IMAGE, TOKEN, fill
from tests.runs.conftest import PYTHON, MakeWorkspace, make_workspace  # noqa: F401 - a fixture


@pytest.fixture
def full(make_study: MakeStudy) -> Study:
    """A workspace with something of everything."""
    return fill(make_study(ANSWERS))


class Parsed(HTMLParser):
    """The tags, links and ids of a page, and its script elements' text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)


def made(study: Study) -> ExperimentReport:
    return gather_report(study.workspace, study.root / "exp/analysis/report.html")


def table_of(study: Study) -> ReportTable:
    found = made(study).table
    assert found is not None
    return found


def html(study: Study) -> str:
    return render_html(made(study)).decode()


def data(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_command_writes_the_page_into_the_analysis_folder(run: Run, full: Study) -> None:
    done = run("report", "--workdir", full.root / "exp")
    path = full.root / "exp/analysis/report.html"
    assert done.exit_code == 0 and done.stdout.strip() == str(path)
    text = path.read_text(encoding="utf-8")
    for words in ("Results", "Plan", "What was tried", "Failures by cause", "Analytics contract", "Records", "Runs"):
        assert f">{words}</h2>" in text
    assert "Environment, and how to reproduce" in text


def test_elsewhere_as_markdown_and_as_json(run: Run, full: Study) -> None:
    out = full.root / "out" / "x.html"
    done = run("report", "--workdir", full.root, "--out", out, "--json")
    answer = json.loads(done.stdout)
    assert answer["path"] == str(out) and answer["bytes"] == out.stat().st_size and answer["counts"]["failed"] == 3
    done = run("report", "--workdir", full.root, "--md")
    assert done.exit_code == 0 and done.stdout.startswith("# ")
    assert run("report", "--workdir", full.root, "--md", "--out", full.root / "r.md").exit_code == 0
    assert (full.root / "r.md").read_text(encoding="utf-8").startswith("# ")


def test_a_place_that_cannot_be_written(run: Run, full: Study) -> None:
    write_tree(full.root, {"file": ""})
    done = run("report", "--workdir", full.root, "--out", full.root / "file" / "x.html")
    assert done.exit_code == 1 and "cannot be written" in done.stderr and "--out" in done.stderr


def test_nothing_on_the_page_comes_from_elsewhere(full: Study) -> None:
    parsed = Parsed(html(full))
    assert "link" not in parsed.tags and "img" not in parsed.tags and "iframe" not in parsed.tags
    for link in parsed.links:
        assert not re.match(r"[a-z+.-]+:|//", link) or link.startswith("data:text/csv"), link


def test_texts_of_runs_plans_and_logs_stay_texts(full: Study) -> None:
    text = html(full)
    parsed = Parsed(text)
    assert parsed.tags.count("script") == 2 and not parsed.handlers
    assert ATTACK not in text and IMAGE not in text
    assert "evil &lt;script&gt;" in text and "&lt;img src=x" in text
    report = made(full)
    assert data(text) == json.loads(json.dumps(report.data))
    assert any(ATTACK in cell["title"] for cell in report.data["cells"].values())


def test_secrets_in_logs_stay_out(full: Study) -> None:
    assert TOKEN not in html(full) and TOKEN not in render_report_markdown(made(full))
    assert "token=***" in html(full)


def test_a_private_key_that_begins_above_the_end_of_a_log_stays_out(study: Study) -> None:
    name = study.add("a", 1, status="failed")
    body = "".join(f"MIIEowIBAAKCAQEA{n:02}\n" for n in range(60))
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----\n"
    write_tree(study.root, {f"exp/logs/{name}.err": "x\n" * 100 + f"{key}OSError: it was refused\n"})
    text = html(study)
    assert "it was refused" in text and "MIIE" not in text


def test_every_link_leads_somewhere(full: Study) -> None:
    parsed = Parsed(html(full))
    assert len(parsed.ids) == len(set(parsed.ids))
    files = 0
    for link in parsed.links:
        if link.startswith("#"):
            assert link[1:] in parsed.ids, link
        elif not link.startswith("data:"):
            files += 1
            assert (full.root / "exp/analysis" / unquote(link)).exists(), link
    assert files > 15
    found = data(html(full))
    for one in found["runs"]:
        for path, there in one["files"]:
            assert (full.root / path).exists() == there


def test_a_task_that_the_plan_does_not_have_is_no_link(full: Study) -> None:
    full.add("baseline", 8, {"lr": 0.1}, {"val/acc": 0.7}, task="P9-T9")
    text = html(full)
    assert "P9-T9" in text and "#task-P9-T9" not in Parsed(text).links and "#task-P2-T1" in Parsed(text).links


def test_a_mean_says_how_many_of_its_runs_it_is_of(study: Study) -> None:
    for seed in (1, 2, 3):
        study.add(
            "a", seed, {}, {"acc": 0.9, "loss": math.nan if seed == 1 else 0.1, **({"f1": 0.5} if seed > 1 else {})}
        )
    cells = {name: cell for (name, _), cell in zip(table_of(study).metrics, table_of(study).rows[0].cells, strict=True)}
    assert cells["acc"].below == "[0.9, 0.9]"
    assert cells["loss"].below == "[0.1, 0.1], n = 2 of 3 (1 not finite)"
    assert cells["f1"].below == "[0.5, 0.5], n = 2 of 3"


def test_markdown_has_the_warnings_of_rows_once(study: Study) -> None:
    for rate in (0.1, 0.2):
        for seed in (1, 2):
            study.add("a", seed, {"lr": rate}, {"acc": 0.9})
        study.add("a", 1, {"lr": rate}, {"acc": 0.9})
    lines = render_report_markdown(made(study)).splitlines()
    again = "seed 1 ran more than once: the same seed is no new sample, only the first counts"
    assert lines.count(f"- a lr=0.1, a lr=0.2: {again}") == 1


def test_half_a_command_is_not_offered(study: Study) -> None:
    name = study.add("a", 1, {}, {"acc": 0.9})
    path = study.root / f"exp/metadata/{name}.json"
    manifest = json.loads(path.read_text())
    manifest["command"]["shell"] = "python train.py " + "x" * 3000
    path.write_text(json.dumps(manifest))
    texts = [command.text for command in made(study).commands]
    assert f"scaffold runs rerun {name}" in texts and not [text for text in texts if "train.py" in text]


def test_a_metric_without_a_name_is_a_result_too(study: Study) -> None:
    study.seeds("a", [0.5, 0.6], "")
    assert not made(study).next_steps and made(study).table is not None


def test_a_path_that_leaves_the_work_directory_is_no_link(full: Study) -> None:
    assert "etc/passwd" in html(full) and not [link for link in Parsed(html(full)).links if "passwd" in link]


def test_a_number_leads_to_its_runs_task_sweep_and_commit(full: Study) -> None:
    report = made(full)
    assert report.table is not None
    row = next(row for row in report.table.rows if row.experiment == "baseline")
    cell = report.data["cells"][row.cells[0].key]
    runs = [report.data["runs"][index] for index, _, _ in cell["runs"]]
    assert [run["seed"] for run in runs] == [1, 2, 3] and {run["task"] for run in runs} == {"P2-T1"}
    assert {run["commit"] for run in runs} == {"a" * 40}
    assert all(row.cells[0].key in run["cells"] for run in runs)
    for (_, value, (path, there)), run in zip(cell["runs"], runs, strict=True):
        manifest = json.loads((full.root / path).read_text())
        assert there and manifest["run"]["name"] == run["label"] and repr(manifest["metrics"]["val/acc"]) == value


def test_the_plan_its_gates_and_its_deliverables(full: Study) -> None:
    plan = made(full).plan
    assert plan is not None and (plan.done, plan.total) == (2, 5) and plan.next.startswith("next: P2-T1")
    tasks = {task.id: task for phase in plan.phases for task in phase.tasks}
    assert [gate.id for gate in plan.gates] == ["P2-T2", "P2-T3"]
    assert tasks["P2-T1"].runs == 3 and tasks["P2-T1"].state == "in progress"
    assert [link.href for link in tasks["P1-T1"].deliverables] == ["../../exp/analysis/notes.md"]
    assert [link.path for link in tasks["P2-T1"].deliverables] == ["exp/results/baseline.csv"]
    assert tasks["P1-T2"].deliverables[0].href is None and tasks["P2-T2"].waits_for == ("P2-T1",)


def test_the_contract_is_a_checklist(full: Study) -> None:
    items = {item.text.split(",")[0]: item for item in made(full).checklist}
    assert items["`val/acc`"].holds is True
    assert items["run time"].holds is None
    assert items["mean and 95% interval over 3 seeds"].holds is False
    assert items["result table (CSV)"].holds is True and items["learning curves"].holds is False
    assert items["`exp/analysis/notes.md`"].holds is True and items["`exp/analysis/gone.md`"].holds is False
    assert items["a run manifest for every number"].holds is True
    assert items["happiness"].holds is None
    write_tree(full.root, {"exp/analysis/plots/curves.svg": "<svg/>"})
    assert next(i for i in made(full).checklist if i.text == "learning curves").holds is True


def test_failures_are_grouped_with_the_end_of_a_log(full: Study) -> None:
    first, second = made(full).failures
    assert len(first.failures) == 3 and first.cause == f"ValueError: loss 6.5 {ATTACK}"
    assert first.failures[0].log.endswith(".err") and len(first.failures[0].tail.splitlines()) == 20
    assert second.cause == "lost: its process is gone and nothing recorded its end"


def test_verdicts_and_the_headline(full: Study) -> None:
    report = made(full)
    assert report.verdicts[0].pair.startswith("evil")
    wide = next(v for v in report.verdicts if v.pair == "wide lr=0.1 against baseline")
    assert wide.distinguishable and "wide lr=0.1 is better" in wide.text
    assert "wide lr=0.1" in report.headline and "over 3 seeds" in report.headline and len(report.headline) < 150


def test_a_headline_has_the_reservation_that_the_verdict_has(study: Study) -> None:
    study.seeds("baseline", [0.5, 0.6, 0.7], "acc")
    study.seeds("wide", [0.511, 0.612, 0.711], "acc")
    report = made(study)
    assert report.headline.startswith("wide ") and " But it is within the noise floor" in report.headline
    assert report.verdicts[0].distinguishable and "noise floor" in report.verdicts[0].warnings[0]


def test_commands_repeat_runs_exactly(full: Study) -> None:
    commands = [command.text for command in made(full).commands]
    assert commands[0] == f"git checkout {'a' * 40}" and "bash exp/scripts/setup_env.sh" in commands
    assert "scaffold run --experiment baseline --seed 1 --param lr=0.1 -- true" in commands


def test_the_same_records_give_the_same_bytes(full: Study) -> None:
    assert render_html(made(full)) == render_html(made(full))
    assert render_report_markdown(made(full)) == render_report_markdown(made(full))


def test_without_runs_it_says_what_comes_next(run: Run, study: Study) -> None:
    assert run("report", "--workdir", study.root).exit_code == 0
    text = (study.root / "exp/analysis/report.html").read_text(encoding="utf-8")
    assert "No runs yet" in text and "scaffold run --experiment baseline --seed 1 -- COMMAND" in text
    assert "<table" not in text and ">Runs</h2>" not in text


def test_a_plan_without_tasks_is_not_done(study: Study) -> None:
    text = html(study)
    assert "it has no tasks yet" in text and "all tasks are done" not in text


def test_without_results_it_says_why(study: Study) -> None:
    study.add("baseline", 1, status="failed")
    text = html(study)
    assert "No results yet" in text and "scaffold runs list" in text and "Failures by cause" in text


def test_without_a_plan(full: Study) -> None:
    (full.root / "exp/tasks.md").unlink()
    report = made(full)
    assert report.plan is None and report.checklist == () and ">Plan</h2>" not in html(full)


def test_a_damaged_manifest_is_a_finding(full: Study) -> None:
    write_tree(full.root, {"exp/metadata/bad.json": "{"})
    assert any("R001 exp/metadata/bad.json" in words for words, _ in made(full).findings)


def test_markdown_is_escaped_and_says_the_same(full: Study) -> None:
    text = render_report_markdown(made(full))
    assert ATTACK not in re.sub(r"`[^`]*`|^ {6}.*$", "", text, flags=re.MULTILINE)
    for words in ("## Results", "## Plan: 2 of 5", "## Failures by cause", "## Analytics contract", "**missing**"):
        assert words in text
    from markdown_it import MarkdownIt

    rendered = MarkdownIt("commonmark").enable("table").render(text)
    assert "<script" not in rendered and "<img" not in rendered and "<table>" in rendered


def test_many_runs_stay_one_page_of_bounded_size(study: Study) -> None:
    for number in range(40):
        name = study.add(
            "base", number, {"lr": 0.1}, {"acc": number / 100}, status="failed" if number % 2 else "finished"
        )
        write_tree(study.root, {f"exp/logs/{name}.err": f"error {number}: " + "x" * 100_000 + "\n" + "line\n" * 3000})
    first = study.root / "exp/metadata"
    paths = sorted(first.glob("*.json"))
    for copy in range(1, 20):
        for path in paths:
            text = path.read_text().replace("-0000", f"-{copy:04x}")
            (first / path.name.replace("-0000", f"-{copy:04x}")).write_text(text)
    began = time.process_time()
    text = html(study)
    assert "800<small> recorded" in text
    assert len(text) < 2_000_000 and time.process_time() - began < 20


def test_a_real_repository(run: Run, make_workspace: MakeWorkspace) -> None:  # noqa: F811
    code = "import json, os, sys; json.dump({'acc': 0.5}, open(os.environ['RUN_OUTPUT_DIR'] + '/metrics.json', 'w'))"
    made = make_workspace({"train.py": code})
    git(made.root, "remote", "add", "origin", "https://me:secret@example.org/x.git")
    for seed in ("1", "2"):
        made.record("--experiment", "baseline", "--", PYTHON, "train.py", "--seed", seed)
    commit_all(made.root)
    assert run("report", "--workdir", made.root).exit_code == 0
    text = (made.exp / "analysis/report.html").read_text(encoding="utf-8")
    head = git(made.root, "rev-parse", "HEAD").strip()
    assert head[:12] in text and "secret" not in text and "git clone https://example.org/x.git" in text


def test_a_layout_with_a_folder_for_each_experiment(run: Run, make_workspace: MakeWorkspace) -> None:  # noqa: F811
    code = "import json, os; json.dump({'acc': 0.5}, open(os.environ['RUN_OUTPUT_DIR'] + '/metrics.json', 'w'))"
    made = make_workspace({"train.py": code}, layout="per-experiment")
    made.record("--experiment", "baseline", "--", PYTHON, "train.py", "--seed", "1")
    done = run("report", "--workdir", made.root)
    assert done.exit_code == 0 and Path(done.stdout.strip()).is_file()
