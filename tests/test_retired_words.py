"""README, docs, template and help use the words of the code.

Retired are the words that once named a thing of ours and name nothing any more: who reads one looks for it in vain. Everyday words that a
name has dropped (found, there, given) are still English, and so are not here. What stands in code marks is a name that stays: of a file
(`NAME.ticket`, `pacer.log`), or a key of an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from scaffold.cli.common import answer_schemas
from scaffold.cli.main import group

ROOT = Path(__file__).parents[1]
# old word, as a pattern -> the word that stands for it now
RETIRED = {
    r"sheets?": "sweep file",
    r"tickets?": "start token",
    r"pac(?:er|ers|es|ed|ing)": "scheduler, to schedule",
    r"enlist\w*": "register",
    r"intended": "submitting",
    r"handles?": "job id",
    r"second opinion": "what the server says",
    r"last words": "the end of its log",
    r"oddit(?:y|ies)": "near miss",
    r"catalogue": "the server's operations",
    r"wish(?:es|ed)?": "option",
}
# a sentence that says which word messages still have for a thing
EXPLAINED = ("messages call it the ticket",)


def pages() -> Iterator[tuple[str, str]]:
    """What a user or contributor reads, but for the changelog, which speaks of its time."""
    folders = ("docs", "examples", "template", "benchmarks")
    paths = [*ROOT.glob("*.md"), *(p for folder in folders for p in (ROOT / folder).rglob("*"))]
    for path in sorted(paths):
        if path.name == "CHANGELOG.md" or "_record_run" in path.parts or not path.name.endswith((".md", ".md.jinja")):
            continue
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    yield "copier.yml", (ROOT / "copier.yml").read_text(encoding="utf-8")


def helps() -> Iterator[tuple[str, str]]:
    """The help of every command."""
    for words, command in answer_schemas.list_cli_commands(group):
        options = [option.help or "" for option in command.params if isinstance(option, click.Option)]
        yield f"scaffold {' '.join(words)} --help", "\n".join((command.help or "", *options))


def schemas() -> Iterator[tuple[str, str]]:
    """What the schemas of answers say of their fields."""
    for path in sorted(answer_schemas.FOLDER.iterdir()):
        descriptions = re.findall(r'"description": ("(?:[^"\\]|\\.)*")', path.read_text(encoding="utf-8"))
        yield path.name, "\n".join(map(json.loads, descriptions))


def prose(text: str) -> str:
    """A text without what stands in code marks, code blocks and the template's own code."""
    text = re.sub(r"(?ms)^```.*?^```|^    \S.*?$|\{[%{#].*?[%}#]\}", "", text)
    text = re.sub(r"`[^`\n]*`", "", text)
    for sentence in EXPLAINED:
        text = text.replace(sentence, "")
    return text


@pytest.mark.parametrize("source", [pages, helps, schemas])
def test_no_text_has_a_retired_word(source: object) -> None:
    assert callable(source)
    found = [
        f"{name}: {match.group()!r} is {new!r} now: ...{text[max(0, match.start() - 40) : match.end() + 30]!r}..."
        for name, whole in source()
        for text in [prose(whole)]
        for old, new in RETIRED.items()
        for match in re.finditer(rf"\b{old}\b", text, re.IGNORECASE)
    ]
    assert not found, "\n".join(found)


def test_a_retired_word_is_found() -> None:
    text = prose("`NAME.ticket`\n\n    a sheet in a drawing\n\nIts Tickets, though.")
    assert [old for old in RETIRED if re.search(rf"\b{old}\b", text, re.IGNORECASE)] == [r"tickets?"]
