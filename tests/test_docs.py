"""The documentation holds: links lead somewhere, commands can be typed as they stand, pictures refer to nothing outside of themselves."""

from __future__ import annotations

import re
import shlex
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from scaffold.cli.main import group
from scaffold.cli.sweep.new import MultipleValuesCommand
from scaffold.runs import recorder_command
from tools import terminal_picture

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/*.md"), *ROOT.glob("benchmarks/*.md")]
)
PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
ENDS = ("|", "||", "&&", ";", ">", ">>", "<", "2>&1")


def tokens(page: Path) -> Iterator[Token]:
    """The page's tokens, those inside of paragraphs too."""
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")):
        yield token
        yield from token.children or ()


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page, and the anchors in it."""
    found = set(re.findall(r'<a id="([^"]+)">', page.read_text(encoding="utf-8")))
    parsed = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    for opening, inline in pairwise(parsed):
        if opening.type == "heading_open":
            text = "".join(t.content for t in inline.children or ())
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found.add(next(s for n in range(100) if (s := f"{slug}-{n}" if n else slug) not in found))
    return found


@PAGE
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for token in tokens(page):
        target = str(token.attrs.get("href") or token.attrs.get("src") or "")
        if not target or re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.is_relative_to(ROOT) or not place.exists() or (anchor and anchor not in anchors(place)):
            wrong.append(target)
    assert wrong == []


def test_pictures_say_in_words_what_they_show() -> None:
    shown = [(p.name, t) for p in PAGES for t in tokens(p) if t.type == "image"]
    assert {t.attrs["src"] for name, t in shown if name == "README.md"} >= {
        "docs/images/terminal.svg",
        "docs/images/report.png",
    }
    assert [name for name, t in shown if len(t.content) < 20] == []


def test_the_readme_names_every_page() -> None:
    linked = {str(t.attrs["href"]) for t in tokens(ROOT / "README.md") if t.type == "link_open"}
    assert {p.relative_to(ROOT).as_posix() for p in ROOT.glob("docs/*.md")} <= linked


@PAGE
def test_a_page_is_text_that_can_be_read(page: Path) -> None:
    assert re.findall(r"[^\n\x20-\x7e\xa0-\U0010ffff]", page.read_text(encoding="utf-8")) == []


def commands(page: Path) -> Iterator[tuple[str, bool]]:
    """What follows `scaffold` on a page, and whether it stands in the text: in back-ticks, and not in a block of code."""
    for token in tokens(page):
        if token.type in ("fence", "code_block"):
            for line in token.content.replace("\\\n", " ").splitlines():
                found = re.match(r"\s*(?:\$ )?(?:\S*/)?scaffold (.+)", line)
                if found:
                    yield found[1], False
        elif token.type == "code_inline" and token.content.startswith("scaffold "):
            yield token.content.removeprefix("scaffold "), True


def wrong_in(line: str, *, in_text: bool = False) -> str | None:
    """What the command line would not take of what stands behind `scaffold`; None where all is well.

    Verbs, options, choices and numbers count; files and names need not be there. `list | show NAME` are two verbs of one command. In a text
    the last option may stand without its value, and words in capitals stand for any value everywhere.
    """
    words = shlex.split(line, comments=True)
    words = [
        w
        for before, w in pairwise(["", *words])
        if not re.fullmatch(r"\[.*\](\.\.\.)?", w) and (w != "..." or before[:1] == "-")
    ]
    command: click.Command = group
    context = click.Context(group, info_name="scaffold")
    while isinstance(command, click.Group) and words and not words[0].startswith("-") and words[0] not in ENDS:
        below = command.get_command(context, words[0])
        if below is None:
            return f"there is no {words[0]} in {context.command_path}"
        alternatives = [part.split()[0] for part in " ".join(words).split(" | ")[1:]]
        known = [command.get_command(context, verb) is not None for verb in alternatives]
        deeper = isinstance(below, click.Group) and words[1:] and below.get_command(context, words[1]) is not None
        if any(known) and not all(known) and not deeper:
            return f"not all of {alternatives} are in {context.command_path}"
        settings = {"info_name": words[0], "parent": context, **below.context_settings}
        command, context, words = below, click.Context(below, **settings), words[1:]
    ends = [i for i, w in enumerate(words) if w in ENDS or w.startswith((">", "2>"))]
    own = words[: words.index("--")] if "--" in words else words[: min(ends, default=len(words))]
    if isinstance(command, MultipleValuesCommand):  # --grid takes several words
        own = [w for before, w in pairwise(["", *own]) if "=" not in w or w[0] == "-" or before[:1] == "-"]
    try:
        return _parsed(command, context, own)
    except click.BadOptionUsage as error:
        return None if in_text and own[-1] == error.option_name else error.format_message()
    except click.UsageError as error:
        return error.format_message()


