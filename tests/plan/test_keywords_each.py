"""Every single word that the plan's rules read meaning from, and its nearest neighbours that mean nothing."""

from __future__ import annotations

import pytest

from scaffold.plan.document import phrase_patterns
from scaffold.plan.document.field_values import dependency_ids
from scaffold.plan.document.model import Task
from scaffold.plan.document.parse import parse_plan


def kinds(description: str) -> set[str]:
    tasks: tuple[Task, ...] = tuple(parse_plan(f"## Phase 1 - a\n- [ ] [P1-T1] {description}\n").tasks)
    return set(phrase_patterns.task_kinds(tasks[0]))


KINDS = {
    "baseline": ("baseline", "baselines", "base line", "base-lines", "Baseline"),
    "main": (
        *("main method", "main-methods", "main experiment", "main approach", "main approaches", "main treatment"),
        *("proposed", "our method", "our approach", "Main Method"),
    ),
    "ablation": ("ablation", "ablate", "ablations", "sensitivity", "vary", "varying", "Ablation"),
    "playbook": ("prompt_skill_playbook.md", "playbook", "Playbook"),
    "environment": (
        *("environment", "environments", "virtual environment", "virtualenv", "virtual envs", "venv", "conda", "mamba"),
        *("micromamba", "uv sync", "uv venv", "uv pip", "setup_env", "Conda"),
    ),
}
NO_KIND = (
    *("baseliner", "databaselines", "domain method", "remain approach", "mainmethod", "your method", "our methods"),
    *("unproposed", "insensitivity", "variable", "varyings", "anaconda", "uv run", "playbooks"),
)


@pytest.mark.parametrize(("kind", "word"), [(kind, word) for kind, found in KINDS.items() for word in found])
def test_a_word_says_what_kind_of_task_it_is(kind: str, word: str) -> None:
    for text in (word, f"Check the {word} again", f"({word}), and so on"):
        assert kinds(text) == {kind}, text


@pytest.mark.parametrize("word", NO_KIND)
def test_a_word_that_only_looks_like_it_says_nothing(word: str) -> None:
    assert kinds(f"Check the {word} again") == set()


REFLECTION = (
    *("reflect", "reflection", "Reflecting", "retrospect", "retrospective", "review gate", "checkpoint review"),
    *("re-plan gate", "replan gate"),
)
MIDPOINT = (*("midpoint", "mid-point", "mid point", "midway", "mid-way", "halfway", "half-way", "interim", "Midpoint"),)
FINAL = ("final", "closing", "end-of-plan", "Final")


@pytest.mark.parametrize("word", REFLECTION)
def test_a_gate_is_no_experiment_whatever_it_names(word: str) -> None:
    assert kinds(f"{word} on baseline and main method") == {"reflection"}


@pytest.mark.parametrize(
    ("word", "kind"), [*((w, "midpoint-reflection") for w in MIDPOINT), *((w, "final-reflection") for w in FINAL)]
)
def test_which_gate_it_is(word: str, kind: str) -> None:
    assert kinds(f"The {word} reflection") == {"reflection", kind}
    assert kinds(f"The {word} table") == set(), "a gate reflects"
    assert kinds(f"The un{word}s reflection") == {"reflection"}


def test_gates_are_recognized_by_what_they_are_and_by_what_they_say_they_are() -> None:
    for text in ("Reflect", "x | kind: final-reflection", "x | kind: logging, midpoint-reflection"):
        (task,) = parse_plan(f"## Phase 1 - a\n- [ ] [P1-T1] {text}\n").tasks
        assert phrase_patterns.is_reflection(task), text
    (task,) = parse_plan("## Phase 1 - a\n- [ ] [P1-T1] Reflect | kind: baseline\n").tasks
    assert not phrase_patterns.is_reflection(task), "what it says counts"


NOTHING = (
    *("...", "\u2026", "tbd", "tba", "todo", "fixme", "xxx", "n/a", "na", "none", "null", "placeholder", "lorem ipsum"),
    *("-", "--", "\u2013", "\u2014", "?", "??", "to be decided", "to be determined", "to be defined", "fill in"),
    *("fill me in", ".", "<anything at all>"),
)


