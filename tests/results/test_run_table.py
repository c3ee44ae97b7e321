"""The table of runs in the index: what is packed comes back, few runs cost few, and whatever happens to the files is seen at once."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffold.runs import index_columns, model, records
from scaffold.runs.index import INDEX_VERSION, RunIndex
from scaffold.runs.index_columns import FolderListing, pack_run_table, unpack_run_table
from tests.results.conftest import Study

TEXTS = st.text(max_size=4) | st.sampled_from(["finished", "train", "\udcff"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.dictionaries(TEXTS, SCALARS, max_size=3)
LINES = st.lists(TEXTS, max_size=2).map(tuple)
RUNS = st.builds(
    model.Run,
    **dict.fromkeys(
        ("name", "experiment", "started_at", "hostname", "outputs", "path", "uuid", "purpose", "form"), TEXTS
    ),
    **dict.fromkeys(("task", "sweep", "commit", "signal", "code", "seed_source", "withdrawn"), st.none() | TEXTS),
    **dict.fromkeys(("words", "configs", "scripts"), LINES),
    **dict.fromkeys(("params", "metrics"), VALUES),
    status=st.sampled_from(["finished", "failed", "running"]),
    attempt=st.integers(min_value=1),
    seed=st.none() | st.integers(),
    dirty=st.none() | st.booleans(),
    duration_s=st.none() | st.floats(allow_nan=False),
    exit_code=st.none() | st.integers(),
    metric_sources=st.dictionaries(TEXTS, VALUES, max_size=2),
    only_in_home=st.booleans(),
)


@given(st.lists(RUNS, max_size=5), st.integers(min_value=1, max_value=3))
@settings(max_examples=60, deadline=None)
def test_runs_come_back_as_they_were(runs: list[model.Run], chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_columns, "CHUNK", chunk)
        table = unpack_run_table(pack_run_table(runs, {"exp": FolderListing(["a.json"], [1, -2, 2**64])}))
        # `repr`, since 1, 1.0 and True are equal
        assert [repr(table.runs[place]) for place in range(len(runs))] == [*map(repr, runs)]
        for bounds in (slice(1), slice(-2, None), slice(None, None, -1), slice(7, 9)):
            again = unpack_run_table(pack_run_table(runs, {})).runs
            assert repr([*again[bounds]]) == repr(runs[bounds])
        assert repr([*table.runs]) == repr(runs) and len(table.runs) == len(runs)
        assert table.has_live == any(run.status == "running" for run in runs)
        assert table.listings == {"exp": FolderListing(["a.json"], [1, -2, 2**64])}


def test_a_list_unpacks_the_runs_that_it_shows(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_columns, "CHUNK", 2)
    for seed in range(9):
        study.add(seed=seed, metrics={"acc": 0.5})
    names = [run.name for run in records.read_records(study.workspace).runs]
    unpacked: list[int] = []
    unpack = index_columns.unpack_runs

    def count_unpacked(data: memoryview, params: Sequence[Mapping[str, object]]) -> list[model.Run]:
        runs = unpack(data, params)
        unpacked.append(len(runs))
        return runs

    monkeypatch.setattr(index_columns, "unpack_runs", count_unpacked)
    runs = records.read_records(study.workspace).runs
    assert len(runs) == 9 and not unpacked
    assert [runs[0].name, runs[8].name] == [names[0], names[-1]] and names == sorted(names, reverse=True)
    assert [run.name for run in runs[:3]] == names[:3] and unpacked == [2, 1, 2, 2]
    assert [run.name for run in runs] == names and sum(unpacked[4:]) == 9


def read_afresh(study: Study) -> records.RunRecords:
    """The records as they are without any index."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", "no path")
        return records.read_records(study.workspace)


def test_whatever_happens_to_manifests_the_index_says_what_the_files_say(study: Study) -> None:
    draw, folder = random.Random(0), study.root / "exp" / "metadata"

    def rewrite(path: Path) -> None:
        """A new value, of another length: two writes may be within one tick of the file system's clock."""
        manifest = json.loads(path.read_text())
        path.write_text(json.dumps({**manifest, "metrics": {"acc": 10 ** draw.randrange(1, 200)}}))

    def replace(path: Path) -> None:
        """As the recorder does it."""
        path.with_name("new").write_bytes(path.read_bytes())
        rewrite(path.with_name("new"))
        path.with_name("new").replace(path)

    def hide_change(path: Path) -> None:
        """The size and the time of before, as a copy that keeps times has them: the inode tells."""
        info, text = path.stat(), path.read_text()
        path.with_name("new").write_text(text.replace('"cpu_count": 1', '"cpu_count": 2'))
        os.utime(path.with_name("new"), ns=(info.st_atime_ns, info.st_mtime_ns))
        path.with_name("new").replace(path)

    def link(path: Path) -> None:
        target = study.root / "exp" / f"target{draw.randrange(10**9)}"
        path.rename(target)
        path.symlink_to(target)

    def link_nowhere(path: Path) -> None:
        path.unlink()
        path.symlink_to("nowhere")

    events: list[Callable[[Path], object]] = [
        lambda _: study.add(
            seed=study.count, metrics={"acc": 0.5}, status=draw.choice(["finished", "running", "lost"])
        ),
        lambda _: (folder / f"foreign{draw.randrange(3)}.json").write_text('{"a": 1}'),
        rewrite,
        replace,
        hide_change,
        link,
        Path.unlink,
        lambda path: path.rename(path.with_name(f"renamed{draw.randrange(10**9)}.json")),
        lambda path: path.write_text("{"),
        link_nowhere,
    ]
    for _ in range(6):
        study.add(seed=study.count, metrics={"acc": 0.5})
    as_indexed = 0
    for _ in range(60):
        manifests = [p for p in sorted(folder.glob("*.json")) if '"run"' in (p.read_text() if p.exists() else "")]
        draw.choice(events if len(manifests) > 3 else events[:1])(draw.choice(manifests or [folder]))
        for _ in range(2):
            indexed, fresh = records.read_records(study.workspace), read_afresh(study)
            assert sorted(map(repr, indexed.runs)) == sorted(map(repr, fresh.runs))
            assert (indexed.damaged, indexed.foreign) == (fresh.damaged, fresh.foreign)
            as_indexed += isinstance(indexed.runs, index_columns.PackedRuns)
    assert as_indexed > 5


def test_a_table_that_is_damaged_or_of_another_version_is_none(study: Study) -> None:
    study.add(seed=1, metrics={"acc": 0.5})
    records.read_records(study.workspace)
    index = RunIndex.find(study.workspace)
    assert len(index.read_runs().runs) == 1
    file = Path(f"{index.file}.runs")
    whole = file.read_bytes()
    for damaged in (
        b"",
        whole[:-1],
        whole.replace(b"train", b"brain"),
        whole.replace(str(INDEX_VERSION).encode(), str(INDEX_VERSION - 1).encode(), 1),
        b"8 1\n",
        b"8 0",
    ):
        file.write_bytes(damaged)
        assert len(index.read_runs().runs) == 0
        assert [run.seed for run in records.read_records(study.workspace).runs] == [1]
