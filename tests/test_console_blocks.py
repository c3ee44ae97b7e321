"""What README and the tour show as typed and printed is what the commands print, in a repository whose one script prints its metric."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import console_blocks


@pytest.mark.usefixtures("quick_copier")
def test_pages_show_what_their_commands_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    folder = tmp_path.resolve() / "my-repository"
    folder.mkdir()
    console_blocks.make_repository(folder)
    for page in console_blocks.PAGES:
        text = page.read_text(encoding="utf-8")
        printed = console_blocks.run_page(text, folder)
        plain = console_blocks.without_changing_parts
        assert plain(text.splitlines()) == plain(printed.splitlines()), f"python -m tools.console_blocks: {page.name}"


def test_readme_is_short_and_comes_to_a_number_in_three_commands() -> None:
    lines = (console_blocks.ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 200
    first = console_blocks.BLOCK.search("\n".join(lines))
    assert first is not None
    steps = list(console_blocks.read_steps(first[0] + "\n"))
    assert [step.command.split()[1] for step in steps[:3]] == ["init", "sweep", "results"]
    assert "val_accuracy" in steps[2].shown[0]


@pytest.mark.parametrize(
    ("block", "steps"),
    [
        ("$ a b\nx\ny\n$ c\n", [("a b", ("x", "y")), ("c", ())]),
        ("$ a \\\n    b\nx\n", [("a \\\n    b", ("x",))]),
    ],
)
def test_steps(block: str, steps: list[tuple[str, tuple[str, ...]]]) -> None:
    assert [(step.command, step.shown) for step in console_blocks.read_steps(block)] == steps
