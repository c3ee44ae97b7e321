"""Manifests -> what the audit asks of each, kept in the index: a manifest and metric files that did not change are not read again.

The stamp has the time of the last change of anything, which no program can set back: else a manifest that was changed by hand could pass
for the old one. What changed a moment ago is not kept, since a second change would show in no stamp (git's rule for its own index).
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from scaffold.runs import compare, manifest_schema, manifests, recorder
from scaffold.runs.index import ManifestIndexEntry, RunIndex, file_stamp
from scaffold.runs.manifest_folders import SETTLED_NS
from scaffold.runs.model import Run, Scalar
from scaffold.workspace import Workspace

METRIC_FILES = ("metrics.json", "metrics.jsonl")


class ManifestFacts(NamedTuple):
    """What the audit's rules ask of a manifest. `fault` says why it is none; `digest` is what its bytes hash to, with git's ends of lines.

    `records` are the files beside it that it names. `metrics_stamp` is that of the metric files which were held against it, and
    `metrics_agree` what came of that; empty where there are none.
    """

    fault: str | None = None
    digest: str = ""
    stdout: str = ""
    stderr: str = ""
    is_in_git: bool = False
    patch: str | None = None
    is_pinned_locally: bool = False
    ended_at: str | None = None
    records: tuple[str, ...] = ()
    metrics_stamp: str = ""
    metrics_agree: bool = True


class AuditedManifests:
    """Answers from the index where nothing changed; `store` keeps what was read."""

    def __init__(self, workspace: Workspace) -> None:
        self._workdir = str(workspace.workdir)
        self._index = RunIndex.find(workspace)
        self._known = self._index.read("audits")
        self._entries: dict[str, ManifestIndexEntry] = {}
        self._settled_ns = time.time_ns() - SETTLED_NS
        self._is_changed = False

    def read(self, run: Run, *, outputs_are_final: bool) -> ManifestFacts:
        """What a run's manifest says, and, where its outputs may be read and are to be as it left them, whether its metric files agree."""
        path = os.path.join(self._workdir, run.path)  # noqa: PTH118 - a hundred thousand of them
        try:
            info = os.stat(path)  # noqa: PTH116
        except OSError as error:
            return ManifestFacts(fault=error.strerror or str(error))
        stamp, is_settled = _change_stamp(info), self._is_settled(info)
        entry = self._known.get(run.path)
        is_known = entry is not None and entry.stamp == stamp
        facts = ManifestFacts(*entry.value) if entry is not None and is_known else _read_facts(path)
        outputs = f"{self._workdir}/{run.outputs}"
        metrics_stamp, are_settled = (
            self._stamp_metrics(outputs) if outputs_are_final and not facts.fault else ("", True)
        )
        if metrics_stamp != facts.metrics_stamp or not is_known:
            current = _current_metrics(outputs) if metrics_stamp else None
            facts = facts._replace(metrics_stamp=metrics_stamp, metrics_agree=_agrees(run, current))
            # of files that say nothing, or cannot be read, it is said again each time
            is_settled = is_settled and are_settled and (current is None or bool(current))
            entry = ManifestIndexEntry.pack(stamp, facts)
            self._is_changed = self._is_changed or is_settled
        if is_settled and entry is not None:
            self._entries[run.path] = entry
        return facts

    def store(self) -> None:
        """Keep what was read, and nothing of what was not asked for."""
        if self._is_changed or self._entries.keys() != self._known.keys():
            self._index.store("audits", self._entries)

    def _is_settled(self, info: os.stat_result) -> bool:
        return max(info.st_mtime_ns, info.st_ctime_ns) < self._settled_ns

    def _stamp_metrics(self, outputs: str) -> tuple[str, bool]:
        """The stamp of a run's metric files, empty where there are none, and whether they changed long enough ago."""
        stamps, are_settled = [], True
        for name in METRIC_FILES:
            try:
                info = os.stat(f"{outputs}/{name}")  # noqa: PTH116
            except OSError:
                continue
            stamps.append(f"{name} {_change_stamp(info)}")
            are_settled = are_settled and self._is_settled(info)
        return " ".join(stamps), are_settled


def _change_stamp(info: os.stat_result) -> str:
    return f"{file_stamp(info)}:{info.st_ctime_ns}"


def _read_facts(path: str) -> ManifestFacts:
    """What a manifest says, where it is one."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read()
        manifest = manifests.parse_manifest(data)
    except OSError as error:
        return ManifestFacts(fault=error.strerror or str(error))
    except ValueError as error:
        return ManifestFacts(fault=str(error))
    if fault := manifest_schema.find_schema_violation(manifest):
        return ManifestFacts(fault=fault)
    paths, git = manifest["paths"], manifest["git"]
    return ManifestFacts(
        # git may have written it with other ends of lines
        digest=recorder.records_home.content_digest(data.replace(b"\r\n", b"\n")),
        stdout=paths["stdout"],
        stderr=paths["stderr"],
        is_in_git=git is not None,
        patch=(git or {}).get("patch"),
        is_pinned_locally=bool(((git or {}).get("pin") or {}).get("local")),
        ended_at=manifest["time"]["ended_at"],
        records=tuple(
            path
            for path in (manifest["environment"]["packages"], paths.get("stdin"), *paths["configs"])
            if path is not None
        ),
    )


def _current_metrics(outputs: str) -> dict[str, Scalar] | None:
    """What a run's metrics files say now, as the recorder reads them; None where they may not be read."""
    if not any(os.access(f"{outputs}/{name}", os.R_OK) for name in METRIC_FILES):
        return None
    metrics: dict[str, Scalar] = recorder.manifest.final_metrics(outputs)
    return metrics


def _agrees(run: Run, current: dict[str, Scalar] | None) -> bool:
    """Whether metric files say what a manifest recorded."""
    if current is None:
        return True
    # what was printed is in no file; and what a file says of more names than an earlier recorder took over is no change
    recorded = {k: v for k, v in run.metrics.items() if k not in run.metric_sources}
    compared = {k: v for k, v in current.items() if k in recorded or not recorded}
    return not compare.unequal_metrics(recorded, compared, 0.0)
