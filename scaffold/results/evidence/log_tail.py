"""A run that did not end well -> which of its logs says more of that, its last lines without secrets, and the cause in a few words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scaffold.results.evidence import failures
from scaffold.runs import log_excerpts, manifests, recorder
from scaffold.runs.model import Run
from scaffold.workspace import Workspace

LINES = 40
# a private key whose first line lies above what is shown: its shape is not known from the rest
KEY_END = re.compile(r"\A(?:(?!-----BEGIN )[\s\S])*?-----END [A-Z ]*PRIVATE KEY-----")


def cause(workspace: Workspace, run: Run) -> str:
    """Why a run failed, was ended or got lost, in a few words: `ModuleNotFoundError: No module named 'torch'`."""
    try:
        _, tail = read(workspace, manifests.read_valid_manifest(workspace.workdir / run.path))
    except ValueError:
        tail = ""
    return failures.cause(run, tail)


def read(workspace: Workspace, manifest: Mapping[str, Any]) -> tuple[str, str]:
    """The path of the log that an end is told in (stderr's, else stdout's) and its last lines; both empty where neither says anything."""
    redact = recorder.module().redact
    for stream in ("stderr", "stdout"):
        path = str(manifest["paths"][stream])
        excerpt = log_excerpts.read_excerpt(workspace.workdir / path, LINES)
        if tail := failures.clean(redact(KEY_END.sub("***", excerpt.tail or excerpt.head))):
            return path, tail
    return "", ""
