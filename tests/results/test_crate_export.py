"""Runs exported as a crate: it loads, says what happened, and holds nothing secret."""

from __future__ import annotations

import json
import os
import re
import warnings
from pathlib import Path
from typing import Any

import pytest

from scaffold.git import strip_credentials
from tests.conftest import Run, commit_all, write_tree
from tests.results.conftest import Study
from tests.runs.conftest import PYTHON, MakeWorkspace, Workspace, make_workspace, python  # noqa: F401 - a fixture

TOKEN = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345"
TRAIN = """
import json, os, sys
out = os.environ["RUN_OUTPUT_DIR"]
json.dump({"acc": 0.5, "nan": float("nan")}, open(out + "/metrics.json", "w"))
open(out + "/model.bin", "wb").write(bytes(range(256)))
open(out + "/notes with space.txt", "w").write("fine")
open(out + "/leak.txt", "w").write("TOKEN")
open(out + "/.env", "w").write("A=b")
print("token=TOKEN")
""".replace("TOKEN", TOKEN)
CITATION = """\
cff-version: 1.2.0
title: A study
license: MIT
authors:
  - {given-names: Ada, family-names: Lovelace, orcid: "https://orcid.org/0000-0001-2345-6789"}
  - {given-names: Test, family-names: "", orcid: "https://orcid.org/0000-0002-0000-0001"}
"""


@pytest.fixture
def ran(make_workspace: MakeWorkspace) -> Workspace:  # noqa: F811
    """A real repository with a run that finished, one that failed, and one of changed code."""
    return make_workspace({"train.py": TRAIN, "conf.yaml": "lr: 0.1\n", "CITATION.cff": CITATION}, prepare=record_three)


def record_three(made: Workspace) -> None:
    made.record("--experiment", "wide", "--config", "conf.yaml", "--", PYTHON, "train.py", "--lr", "0.1", "--seed", "1")
    made.record("--experiment", "sad", "--", *python("raise SystemExit(4)"))
    (made.root / "train.py").write_text(TRAIN + "print('changed')\n")
    made.record("--experiment", "dirty", "--", PYTHON, "train.py", "--seed", "2")