def _parsed(command: click.Command, context: click.Context, words: list[str]) -> str | None:
    given, left, _ = command.make_parser(context).parse_args(list(words))
    if left and not isinstance(command, click.Group):
        return f"too much: {left}"
    for parameter in command.params:
        value = given.get(parameter.name or "")
        for one in value if isinstance(value, (list, tuple)) else [value]:
            checked = isinstance(parameter.type, (click.Choice, click.types.IntParamType, click.types.FloatParamType))
            if checked and isinstance(one, str) and not re.fullmatch(r"[A-Z]+|.*\|.*", one):
                parameter.type.convert(one, parameter, context)
    recorders = given.get("recorder_options")
    unknown = [w for w in recorders if w.startswith("--")] if isinstance(recorders, (list, tuple)) else []
    usage = recorder_command.recorder_usage() if unknown else ""
    return next((f"the recorder has no {w}" for w in unknown if w.partition("=")[0] not in usage), None)


@PAGE
def test_commands_can_be_typed_as_they_stand(page: Path) -> None:
    said = {line: wrong_in(line, in_text=in_text) for line, in_text in commands(page)}
    assert {k: v for k, v in said.items() if v is not None} == {}


def test_the_pages_have_commands_that_are_looked_at() -> None:
    first_pages = [ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in ("tour", "agents", "workspace"))]
    assert sum(len(list(commands(page))) for page in first_pages) > 50
    assert sum(len(list(commands(p))) for p in PAGES) > 150


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plan check", None),
        ("runs list | show NAME | audit", None),
        ("results --format csv >x.csv", None),
        ("sweep launch lr --wait   # what is missing", None),
        ("run --seed 1 -- python train.py --unknown", None),
        ("plan chek", "there is no chek in"),
        ("results --formt csv", "No such option"),
        ("results --format cvs", "'cvs' is not one of"),
        ("sweep launch lr --max-parallel many", "not a valid integer"),
        ("runs list | show NAME | audt", "not all of"),
        ("run --sead 1 -- python train.py", "the recorder has no --sead"),
        ("sweep new lr --grid a=1 b=2 --seds 1 -- python train.py", "No such option"),
        ("results --metric", "requires an argument"),
        ("status now", "too much"),
    ],
)
def test_a_wrong_command_is_noticed(line: str, said: str | None) -> None:
    found = wrong_in(line)
    assert found is None if said is None else found is not None and said in found


def test_the_terminal_is_self_contained_readable_and_runs_real_commands() -> None:
    text = terminal_picture.PICTURE.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    shown = [
        "".join(e.itertext()).replace("\xa0", " ").strip() for e in root.iter() if e.tag.endswith("text") and e.text
    ]
    assert len(text) <= terminal_picture.MOST_BYTES
    assert text.replace('xmlns="http://www.w3.org/2000/svg"', "").count("http") == 0
    assert not {e.tag.rpartition("}")[2] for e in root.iter()} & {"script", "image", "foreignObject", "use", "a"}
    for step in terminal_picture.STEPS:
        assert step.command in shown and wrong_in(step.command.removeprefix("scaffold ")) is None


def test_a_picture_shows_what_was_printed_and_says_what_was_left_out() -> None:
    lines = [f"line {n}" for n in range(10)]
    assert terminal_picture.cut_lines(lines, 2, 1) == ["line 0", "line 1", "...", "line 9"]
    assert terminal_picture.cut_lines(lines, 9, 0) == lines
    drawn = [
        terminal_picture.draw_terminal([("scaffold x", ["\x1b[31mred\x1b[0m & <b>"])], "a title") for _ in range(2)
    ]
    assert drawn[0] == drawn[1]
    texts = [e.text for e in ElementTree.fromstring(drawn[0]).iter() if e.tag.endswith("text")]
    assert "red" in texts and any("&\xa0<b>" in (t or "") for t in texts)