@pytest.mark.parametrize("text", NOTHING)
def test_what_stands_for_nothing(text: str) -> None:
    for spelled in (text, text.upper(), f"  **{text}** ", f"{text}." if text[-1].isalpha() else text):
        assert phrase_patterns.is_placeholder_text(spelled), spelled
    assert not phrase_patterns.is_placeholder_text(f"really {text} here")


@pytest.mark.parametrize("word", ["todo", "tbd", "tba", "fixme", "xxx"])
def test_what_begins_with_a_note_to_oneself_is_not_written_yet(word: str) -> None:
    assert phrase_patterns.is_placeholder_text(f"{word} by Monday") and phrase_patterns.is_placeholder_text(
        f"{word.upper()}: ask"
    )
    assert not phrase_patterns.is_placeholder_text(f"{word}x by Monday") and not phrase_patterns.is_placeholder_text(
        f"ask {word}"
    )


@pytest.mark.parametrize(
    "what", ["comment", "comments", "list", "lists", "item", "items", "marker", "markers", "note", "notes"]
)
def test_what_is_about_notes_to_oneself_is_written(what: str) -> None:
    assert not phrase_patterns.is_placeholder_text(f"TODO {what} are counted") and phrase_patterns.is_placeholder_text(
        f"TODO {what}x"
    )


@pytest.mark.parametrize(
    "tag", ["br", "b", "i", "em", "strong", "code", "sub", "sup", "kbd", "a", "details", "summary"]
)
def test_html_is_no_placeholder(tag: str) -> None:
    assert phrase_patterns.find_placeholder(f"say <{tag}>it</{tag}> now") is None
    assert phrase_patterns.find_placeholder(f"say <{tag}x> now") == f"<{tag}x>"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("run ... now", "..."),
        ("run ....", "...."),
        ("... and so on", "..."),
        ("run \u2026, now", "\u2026"),
        ("run ...; now", "..."),
        ("run <...> now", "<...>"),
        ("run <\u2026> now", "<\u2026>"),
        ("run <name of it, 1.0/a-b> now", "<name of it, 1.0/a-b>"),
        ("run x<y> now", None),
        ("run <1> now", None),
        ("run a... now", None),
        ("run ...b now", None),
        ("run .. now", None),
        (f"run <{'a' * 41}> now", f"<{'a' * 41}>"),
        (f"run <{'a' * 42}> now", None),
        ("", None),
        ("`...`", None),
    ],
)
def test_a_placeholder_inside_a_text(text: str, found: str | None) -> None:
    assert phrase_patterns.find_placeholder(text) == found


VAGUE = (
    *("done", "work", "works", "working", "complete", "completed", "completes", "finish", "finishes", "finished"),
    *("ok", "okay", "good", "success", "successful", "passes"),
)
FILLER = (
    *("it", "is", "are", "was", "be", "has", "been", "all", "everything", "the", "a", "this", "that", "task", "tasks"),
    *("when", "and", "fully", "successfully", "well", "as", "expected", "should"),
)


@pytest.mark.parametrize("word", [*VAGUE, *FILLER])
def test_a_condition_of_such_words_says_nothing(word: str) -> None:
    assert (
        phrase_patterns.is_vague_condition(word)
        and phrase_patterns.is_vague_condition(f"It is {word.capitalize()}.")
        and phrase_patterns.is_vague_condition(f"-- {word} --")
    )
    assert not phrase_patterns.is_vague_condition(f"the table is {word}"), "the table can be looked at"
    assert not phrase_patterns.is_vague_condition(f"`{word}`"), "a command can be run"


@pytest.mark.parametrize("word", ["none", "None", "nothing", "-", "n/a", "\u2014", "\u2013", "`none`", "**none**", ""])
def test_a_word_for_nothing_is_no_dependency(word: str) -> None:
    (task,) = parse_plan(f"## Phase 1 - a\n- [ ] [P1-T1] Read | depends: {word} | deliverable: a.md\n").tasks
    assert dependency_ids(task) == []
