"""The names under which the code logs or writes its numbers, the likeliest primary one first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Protocol

from scaffold.conventions.detected import DetectedValue, Occurrence
from scaffold.conventions.trackers import list_experiment_code_files
from scaffold.facts import Facts, paths
from scaffold.facts.paths import parse_word_set
from scaffold.facts.python_source import Call, literal_text
from scaffold.metric_directions import HIGHER_IS_BETTER, LOWER_IS_BETTER, guess_direction, split_metric_name

MOST = 20
_ONE_NAME = frozenset(
    ("add_scalar", "scalar", "log_metric", "measure", "report_scalar", "add_scalars", "log_tabular", "record_tabular")
)
# a name and its value: StyleGAN's report, loggers of reinforcement learning
_NAME_AND_VALUE = frozenset(("log", "report", "record", "record_mean", "logkv", "logkv_mean"))
_TAKES_TEXT = re.compile(r"logg(er|ing)|math|np|torch")
_MANY_NAMES = frozenset(("log", "log_metrics", "log_dict", "log_metric", "save_metrics", "write_scalars"))
_KEEPS_METRICS = re.compile(
    r"(^|[._])(metrics?|logs?|log_dict|stats?|scalars?|summary|losses|results?)(_|\d|$)", re.IGNORECASE
)
# What may log, looked for by patterns that begin with one character: they are as fast as a search for a word.
_CALLS = re.compile(
    # a dictionary that was built before; numbers have logarithms
    r"""\.(?<!math\.)(?<!np\.)(?<!numpy\.)(?<!torch\.)log\(\s*[a-z_]\w*\s*[,)]|"""
    r"""\.(?:log(?:_metrics|_dict|_metric)?\(\s*[{"'fms]|scalar\(|dump\(\s*\{|measure\(|report\(\s*["']|record(?:_mean|_tabular)?\(|logkv|log_tabular|update\(\s*(?:\{|\w+=)|add\(\s*\{)"""
)
_WORDS = ("add_scalar", "log_metric")
_KEEPERS = (
    *("metric", "metrics", "log", "logs", "log_dict", "stat", "stats", "scalar", "scalars", "summary", "losses"),
    *("result", "results"),
)
_LAST_LETTERS = frozenset(keeper[-1] for keeper in _KEEPERS)
_NAME = re.compile(r"^[A-Za-z][\w/@.\- ]{1,60}$")
_HELD_OUT = parse_word_set("val valid validation eval evaluation dev test heldout")
_TRAIN = parse_word_set("train training")
_BOOKKEEPING = parse_word_set(
    "lr learning rate step steps epoch epochs iter iteration time seconds sec speed memory mem grad "
    "gradient norm fps sps mfu tokens samples batch weight weights param params parameters image "
    "images video table dir path name version seed config git gpu beta entropy frac count num length "
    "epsilon temperature model optimizer args state throughput hours uptime progress lambda alpha "
    "momentum clip clipfrac kl value values id hparams file date gt pred target label"
)


class PrintedName(Protocol):
    """A metric that is printed, and where."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def line(self) -> int: ...


def detect_metric_names(
    facts: Facts, printed: Sequence[PrintedName] = (), primary: str | None = None
) -> DetectedValue[tuple[str, ...]]:
    """At most 20 names, the `primary` one first.

    A name counts by what it says (held out before training, quality before speed), then by how often it is logged; then comes what is
    only `printed`, and last what only a table of the README names.
    """
    logged = list(logged_names(facts, list_experiment_code_files(facts)))
    logged_pieces = {
        frozenset(split_metric_name(name)) for name in (*(h.value for h in logged), *(p.name for p in printed))
    }
    ordered = _ranked(logged) + _ranked(
        [h for h in find_table_metrics(facts) if frozenset(split_metric_name(h.value)) not in logged_pieces]
    )
    spellings = {re.sub(r"\W|_", "", h.value).lower() for h in logged}
    only_printed = {
        p.name: Occurrence(p.name, p.path, p.line, f"prints {p.name}")
        for p in printed
        if re.sub(r"\W|_", "", p.name).lower() not in spellings
    }
    ordered = [*_ranked(logged), *only_printed.values(), *ordered[len(_ranked(logged)) :]]
    ordered.sort(key=lambda h: h.value != primary)
    return DetectedValue(tuple(h.value for h in ordered[:MOST]), tuple(h.evidence for h in ordered[:MOST]))


def _ranked(hits: list[Occurrence]) -> list[Occurrence]:
    """The first hit of every name, the likeliest primary metric first."""
    uses = Counter(h.value for h in hits)
    first = {h.value: h for h in reversed(hits)}
    return [first[name] for name in sorted(uses, key=lambda n: (-primary_metric_score(n) - min(uses[n], 4) * 0.2, n))]


def primary_metric_score(name: str) -> float:
    """How likely a name is the primary metric: a quality, held out, and no bookkeeping."""
    pieces = split_metric_name(name)
    quality = 2.0 if pieces & HIGHER_IS_BETTER else 1.5 if pieces & LOWER_IS_BETTER else 0.0
    held_out = 3.0 if pieces & _HELD_OUT else 0.0
    return quality + held_out - (0.5 if pieces & _TRAIN else 0.0) - (3.0 if pieces & _BOOKKEEPING else 0.0)


def is_bookkeeping_name(name: str) -> bool:
    """Whether a name says where a training is or what it costs, not how well it does."""
    return bool(split_metric_name(name) & _BOOKKEEPING) and not name.endswith(("bpb", "bpc"))


def may_log_metrics(text: str) -> bool:
    """Whether a text has anything that looks like logging a number: a call, or `metrics[key]`."""
    if _CALLS.search(text) or any(map(text.__contains__, _WORDS)):
        return True
    return any(before[-1:] in _LAST_LETTERS and before.endswith(_KEEPERS) for before in text.split("[")[:-1])


def logged_names(facts: Facts, paths: Iterable[str]) -> Iterator[Occurrence]:
    """The names under which these files log or write numbers."""
    for path in paths:
        if not may_log_metrics(facts.texts[path]):
            continue
        for call in facts.parse(path).calls:
            for name in _names(call):
                if _NAME.match(name) and "{}" not in name:
                    yield Occurrence(name, path, call.line, f"{call.name}({name!r}, ...)")
        source = facts.parse(path)
        for owner, key, line in source.stores:
            is_logged = owner in source.logged or _KEEPS_METRICS.search(owner)
            if is_logged and _NAME.match(key) and (primary_metric_score(key) > 0 or "/" in key):
                yield Occurrence(key, path, line, f"{owner}[{key!r}] = ...")


def _names(call: Call) -> Iterator[str]:
    """The names that a logging call writes out."""
    first = literal_text(call.args[0]) if call.args else None
    prefix = literal_text(call.keywords.get("prefix"))
    if prefix and call.last in ("add", "log") and call.args and isinstance(call.args[0], dict):
        yield from (f"{prefix}/{name}" for name in call.args[0] if literal_text(name))
        return
    owner = call.name.rpartition(".")[0].lower()
    with_value = call.last in _NAME_AND_VALUE and len(call.args) > 1
    if first and (call.last in _ONE_NAME or (with_value and not (call.last == "log" and _TAKES_TEXT.search(owner)))):
        yield first
    elif call.last in _MANY_NAMES or call.name.endswith("json.dump"):
        to_file = call.last == "dump"  # a file may hold anything: only names that sound like metrics count
        values = (
            *call.args,
            *(v for k, v in call.keywords.items() if k in ("metrics", "data", "values", "dictionary")),
        )
        for mapping in (v for v in values if isinstance(v, dict)):
            logged = (
                k for k, v in mapping.items() if literal_text(k) and literal_text(v) is None and not isinstance(v, dict)
            )
            yield from (k for k in logged if not to_file or primary_metric_score(k) > 0)


def find_table_metrics(facts: Facts) -> Iterator[Occurrence]:
    """Headers of the README's result tables that name a metric."""
    for path in facts.read_files("prose"):
        if paths.count_path_parts(path) > 1 or "readme" not in path.lower():
            continue
        lines = facts.texts[path].splitlines()
        for number, (line, rule) in enumerate(pairwise(lines), start=1):
            if line.count("|") >= 2 and re.match(r"^\s*\|?\s*:?-{2,}", rule):
                for cell in (c.strip(" *`") for c in line.strip("| ").split("|")):
                    is_metric = guess_direction(cell) or guess_direction(cell.lower())
                    if is_metric and _NAME.match(cell) and len(cell) < 25:
                        yield Occurrence(cell, path, number, line.strip()[:120])
