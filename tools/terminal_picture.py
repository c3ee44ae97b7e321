"""The picture of a terminal in the README: python -m tools.terminal_picture

Runs the commands below on the digits example in a terminal of its own, and draws what they printed as docs/images/terminal.svg. Nothing
in it is made up; where lines are left out it says `...`. The picture refers to nothing outside of itself.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "terminal.svg"
COLUMNS, MOST_LINES, MOST_BYTES = 100, 40, 60_000
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
# a table that lived, from the cursor's hiding to its coming back, and what wipes its last state out: nothing of it stays on a terminal
LIVE_TABLE = re.compile(r"\x1b\[\?25l.*?\x1b\[\?25h[\r\n]*(?:\x1b\[1A\x1b\[2K|\r)*", re.DOTALL)
# rich's own frame asks a server for its font
SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="TITLE">
    <style>
    .{unique_id}-matrix {{ font-family: FONTS; font-size: {char_height}px; line-height: {line_height}px; }}
    .{unique_id}-title {{ font-size: 18px; font-family: FONTS; }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
""".replace("FONTS", FONTS)


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and how many lines of its output are shown from the beginning and from the end."""

    command: str
    first: int = 100
    last: int = 0


STEPS = (
    Step("scaffold init --yes --root exp --metric val/acc --goal 'Do moved images make it more accurate?'", 1, 2),
    Step("scaffold plan next"),
    Step("scaffold sweep new shift --goal moved --grid shift=0,1 --seeds 1-5 --launch -- python3 train.py", 4, 3),
    Step("scaffold results --metric val/acc"),
    Step("scaffold results compare shift=0 shift=1 --metric val/acc", 2),
)


def cut_lines(lines: Sequence[str], first: int, last: int) -> list[str]:
    """The first and the last lines, and `...` for what was between them."""
    if len(lines) <= first + last + 1:
        return list(lines)
    return [*lines[:first], "...", *(lines[-last:] if last else ())]


def draw_terminal(transcript: Sequence[tuple[str, Sequence[str]]], title: str) -> str:
    """Commands with the lines that they printed, ANSI colours and all, as an SVG. Same input, same bytes."""
    from rich.console import Console
    from rich.terminal_theme import MONOKAI
    from rich.text import Text

    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for number, (command, lines) in enumerate(transcript):
        console.print(Text.assemble("\n" if number else "", ("$ ", "bold green"), (command, "bold")))
        for line in lines:
            console.print(Text.from_ansi(line), style="dim" if line == "..." else "")
    drawn = console.export_svg(
        title=title, theme=MONOKAI, code_format=SVG.replace("TITLE", title), unique_id="terminal"
    )
    return re.sub(r"[ \t]+\n", "\n", drawn)


def run_steps(folder: Path) -> list[tuple[str, list[str]]]:
    """Run the steps in a repository made in `folder`, on a terminal; each command with the lines that are shown. Raises on a failure."""
    import pexpect

    names = {
        f"GIT_{role}_{what}": "example@localhost" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, **names, "PATH": path, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    shutil.copy(ROOT / "examples" / "digits" / "train.py", folder)
    for command in ("init -q -b main", "add -A", "commit -q -m digits"):
        subprocess.run(["git", *command.split()], cwd=folder, env=environment, check=True)
    transcript = []
    for step in STEPS:
        child = pexpect.spawn(
            "bash",
            ["-c", step.command],
            cwd=str(folder),
            env=environment,
            encoding="utf-8",
            timeout=120,
            dimensions=(MOST_LINES, COLUMNS),
        )
        child.expect(pexpect.EOF)
        child.close()
        text = LIVE_TABLE.sub("", str(child.before).replace("\r\n", "\n"))
        if child.exitstatus:
            sys.exit(f"{step.command}: exit code {child.exitstatus}\n{text}")
        transcript.append((step.command, cut_lines(text.splitlines(), step.first, step.last)))
    return transcript


def main() -> None:
    """Run, draw, write."""
    repository = Path(tempfile.gettempdir(), "digits")  # a plain name, since commands print it
    repository.mkdir()
    try:
        drawn = draw_terminal(run_steps(repository), "one training script, a workspace, a sweep")
    finally:
        shutil.rmtree(repository)
    lines = drawn.count('<clipPath id="terminal-line-')
    if lines > MOST_LINES or len(drawn) > MOST_BYTES:
        sys.exit(f"the picture has {lines} lines and {len(drawn)} bytes, more than {MOST_LINES} or {MOST_BYTES}")
    PICTURE.write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
