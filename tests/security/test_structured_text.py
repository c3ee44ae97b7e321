"""Promise: structured input does not kill. Each member is a few lines that would take a program's time, memory or stack."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml

from scaffold import structured_text, workspace
from scaffold.errors import ScaffoldError
from scaffold.facts.config_formats import parse_toml
from scaffold.plan.tasks import task_journal
from scaffold.results.evidence.authors import read_citation
from scaffold.runs import liveness, manifests
from scaffold.sweeps.launch import ledger
from scaffold.sweeps.spec import text_yaml
from tests.conftest import MakeRepo, Run

SECONDS = 2.0


def aliases(first: str, line: str, item: str, levels: int = 9) -> str:
    """A first anchor, and lines in which each names the one before nine times."""
    rows = [f"a0: &a0 {first}"]
    for level in range(1, levels + 1):
        rows.append(f"a{level}: &a{level} " + line.format(", ".join([item.format(level - 1)] * 9)))
    return "\n".join(rows) + "\n"


YAML = {
    "aliases in lists": aliases("[x, x]", "[{}]", "*a{}"),
    "aliases in mappings": aliases("{x: x}", "{{k: [{}]}}", "*a{}"),
    "aliases of a text": "a0: &a0 " + "x" * 100_000 + "\n" + "\n".join(f"b{i}: *a0" for i in range(10_000)),
    "aliases in merges": aliases("{x: x}", "{{<<: [{}]}}", "*a{}"),
    "aliases in merges with keys of their own": "a0: &a0 {x0: x}\n"
    + "\n".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}], x{i}: x}}" for i in range(1, 10)),
    "aliases in keys": "\n".join(["a: &a x", *(f"? [{', '.join(['*a'] * 1000)}]\n: x" for _ in range(1000))]),
    "aliases as a set": aliases("[x]", "!!set {{? [{}]}}", "*a{}"),
    "aliases in pairs": aliases("[x]", "!!pairs [k: [{}]]", "*a{}"),
    "many anchors, each twice": "\n".join(
        ["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 90))]
    ),
    "a list that contains itself": "a: &a [*a]\n",
    "a mapping that contains itself": "a: &a {b: *a}\n",
    "two that contain each other": "a: &a [&b [*a], *b]\n",
    "brackets": "[" * 100_000,
    "brackets that end": "[" * 20_000 + "]" * 20_000,
    "braces": "{a: " * 50_000,
    "dashes": "- " * 50_000 + "x",
    "question marks": "? " * 50_000 + "x",
    "indentation": "\n".join(" " * i + "a:" for i in range(1500)),
    "brackets below a key": "experiment_root: exp\nx: " + "[" * 5_000 + "]" * 5_000,
    "a large file": "a: x\n" * 1_000_000,
    "a large list": "[" + "1," * 400_000 + "1]",
    "a long number": "a: " + "1" * 1_000_000,
    "a long number to the base of 60": "a: " + "1:" * 200_000 + "1",
    "a number that cannot be printed": "a: " + "1:" * 5_000 + "1",
    "a long number in hexadecimal": "a: 0x" + "f" * 100_000,
    "a long number in binary": "a: 0b" + "1_" * 100_000 + "1",
}
JSON = {
    "brackets": "[" * 100_000,
    "brackets that end": "[" * 50_000 + "]" * 50_000,
    "brackets as deep as Python goes": "[" * 700 + "]" * 700,
    "braces": '{"a":' * 100_000,
    "braces that end": '{"tasks":' * 900 + "1" + "}" * 900,
    "both": '[{"a":' * 400 + "1" + "}]" * 400,
    "a long number": "9" * 1_000_000,
}
TOML = {
    "a key of many parts": "a." * 100_000 + "a = 1",
    "a table of many parts": "[" + "a." * 100_000 + "a]",
    "a key of many quoted parts": '"a".' * 50_000 + "a = 1",
    "a key of many parts with spaces": "a . " * 50_000 + "a = 1",
    "a key in braces": "a = {" + "a." * 100_000 + "a = 1}",
    "brackets": "a = " + "[" * 100_000,
    "brackets that end": "a = " + "[" * 300 + "]" * 300,
    "braces": "a = " + "{a = " * 50_000,
    "a large file": "a1 = 1\n" * 1_000_000,
}


@pytest.mark.parametrize("member", YAML)
def test_yaml_is_refused_in_time(member: str) -> None:
    began = time.thread_time()
    with pytest.raises(yaml.YAMLError):
        structured_text.parse_yaml(YAML[member])
    assert time.thread_time() - began < SECONDS


@pytest.mark.parametrize("member", [member for member in YAML if member != "a large file"])  # sweeps may be large
def test_a_sweep_of_it_is_refused_or_read_in_time(member: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(YAML[member])
    began = time.thread_time()
    try:
        text_yaml.read_yaml(tmp_path / "s.yaml", noun="sweep")
    except ScaffoldError as error:
        assert "s.yaml" in str(error)
    assert time.thread_time() - began < 5 * SECONDS


@pytest.mark.parametrize("member", JSON)
def test_json_is_refused_wherever_it_is_read(member: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        structured_text.parse_json(JSON[member])
    with pytest.raises(ValueError):
        structured_text.parse_json(JSON[member].encode())
    file = tmp_path / "x.json"
    file.write_text(JSON[member])
    with pytest.raises(ValueError):
        manifests.read_manifest(file)
    with pytest.raises(ScaffoldError):
        task_journal.load_task_records(file)
    with pytest.raises(ScaffoldError):
        ledger.read_ledger(file, "s")
    (tmp_path / ".live").mkdir()
    (tmp_path / ".live/x.json").write_text(JSON[member])
    assert liveness.read_recorder_mark(file) is None


@pytest.mark.parametrize("member", TOML)
def test_toml_is_refused_in_time(member: str) -> None:
    began = time.thread_time()
    assert parse_toml(TOML[member]) == {}
    assert time.thread_time() - began < SECONDS


@pytest.mark.parametrize("member", ["aliases in lists", "aliases in merges", "a list that contains itself", "brackets"])
def test_commands_refuse_an_answers_file_of_it(member: str, make_repo: MakeRepo, run: Run) -> None:
    name = f"exp/{workspace.ANSWERS_FILE}"
    repo = make_repo({name: YAML[member], "own/" + workspace.ANSWERS_FILE: YAML[member], "CITATION.cff": YAML[member]})
    for command in ("status", "brief", "results", "runs list"):
        done = run(*command.split(), "--workdir", repo)
        assert done.exit_code == 1 and "cannot be read" in done.output, done.output
    assert read_citation(repo).title == ""


def test_what_people_write_is_read() -> None:
    text = "base: &base {lr: 0.1, day: 2024-01-01}\nsmall: {<<: *base, layers: 2}\nnames: [&n x, *n]\n"
    assert structured_text.parse_yaml(text)["small"] == {"lr": 0.1, "day": "2024-01-01", "layers": 2}
    rows = [{"step": step, "loss": [1.0]} for step in range(1000)]
    assert structured_text.parse_json(json.dumps(rows)) == rows
    assert parse_toml('a.b.c = 1\nx = "' + "." * 500 + '"\n[tool.x]\ny = [[1], [2]]\n')["tool"] == {
        "x": {"y": [[1], [2]]}
    }
