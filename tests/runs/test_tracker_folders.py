"""Trackers write into the run's folder, unless somebody has said where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaffold.runs import recorder
from tests.conftest import write_tree
from tests.runs.conftest import Workspace, python


@pytest.mark.parametrize(
    ("trackers", "variables", "files", "unset"),
    [
        (["wandb", "mlflow", "aim"], {}, {}, ["WANDB_DIR"]),
        (
            ["wandb", "comet", "tensorboard"],
            {},
            {},
            ["COMET_OFFLINE_DIRECTORY", "TENSORBOARD_LOGGING_DIR", "WANDB_DIR"],
        ),
        (["wandb"], {"WANDB_DIR": "/elsewhere"}, {}, []),
        (["wandb"], {"WANDB_DIR": "/outer", "RUN_OUTPUT_DIR": "/outer"}, {}, ["WANDB_DIR"]),
        (["wandb"], {}, {".env": "A=1\nexport WANDB_DIR=x\n"}, []),
        (["wandb"], {}, {".env": "WANDB_MODE=offline\n"}, ["WANDB_DIR"]),
        (["wandb"], {}, {"wandb/settings": "[default]\n"}, []),
        ([3, None, {"wandb": 1}], {}, {}, []),
    ],
)
def test_a_folder_is_named_where_nobody_has(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trackers: list[object],
    variables: dict[str, str],
    files: dict[str, str],
    unset: list[str],
) -> None:
    for name in ("WANDB_DIR", "COMET_OFFLINE_DIRECTORY", "TENSORBOARD_LOGGING_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    write_tree(tmp_path, files)
    assert recorder.tracker_folders.unset_variables(trackers, [str(tmp_path)]) == unset


def test_a_run_finds_it_and_the_manifest_says_so(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_DIR", raising=False)
    facts = workspace.recorder.parent / "workspace.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "trackers": ["wandb"]}))
    done = workspace.record("--", *python("import os; print(os.environ['WANDB_DIR'] == os.environ['RUN_OUTPUT_DIR'])"))
    (manifest,) = workspace.manifests()
    assert done.stdout == "True\n" and manifest["environment"]["variables"]["WANDB_DIR"] == "{RUN_OUTPUT_DIR}"
