"""The names under which the code logs or writes its numbers, the likeliest primary one first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from scaffold.conventions.found import Found, Hit
from scaffold.conventions.trackers import speaking
from scaffold.facts import Facts, paths
from scaffold.facts.source import Call

MOST = 20
_MAY_LOG = re.compile(
    r"\.log(_metrics?|_dict|_metric)?\(|add_scalars?\(|log_metric|\.scalar\(|json\.dump|metrics?\[|\.measure\("
)
_NAME = re.compile(r"^[A-Za-z][\w/@.\- ]{1,60}$")
_WORTH = (
    (re.compile(r"(^|[/_ .])(val|valid|validation|eval|dev|test)[/_ .]", re.IGNORECASE), 3.0),
    (
        re.compile(
            r"acc|f1|auc|auroc|map|bleu|rouge|perplexity|ppl|fid|reward|return|score|success|dice|iou|psnr|ssim|mse|mae|rmse|wer|cer|recall|precision|pass@",
            re.IGNORECASE,
        ),
        2.0,
    ),
    (re.compile(r"loss|error|nll|bpb|elbo", re.IGNORECASE), 1.5),
    (re.compile(r"(^|[/_])(train|training)[/_]", re.IGNORECASE), -0.5),
    (
        re.compile(
            r"lr|learning_rate|step|epoch|iter|time|sec|speed|memory|mem|grad|norm|fps|sps|mfu|tokens|samples|batch|weight|param|image|video|table|dir|path|name|version|seed|config|git|gpu|beta|entropy|frac|kl|count|num_|length|epsilon|temperature|model|optimizer|args|state|best$",
            re.IGNORECASE,
        ),
        -3.0,
    ),
)
_HIGHER = re.compile(
    r"acc|f1|auc|auroc|map|bleu|rouge|reward|return|score|success|dice|iou|psnr|ssim|recall|precision|pass@|r2|likelihood",
    re.IGNORECASE,
)
_LOWER = re.compile(
    r"loss|error|nll|bpb|ppl|perplexity|fid|mse|mae|rmse|wer|cer|time|latency|elbo|divergence", re.IGNORECASE
)


def metrics(facts: Facts) -> Found[tuple[str, ...]]:
    """At most 20 names; a name counts by what it says (validation before training, quality before speed) and by how often it is logged."""
    hits = list(_logged(facts))
    uses = Counter(h.value for h in hits)
    ordered = sorted(uses, key=lambda name: (-worth(name) - min(uses[name], 4) * 0.2, name))[:MOST]
    first = {h.value: h for h in reversed(hits)}
    return Found(tuple(ordered), tuple(first[name].evidence for name in ordered))


def worth(name: str) -> float:
    """How likely a name is the primary metric."""
    return sum(points for pattern, points in _WORTH if pattern.search(name))


def direction(name: str) -> str | None:
    """`higher` or `lower` is better, by the name; None where it does not say."""
    if _LOWER.search(name):
        return "lower"
    return "higher" if _HIGHER.search(name) else None


def _logged(facts: Facts) -> Iterator[Hit]:
    for path in speaking(facts):
        if not _MAY_LOG.search(facts.texts[path]):
            continue
        for call in facts.parsed(path).calls:
            for name in _names(call):
                if _NAME.match(name) and "{}" not in name:
                    yield Hit(name, path, call.line, f"{call.name}({name!r}, ...)")
    yield from _tables(facts)


def _names(call: Call) -> Iterator[str]:
    """The names that a logging call writes out."""
    first = call.args[0] if call.args else None
    owner = call.name.rpartition(".")[0].lower()
    if (
        call.last in ("add_scalar", "scalar", "log_metric", "measure", "report_scalar", "add_scalars")
        and isinstance(first, str)
    ) or (
        call.last == "log"
        and isinstance(first, str)
        and len(call.args) > 1
        and not re.search(r"logg(er|ing)|math|np|torch", owner)
    ):
        yield first
    elif call.last in (
        "log",
        "log_metrics",
        "log_dict",
        "log_metric",
        "save_metrics",
        "write_scalars",
    ) or call.name.endswith("json.dump"):
        for value in (
            *call.args,
            *(v for k, v in call.keywords.items() if k in ("metrics", "data", "values", "dictionary")),
        ):
            if isinstance(value, dict):
                yield from (
                    str(k)
                    for k, v in value.items()
                    if (isinstance(k, str) and not isinstance(v, (str, dict))) or (k and v is None)
                )


def _tables(facts: Facts) -> Iterator[Hit]:
    """Headers of the README's result tables that name a metric."""
    for path in facts.of("prose"):
        if paths.depth(path) > 1 or "readme" not in path.lower():
            continue
        lines = facts.texts[path].splitlines()
        for number, (line, rule) in enumerate(zip(lines, lines[1:], strict=False), start=1):
            if line.count("|") >= 2 and re.match(r"^\s*\|?\s*:?-{2,}", rule):
                for cell in (c.strip(" *`") for c in line.strip("| ").split("|")):
                    if _HIGHER.search(cell) and _NAME.match(cell) and len(cell) < 25:
                        yield Hit(cell, path, number, line.strip()[:120])
