"""What a terminal is shown: rows that fit, names shortened where they tell least, colours where these are welcome."""

from __future__ import annotations

import pytest

from scaffold.cli.common import terminal

NAME = "train-batch_size_64,learning_rate_0.001-s3-7f8740d6"
ROWS = [[NAME, "finished", "0.2 s", "acc 0.8"], ["b-s1-973e87b0", "failed", "1.0 s", "ValueError: " + "x" * 60]]


@pytest.mark.parametrize("width", [80, 40, 30, 20, 14])
def test_a_name_keeps_its_beginning_and_its_digits(width: int) -> None:
    shortened = terminal.shorten_middle(NAME, width)
    assert len(shortened) <= width and shortened.endswith(NAME[-8:]) and shortened[0] == NAME[0]
    assert (shortened == NAME) == (width >= len(NAME)) and (shortened == NAME or "..." in shortened)


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_rows_fit_the_width(width: int) -> None:
    cells = terminal.fit_rows(ROWS, width, name=0)
    assert [row[1:3] for row in cells] == [row[1:3] for row in ROWS]
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    assert sum(widths) + 6 <= width
    assert width < 200 or cells == ROWS


@pytest.mark.parametrize(
    ("variables", "colored"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours_only_where_they_are_welcome(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variables: dict[str, str], colored: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    terminal.print_state_rows(ROWS, name=0, state=1, header=["run", "state", "took", ""], wide=True)
    lines = capsys.readouterr().out.splitlines()
    plain = [
        line.replace("\x1b[1m", "").replace("\x1b[32m", "").replace("\x1b[31m", "").replace("\x1b[0m", "")
        for line in lines
    ]
    assert plain[0].split() == ["run", "state", "took"] and plain[1].split() == [
        NAME,
        "finished",
        "0.2",
        "s",
        "acc",
        "0.8",
    ]
    assert any("\x1b" in line for line in lines) == colored
    assert not colored or "\x1b[32mfinished\x1b[0m" in lines[1]


def test_what_a_terminal_would_obey_is_written_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    terminal.print_state_rows([["a\x1b[2Jb", "failed", "x"]], name=0, state=1)
    assert "\x1b[2J" not in capsys.readouterr().out
