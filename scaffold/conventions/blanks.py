"""What a reader of a README is to replace before a command runs: found in shown commands, and written as an open choice."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from scaffold.facts.shell_words import Word, lex_shell_command, unknown_variables

CHOICE = re.compile(r"\[choice:\s*([^\[\]]*)\]", re.IGNORECASE)
_RUN_FOLDERS = re.compile(r"\{RUN_[A-Z_]+\}")  # what the recorder fills in is no blank
_BLANK = re.compile(
    r"<\s?[A-Za-z][^<>]*>|\{[A-Za-z_][\w .-]*\}|…|(?:^|[=\s])\.\.\.(?:$|\s)"
    r"|(?:^|[/=_\s-])path[/_-]?to(?:[/_-]|$)|(?:^|[=/])path/|(?<![A-Za-z])your(?:[-_/ ]|\b)|_HERE\b|\bXXX+\b|\bTODO\b|\bTBD\b",
    re.IGNORECASE,
)
_A_NUMBER_TO_COME = re.compile(r"^N$")
_SHOUTED = re.compile(
    r"^(?=.*_)(?=(?:.*_)?(?:PATH|DIR|DIRECTORY|FILE|FOLDER|ROOT|YOUR|HERE|USER|ID|KEY|CKPT|CHECKPOINT|PORT|HOST|IP|ADDR|PARTITION"
    r"|ACCOUNT|PROJECT|BUCKET|ENTITY|NAME|NUM|GPUS?)(?:_|$))[A-Z][A-Z0-9_]*$"
)
_SHOUTED_PART = re.compile(
    r"^[a-z][\w.-]*/(?:\w+_)?(?:BUDGET|WORKSPACE|PROJECT|ACCOUNT|BUCKET|ENTITY|TEAM|USER|USERNAME|NAME|MODEL|DATASET|REPO)$"
)
_OPTIONAL = re.compile(r"^\[[A-Za-z.<-][^\[\]]*\]$")
_NAME = re.compile(r"^[+~]{0,2}-{0,2}[A-Za-z_][\w./@-]*=")
_SOMEBODYS_PATH = re.compile(r"^(?:s3|gs|hdfs|pipe):|^/(?!(?:tmp|dev|usr|bin|proc|etc|opt)(?:/|$))[\w.~-]+(?:/|$)")


def is_blank_value(value: str) -> bool:
    """Whether a value is to be replaced by the reader: `<path>`, `/path/to/data`, `YOUR_NAME`, `{checkpoint}`, `N`."""
    text = _RUN_FOLDERS.sub("", value)
    return bool(
        _BLANK.search(text) or _A_NUMBER_TO_COME.match(text) or _SHOUTED.match(text) or _SHOUTED_PART.match(text)
    )


def is_personal_path(value: str) -> bool:
    """Whether a value is an absolute path, or a bucket, that exists for its author only."""
    return _SOMEBODYS_PATH.match(value) is not None


def has_unfilled_blank(word: Word) -> bool:
    """Whether a word of a command is to be filled in: a blank, an `[optional argument]`, or a variable that nobody has set."""
    value = _NAME.sub("", word.value)
    return word.computed or bool(unknown_variables(word) or _OPTIONAL.match(word.raw)) or is_blank_value(value)


def format_open_choice(what: str, candidates: Iterable[str] = (), *, shown: str = "", place: str = "") -> str:
    """`[choice: --config, one of a.yaml, b.yaml (README.md:89)]`: at most four candidates, and nothing that would end the bracket."""
    listed = list(candidates)
    more = f" and {len(listed) - 4} more" if len(listed) > 4 else ""
    pieces = [what]
    if listed:
        pieces.append(f"one of {', '.join(listed[:4])}{more}" if len(listed) > 1 else f"such as {listed[0]}")
    elif shown:
        pieces.append(f"shown as {shown}")
    text = re.sub(r"[\[\]'\"`]", "", ", ".join(pieces)) + (f" ({place})" if place else "")
    return f"[choice: {text}]"


def list_open_choices_in_command(command: str) -> list[str]:
    """The choices that a command leaves open, as they are written in it."""
    return [match[0] for match in CHOICE.finditer(command)]


@functools.cache
def _certain_blank() -> re.Pattern[str]:
    """A blank that nothing else can be; compiled when a command is checked, since detection does not ask for it."""
    return re.compile(
        r"<\s?(?!(?:/?s|unk|pad|bos|eos|sos|mask|cls|sep|image|img|video|audio|think|answer|start|end|user|assistant|system|extra_id_\d+)>)"
        r"[A-Za-z][^<>]*>|(?:^|[/=_-])path[/_-]to(?:[/_-]|$)|YOUR_|_HERE\b|…"
        r"|(?<![A-Za-z])your[-_](?:path|dir|data|name|partition|account|project|entity|key|model)",
        re.IGNORECASE,
    )


def list_blocking_blanks(words: Iterable[str]) -> list[str]:
    """Of the words of a command those with which no run may start: open choices, and blanks that nothing else can be.

    Not every blank: a sweep fills `{lr}`, a shell `$DATA`, and a tokenizer may well be told of `<pad>`.
    """
    return [w for w in words if CHOICE.search(w) or _certain_blank().search(w)]


def unmarked_command_blanks(command: str) -> list[str]:
    """The words of a command that a shell would choke on, or take literally, and that no open choice marks."""
    return [
        w.raw
        for w in lex_shell_command(CHOICE.sub("choice", command)) or ()
        if has_unfilled_blank(w) and not w.computed
    ]
