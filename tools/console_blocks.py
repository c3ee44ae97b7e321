"""The console blocks of README.md and docs/tour.md: python -m tools.console_blocks writes what their commands print.

Their commands are run, one after the other, in a repository of `examples/printing/train.py`, which only prints its metric. A line `...`
stands for lines that are left out; a rewrite keeps as many lines before and behind it as there were.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from scaffold.cli.main import group
from tools.terminal_picture import cut_lines

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs" / "tour.md")
SCRIPT = ROOT / "examples" / "printing" / "train.py"
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
SHOWN_FOLDER = "/home/me/my-repository"
LEFT_OUT = "..."
# what is another one each time: durations, times, digests, versions, and columns that are as wide as these
_CHANGING = (
    (re.compile(r"\b\d+(\.\d+)? (ms|s|min)\b"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b20\d\d-\d\d-\d\d(T[\d:.]+Z| \d\d:\d\d)?"), "DATE"),
    (re.compile(r"-[0-9a-f]{8}\b"), "-DIGEST"),
    (re.compile(r"\bv\d+\.\d+\.\d+\b"), "VERSION"),
    (re.compile(r"\b[0-9a-f]{12,}\b"), "ID"),
    (re.compile(r" +"), " "),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a page, as it is typed, and the lines that the page shows of what it prints."""

    command: str
    shown: tuple[str, ...]

    @property
    def first_and_last(self) -> tuple[int, int]:
        """How many lines are shown from the beginning and from the end; all of them where none is left out."""
        if LEFT_OUT not in self.shown:
            return sys.maxsize // 2, 0
        at = self.shown.index(LEFT_OUT)
        return at, len(self.shown) - at - 1


def read_steps(block: str) -> Iterator[Step]:
    """The commands of a block: lines that begin with `$ `, gone on with behind a backslash; what stands below each was printed."""
    command, shown = "", list[str]()
    for line in block.splitlines():
        if line.startswith("$ ") or command.endswith("\\"):
            if line.startswith("$ ") and command:
                yield Step(command, tuple(shown))
                command, shown = "", []
            command = "\n".join(filter(None, [command, line.removeprefix("$ ")]))
        else:
            shown.append(line)
    yield Step(command, tuple(shown))


def make_repository(folder: Path) -> None:
    """A repository whose one script prints its metric."""
    shutil.copy(SCRIPT, folder)
    identity = ("-c", "user.name=Example", "-c", "user.email=example@localhost")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), (*identity, "commit", "-q", "-m", "A perceptron")):
        subprocess.run(["git", *words], cwd=folder, check=True)


def run_step(step: Step, folder: Path) -> list[str]:
    """What a command prints in `folder`, stdout and stderr as they come, where the work directory is called SHOWN_FOLDER."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        words = shlex.split(step.command.replace("\\\n", " "))
        done = CliRunner().invoke(group, words[1:], catch_exceptions=False)
    finally:
        os.chdir(before)
    if done.exit_code not in (0, 3):
        raise RuntimeError(f"{step.command}: exit code {done.exit_code}\n{done.output}")
    return done.output.replace(str(folder), SHOWN_FOLDER).splitlines()


def run_page(page: str, folder: Path) -> str:
    """The page, with what its commands print in `folder`."""

    def rewrite(match: re.Match[str]) -> str:
        lines = []
        for step in read_steps(match[0]):
            lines += [f"$ {step.command}", *cut_lines(run_step(step, folder), *step.first_and_last)]
        return "".join(f"{line.rstrip()}\n" for line in lines)

    return BLOCK.sub(rewrite, page)


def without_changing_parts(lines: Sequence[str]) -> list[str]:
    """The lines with a word for all that differs from one time to the next."""
    plain = []
    for line in lines:
        for pattern, word in _CHANGING:
            line = pattern.sub(word, line)
        plain.append(line.strip())
    return plain


def main() -> None:
    """Run, write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve() / "my-repository"
        folder.mkdir()
        make_repository(folder)
        for page in PAGES:
            page.write_text(run_page(page.read_text(encoding="utf-8"), folder), encoding="utf-8")


if __name__ == "__main__":
    main()
