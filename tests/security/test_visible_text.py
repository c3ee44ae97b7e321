"""Promise: what comes from outside is data. Each member is a letter that a terminal obeys or a reader does not see, or a cell that a
spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold import visible_text
from scaffold.visible_text import csv_lines, escape_hidden, escape_to_one_line
from tests.conftest import MakeRepo, Run, write_tree
from tests.results.conftest import ANSWERS, Study

HIDDEN = re.compile(visible_text.HIDDEN)
LETTERS = {
    "bell": "\a",
    "backspace": "\b",
    "vertical tab": "\v",
    "form feed": "\f",
    "carriage return": "\r",
    "nothing": "\0",
    "escape": "\x1b",
    "delete": "\x7f",
    "shift out": "\x0e",
    "next line": "\x85",
    "control sequence, one byte": "\x9b",
    "system command, one byte": "\x9d",
    "string end, one byte": "\x9c",
    "soft hyphen": "\xad",
    "grapheme joiner": "\u034f",
    "Arabic letter mark": "\u061c",
    "Hangul filler": "\u115f",
    "half-width Hangul filler": "\uffa0",
    "wide Hangul filler": "\u3164",
    "Mongolian vowel separator": "\u180e",
    "zero-width space": "\u200b",
    "zero-width non-joiner": "\u200c",
    "zero-width joiner": "\u200d",
    "left to right": "\u200e",
    "right to left": "\u200f",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "left to right embedding": "\u202a",
    "pop of a direction": "\u202c",
    "right to left override": "\u202e",
    "word joiner": "\u2060",
    "invisible times": "\u2062",
    "right to left isolate": "\u2067",
    "pop of an isolate": "\u2069",
    "byte order mark": "\ufeff",
    "interlinear annotation": "\ufff9",
    "language tag": "\U000e0001",
    "tag letter": "\U000e0041",
    "variation selector": "\U000e0100",
    "musical beam": "\U0001d173",
}
SEQUENCES = {
    "clear": "\x1b[2J\x1b[H",
    "colour": "\x1b[31mred\x1b[0m",
    "link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "title": "\x1b]0;title\x07",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "report": "\x1b[6n",
    "device": "\x1bP+q544e\x1b\\",
    "other letters": "\x1b(0",
    "one byte": "\x9b31m",
    "overwrite": "safe\rrm -rf",
    "direction": "\u202egnp.exe",
}
HARMLESS = (
    "café",
    "e\u0301",
    "損失",
    "потеря",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "👩\u200d👩\u200d👧",
    "❤\ufe0f",
    "क\u094d\u200dष",
    "a\tb",
    "a\nb",
    "µ∆≤±",
    "\xa0",
    "שלום",
    "",
)
FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "  @x",
    "=",
    "-",
    "+",
    "--1",
    "+-1",
    "-1e5x",
    "-.e1",
    '=HYPERLINK("x")',
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
    "|calc",
    "%0a=1",
    "-infinity()",
    "-1;=1",
)
NUMBERS = ("-1", "+2.5", "1e-3", "-1.5E+10", "-inf", "inf", "nan", "-.5", "5.", "0")


@pytest.mark.parametrize("member", LETTERS)
def test_a_letter_that_nobody_sees_is_written_out(member: str) -> None:
    letter = LETTERS[member]
    for text in (f"a{letter}b", letter, f"{letter}{letter}", f"损{letter}b"):
        for shown in (escape_hidden(text), escape_to_one_line(text)):
            assert letter not in shown and HIDDEN.search(shown) is None and json.loads(f'"{shown}"') == text


@pytest.mark.parametrize("text", HARMLESS)
def test_what_people_write_stays(text: str) -> None:
    assert escape_hidden(text) == text
    assert escape_to_one_line(text) == text.replace("\n", "\\u000a")


@pytest.mark.parametrize("cell", FORMULAS)
def test_no_cell_begins_a_formula(cell: str) -> None:
    text = csv_lines([[1, cell, None, 0.5]])
    (row,) = csv.reader(io.StringIO(text))
    assert row[1][:1] in ("'", "\\") and (row[0], row[2:]) == ("1", ["", "0.5"])
    for separator in ",;\t":
        cells = [c for line in csv.reader(io.StringIO(text), delimiter=separator) for c in line]
        assert not any(c.strip()[:1] in ("=", "@", "\uff1d") for c in cells if c.strip()), cells


@pytest.mark.parametrize("cell", NUMBERS)
def test_a_number_stays_one(cell: str) -> None:
    assert csv_lines([[cell, "x"]]) == f"{cell},x\n"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(tmp_path)
    return Study(tmp_path, ANSWERS)


@pytest.mark.parametrize("member", SEQUENCES)
def test_commands_print_nothing_that_a_terminal_obeys(member: str, study: Study, run: Run) -> None:
    text = SEQUENCES[member]
    names = [
        study.add(f"e{text}", seed, {"p" + text: text}, {"loss" + text: 0.5 + seed}, name=f"run-{seed}-0000000{seed}")
        for seed in (1, 2)
    ]
    study.add("broken", 3, status="failed", name="broken-3-00000003")
    write_tree(study.root, {"exp/logs/broken-3-00000003.err": f"no{text}\n", "exp/metadata/x\x1b[2J.json": "{"})
    said = []
    for command in (
        ["results"],
        ["results", "--format", "md"],
        ["results", "--format", "csv"],
        ["results", "--format", "latex"],
        ["runs", "list"],
        ["runs", "show", names[0]],
        ["runs", "show", "broken-3-00000003"],
        ["runs", "audit"],
        ["runs", "diff", *names],
        ["report", "--md"],
        ["status"],
        ["runs", "show", f"none{text}"],
        ["plan", f"x{text}"],
    ):
        said.append(run(*command).output)
    run("report")
    said.append((study.root / "exp/analysis/report.html").read_text())
    for output in said:
        assert HIDDEN.search(output) is None, output
    answer = run("results", "--json")
    assert HIDDEN.search(answer.stdout) is None and "loss" + text in [
        metric["name"] for metric in json.loads(answer.stdout)["metrics"]
    ]


@pytest.mark.parametrize("member", [*SEQUENCES, "line end"])
def test_names_of_files_break_no_table_and_no_plan(member: str, make_repo: MakeRepo, run: Run) -> None:
    text = SEQUENCES.get(member, "\n")
    script = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\nprint('loss: 1')\n"
    repo = make_repo({f"train{text.replace('/', '')}.py": script, f"conf{text.replace('/', '')}/a.yaml": "lr: 1\n"})
    plain = make_repo({"train.py": script, "conf/a.yaml": "lr: 1\n"}, name="plain")
    for command in (["detect"], ["detect", "--explain", "entry_points"]):
        done, other = run(*command, "--workdir", repo), run(*command, "--workdir", plain)
        assert HIDDEN.search(done.output) is None, done.output
        assert len(done.stdout.splitlines()) <= len(other.stdout.splitlines()) + 2, done.stdout
    answer = json.loads(run("detect", "--workdir", repo, "--json").stdout)
    assert all((repo / point["path"]).exists() for point in answer["entry_points"])


def test_what_init_writes_holds_nothing_hidden(make_repo: MakeRepo, run: Run) -> None:
    script = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\nprint('loss: 1')\n"
    repo = make_repo({"train\x1b[2J\n- [ ] [P9-T9] x.py": script, "slurm\u202e.sbatch": "#SBATCH -p gpu\u202e\n"})
    assert run("init", "--workdir", repo, "--yes").exit_code == 0
    for file in (repo / ".wild").rglob("*"):
        if file.is_file() and file.suffix in (".md", ".yml", ".json"):
            assert HIDDEN.search(file.read_text()) is None and "\n- [ ] [P9-T9] x" not in file.read_text(), file
    assert HIDDEN.search(run("brief", "--workdir", repo).output) is None


def test_a_terminal_is_sent_nothing_else(make_repo: MakeRepo) -> None:
    repo = make_repo({"train\x1b]0;title\x07.py": "print('loss: 1')\n"})
    parent, child = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm"}
    command = [sys.executable, "-m", "scaffold", "detect", "--workdir", str(repo)]
    done = subprocess.run(command, stdout=child, stderr=child, stdin=subprocess.DEVNULL, env=environment, timeout=60)
    os.close(child)
    sent = b""
    while piece := _read(parent):
        sent += piece
    assert done.returncode == 0 and b"train" in sent and b"\x1b" not in sent and b"\a" not in sent


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # nobody holds the other end any more
        return b""


def test_who_draws_finds_the_stream_itself() -> None:
    plain = io.StringIO()
    stream = visible_text.EscapingStream(plain)
    stream.writelines(["a\x1b", "b\n"])
    assert plain.getvalue() == "a\\u001bb\n" and stream.plain is plain and stream.writable()
    with visible_text.visible_streams(), visible_text.visible_streams():
        assert isinstance(sys.stdout, visible_text.EscapingStream) and not isinstance(
            sys.stdout.plain, visible_text.EscapingStream
        )
    assert not isinstance(sys.stdout, visible_text.EscapingStream)
