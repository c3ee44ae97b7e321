"""What a run's log ends with -> why it failed; runs that failed for one reason are one group."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scaffold.results.evidence import failure_cause
from scaffold.results.evidence.failure_cause import clean_tail, determine_failure_cause, last_exception
from scaffold.results.report.failures import cause_key, group_by_cause, has_finished_later
from scaffold.results.report.model import FailedRun
from scaffold.runs import records
from scaffold.runs.model import Run
from tests.results.conftest import Study

TRACEBACK = """\
Traceback (most recent call last):
  File "/home/me/train.py", line {line}, in <module>
    main()
torch.cuda.BadError: shape ({line}, 4) at 0x7f{line}a is wrong, see /tmp/run-{line}/x.log
"""
# what Hydra 1.3 writes: a heading only above a traceback of the program's
HYDRA = "{end}\nSet the environment variable HYDRA_FULL_ERROR=1 for a complete stack trace.\n"


def run_of(study: Study, **changes: Any) -> Run:
    name = study.add("train", 1, status="failed")
    return next(r for r in records.read_records(study.workspace).runs if r.name == name)._replace(**changes)


@pytest.mark.parametrize(
    ("tail", "changes", "said"),
    [
        (TRACEBACK.format(line=3), {}, "BadError: shape (3, 4) at 0x7f3a is wrong, see /tmp/run-3/x.log"),
        ("Traceback (most recent call last):\nKeyboardInterrupt", {}, "KeyboardInterrupt"),
        (
            HYDRA.format(end=TRACEBACK.format(line=3)),
            {},
            "BadError: shape (3, 4) at 0x7f3a is wrong, see /tmp/run-3/x.log",
        ),
        (
            HYDRA.format(
                end=f"{failure_cause.TRACEBACK}\n  File 'x'\nomegaconf.errors.MissingMandatoryValue: Missing: lr\n    full_key: lr\n"
            ),
            {},
            "MissingMandatoryValue: Missing: lr",
        ),
        (
            HYDRA.format(
                end="Could not override 'lrr'.\nTo append to your config use +lrr=1\nKey 'lrr' is not in struct\n    full_key: lrr\n"
            ),
            {},
            "Could not override 'lrr'.",
        ),
        (HYDRA.format(end="a word\n"), {}, "a word"),
        (
            f"FileNotFoundError: no file 'x.log'\n\n{failure_cause.DIRECT_CAUSE}\n\n{TRACEBACK.format(line=3)}",
            {},
            "BadError: shape (3, 4) at 0x7f3a is wrong, see /tmp/run-3/x.log (from FileNotFoundError: no file 'x.log')",
        ),
        ("[rank0]: ValueError: bad", {}, "ValueError: bad"),
        ("RuntimeError: CUDA out of memory. Tried to allocate 2 GiB", {}, "out of GPU memory"),
        (
            "slurmstepd: error: *** JOB 7 ON n1 CANCELLED DUE TO TIME LIMIT ***",
            {"status": "terminated"},
            "Slurm's time limit",
        ),
        ("OSError: [Errno 28] No space left on device", {}, "no space left on device"),
        ("", {"status": "lost"}, "lost: its process is gone and nothing recorded its end"),
        ("epoch 3", {"status": "terminated", "signal": "SIGINT"}, "ended by SIGINT (Ctrl-C)"),
        ("epoch 3", {"status": "terminated", "signal": "SIGUSR1"}, "ended by SIGUSR1"),
        ("", {"exit_code": 127}, "the command could not be started"),
        ("", {"exit_code": 137}, "killed (SIGKILL): often out of memory"),
        ("", {"exit_code": 139}, "crashed (SIGSEGV)"),
        ("usage: x\n\nx: error: no such option\n", {}, "x: error: no such option"),
        ("  ", {"exit_code": 4}, "exit 4, without a word"),
    ],
)
def test_a_cause_is_told_in_the_words_of_the_log(
    study: Study, tail: str, changes: dict[str, object], said: str
) -> None:
    assert determine_failure_cause(run_of(study, **changes), tail) == said


def test_the_line_of_the_repositorys_own_code_is_named_wherever_it_ran(study: Study) -> None:
    (study.root / "src").mkdir()
    for name in ("src/model.py", "train.py"):
        (study.root / name).write_text("")
    frames = (
        "/x/code-1a2b/train.py",
        "/x/code-1a2b/src/model.py",
        "/env/lib/python3.11/site-packages/torch/src/model.py",
    )
    failed = run_of(study)
    log = study.root / json.loads((study.root / failed.path).read_text())["paths"]["stderr"]
    log.parent.mkdir(parents=True, exist_ok=True)
    for count, expected in ((3, "src/model.py:12"), (1, "train.py:10"), (0, "")):
        rows = "".join(f'  File "{path}", line {10 + i}, in f\n    g()\n' for i, path in enumerate(frames[:count]))
        log.write_text(f"{failure_cause.TRACEBACK}\n{rows.replace('line 11', 'line 12')}ValueError: no\n")
        assert failure_cause.find_failed_line(study.workspace, failed) == expected


def test_a_line_that_only_looks_like_an_exception_is_none() -> None:
    assert last_exception("INFO: Error: see below") == ""
    assert last_exception("ValueError") == ""
    assert last_exception("    ValueError: inside a traceback's source line") == ""


def test_runs_that_failed_for_one_reason_are_one_group_in_the_words_of_the_newest(study: Study) -> None:
    run = run_of(study)
    found = [
        FailedRun(
            run=run._replace(name=f"r{i}", started_at=f"2026-01-0{i}"), log="x.err", tail=TRACEBACK.format(line=i)
        )
        for i in (1, 2, 3)
    ]
    other = FailedRun(run=run._replace(name="other"), log="o.err", tail="KeyError: 'lr'", finished_later=True)
    first, second = group_by_cause([*found, other])
    assert [f.run.name for f in first.failures] == ["r3", "r2", "r1"] and "shape (3, 4)" in first.cause
    assert second.cause == "KeyError: 'lr'" and second.finished_later == 1 and first.finished_later == 0


def test_different_words_are_different_causes() -> None:
    assert cause_key("KeyError: 'lr'") != cause_key("KeyError: 'wd'")
    assert cause_key("loss is 3.1e5 at step 12") == cause_key("loss is nan0 at step 7".replace("nan0", "9"))


def test_a_log_is_shown_as_a_screen_would_show_it() -> None:
    assert clean_tail("\x1b[31mred\x1b[0m\r\n 10%\r 50%\rdone\n\x00\x07bell\n\n\n") == "red\ndone\n  bell"
    assert clean_tail("x" * 5000).endswith("…") and len(clean_tail("x" * 5000)) == failure_cause.LINE_WIDTH
    assert clean_tail("\n".join(map(str, range(1000)))).splitlines() == [str(n) for n in range(980, 1000)]


def test_a_later_attempt_that_finished_mends_a_failure(study: Study) -> None:
    name = study.add("train", 1, status="failed")
    study.add("train", 1, {}, {"acc": 1.0}, name=name, attempt=2)
    runs = records.read_records(study.workspace).runs
    failed = next(r for r in runs if r.status == "failed")
    assert has_finished_later(failed, runs)
    assert not has_finished_later(failed, [failed])


def test_a_log_without_an_end_is_no_trouble(tmp_path: Path) -> None:
    assert clean_tail("") == "" and group_by_cause([]) == ()
