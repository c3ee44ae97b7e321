"""Manifests that somebody changed: each is named with what is wrong in it, and nothing else suffers."""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema

from scaffold.runs import manifest_schema
from tests.conftest import Run
from tests.runs.conftest import PYTHON, SCHEMA, Workspace
from tools import manifest_check

Place = tuple[str | int, ...]
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0.5,
    "x",
    "/etc/passwd",
    "exp/../../x",
    "2026-01-01",
    [],
    {},
    [None],
    {"x": []},
)


def put(manifest: dict[str, Any], place: str, value: object) -> dict[str, Any]:
    *folders, name = place.split(".")
    part = manifest
    for folder in folders:
        part = part[folder]
    part[name] = value
    return manifest


def test_one_that_lists_cannot_use_is_named_and_the_others_are_shown(run: Run, workspace: Workspace) -> None:
    workspace.record("--seed", "1", "--", PYTHON, "train.py")
    workspace.record("--seed", "2", "--", PYTHON, "train.py")
    path = workspace.paths()[0]
    whole = path.read_text()
    for place, value, said in (
        ("time.started_at", None, "started_at is null"),
        ("time.started_at", "yesterday", "yesterday"),
        ("time.started_at", "2026-01-01T00:00:00", "no time zone"),
        ("run.attempt", "2", 'attempt is "2"'),
        ("run.name", None, "name is null"),
        ("metrics", [1], "metrics is [1]"),
        ("params", {"lr": [1]}, "single values"),
        ("git", {"commit": 5, "dirty": 0}, "commit is 5"),
        ("paths.outputs", "../../elsewhere", "no path below the work directory"),
        ("paths.outputs", "exp/outputs/a\0b", "no path below the work directory"),
        ("paths.outputs", f"exp/outputs/{'a' * 300}", "no path below the work directory"),
    ):
        path.write_text(json.dumps(put(json.loads(whole), place, value)))
        done = run("runs", "show", "train", "--workdir", workspace.root)
        assert done.exit_code == 0 and said in done.stderr, done.output
        done = run("runs", "audit", "--workdir", workspace.root)
        assert done.exit_code == 3 and f"{path.name}: R001 cannot be read" in done.stdout
    for command in (["runs", "list"], ["results"]):
        assert run(*command, "--workdir", workspace.root).exit_code == 0


def test_one_that_has_something_deep_of_another_kind_is_said(run: Run, workspace: Workspace) -> None:
    workspace.record("--seed", "1", "--", PYTHON, "train.py")
    path = workspace.paths()[0]
    whole = path.read_text()
    for place, value, said in (
        ("time.ended_at", None, "time.ended_at is null"),
        ("paths.stdout", None, "paths.stdout is null"),
        ("paths.stderr", "/etc/passwd", 'paths.stderr is "/etc/passwd"'),
        ("host.gpus", [{}], "it lacks host.gpus[0]."),
        ("command.argv", [], "command.argv is []"),
        ("environment.packages", "../../x", 'environment.packages is "../../x"'),
    ):
        path.write_text(json.dumps(put(json.loads(whole), place, value)))
        done = run("runs", "audit", "--workdir", workspace.root)
        assert done.exit_code == 3 and f"R001 cannot be read: {said}" in done.stdout
        done = run("runs", "show", "train", "--workdir", workspace.root)
        assert done.exit_code == 1 and said in done.stderr, done.output
    for command in (["diff", "train", "train"], ["rerun", "train"]):
        assert said in run("runs", *command, "--workdir", workspace.root).stderr
    assert run("runs", "list", "--workdir", workspace.root).exit_code == 0


def test_one_that_is_nested_without_end_is_damaged(run: Run, workspace: Workspace) -> None:
    (workspace.exp / "metadata").mkdir()
    (workspace.exp / "metadata" / "deep-00000000.json").write_text("[" * 200_000)
    done = run("runs", "list", "--workdir", workspace.root)
    assert done.exit_code == 0 and "nested too deeply" in done.stderr


