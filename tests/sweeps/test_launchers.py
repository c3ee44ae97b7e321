"""Launchers: run for real, they give the runs that were planned, whatever stands in paths and values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.runs.conftest import MakeWorkspace, Workspace
from tests.sweeps.conftest import SCRIPT, plan, start, ticket

NASTY = {
    "quotes": 'it\'s "so"',
    "dollar": "$HOME `id` $(id) ${x}",
    "bang": "a!b !! !$",
    "hash": "#no comment",
    "newline": "one\ntwo\n",
    "tab": "a\tb",
    "return": "a\rb",
    "long": "x" * 20_000,
    "dash": "-x",
    "dashes": "--",
    "negative": "-1e-5",
    "empty": "",
    "backslash": "a\\nb\\",
    "unicode": "größe “quoted” \u2018q\u2019 \u2013 数\u00a0\u200b",
    "assignment": "a=b",
    "glob": "*?[x] ~ {a,b}",
    "space": " a  b ",
    "bell": "\x07\x7f\u0085",
    "config": "conf.yaml",
}


def seen(workspace: Workspace, manifest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((workspace.root / manifest["paths"]["outputs"] / "seen.json").read_text())
    return found


@pytest.mark.parametrize("style", ["flags", "equals", "hydra"])
def test_a_run_has_its_planned_name_and_its_words_whatever_the_values(
    make_workspace: MakeWorkspace, style: str
) -> None:
    workspace = make_workspace({"train.py": SCRIPT, "conf.yaml": "a: 1\n"})
    configurations = tuple({"value": value} for value in NASTY.values()) if style == "flags" else (dict(NASTY),)
    _, runs, paths = plan(workspace, configurations=configurations, seeds=(3,), style=style)
    for run in runs:
        ticket(paths[run.name])
        done = start(paths[run.name])
        assert (done.returncode, done.stderr) == (0, ""), run.name
        manifest = workspace.last()
        assert manifest["run"]["name"] == run.name
        assert seen(workspace, manifest)["argv"] == list(run.argv[2:])
        assert manifest["seed"] == 3 == run.seed
