"""Prose -> the numbers in it that claim a result, each with its place and the rounding that its digits imply.

What claims none: whole numbers (counts, years, seeds), versions, dates, ids, numbers inside words and paths; code, comments, URLs and
front matter; section, figure and table numbers; confidence levels (`95 % interval`); p-values (`p = 0.03`); bounds (`at least 0.9`);
amounts of time, memory, energy and money (`1.5 s`, `2.3 GiB`); a line that says `<!-- cite: ignore because REASON -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.plan.document.markdown_inline import MASK, mask_markup
from scaffold.plan.document.markdown_lines import scan_lines
from scaffold.results.evidence.written_number import NUMBER, ClaimedNumber, claimed_number

IGNORE = re.compile(r"<!--\s*cite:\s*ignore\b\s*(?:because\s+)?(?P<reason>.*?)\s*-->", re.IGNORECASE)
LINK = re.compile(
    r"\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)|\]\[[^\]]*\]|^\s*\[[^\]]+\]:.*$|<[A-Za-z/!][^>]*>|\$[^$]*\\[^$]*\$"
)
FRONT_MATTER = re.compile(r"---[ \t]*\r?\n.*?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
NAME_BEFORE = re.compile(
    r"(?:\b(?:sections?|sec|figures?|figs?|tables?|tabs?|equations?|eqs?|chapters?|appendix|steps?|phases?|versions?|ver|releases?|level|"
    r"python|pytorch|torch|cuda|cudnn|rocm|tensorflow|jax|numpy|scipy|scikit-learn|sklearn|pandas|transformers|ubuntu|debian|linux|kernel|"
    r"driver|gcc|slurm|git|docker|apache|mpl|gpl|lgpl|cc(?:[ -](?:by|sa|nc|nd))*|"
    r"gpt|llama|qwen|mistral|schema|crate|copier|scaffold)|\bv|§+|\bp\s*[=\u2248]?)[\s.\u00a0-]*\(?$",
    re.IGNORECASE,
)
OPTION_BEFORE = re.compile(r"--?[A-Za-z][\w.-]*[= ]$")
SHARE_AFTER = re.compile(
    r"\s+of\s+(?:(?:all|the|our|its|their|these|those)\s+)*(?:runs?|seeds?|data\w*|samples?|examples?|images?|labels?|time|wall|memory|"
    r"steps?|budget|training|tokens?|epochs?|parameters|weights|params|gpus?|cases|tasks?)\b",
    re.IGNORECASE,
)
HEADING_BEFORE = re.compile(r"\s*#{1,6}\s+$")
BOUND_BEFORE = re.compile(
    r"(?:[<>\u2264\u2265\u226a\u226b]=?|\b(?:at least|at most|more than|less than|fewer than|greater than|larger than|smaller than|"
    r"higher than|lower than|above|below|over|under|exceeds?|exceeding|within|up to|threshold(?: of| is)?|tolerance(?: of| is)?"
    r"|alpha\s*[=:]?))\s*$",
    re.IGNORECASE,
)
LEVEL_AFTER = re.compile(
    r"(?:[\s-]*(?:bootstrap|student|t|two-sided|pointwise|simultaneous)?[\s-]*(?:confidence|interval|ci\b|cis\b|credible|quantile|percentile|"
    r"error bars?|bands?|t-interval|limits?|level))",
    re.IGNORECASE,
)
UNIT_AFTER = re.compile(
    r"[ \u00a0\u202f]?(?:(?:[num\u00b5]?s|min|mins|h|hrs?|hours?|days?|weeks?|minutes?|seconds?|secs?|[kKMGT]i?B|bytes?|[kMG]?Hz|[kM]?W|"
    r"[kM]?Wh|J|USD|EUR|dollars?|euros?|cents?|\u00b0C|px|GPU-?hours?|it/s|steps?/s|samples?/s|tokens?/s|[kKMBT]\b(?: parameters| params)?"
    r"|parameters|params)\b|[$€£])"
)
CURRENCY_BEFORE = re.compile(r"[$€£]\s*$")
COMPARES = re.compile(
    r"differ|\bbetter\b|\bworse\b|improv|\bgains?\b|\bdelta\b|[\u0394\u03b4]|\blower\b|\bhigher\b|reduc|increas|decreas|\bdrops?\b|\bpoints?\b|"
    r"distinguishable|noise floor|\bluck\b|"
    r"\bthan\b|\bagainst\b|\bversus\b|\bvs\b|\beffects?\b|\bchanges?\b|\blost?\b|\bloses?\b|\bfalls?\b|\brises?\b|\bcosts?\b|[(\s|]\+\d",
    re.IGNORECASE,
)

TESTS = re.compile(r"\bp[- ]?values?\b|\bp\s*[=<\u2248]|\bpower\b|\bHolm\b", re.IGNORECASE)


def find_numbers_in_file(path: Path) -> tuple[ClaimedNumber, ...]:
    """The claimed numbers of a text file. Raises ScaffoldError."""
    try:
        return find_claimed_numbers(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ScaffoldError(f"{path} is no text in UTF-8", hint="name a Markdown or text file") from error
    except OSError as error:
        raise ScaffoldError(f"{path} cannot be read: {error.strerror}") from error


def find_claimed_numbers(text: str) -> tuple[ClaimedNumber, ...]:
    """The numbers of a Markdown text that claim a result, in order."""
    front = FRONT_MATTER.match(text)
    skipped = text[: front.end()].count("\n") if front else 0
    numbers: list[ClaimedNumber] = []
    for line in scan_lines(text).lines:
        if line.number > skipped and line.kind not in ("code", "comment", "blank") and not IGNORE.search(line.text):
            numbers += _numbers_of_line(line.number, line.text)
    return tuple(numbers)


def _numbers_of_line(number: int, text: str) -> Iterator[ClaimedNumber]:
    # code and links become as many letters as they had, so that columns stay what they are in the file
    prose = LINK.sub(lambda match: MASK * len(match[0]), mask_markup(text))
    compares, tests = COMPARES.search(prose) is not None, TESTS.search(prose) is not None
    for match in NUMBER.finditer(prose):
        if _claims_a_result(match, prose):
            yield claimed_number(match, line=number, column=match.start() + 1, compares=compares, tests=tests)


def _claims_a_result(match: re.Match[str], line: str) -> bool:
    written, before, after = match["number"], line[: match.start()], line[match.end() :]
    if not match["percent"] and not any(mark in written for mark in ".eE"):
        return False
    if match["percent"] and (LEVEL_AFTER.match(after) or SHARE_AFTER.match(after)):
        return False
    if not match["percent"] and UNIT_AFTER.match(after):
        return False
    excluded = (NAME_BEFORE, BOUND_BEFORE, HEADING_BEFORE, CURRENCY_BEFORE, OPTION_BEFORE)
    return not any(pattern.search(before) for pattern in excluded)
