"""How the code prints its metrics: name, pattern and place of each, for the recorder to find them in what a run printed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scaffold.conventions.metrics import is_bookkeeping_name
from scaffold.facts import Facts
from scaffold.facts.python_prints import PrintedField, PrintedPieces
from scaffold.facts.python_source import Print, literal_text
from scaffold.metric_directions import HIGHER_IS_BETTER, LOWER_IS_BETTER, guess_direction, split_metric_name

MOST = 40
# a script may print one in two ways: on the way, and at the end
MOST_PER_NAME = 2
_KEY = "\x00"
# the words in front of a value that name it: up to four, behind the last sign that separates
_LABEL = re.compile(
    r"(?P<label>[A-Za-z][\w/@.%()-]*(?:[ \t]+[A-Za-z(][\w/@.%()-]*){0,3})[ \t]*(?P<joint>[:=]|->|is|was)?[ \t]*$"
)
_SEPARATOR = re.compile(r"[,;|\n\r\t\]\[{}<>*#]+|\s-+\s|--+|==+|\s{2,}")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NUMERIC = re.compile(r"[.]\d|[efgEFG%]$")
_NO_NUMBER = re.compile(
    r"^(?:['\"]|f['\"]|args\.|cfg\.|config\.|len\(|str\()|(?:_dir|_path|_name|_file|\.name|\.shape|device|datetime|time\(\))"
)


class PrintedMetric(NamedTuple):
    """A metric that a script prints: its name, the pattern that finds it, the expression that is printed, and its place."""

    name: str
    pattern: str
    expression: str
    path: str
    line: int


def find_printed_metrics(facts: Facts, paths: Sequence[str]) -> list[PrintedMetric]:
    """What these scripts print, in the order of the scripts and, within each, from the end: what comes last is the result."""
    by_pattern: dict[tuple[str, str], PrintedMetric] = {}
    for path in paths:
        if not path.endswith(".py"):
            continue
        printed = [m for call in reversed(facts.parse(path).prints) for m in list_printed_metrics(call, path)]
        uses: Counter[str] = Counter()
        for metric in (*printed, *find_average_meters(facts, path)):
            uses[metric.name] += 1
            if uses[metric.name] <= MOST_PER_NAME:
                by_pattern.setdefault((metric.name, metric.pattern), metric)
    return list(by_pattern.values())[:MOST]


def list_printed_metrics(call: Print, path: str) -> Iterator[PrintedMetric]:
    """The metrics that one call prints, in order."""
    pieces = call.pieces
    for index, piece in enumerate(pieces):
        if not isinstance(piece, PrintedField) or not index:
            continue
        before = pieces[index - 1]
        after = pieces[index + 1] if index + 1 < len(pieces) else ""
        if not isinstance(before, str):
            continue
        stands_alone = index == 1 and call.name == "print"  # a logger puts its own words before it
        named = (
            _named_by_key(before) or _named_by_label(before, is_first=stands_alone) or _share_of_label(pieces, index)
        )
        if named is None or (isinstance(after, str) and re.match(r"\s*/", after)):
            continue
        name, pattern, is_mapping = named
        if is_mapping and not call.name.rpartition(".")[2].endswith(("print", "info", "write", "echo")):
            continue  # a tracker's
        pattern = _average_behind(pieces, index, pattern)
        if _is_metric(name, piece):
            yield PrintedMetric(name, pattern, piece.expression, path, call.line)


def logged_expressions(call: Print) -> Iterator[tuple[str, str]]:
    """Of a mapping that a call takes each name, and the expression that is logged under it."""
    for name, value in zip(call.pieces, call.pieces[1:], strict=False):
        if isinstance(name, str) and isinstance(value, PrintedField) and (match := _named_by_key(name)):
            yield match[0], value.expression


def _named_by_key(before: str) -> tuple[str, str, bool] | None:
    """A key of a mapping that is printed whole: `'val_loss': 0.31`."""
    if not before.endswith(f"{_KEY}: "):
        return None
    name = before.split(_KEY)[-2]
    return name, rf"['\"]{re.escape(name)}['\"]:\s*(\S+)", True


def _named_by_label(before: str, *, is_first: bool) -> tuple[str, str, bool] | None:
    line = _COLOURS.sub("", before).rpartition("\n")[2].rpartition("\r")[2]
    segment = line[[0, *(match.end() for match in _SEPARATOR.finditer(line.rstrip()))][-1] :]
    match = _LABEL.search(segment)
    if match is None:
        return None
    label = match["label"].strip("() ")
    if match["joint"] == "=":
        label = label.split()[-1]
    # printed text stands as it is written; a label that nothing stands before must not be the end of a longer one
    text = line.strip() if is_first else line.rstrip()
    anchor = r"(?<![\w/])(?<![\w/] )" if is_first and text.startswith(label) else ""
    return (
        re.sub(r"\s+", "_", label),
        anchor + re.escape(text).replace(r"\ ", " ").replace("\\\t", r"\t") + r"\s*(\S+)",
        False,
    )


def _share_of_label(pieces: PrintedPieces, index: int) -> tuple[str, str, bool] | None:
    """`Accuracy: 9900/10000 (99%)`: the share, under the name of the count."""
    if index < 5 or not isinstance(before := pieces[index - 1], str) or before.strip() != "(":
        return None
    head, slash = pieces[index - 5], pieces[index - 3]
    after = pieces[index + 1] if index + 1 < len(pieces) else ""
    if not isinstance(head, str) or slash != "/" or not isinstance(after, str) or not after.startswith("%"):
        return None
    named = _named_by_label(head, is_first=index == 6)
    return None if named is None else (named[0], named[1].replace(r"(\S+)", r"\S+\s*\((\S+?)%"), False)


def _average_behind(pieces: PrintedPieces, index: int, pattern: str) -> str:
    """`Acc@1: {top1.val} ({top1.avg})`: the average counts, not the last batch."""
    value, rest = pieces[index], pieces[index + 1 : index + 3]
    if len(rest) < 2 or not isinstance(value, PrintedField) or not value.expression.endswith(".val"):
        return pattern
    joint, average = rest
    is_average = isinstance(average, PrintedField) and average.expression.endswith(".avg")
    if isinstance(joint, str) and joint.strip() == "(" and is_average:
        return pattern.replace(r"(\S+)", r"\S+\s*\(\s*([^\s)]+)")
    return pattern


def _is_metric(name: str, piece: PrintedField) -> bool:
    if is_bookkeeping_name(name) or not is_quality_name(name) or _NO_NUMBER.search(piece.expression):
        return False
    words = re.findall(r"[A-Za-z]+\d*", name)
    named = split_metric_name(name) - {"error", "errors", "score", "scores"}
    is_plain = not named & (HIGHER_IS_BETTER | LOWER_IS_BETTER)
    if is_plain and (
        "error" in name.lower() or "score" in name.lower()
    ):  # what went wrong is printed under that name, too
        return bool(_NUMERIC.search(piece.spec))
    return guess_direction(name) is not None or (len(words) <= 3 and is_quality_name(words[-1]))


def is_quality_name(name: str) -> bool:
    """Whether a name has a word for how well a model does."""
    return (
        bool(split_metric_name(name) & (HIGHER_IS_BETTER | LOWER_IS_BETTER | {"metric"}))
        or guess_direction(name) is not None
    )


def find_average_meters(facts: Facts, path: str) -> Iterator[PrintedMetric]:
    """The meters of torchvision's reference scripts: `AverageMeter('Acc@1', ':6.2f')` is printed as `Acc@1  45.12`."""
    for call in facts.parse(path).calls:
        name = literal_text(call.args[0]) if call.last == "AverageMeter" and call.args else None
        if name and is_quality_name(name) and not is_bookkeeping_name(name):
            yield PrintedMetric(name, rf"(?<![\w/]){re.escape(name)}:?\s+(\S+)", "", path, call.line)
