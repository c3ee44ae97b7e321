"""Texts of a command line -> parameters, their values, seeds; and a parameter's name as the recorder has it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from scaffold.errors import WrongUsage

KEY = re.compile(r"[+~]{0,2}[A-Za-z_][\w.@/-]*")
SEEDS = re.compile(r"[0-9]{1,12}(-[0-9]{1,12})?(,[0-9]{1,12}(-[0-9]{1,12})?)*")
SPACED = re.compile(r" *([,-]) *")
MAX_SEEDS = 100_000
MAX_CONFIGURATIONS = 1_000_000


def recorded_parameter_name(key: str) -> str:
    """A parameter's name as the recorder has it: `batch-size` is `batch_size`, Hydra's `+lr` is `lr`."""
    return key.lstrip("+~").replace("-", "_")


def parse_swept_parameters(texts: Sequence[str], *, option: str) -> dict[str, tuple[str, ...]]:
    """`k=v1,v2` texts as key -> values. Raises WrongUsage."""
    assignments: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        if not equals or not values:
            raise WrongUsage(f"{option} needs KEY=VALUE,VALUE..., not {text!r}", hint=f"{option} lr=0.1,0.01")
        check_parameter_name(key, option=option)
        if key in assignments:
            raise WrongUsage(f"{option} names {key} twice", hint=f"put its values together: {key}=1,2,3")
        assignments[key] = split_parameter_values(values, option=f"{option} {key}")
    return assignments


def check_parameter_name(key: str, *, option: str) -> None:
    """Raises WrongUsage where `key` cannot be a parameter's name."""
    if key.startswith("-"):
        raise WrongUsage(f"{option}: a parameter is named without dashes: {key.lstrip('-')}, not {key}")
    if not KEY.fullmatch(key):
        raise WrongUsage(
            f"{option}: {key!r} cannot be a parameter's name", hint="letters, digits and _ . - @ /, first a letter or _"
        )
    if key == "seed":
        raise WrongUsage(f"{option} names the seed", hint="seeds have an option of their own: --seeds 1-5")


def split_parameter_values(text: str, *, option: str) -> tuple[str, ...]:
    """Values between commas, as they are spelled. Quotes keep commas in a value: `'a,b',c` is `a,b` and `c`; inside double
    quotes a backslash makes the next character mean itself. Raises WrongUsage where a quote is open, or a value is there twice."""
    values: list[str] = []
    current, quote, was_quoted, at = "", "", False, 0
    while at < len(text):
        character = text[at]
        if quote == '"' and character == "\\" and text[at + 1 : at + 2] in ('"', "\\"):
            at += 1
            current += text[at]
        elif quote:
            quote, current = ("", current) if character == quote else (quote, current + character)
        elif character in "'\"" and not current:
            quote, was_quoted = character, True
        elif character == ",":
            values.append(_check_value(current, was_quoted, option))
            current, was_quoted = "", False
        else:
            current += character
        at += 1
    if quote:
        raise WrongUsage(f"{option}: a quote {quote} is open in {text!r}")
    values.append(_check_value(current, was_quoted, option))
    repeated = next((v for v, count in Counter(values).items() if count > 1), None)
    if repeated is not None and not option.startswith("--zip"):
        raise WrongUsage(f"{option}: the value {repeated!r} is there twice")
    return tuple(values)


def _check_value(text: str, was_quoted: bool, option: str) -> str:
    if not text and not was_quoted:
        raise WrongUsage(f"{option}: a value is empty", hint="write '' for an empty text")
    return text


def parse_seeds(text: str) -> tuple[int, ...]:
    """`1-5,7` as seeds, in order. Raises WrongUsage."""
    compact = SPACED.sub(r"\1", text.strip())
    if not SEEDS.fullmatch(compact):
        raise WrongUsage(f"--seeds needs whole numbers, not {text!r}", hint="--seeds 1-5,7")
    seeds: dict[int, None] = {}  # a dict, since a set has no order
    for part in compact.split(","):
        first, _, last = part.partition("-")
        low, high = int(first), int(last or first)
        if high < low or high - low >= MAX_SEEDS:
            raise WrongUsage(f"--seeds: {part} is no range of at most {MAX_SEEDS} seeds, lowest first")
        for seed in range(low, high + 1):
            if seed in seeds:
                raise WrongUsage(f"--seeds names {seed} twice")
            seeds[seed] = None
    return tuple(seeds)


def format_seeds(seeds: Sequence[int]) -> str:
    """Seeds as `parse_seeds` reads them."""
    ranges: list[list[int]] = []
    for n in seeds:
        if ranges and n == ranges[-1][-1] + 1:
            ranges[-1].append(n)
        else:
            ranges.append([n])
    return ",".join(f"{r[0]}-{r[-1]}" if len(r) > 2 else ",".join(map(str, r)) for r in ranges)
