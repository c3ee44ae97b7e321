"""Whatever the text: it parses, nothing that looks like a task is lost, mending keeps the meaning, edits keep the rest."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from scaffold.errors import ScaffoldError
from scaffold.plan.document import edit
from scaffold.plan.document.field_values import dependency_ids
from scaffold.plan.document.fix import fix_plan
from scaffold.plan.document.markdown_lines import scan_lines
from scaffold.plan.document.model import DONE, STARTED
from scaffold.plan.document.parse import parse_plan
from scaffold.plan.rules import findings_output
from scaffold.plan.rules.check import check_plan
from scaffold.plan.rules.rule import RuleContext
from scaffold.plan.tasks import progress
from tests.plan.cases import BAD, GOOD, read

PIECES = [
    "# Tasks",
    "## Goal",
    "## Phase 1 - a",
    "## Phase 2 - b",
    "## Phase 2: again",
    "### Phase three",
    "## Phase 9 - c",
    "## Planning Notes",
    "- [ ] [P1-T1] read | deliverable: a.md | done-when: x",
    "- [x] [P1-T2] run | done-when: `a | b` | deliverable: `a, b`, c | depends: P1-T1",
    "- [/] [p1-t3] start|deliverable:x",
    "* [X] [P2-T2] done | depends: P2-T9, P1-T7",
    "1. [ ] no id | kind: main | note",
    "  - [ ] nested",
    "+ [~] [P2-T1] odd mark",
    "- [~] odd",
    "-[ ] close | deliverable: y",
    "* [x]closer",
    "- [] empty",
    "- [x][P1-T2] no space",
    "- [done] [P1-T2] a word",
    "- [ ]: [P1-T2] a colon",
    "- P1-T2: bare",
    "- [ ] P1-T2: bare",
    "- [ ] **P2-T1** bold",
    "- [ ] wrapped |",
    "  deliverable: w.md |",
    "- [ x ] wide P1-T2",
    "> - [ ] quoted",
    "| [ ] | table |",
    "  - evidence: P1-T2",
    "  - done when: later",
    "  goes on | depends: P1-T2",
    "```",
    "<!--",
    "-->",
    "`",
    "``x` | deliverable: `y",
    "<!-- plan: ignore P101 because -->",
    "ABORT_EARLY_DOCS_CHECK_FAILED",
    "",
    "- [ ] [P1-T1] twice \\| x | | deliverable: ",
    "see P1-T2 and P2-T4, exp/P1-T1.csv",
]
ENDINGS = st.sampled_from(["\n", "\r\n", "\r", "\n\n"])
PLANS = st.lists(st.tuples(st.sampled_from(PIECES), ENDINGS), max_size=14).map(
    lambda rows: "".join(a + b for a, b in rows)
)
NOISE = st.text(
    alphabet=st.one_of(st.sampled_from("-*+[]()xX/ \t|`<>!#:PT12.\r\n\\~\u2028\ufeff"), st.characters()), max_size=120
)
TEXTS = st.one_of(PLANS, NOISE, st.sampled_from([read(path).text for path in (*GOOD, *BAD)]))
# written independently of the parser: a list marker, a box with at most one mark, at least one word
LOOKS_LIKE_A_TASK = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]*\[[ xX/~-]?\][ \t]*\w")


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_any_text_parses_checks_and_shows(text: str) -> None:
    report = check_plan(text, context=RuleContext(fresh=True, server=True))
    findings_output.format_plan_report(report, report.findings, "tasks.md").encode("utf-8")
    progress.progress_text(report.plan).encode("utf-8")
    progress.mermaid_graph(report.plan)
    assert all(1 <= f.line <= max(1, len(report.plan.lines)) and f.column >= 1 for f in report.findings)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_parse_and_come_back(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    report = check_plan(text)
    findings_output.format_plan_report(report, report.findings, "x").encode("utf-8")
    assert report.plan.text.encode("utf-8", "surrogateescape") == raw


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_no_line_that_looks_like_a_task_is_lost(text: str) -> None:
    plan = parse_plan(text)
    known = {task.line for task in plan.tasks} | {odd.line for odd in plan.near_misses}
    for line in plan.lines:
        if LOOKS_LIKE_A_TASK.match(line.text) and line.number not in known:
            assert line.kind in ("code", "comment"), line


@settings(max_examples=250, deadline=None)
@given(TEXTS)
def test_mending_twice_changes_nothing_more(text: str) -> None:
    once = fix_plan(text)
    assert fix_plan(once) == once


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_what_is_called_fixable_is_gone_after_mending(text: str) -> None:
    left = [f for f in check_plan(fix_plan(text)).findings if f.fixable]
    assert not left


@settings(max_examples=250, deadline=None)
@given(TEXTS)
def test_mending_keeps_what_every_task_means(text: str) -> None:
    before, after = parse_plan(text), parse_plan(fix_plan(text))
    mended = {odd.line for odd in before.near_misses if odd.fixable}
    if mended:
        # a mended box makes a task, and takes its line away from the task above: what follows is compared without it
        assert {task.line for task in before.tasks} <= {task.line for task in after.tasks}
        return
    assert [task.line for task in before.tasks] == [task.line for task in after.tasks]
    assert len(before.lines) == len(after.lines)
    old, new = before.tasks_by_id, after.tasks_by_id
    for one, other in zip(before.tasks, after.tasks, strict=True):
        assert one.state == other.state
        assert [f.name for f in sorted(one.fields, key=lambda f: f.name)] == [
            f.name for f in sorted(other.fields, key=lambda f: f.name)
        ]
        for name, renamed in zip(dependency_ids(one), dependency_ids(other), strict=True):
            if name in old:
                assert new[renamed].line == old[name].line


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_a_plan_without_fixable_findings_keeps_its_words(text: str) -> None:
    """Mending changes ids, marks, white space and the order of fields: the same words are there before and after."""

    def words(text: str) -> list[str]:
        return sorted(re.findall(r"\w+", re.sub(r"\bP\s*\d+[-_ ]?T\d+\b|[xX]", "", text, flags=re.IGNORECASE)))

    assert words(fix_plan(text)) == words(text)


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.data())
def test_a_mark_changes_one_character(text: str, data: st.DataObject) -> None:
    plan = parse_plan(text)
    ids = [task.id for task in plan.tasks]
    single = [task for task in plan.tasks if task.id and ids.count(task.id) == 1]
    if not single:
        return
    task = data.draw(st.sampled_from(single))
    mark = data.draw(st.sampled_from([STARTED, DONE, " "]))
    new = edit.set_task_mark(text, task.id, mark)
    assert len(new) == len(text)
    assert [at for at in range(len(text)) if text[at] != new[at]] in ([], [task.mark_offset])
    assert [other.line for other in parse_plan(new).tasks] == [other.line for other in plan.tasks]


@settings(max_examples=150, deadline=None)
@given(TEXTS, NOISE)
def test_a_new_task_is_one_new_line(text: str, said: str) -> None:
    plan = parse_plan(text)
    numbers = [phase.number for phase in plan.phases]
    wanted = next((number for number in numbers if number is not None and numbers.count(number) == 1), None)
    if wanted is None:
        return
    try:
        new, name = edit.append_task(
            text, wanted, f"look {said}", [("deliverable", "a.md"), ("done-when", f"it holds {said}")]
        )
    except ScaffoldError:
        assert scan_lines(text).unclosed is not None
        return
    old_lines, new_lines = [line.text for line in plan.lines], [line.text for line in parse_plan(new).lines]
    added = [line for line in new_lines if f"[{name}] look" in line]
    assert len(added) == 1 and len(new) > len(text)
    task = parse_plan(new).tasks_by_id[name]
    assert (task.get("deliverable"), task.get("done-when")[:8], task.description[:4]) == ("a.md", "it holds", "look")
    rest = list(new_lines)
    rest.remove(added[0])
    assert [line for line in rest if line] == [line for line in old_lines if line]
