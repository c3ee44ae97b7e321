"""A rule -> configurations: given ones x groups that move together x the grid x drawn ones, filtered, the baseline first."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from scaffold.errors import WrongUsage
from scaffold.sweeps.model import Rule

KEY = re.compile(r"[+~]{0,2}[A-Za-z_][\w.@/-]*")
SEEDS = re.compile(r"[0-9]{1,12}(-[0-9]{1,12})?(,[0-9]{1,12}(-[0-9]{1,12})?)*")
SPACED = re.compile(r" *([,-]) *")
MOST_SEEDS = 100_000
MOST = 1_000_000


def configurations(rule: Rule) -> tuple[dict[str, str], ...]:
    """All configurations of a rule, in order. Raises WrongUsage where a parameter comes from two sides, or `only_if` fails."""
    from scaffold.sweeps import expressions, space

    factors: list[Sequence[Mapping[str, str]]] = [
        *([rule.given] if rule.given else []),
        *(_together(group) for group in rule.zips),
        *([{key: value} for value in values] for key, values in rule.grid.items()),
    ]
    if rule.draws:
        factors.append(rule.drawn or space.draw(rule.space, rule.draws, rule.space_seed))
    _check_once([{k for c in factor for k in c} for factor in factors])
    size = math.prod(map(len, factors))
    if size > MOST:
        raise WrongUsage(f"{size:,} configurations are more than a sweep can have ({MOST:,})")
    made = [_merged(parts) for parts in itertools.product(*factors)] if factors else []
    if rule.only_if is not None:
        wanted = expressions.compiled(rule.only_if)
        made = [c for c in made if wanted(c)]
    if rule.baseline or not factors:
        made.insert(0, {})
    return tuple(made)


def _merged(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    merged: dict[str, str] = {}
    for part in parts:
        merged.update(part)
    return merged


def _together(group: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    lengths = {key: len(values) for key, values in group.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{key} has {n}" for key, n in lengths.items())
        raise WrongUsage(f"--zip needs as many values of each: {said}", hint="for all combinations use --grid")
    return [dict(zip(group, row, strict=True)) for row in zip(*group.values(), strict=True)]


def _check_once(factors: Sequence[set[str]]) -> None:
    seen: set[str] = set()
    for keys in factors:
        for key in sorted(keys):
            if recorded(key) in seen:
                raise WrongUsage(
                    f"{key} gets its values from two sides",
                    hint="name it in one of --grid, --zip, --space or --from only, and spell it in one way",
                )
        seen.update(map(recorded, keys))


def recorded(key: str) -> str:
    """A parameter's name as the recorder has it: `batch-size` is `batch_size`, Hydra's `+lr` is `lr`."""
    return key.lstrip("+~").replace("-", "_")


def assignments(texts: Sequence[str], *, option: str) -> dict[str, tuple[str, ...]]:
    """`k=v1,v2` texts as key -> values. Raises WrongUsage."""
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        if not equals or not values:
            raise WrongUsage(f"{option} needs KEY=VALUE,VALUE..., not {text!r}", hint=f"{option} lr=0.1,0.01")
        check_key(key, option=option)
        if key in found:
            raise WrongUsage(f"{option} names {key} twice", hint=f"put its values together: {key}=1,2,3")
        found[key] = split(values, option=f"{option} {key}")
    return found


def check_key(key: str, *, option: str) -> None:
    """Raises WrongUsage where `key` cannot be a parameter's name."""
    if key.startswith("-"):
        raise WrongUsage(f"{option}: a parameter is named without dashes: {key.lstrip('-')}, not {key}")
    if not KEY.fullmatch(key):
        raise WrongUsage(
            f"{option}: {key!r} cannot be a parameter's name", hint="letters, digits and _ . - @ /, first a letter or _"
        )
    if key == "seed":
        raise WrongUsage(f"{option} names the seed", hint="seeds have an option of their own: --seeds 1-5")


def split(text: str, *, option: str) -> tuple[str, ...]:
    """Values between commas, as they are spelled. Quotes keep commas in a value: `'a,b',c` is `a,b` and `c`; inside double
    quotes a backslash makes the next character mean itself. Raises WrongUsage where a quote is open, or a value is there twice."""
    values: list[str] = []
    current, quote, was_quoted, at = "", "", False, 0
    while at < len(text):
        c = text[at]
        if quote == '"' and c == "\\" and text[at + 1 : at + 2] in ('"', "\\"):
            at += 1
            current += text[at]
        elif quote:
            quote, current = ("", current) if c == quote else (quote, current + c)
        elif c in "'\"" and not current:
            quote, was_quoted = c, True
        elif c == ",":
            values.append(_value(current, was_quoted, option))
            current, was_quoted = "", False
        else:
            current += c
        at += 1
    if quote:
        raise WrongUsage(f"{option}: a quote {quote} is open in {text!r}")
    values.append(_value(current, was_quoted, option))
    twice = next((v for v, count in Counter(values).items() if count > 1), None)
    if twice is not None and not option.startswith("--zip"):
        raise WrongUsage(f"{option}: the value {twice!r} is there twice")
    return tuple(values)


def _value(text: str, was_quoted: bool, option: str) -> str:
    if not text and not was_quoted:
        raise WrongUsage(f"{option}: a value is empty", hint="write '' for an empty text")
    return text


def seeds(text: str) -> tuple[int, ...]:
    """`1-5,7` as seeds, in order. Raises WrongUsage."""
    close = SPACED.sub(r"\1", text.strip())
    if not SEEDS.fullmatch(close):
        raise WrongUsage(f"--seeds needs whole numbers, not {text!r}", hint="--seeds 1-5,7")
    found: dict[int, None] = {}
    for part in close.split(","):
        first, _, last = part.partition("-")
        low, high = int(first), int(last or first)
        if high < low or high - low >= MOST_SEEDS:
            raise WrongUsage(f"--seeds: {part} is no range of at most {MOST_SEEDS} seeds, lowest first")
        for seed in range(low, high + 1):
            if seed in found:
                raise WrongUsage(f"--seeds names {seed} twice")
            found[seed] = None
    return tuple(found)


def seeds_text(numbers: Sequence[int]) -> str:
    """Seeds as `seeds` reads them."""
    parts: list[list[int]] = []
    for n in numbers:
        if parts and n == parts[-1][-1] + 1:
            parts[-1].append(n)
        else:
            parts.append([n])
    return ",".join(f"{p[0]}-{p[-1]}" if len(p) > 2 else ",".join(map(str, p)) for p in parts)
