"""Plans that state their own findings: `<!-- expect: P204 -->` on the offending line, `<!-- options: fresh -->` anywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scaffold.conventions.endless_scripts import EndlessScript
from scaffold.plan.rules.rule import RuleContext

FOLDER = Path(__file__).parents[1] / "plans"
EXPECT = re.compile(r" ?<!-- expect: ([P\d ]+?) -->")
OPTIONS = re.compile(r"<!-- options: ([a-z ]+?) -->")


@dataclass(frozen=True)
class Case:
    """A plan without its marks, what is expected of it as (line, code), and what the rules are told."""

    path: Path
    text: str
    expected: list[tuple[int, str]]
    context: RuleContext


def read(path: Path) -> Case:
    text = path.read_bytes().decode("utf-8")
    found = OPTIONS.search(text)
    options = found[1].split() if found else []
    text = OPTIONS.sub("", text)
    lines = text.split("\n")
    expected = [
        (number, code)
        for number, line in enumerate(lines, start=1)
        for mark in EXPECT.finditer(line)
        for code in mark[1].split()
    ]
    endless = (EndlessScript("train.py", "--max-steps"),) if "endless" in options else ()
    context = RuleContext(fresh="fresh" in options, server="server" in options, endless=endless)
    return Case(path, EXPECT.sub("", text), sorted(expected), context)


BAD = sorted((FOLDER / "bad").glob("*.md"))
GOOD = sorted((FOLDER / "good").glob("*.md"))
