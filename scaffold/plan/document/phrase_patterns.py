"""What a text says, read off its words: placeholders, vague conditions, and what kind of task a task is."""

from __future__ import annotations

import re
from functools import lru_cache

from scaffold.plan.document.markdown_inline import without_code
from scaffold.plan.document.model import Task

NOTHING = frozenset(
    {"\u2026", "n/a", "na", "none", "null", "placeholder", "lorem ipsum"}
    | {
        "-",
        "--",
        "\u2013",
        "\u2014",
        "?",
        "??",
        "to be decided",
        "to be determined",
        "to be defined",
        "fill in",
        "fill me in",
    }
)
BEGINS = re.compile(r"(?:todo|tbd|tba|fixme|xxx)\b(?!\s+(?:comments?|lists?|items?|markers?|notes?)\b)", re.IGNORECASE)
DOTS = re.compile(r"(?:^|(?<=\s))(?:\.{3,}|\u2026)(?=\s|[,;.]|$)")
ANGLE = re.compile(
    r"(?<!\w)<(?!/?(?:br|b|i|em|strong|code|sub|sup|kbd|a|details|summary)\b)(?:\.{3}|\u2026|[A-Za-z][\w .,/-]{0,40})>"
)
VAGUE = frozenset(
    {"done", "work", "works", "working", "complete", "completed", "completes", "finish", "finishes", "finished"}
    | {"ok", "okay", "good", "success", "successful", "passes"}
)
FILLER = frozenset(
    {"it", "is", "are", "was", "be", "has", "been", "all", "everything", "the", "a", "this", "that", "task", "tasks"}
    | {"when", "and", "fully", "successfully", "well", "as", "expected", "should"}
)
WORD = re.compile(r"[\w/.%<>=-]+")

REFLECTION = re.compile(
    r"\breflect\w*|\bretrospect\w*|\breview gate\b|\bcheckpoint review\b|\bre-?plan gate\b", re.IGNORECASE
)
MIDPOINT = re.compile(r"\bmid-?\s?point\b|\bmid-?way\b|\bhalf-?way\b|\binterim\b", re.IGNORECASE)
FINAL = re.compile(r"\bfinal\b|\bclosing\b|\bend-of-plan\b", re.IGNORECASE)

# what begins a task that comes before its experiment
PREPARATION = re.compile(
    r"\W*(?:implement|write|design|plan|prepare|fix|draft|add|build|code|set up|define|describe|specify|read|choose|review)\b",
    re.IGNORECASE,
)
KINDS = {
    "baseline": re.compile(r"\bbase-?\s?lines?\b", re.IGNORECASE),
    "main": re.compile(
        r"\bmain[- ](?:method|experiment|approach|treatment)\w*|\bproposed\b|\bour (?:method|approach)\b", re.IGNORECASE
    ),
    "ablation": re.compile(r"\bablat\w*|\bsensitivity\b|\bvary(?:ing)?\b", re.IGNORECASE),
    "playbook": re.compile(r"prompt_skill_playbook\.md|\bplaybook\b", re.IGNORECASE),
    "environment": re.compile(
        r"\benvironments?\b|\bvirtual ?env\w*|\bvenv\b|\bconda\b|\bmamba\b|\bmicromamba\b|\buv (?:sync|venv|pip)\b|setup_env",
        re.IGNORECASE,
    ),
}


def is_placeholder_text(text: str) -> bool:
    """Whether `text` as a whole stands in for something that nobody wrote yet."""
    bare = text.strip().strip("*_").strip()
    return (
        bare.strip(".!").lower() in NOTHING
        or BEGINS.match(bare) is not None
        or re.fullmatch(r"<[^<>]*>|\.+", bare) is not None
    )


def find_placeholder(text: str) -> str | None:
    """The placeholder in `text`, whose code and comments do not count; None where there is none."""
    words = without_code(text).strip()
    if is_placeholder_text(words):
        return words
    match = DOTS.search(words) or ANGLE.search(words)
    return match[0] if match else None


def is_vague_condition(condition: str) -> bool:
    """Whether a condition only says that it will be fulfilled ("done", "it works")."""
    if "`" in condition:
        return False
    words = [word.strip(".-") for word in WORD.findall(condition.lower())]
    telling = [word for word in words if word and word not in FILLER]
    return all(word in VAGUE for word in telling)


def task_kinds(task: Task) -> frozenset[str]:
    """What kinds of task a task is: what its `kind` field says, else what the words of its description say.

    A task that speaks of reflection is a gate and no experiment, whatever else it names.
    """
    return _kinds_from_words(task.get("kind"), task.description)


@lru_cache(maxsize=16_384)
def _kinds_from_words(kind_field: str, description: str) -> frozenset[str]:
    if kind_field:
        return frozenset(kind.strip().lower() for kind in kind_field.split(","))
    if REFLECTION.search(description):
        gates = (("midpoint-reflection", MIDPOINT), ("final-reflection", FINAL))
        return frozenset({"reflection", *(name for name, pattern in gates if pattern.search(description))})
    return frozenset(name for name, pattern in KINDS.items() if pattern.search(description))


def is_preparation(task: Task) -> bool:
    """Whether a task only prepares what it names: an experiment that is planned or written has no result yet."""
    return PREPARATION.match(task.description) is not None


def is_reflection(task: Task) -> bool:
    """Whether a task is a gate."""
    return any(kind.endswith("reflection") for kind in task_kinds(task))
