"""The ledger: one JSON, whole or not at all, under a lock; what is damaged is left as it is."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from scaffold.atomic_write import write_atomic
from scaffold.errors import ScaffoldError
from scaffold.sweeps.launch import ledger, sweep_locks
from scaffold.sweeps.launch.ledger import Ledger
from scaffold.sweeps.launch.ledger_entries import RunSubmission


def written(path: Path) -> Ledger:
    book = Ledger(path, "lr")
    book.set_options(backend="local", max_parallel=3, stopped=True)
    book.keep_note("server", "sweep_id", "abc")
    book.put_submission(
        "b",
        RunSubmission(
            number=1, backend="local", job_id="1 2", gpus=("0", "GPU-x"), requested_at="2026-01-01T00:00:00Z"
        ),
    )
    book.put_submission("a", RunSubmission(number=1, backend="local", withdrawn=True))
    book.put_submission(
        "a",
        RunSubmission(
            number=2, backend="slurm", after=1, starts=2, earlier_job_ids=("5_0",), reason='it "said" ünïcode'
        ),
    )
    book.save()
    return book


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "lr.ledger.json"
    book = written(path)
    again = ledger.read_ledger(path, "lr")
    assert (again.options, again.notes, again.run_names) == (book.options, book.notes, ("b", "a"))
    assert [again.submissions(n) for n in again.run_names] == [book.submissions(n) for n in book.run_names]
    assert again.newest_submission("a") == book.newest_submission("a") and again.newest_submission("c") is None
    assert json.loads(path.read_text())["version"] == 1


# as 0.5.0 wrote it: the keys are older than the names of the fields
OLD = """\
{
 "version": 1,
 "sweep": "lr",
 "orders": {"backend": "server", "max_parallel": 2},
 "notes": {"server": {"server_sweeps": "s1 s2"}},
 "runs": {
  "a": [{"number": 1, "backend": "server", "handle": "s2/r1", "earlier": ["s1/r9"], "gpus": ["0"], \
"starts": 1, "intended_at": "2026-01-01T00:00:00Z", \
"started_at": "2026-01-01T00:00:01Z", "over_at": "2026-01-01T00:00:02Z"}]
 }
}
"""


def test_a_ledger_of_before_is_read_and_written_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "lr.ledger.json"
    path.write_text(OLD)
    book = ledger.read_ledger(path, "lr")
    newest = book.newest_submission("a")
    assert newest is not None and book.options.max_parallel == 2
    assert (newest.job_id, newest.job_ids, newest.requested_at[:4]) == ("s2/r1", ("s1/r9", "s2/r1"), "2026")
    book.set_options(stopped=True)
    book.set_options(stopped=False)
    book.save()
    assert path.read_text() == OLD


def test_the_same_ledger_has_the_same_bytes_and_one_line_a_run(tmp_path: Path) -> None:
    path = tmp_path / "lr.ledger.json"
    written(path)
    before = path.read_bytes()
    again = ledger.read_ledger(path, "lr")
    again.change_newest("b", starts=1)
    again.change_newest("b", starts=0)
    again.save()
    assert path.read_bytes() == before
    assert sum(line.startswith('  "') for line in before.decode().splitlines()) == 2


def test_nothing_is_written_where_nothing_changed(tmp_path: Path) -> None:
    path = tmp_path / "lr.ledger.json"
    written(path)
    before = path.stat()
    with ledger.lock_sweep_ledger(path, "lr", doing="test") as book:
        book.set_options(stopped=True)
        book.put_submission("b", book.submissions("b")[0])
        book.keep_note("server", "sweep_id", "abc")
    assert path.stat().st_ino == before.st_ino


def test_there_is_no_ledger_yet(tmp_path: Path) -> None:
    assert ledger.read_ledger(tmp_path / "lr.ledger.json", "lr").run_names == ()


BROKEN = {
    "no JSON": ("{", "Expecting property name"),
    "no object": ("[]", "no JSON object"),
    "newer": ('{"version": 2}', "version is 2"),
    "unknown": ('{"version": 1, "extra": 1}', "`extra`"),
    "another's": ('{"version": 1, "sweep": "x", "orders": {}, "notes": {}, "runs": {}}', "ledger of 'x'"),
    "runs": ('{"version": 1, "sweep": "lr", "orders": {}, "notes": {}, "runs": []}', "`runs` is no object"),
    "tries": ('{"version": 1, "sweep": "lr", "orders": {}, "notes": {}, "runs": {"a": {}}}', "runs.a is no list"),
    "try": (
        '{"version": 1, "sweep": "lr", "orders": {}, "notes": {}, "runs": {"a": [{"backend": "local"}]}}',
        "`number`",
    ),
    "number": (
        '{"version": 1, "sweep": "lr", "orders": {}, "notes": {}, "runs": {"a": [{"number": "1", "backend": "local"}]}}',
        "runs.a[0].number is not a whole number",
    ),
    "order": (
        '{"version": 1, "sweep": "lr", "orders": {"stopped": 1}, "notes": {}, "runs": {}}',
        "orders.stopped is not true",
    ),
    "numbers": (
        '{"version": 1, "sweep": "lr", "orders": {}, "notes": {}, "runs": '
        '{"a": [{"number": 2, "backend": "x"}, {"number": 1, "backend": "x"}]}}',
        "not numbered upwards",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_damaged_ledger_is_an_error_that_says_where_and_is_never_written_over(tmp_path: Path, case: str) -> None:
    text, said = BROKEN[case]
    path = tmp_path / "lr.ledger.json"
    path.write_text(text)
    with pytest.raises(ScaffoldError) as error, ledger.lock_sweep_ledger(path, "lr", doing="test") as book:
        book.put_submission("a", RunSubmission(number=1, backend="local"))
    assert said in error.value.message and str(path) in error.value.message and error.value.hint
    assert path.read_text() == text


def test_who_waits_for_the_lock_is_told_who_holds_it(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from scaffold.sweeps.launch import sweep_locks\n"
        "with sweep_locks.hold_ledger_lock(pathlib.Path(sys.argv[1]), 'lr', doing='launch', wait_s=5):\n"
        "    print('up', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with other:
        assert other.stdout is not None and other.stdout.readline() == b"up\n"
        path = tmp_path / "lr.ledger.json"
        with pytest.raises(ScaffoldError) as error, ledger.lock_sweep_ledger(path, "lr", doing="test", wait_s=0.2):
            pass
        assert f"process {other.pid} on" in error.value.message and "(launch)" in error.value.message
        other.kill()
    with ledger.lock_sweep_ledger(path, "lr", doing="test", wait_s=5) as book:  # the kernel let go of it
        book.put_submission("a", RunSubmission(number=1, backend="local"))
    assert ledger.read_ledger(path, "lr").run_names == ("a",)


def test_who_looks_for_a_pacer_is_not_taken_for_one(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from scaffold.sweeps.launch import sweep_locks\n"
        "lock = sweep_locks.take_sweep_lock(pathlib.Path(sys.argv[1]), 'lr.pacer', doing='watch')\n"
        "print('up', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with other:
        assert other.stdout is not None and other.stdout.readline() == b"up\n"
        note = sweep_locks.current_lock_holder(tmp_path, "lr.pacer")
        assert note is not None and (note["pid"], note["doing"]) == (other.pid, "watch")
        other.kill()
    with (tmp_path / ".locks" / "lr.pacer.lock").open() as lock:  # somebody else looks at this moment
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert sweep_locks.current_lock_holder(tmp_path, "lr.pacer") is None
    assert sweep_locks.current_lock_holder(tmp_path, "lr.pacer") is None
    assert sweep_locks.last_lock_holder(tmp_path, "lr.pacer") == note  # a look leaves no note


def test_locks_stay_out_of_git(tmp_path: Path) -> None:
    with sweep_locks.hold_ledger_lock(tmp_path, "lr", doing="test", wait_s=0):
        assert (tmp_path / ".locks" / ".gitignore").read_text() == "*\n"


def test_a_full_disk_is_an_error_and_the_old_ledger_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lr.ledger.json"
    book = written(path)
    before = path.read_bytes()

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scaffold.sweeps.launch.ledger.write_atomic", full)
    book.change_newest("b", starts=9)
    with pytest.raises(ScaffoldError, match="No space left"):
        book.save()
    assert path.read_bytes() == before


def test_a_thousand_handles_are_noted_in_few_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Ledger(tmp_path / "lr.ledger.json", "lr")
    writes: list[object] = []

    def write(*args: Any, **options: Any) -> None:
        writes.append(args)
        write_atomic(*args, **options)

    monkeypatch.setattr(ledger, "write_atomic", write)
    began = time.monotonic()
    for number in range(1000):
        book.put_submission(f"run-{number}", RunSubmission(number=1, backend="server", job_id=str(number)))
        book.save(batch=True)
    book.save()
    assert len(writes) <= 2 + (time.monotonic() - began) / ledger.BATCH_S
    assert len(ledger.read_ledger(book.path, "lr").run_names) == 1000