def test_a_file_that_cannot_be_looked_at_is_a_finding(run: Run, workspace: Workspace) -> None:
    """As where it is somebody else's: here its name is longer than one may be, which holds for root too."""
    workspace.record("--seed", "1", "--", PYTHON, "train.py")
    (path,) = workspace.paths()
    path.write_text(json.dumps(put(json.loads(path.read_text()), "paths.stderr", "exp/logs/" + "x" * 300)))
    done = run("runs", "audit", "--workdir", workspace.root)
    assert done.exit_code == 3 and "cannot be looked at (File name too long)" in done.stdout


def test_records_that_cannot_be_listed_are_said(run: Run, workspace: Workspace) -> None:
    workspace.record("--seed", "1", "--", PYTHON, "train.py")
    (workspace.exp / "metadata").rename(workspace.exp / "away")
    (workspace.exp / "metadata").symlink_to("metadata")
    for command in (["runs", "list"], ["runs", "audit"], ["results"]):
        done = run(*command, "--workdir", workspace.root)
        assert done.exit_code == 1 and "exp/metadata cannot be read" in done.stderr and "hint:" in done.stderr


def test_a_package_list_that_is_no_text_is_compared_all_the_same(run: Run, workspace: Workspace) -> None:
    for value in ("1", "2"):
        workspace.record("--seed", value, "--", PYTHON, "train.py")
    (workspace.exp / "metadata" / "list.txt").write_bytes(b"torch==1\xff\n")
    for path in workspace.paths():
        path.write_text(json.dumps(put(json.loads(path.read_text()), "environment.packages", "exp/metadata/list.txt")))
    first, other = (m["run"]["name"] for m in workspace.manifests())
    done = run("runs", "diff", first, other, "--workdir", workspace.root)
    assert done.exit_code == 0 and "seed" in done.stdout


def test_the_check_is_what_the_schema_compiles_to() -> None:
    kept, anew = manifest_check.FILE.read_text(encoding="utf-8"), manifest_check.module_text()
    assert ast.dump(ast.parse(kept)) == ast.dump(ast.parse(anew)), "python -m tools.manifest_check"


def test_what_is_allowed_is_what_the_schema_allows(workspace: Workspace) -> None:
    """Every value of a manifest in turn is taken away, or becomes another; fields that nobody knows are let pass."""
    (workspace.root / "c.yaml").write_text("x: 1\n")
    workspace.record("--seed", "1", "--param", "lr=0.1", "--config", "c.yaml", "--", PYTHON, "train.py")
    whole = workspace.last()
    whole["host"]["gpus"] = [{"index": 0, "name": "A", "uuid": None, "memory_mib": 1, "driver": None}]
    judge = jsonschema.Draft202012Validator(
        _open(SCHEMA), format_checker=jsonschema.FormatChecker(["date-time", "uuid"])
    )
    assert (
        manifest_schema.find_schema_violation(whole) is None
        and manifest_schema.find_schema_violation({**whole, "more": 1}) is None
    )
    tried = 0
    for changed in _changed(whole):
        tried += 1
        assert (manifest_schema.find_schema_violation(changed) is None) == judge.is_valid(changed), (
            manifest_schema.find_schema_violation(changed)
        )
    assert tried > 500


def _open(found: Any) -> Any:
    if isinstance(found, dict):
        return {k: _open(v) for k, v in found.items() if not (k == "additionalProperties" and v is False)}
    return [_open(one) for one in found] if isinstance(found, list) else found


def _changed(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for place in _places(whole):
        for value in (*VALUES, ...):
            made = copy.deepcopy(whole)
            parent: Any = made
            for step in place[:-1]:
                parent = parent[step]
            if value is ...:
                del parent[place[-1]]
            else:
                parent[place[-1]] = value
            yield made


def _places(value: Any, before: Place = ()) -> Iterator[Place]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        yield (*before, step)
        yield from _places(inner, (*before, step))
