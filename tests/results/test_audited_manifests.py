"""The audit reads a manifest and its metric files once: what did not change is known, what was changed is seen, however well it hides."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from scaffold.runs import audit, audit_inputs, manifests, recorder, records
from scaffold.runs.index import RunIndex
from tests.results.conftest import Study

HOUR_AGO = time.time() - 3600


def codes(study: Study, wanted: frozenset[str] = frozenset({"R001", "R107"})) -> list[str]:
    return sorted(finding.code for finding in audit.audit_records(study.workspace) if finding.code in wanted)


@pytest.fixture
def audited(study: Study, monkeypatch: pytest.MonkeyPatch) -> tuple[Study, list[str]]:
    """A study that was audited once, and the files that were read since."""
    read: list[str] = []
    parse, final_metrics = manifests.parse_manifest, recorder.manifest.final_metrics
    for seed in range(3):
        study.add(seed=seed, metrics={"acc": 0.5}, files={"metrics.jsonl": '{"acc": 0.25}\n{"acc": 0.5}\n'})
    monkeypatch.setattr(audit_inputs, "SETTLED_NS", 0)
    assert codes(study) == ["R107"] * 3  # their outputs are younger than the end that was made up

    def count_manifest(data: bytes) -> object:
        read.append("manifest")
        return parse(data)

    def count_metrics(outputs: str) -> object:
        read.append("metrics")
        return final_metrics(outputs)

    monkeypatch.setattr(manifests, "parse_manifest", count_manifest)
    monkeypatch.setattr(recorder.manifest, "final_metrics", count_metrics)
    return study, read


def path_of(study: Study, name: str) -> Path:
    return sorted(study.root.glob(f"exp/{name}"))[1]


def test_what_did_not_change_is_not_read_again(audited: tuple[Study, list[str]]) -> None:
    study, read = audited
    assert codes(study) == ["R107"] * 3 and read == []


def test_a_metric_that_was_changed_is_seen_though_size_and_time_are_as_before(audited: tuple[Study, list[str]]) -> None:
    study, read = audited
    file = path_of(study, "outputs/*/metrics.jsonl")
    before = file.stat()
    file.write_text(file.read_text().replace("0.5", "0.9"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert codes(study) == ["R107"] * 4 and read == ["metrics"]


def test_a_manifest_that_was_changed_is_seen_though_size_and_time_are_as_before(
    audited: tuple[Study, list[str]],
) -> None:
    study, _ = audited
    file = path_of(study, "metadata/*.json")
    before = file.stat()
    file.write_text(file.read_text().replace('"max_rss_bytes": 1', '"max_rss_bytes": "'[:-1] + '"'))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "R001" in codes(study)


def test_what_changed_a_moment_ago_is_not_kept(study: Study) -> None:
    study.add(seed=1, metrics={"acc": 0.5})
    codes(study)
    assert RunIndex.find(study.workspace).read("audits") == {}


def test_an_index_of_another_version_or_a_damaged_one_is_none(audited: tuple[Study, list[str]]) -> None:
    study, read = audited
    index = RunIndex.find(study.workspace)
    file = Path(f"{index.file}.audits")
    entries = index.read("audits")
    assert len(entries) == 3 and json.loads(next(iter(entries.values())).text)
    file.write_bytes(file.read_bytes()[:-2])
    assert index.read("audits") == {} and codes(study) == ["R107"] * 3 and read.count("manifest") == 3


def test_a_run_that_may_be_lost_is_looked_at(study: Study) -> None:
    study.add(seed=0, status="running")
    study.add(seed=1, status="lost")
    for _ in range(2):
        assert [run.status for run in records.read_records(study.workspace).runs] == ["lost", "running"]
