"""Tickets: exactly one launcher takes one, and a new one is never written beside a taken one of the same try."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scaffold.backends import start_tokens
from scaffold.errors import ScaffoldError

TAKE = 'mv "$1/a.ticket" "$1/a.taken" && printf "host=h\\npid=$$\\n" >> "$1/a.taken"'


def take(folder: Path) -> bool:
    return subprocess.run(["sh", "-c", TAKE, "sh", str(folder)], stderr=subprocess.DEVNULL).returncode == 0


def test_a_ticket_is_taken_once(tmp_path: Path) -> None:
    assert start_tokens.issue_start_token(tmp_path, "a", 1, {"CUDA_VISIBLE_DEVICES": "0"})
    assert (tmp_path / "a.ticket").read_text() == "number=1\nCUDA_VISIBLE_DEVICES=0\n"
    assert [take(tmp_path), take(tmp_path)] == [True, False]
    found = start_tokens.read_start_token(tmp_path, "a")
    assert found is not None and (found.number, found.taken, found.host) == (1, True, "h") and found.pid


def test_of_many_launchers_at_once_one_takes_it(tmp_path: Path) -> None:
    start_tokens.issue_start_token(tmp_path, "a", 1, {})
    started = [subprocess.Popen(["sh", "-c", TAKE, "sh", str(tmp_path)], stderr=subprocess.DEVNULL) for _ in range(20)]
    assert sorted(p.wait() for p in started).count(0) == 1


def test_one_that_was_taken_is_not_written_again(tmp_path: Path) -> None:
    start_tokens.issue_start_token(tmp_path, "a", 1, {})
    take(tmp_path)
    assert not start_tokens.issue_start_token(tmp_path, "a", 1, {})
    assert not (tmp_path / "a.ticket").exists()


def test_one_that_nobody_took_is_replaced_with_new_devices(tmp_path: Path) -> None:
    start_tokens.issue_start_token(tmp_path, "a", 1, {"CUDA_VISIBLE_DEVICES": "0"})
    assert start_tokens.issue_start_token(tmp_path, "a", 1, {"CUDA_VISIBLE_DEVICES": "1"})
    assert "CUDA_VISIBLE_DEVICES=1" in (tmp_path / "a.ticket").read_text()


def test_a_launcher_that_comes_between_look_and_writing_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_tokens.issue_start_token(tmp_path, "a", 1, {})
    real = start_tokens.withdraw_start_token

    def late(folder: Path, name: str) -> bool:
        assert take(tmp_path)
        return real(folder, name)

    monkeypatch.setattr(start_tokens, "withdraw_start_token", late)
    assert not start_tokens.issue_start_token(tmp_path, "a", 1, {})
    assert not (tmp_path / "a.ticket").exists()


def test_a_launcher_that_comes_after_the_look_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_tokens.issue_start_token(tmp_path, "a", 1, {})
    real, took = start_tokens.read_start_token_file, []

    def then_late(path: Path) -> start_tokens.StartToken | None:
        found = real(path)
        took.append(take(tmp_path))
        return found

    monkeypatch.setattr(start_tokens, "read_start_token_file", then_late)
    issued = start_tokens.issue_start_token(tmp_path, "a", 1, {})
    assert (any(took), issued, (tmp_path / "a.ticket").exists()) == (False, True, True)


def test_the_taken_ticket_of_the_try_before_is_kept(tmp_path: Path) -> None:
    start_tokens.issue_start_token(tmp_path, "a", 1, {})
    take(tmp_path)
    assert start_tokens.issue_start_token(tmp_path, "a", 2, {})
    assert (tmp_path / "a.taken.1").is_file() and not (tmp_path / "a.taken").exists()
    found = start_tokens.read_start_token(tmp_path, "a")
    assert found is not None and (found.number, found.taken) == (2, False)
    assert start_tokens.list_start_tokens(tmp_path) == {"a"}


def test_a_ticket_is_withdrawn_before_it_is_taken_or_not_at_all(tmp_path: Path) -> None:
    start_tokens.issue_start_token(tmp_path, "a", 1, {})
    assert start_tokens.withdraw_start_token(tmp_path, "a") and not take(tmp_path)
    start_tokens.issue_start_token(tmp_path, "a", 1, {})
    assert take(tmp_path) and not start_tokens.withdraw_start_token(tmp_path, "a")
    assert list(tmp_path.glob("*.withdrawn")) == []


def test_only_what_launchers_export_is_in_a_ticket(tmp_path: Path) -> None:
    for exports in ({"PATH": "/tmp"}, {"RUN_SERVER_URL": "a\nPATH=/tmp"}):
        with pytest.raises(ValueError):
            start_tokens.issue_start_token(tmp_path, "a", 1, exports)


def test_a_ticket_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError, match="cannot be written"):
        start_tokens.issue_start_token(tmp_path / "missing", "a", 1, {})


@pytest.mark.parametrize("text", ["", "number=x\npid=-1\n", "\0\xff", "number=1"])
def test_a_torn_ticket_is_still_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.taken").write_text(text)
    found = start_tokens.read_start_token(tmp_path, "a")
    assert found is not None and (found.number, found.pid) == (1, None)