def export(run: Run, root: Path, target: Path, *args: str) -> dict[str, dict[str, Any]]:
    done = run("runs", "export", "--ro-crate", target, "--workdir", root, *args)
    assert done.exit_code == 0, done.output
    graph = json.loads((target / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    assert len({entity["@id"] for entity in graph}) == len(graph)
    return {entity["@id"]: entity for entity in graph}


def actions(graph: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {e["name"].split("-")[0]: e for e in graph.values() if e["@type"] == "CreateAction"}


def test_it_loads_in_rocrate(run: Run, ran: Workspace, tmp_path: Path) -> None:
    export(run, ran.root, tmp_path / "crate", "--copy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from rocrate.rocrate import ROCrate

        crate = ROCrate(str(tmp_path / "crate"))
    found = [e for e in crate.contextual_entities if e.type == "CreateAction"]
    assert len(found) == 3
    assert [p.id for p in [crate.root_dataset["conformsTo"]]] == ["https://w3id.org/ro/wfrun/process/0.5"]
    assert {action.id for action in crate.root_dataset["mentions"]} == {action.id for action in found}
    for action in found:
        assert action["instrument"].type == "SoftwareApplication"
        for entity in (*action["object"], *action["result"]):
            assert not isinstance(entity, str), f"{entity} is referenced and not there"
    for entity in crate.data_entities:
        assert (tmp_path / "crate" / str(entity.source).removeprefix(str(tmp_path / "crate") + "/")).exists()


def test_an_action_says_what_happened(run: Run, ran: Workspace, tmp_path: Path) -> None:
    graph = export(run, ran.root, tmp_path / "crate")
    found = actions(graph)
    wide = found["wide"]
    manifest = next(m for m in ran.manifests() if m["run"]["experiment"] == "wide")
    assert wide["@id"] == f"urn:uuid:{manifest['run']['uuid']}"
    assert wide["actionStatus"]["@id"].endswith("CompletedActionStatus") and "error" not in wide
    assert (wide["startTime"], wide["endTime"]) == (manifest["time"]["started_at"], manifest["time"]["ended_at"])
    assert manifest["command"]["shell"] in wide["description"]
    tool = graph[wide["instrument"]["@id"]]
    assert (tool["name"], tool["softwareVersion"]) == ("train.py", manifest["git"]["commit"])
    objects = {graph[o["@id"]]["name"]: graph[o["@id"]] for o in wide["object"]}
    assert objects["lr"]["value"] == 0.1 and objects["seed"]["value"] == 1
    assert any(name.startswith("conf") or "conf.yaml" in entity["@id"] for name, entity in objects.items())
    results = {graph[r["@id"]]["name"]: graph[r["@id"]] for r in wide["result"]}
    assert results["acc"]["value"] == 0.5 and results["nan"]["value"] == "nan"
    assert found["sad"]["actionStatus"]["@id"].endswith("FailedActionStatus") and found["sad"]["error"] == "exit code 4"
    assert graph[found["dirty"]["instrument"]["@id"]]["softwareVersion"].endswith("-dirty")
    assert any(o["@id"].endswith(".patch") for o in found["dirty"]["object"])


def test_agents_and_the_licence(run: Run, ran: Workspace, tmp_path: Path) -> None:
    graph = export(run, ran.root, tmp_path / "crate")
    agent = graph[actions(graph)["wide"]["agent"]["@id"]]
    assert agent == {"@id": "https://orcid.org/0000-0002-0000-0001", "@type": "Person", "name": "Test"}
    root = graph["./"]
    assert root["license"] == {"@id": "https://spdx.org/licenses/MIT"} and root["name"] == "Runs of A study"
    assert [graph[a["@id"]]["name"] for a in root["author"]] == ["Ada Lovelace", "Test"]
    assert "test@localhost" not in (tmp_path / "crate" / "ro-crate-metadata.json").read_text()


def test_without_copy_big_things_are_named_and_not_taken(run: Run, ran: Workspace, tmp_path: Path) -> None:
    graph = export(run, ran.root, tmp_path / "crate")
    folders = {p.name for p in (tmp_path / "crate" / "exp").iterdir()}
    assert "metadata" in folders and not folders & {"outputs", "logs"}
    named = [
        e for e in graph.values() if e["@type"] == "CreativeWork" and "not in this crate" in e.get("description", "")
    ]
    assert any("exp/outputs/" in e["description"] for e in named) and any(".err" in e["description"] for e in named)


def test_nothing_secret_goes_in(run: Run, ran: Workspace, tmp_path: Path) -> None:
    done = run("runs", "export", "--ro-crate", tmp_path / "crate", "--copy", "--workdir", ran.root)
    everything = b"\n".join(p.read_bytes() for p in (tmp_path / "crate").rglob("*") if p.is_file())
    assert TOKEN.encode() not in everything and b"token=***" in everything
    names = {p.name for p in (tmp_path / "crate").rglob("*")}
    assert "model.bin" in names and "notes with space.txt" in names
    assert ".env" not in names and "leak.txt" not in names
    assert "leak.txt (it holds what looks like a secret)" in done.stderr
    assert ".env (its name says that it holds secrets)" in done.stderr


@pytest.mark.parametrize(
    "before", [b"x" * ((1 << 20) - 9) + b"\n", b"pad\n" * (17 << 18), b"\0\1"], ids=["across a cut", "17 MiB", "binary"]
)
def test_a_token_is_found_wherever_it_lies_in_an_output(run: Run, study: Study, tmp_path: Path, before: bytes) -> None:
    study.add("a", 1, files={"leak.bin": before + f"\nhub: {TOKEN}\n".encode(), "fine.bin": before})
    done = run("runs", "export", "--ro-crate", tmp_path / "crate", "--copy", "--workdir", study.root)
    there = {p.name for p in (tmp_path / "crate").rglob("*")}
    assert done.exit_code == 0 and "leak.bin" not in there and "fine.bin" in there


def test_a_file_name_that_is_no_utf8_is_exported(run: Run, study: Study, tmp_path: Path) -> None:
    name = study.add("a", 1)
    (study.root / "exp/outputs" / name / os.fsdecode(b"caf\xe9.txt")).write_text("fine")
    graph = export(run, study.root, tmp_path / "crate", "--copy")
    assert graph[f"exp/outputs/{name}/caf%E9.txt"]["contentSize"] == "4"


def test_a_private_key_in_a_log_is_hidden_to_its_last_line(run: Run, study: Study, tmp_path: Path) -> None:
    name = study.add("a", 1)
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\n-----END RSA PRIVATE KEY-----\n"
    write_tree(study.root, {f"exp/logs/{name}.out": f"before\n{key}after\n", f"exp/logs/{name}.err": ""})
    export(run, study.root, tmp_path / "crate", "--copy")
    assert (tmp_path / "crate" / f"exp/logs/{name}.out").read_text() == "before\n***\nafter\n"


def test_every_file_that_is_described_is_there_and_the_other_way_round(
    run: Run, ran: Workspace, tmp_path: Path
) -> None:
    graph = export(run, ran.root, tmp_path / "crate", "--copy")
    from urllib.parse import unquote

    described = {unquote(e["@id"]) for e in graph.values() if e["@type"] == "File"}
    there = {p.relative_to(tmp_path / "crate").as_posix() for p in (tmp_path / "crate").rglob("*") if p.is_file()}
    assert described == there - {"ro-crate-metadata.json"}
    parts = {p["@id"] for p in graph["./"]["hasPart"]}
    assert {e["@id"] for e in graph.values() if e["@type"] in ("File", "Dataset")} - {"./"} == parts


def test_the_same_runs_give_the_same_bytes(run: Run, ran: Workspace, tmp_path: Path) -> None:
    for name in ("one", "two"):
        export(run, ran.root, tmp_path / name, "--copy")
    one, two = ((tmp_path / name / "ro-crate-metadata.json").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_directory_with_something_in_it_is_refused(run: Run, ran: Workspace, tmp_path: Path) -> None:
    write_tree(tmp_path / "crate", {"mine.txt": "mine"})
    done = run("runs", "export", "--ro-crate", tmp_path / "crate", "--workdir", ran.root)
    assert done.exit_code == 1 and "not an empty directory" in done.stderr
    assert [p.name for p in tmp_path.joinpath("crate").iterdir()] == ["mine.txt"]
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".crate")]


def test_running_and_lost_runs(run: Run, study: Study, tmp_path: Path) -> None:
    study.add("live", 1, status="running")
    study.add("gone", 1, status="lost")
    study.add("shot", 1, status="terminated")
    found = actions(export(run, study.root, tmp_path / "crate"))
    assert found["live"]["actionStatus"]["@id"].endswith("ActiveActionStatus") and "endTime" not in found["live"]
    assert "lost" in found["gone"]["error"] and found["shot"]["error"] == "ended by SIGTERM"


def test_paths_that_lead_out_of_the_work_directory_are_not_followed(run: Run, study: Study, tmp_path: Path) -> None:
    name = study.add("evil", 1)
    path = study.root / "exp/metadata" / f"{name}.json"
    write_tree(tmp_path, {"secret.txt": "top secret"})
    text = re.sub(r'"stdout": "[^"]*"', '"stdout": "exp/../../secret.txt"', path.read_text())
    path.write_text(text)
    export(run, study.root, tmp_path / "crate", "--copy")
    assert not any(b"top secret" in p.read_bytes() for p in (tmp_path / "crate").rglob("*") if p.is_file())


def test_only_some_runs(run: Run, study: Study, tmp_path: Path) -> None:
    study.add("a", 1)
    study.add("b", 1, status="failed")
    assert actions(export(run, study.root, tmp_path / "one", "--experiment", "a")).keys() == {"a"}
    done = run(
        "runs", "export", "--ro-crate", tmp_path / "two", "--status", "failed", "--workdir", study.root, "--json"
    )
    assert json.loads(done.stdout)["runs"] == 1


def test_a_damaged_manifest_is_left_out_and_said(run: Run, study: Study, tmp_path: Path) -> None:
    study.add("a", 1)
    write_tree(study.root, {"exp/metadata/bad.json": "{"})
    done = run("runs", "export", "--ro-crate", tmp_path / "crate", "--workdir", study.root)
    assert done.exit_code == 0 and "bad.json cannot be read" in done.stderr


@pytest.mark.parametrize(
    "text", ["title: T\ndate-released: 2024-02-30\n", "title: " + "[" * 3000 + "]" * 3000, "- 1\n"]
)
def test_a_citation_that_cannot_be_read_says_nothing(run: Run, study: Study, tmp_path: Path, text: str) -> None:
    study.add("a", 1)
    write_tree(study.root, {"CITATION.cff": text})
    assert "No licence" in export(run, study.root, tmp_path / "crate")["./"]["license"]


def test_what_is_missing_is_not_said_to_be_secret(run: Run, study: Study, tmp_path: Path) -> None:
    name = study.add("a", 1)
    done = run("runs", "export", "--ro-crate", tmp_path / "crate", "--copy", "--workdir", study.root)
    assert f"warning: left out: exp/logs/{name}.out (missing)" in done.stderr and "secret" not in done.stderr


@pytest.mark.parametrize("place", ["n" * 300, "file/crate"])
def test_a_place_where_no_crate_can_be(run: Run, study: Study, tmp_path: Path, place: str) -> None:
    write_tree(tmp_path, {"file": ""})
    done = run("runs", "export", "--ro-crate", tmp_path / place, "--workdir", study.root)
    assert done.exit_code == 1 and "cannot be written" in done.stderr and "hint: name a new directory" in done.stderr


@pytest.mark.parametrize(
    "remote, url",
    [
        ("https://***@example.org/x.git", "https://example.org/x.git"),
        ("https://ann:p@ss@example.org/x.git", "https://example.org/x.git"),
        ("ssh://git@example.org/x.git", "ssh://git@example.org/x.git"),
        ("ssh://ann:pw@example.org/x.git", "ssh://example.org/x.git"),
        ("git@example.org:o/x.git", "git@example.org:o/x.git"),
        ("/data/x", "/data/x"),
        ("https://example.org/@scope/x", "https://example.org/@scope/x"),
    ],
)
def test_a_remote_is_an_address_without_passwords(remote: str, url: str) -> None:
    assert strip_credentials(remote) == url


def test_a_committed_repository_without_citation(run: Run, make_workspace: MakeWorkspace, tmp_path: Path) -> None:  # noqa: F811
    made = make_workspace({"train.py": "print(1)\n"})
    made.record("--", PYTHON, "train.py")
    commit_all(made.root)
    graph = export(run, made.root, tmp_path / "crate")
    assert "No licence" in graph["./"]["license"] and "author" not in graph["./"]
    assert graph[actions(graph)["train"]["agent"]["@id"]] == {"@id": "#person-Test", "@type": "Person", "name": "Test"}
