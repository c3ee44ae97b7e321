"""What each line is: held against markdown-it-py, a parser of the whole language, wherever the contract wants the same."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from scaffold.plan.document.markdown_lines import indentation_width, scan_lines
from scaffold.plan.document.parse import CHECKBOX, heading_title

# no indentation of four and more outside a list (the contract reads an item there, CommonMark code), no number but 1
BLOCKS = [
    "- [ ] task",
    "  - [x] nested",
    "* [/] star",
    "+ [ ] plus",
    "1. [ ] one",
    "1) [ ] one",
    "-\t[ ] tab",
    "- ```",
    "- <!--",
    "```",
    "```text",
    "````",
    "~~~",
    "  ```",
    "   ~~~~",
    "``` not `` a fence",
    "<!--",
    "  <!-- open",
    "<!-- whole -->",
    "-->",
    "> - [ ] quoted",
    "> ```",
    "> <!--",
    "# Heading",
    "## Phase 1 - x ##",
    "#no heading",
    "***",
    "text",
    "  text",
    "",
    " ",
]


def oracle(text: str) -> tuple[list[int], list[tuple[int, str]]]:
    """The lines of checkbox items, and of headings with their titles, outside quotes, as markdown-it-py sees them."""
    items, headings, quotes = [], [], 0
    tokens = MarkdownIt("commonmark").parse(text)
    for index, token in enumerate(tokens):
        if token.type in ("blockquote_open", "blockquote_close"):
            quotes += token.nesting
        if quotes or token.map is None:
            continue
        follows = tokens[index + 2] if len(tokens) > index + 2 else None
        first = follows is not None and follows.type == "inline" and follows.map and follows.map[0] == token.map[0]
        if token.type == "list_item_open" and follows and first and re.match(r"\[.\] ", follows.content):
            items.append(token.map[0] + 1)
        if token.type == "heading_open" and token.markup.startswith("#"):
            headings.append((token.map[0] + 1, tokens[index + 1].content))
    return items, headings


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(BLOCKS), max_size=12))
def test_agrees_with_a_parser_of_the_whole_language(blocks: list[str]) -> None:
    text = "\n".join(blocks)
    items, headings = oracle(text)
    lines = scan_lines(text).lines
    assert [line.number for line in lines if line.kind == "item" and CHECKBOX.match(line.text)] == items
    found = [(line.number, heading_title(line)[1]) for line in lines if line.kind == "heading"]
    assert [(number, title.rstrip("#").strip()) for number, title in found] == [
        (number, title.rstrip("#").strip()) for number, title in headings
    ]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("- a\n  ```\n  - [ ] in\n- [ ] out", ["item", "code", "code", "item"]),
        ("- a\nlazy\n  ```\n- [ ] out", ["item", "text", "code", "item"]),
        ("```\n- [ ] x\n~~~\n````", ["code", "code", "code", "code"]),
        ("<!-- a -->\n- [ ] x", ["comment", "item"]),
        ("text <!-- a\n- [ ] x", ["text", "item"]),
        ("> ```\n- [ ] x", ["code", "item"]),
        ("        - [ ] as deep as the server reads it", ["item"]),
        ("a\x0bb\x0c\u2028- [ ] one line", ["text"]),
        ("\ufeff# Tasks", ["heading"]),
        ("# a\r- [ ] b\r\n- [ ] c\n", ["heading", "item", "item"]),
        ("-\n1.\n#\n-", ["item", "item", "heading", "item"]),
        ("- ```\n\n  - [ ] in\n  ```\n- [ ] out", ["item", "code", "code", "code", "item"]),
        ("```\n    ```\n- [ ] in", ["code", "code", "code"]),
        ("- a\n  ```\n  ```\n  - [ ] out", ["item", "code", "code", "item"]),
        ("    # no heading\na # b", ["text", "text"]),
        ("    ```\n- [ ] out", ["text", "item"]),
        ("* * *\n- a ***\n- - -", ["rule", "item", "rule"]),
        ("-    a\n     ```\n   - [ ] out", ["item", "code", "item"]),
        ("-      a\n  ```\n- [ ] out", ["item", "code", "item"]),
        ("-\n  ```\n- [ ] out", ["item", "code", "item"]),
        ("-\n  ```\n - [ ] out", ["item", "code", "item"]),
        ("- ```py\n  - [ ] in", ["item", "code"]),
        ("- ~~~\n  - [ ] in", ["item", "code"]),
        ("-\nlast\n  ```\n- [ ] in", ["item", "text", "code", "code"]),
        ("- # h\nlast\n  ```\n- [ ] in", ["item", "text", "code", "code"]),
        ("`a` ```\n- [ ] out", ["text", "item"]),
        ("~~~ a`b\n- [ ] in", ["code", "code"]),
        ("> ```\n> - [ ] in\n> ```\n> - [ ] quoted", ["code", "code", "code", "quote"]),
        ("> <!-- a -->\n> - [ ] quoted", ["comment", "quote"]),
        ("    > no quote", ["text"]),
        ("- a\n  > quote", ["item", "quote"]),
        ("- a\n  - b\n    ```\n  - [ ] out", ["item", "item", "code", "item"]),
        ("- a\n***\n  ```\n- [ ] in", ["item", "rule", "code", "code"]),
        ("- a\nlazy ***\n  ```\n- [ ] out", ["item", "text", "code", "item"]),
        ("- a\n        b\nlazy\n  ```\n- [ ] out", ["item", "text", "text", "code", "item"]),
        ("- a\n\n  b\nlazy\n  ```\n- [ ] out", ["item", "blank", "text", "text", "code", "item"]),
        ("- a\n\n      b\nlast\n  ```\n- [ ] in", ["item", "blank", "text", "text", "code", "code"]),
        ("", []),
    ],
)
def test_kinds_of_lines(text: str, kinds: list[str]) -> None:
    assert [line.kind for line in scan_lines(text).lines] == kinds
    if "as deep as the server" not in text and "\x0b" not in text:
        items = [n for n, line in enumerate(text.splitlines(), start=1) if kinds[n - 1] == "item" and "[ ]" in line]
        assert oracle(text)[0] == items, "a parser of the whole language says so too"


@given(st.text(alphabet=st.sampled_from("- [ ]x/#`~<!>\t\r\n\ufeff1.a"), max_size=200))
def test_every_character_stands_in_one_line(text: str) -> None:
    lines = scan_lines(text).lines
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    rebuilt, position = "", 0
    for line in lines:
        rebuilt += text[position : line.start] + line.text
        position = line.start + len(line.text)
    assert rebuilt + text[position:] == text
    assert all("\n" not in line.text and "\r" not in line.text for line in lines)


def test_tabs_reach_the_next_multiple_of_four() -> None:
    assert [indentation_width(text) for text in ("\ta", "  \ta", "    \ta", " a")] == [4, 4, 8, 1]


def test_the_lines_around_code_are_told_apart_from_it() -> None:
    for text in ("```\n``\n```\na", "- ```\n  ``\n  ```\n  a"):
        assert [line.fence for line in scan_lines(text).lines][1:] == [False, True, False]
    assert scan_lines("```\na").lines[0].fence and not scan_lines("- ```\na").lines[0].fence, "an item is an item"


def test_an_open_fence_is_reported_with_its_line() -> None:
    opened = scan_lines("a\n~~~\n- [ ] b").unclosed
    assert opened is not None and opened.number == 2
    assert scan_lines("~~~\n~~~").unclosed is None
    assert scan_lines("- ~~~\n\nend").unclosed is None


@pytest.mark.parametrize(
    "text", ["- " * 20_000, "> " * 20_000, "  " * 50_000 + "- [ ] x", "`" * 100_000, "<!--" * 50_000]
)
def test_long_lines_take_no_longer_than_their_length(text: str) -> None:
    begun = time.process_time()
    scan_lines("\n".join([text] * 3))
    assert time.process_time() - begun < 5
