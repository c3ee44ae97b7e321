"""The plan's analytics contract and its deliverables -> a checklist: what is there, what is missing, what only a reader can tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold.plan.document import section_entries
from scaffold.plan.document.markdown_inline import code_spans, split_plain, without_code
from scaffold.plan.document.markdown_lines import MARKER
from scaffold.plan.document.model import Plan
from scaffold.plan.rules.structure import CONTRACT
from scaffold.results.report.model import Item, Link
from scaffold.workspace import Workspace

TITLE = "Shared Metrics and Analytics Contract"
PRIMARY, STATISTICS, ARTIFACT = "Primary metrics", "Statistical checks", "Required artifacts"
PICTURES = ("png", "svg", "pdf", "jpg")
TEXTS = ("md", "txt", "html", "ipynb", "csv", "json")
# what artifacts are called, and the files that count as one: roles to look in, words in the name, endings
ARTIFACTS: tuple[tuple[re.Pattern[str], tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        re.compile(r"learning curve|training curve|loss curve|\bcurves?\b", re.I),
        ("analysis", "results"),
        ("curve",),
        PICTURES,
    ),
    (
        re.compile(r"error analysis|failure analysis|worst case", re.I),
        ("analysis", "results"),
        ("error", "failure"),
        TEXTS,
    ),
    (re.compile(r"ablation", re.I), ("results", "analysis"), ("ablat",), ()),
    (re.compile(r"plots?\b|figures?\b|charts?\b", re.I), ("analysis", "results"), (), PICTURES),
    (re.compile(r"tables?\b|\bcsv\b", re.I), ("results", "analysis"), (), ("csv", "tsv", "md", "parquet", "tex")),
    (re.compile(r"report\b|summary\b", re.I), ("analysis", "results"), ("report", "summary"), ()),
)
OURS = frozenset({"README.md", "report.html", "report.md"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the results say: metrics with values, how many seeds each configuration has, how many runs have a result."""

    metrics: frozenset[str]
    seeds: tuple[int, ...]
    runs: int


def checklist(plan: Plan, workspace: Workspace, known: Known, link: Callable[[str], Link]) -> tuple[Item, ...]:
    """Every entry of the contract, one artifact a line."""
    section = plan.find_section(TITLE)
    if section is None:
        return ()
    found: list[Item] = []
    for wanted in CONTRACT:
        entry = section_entries.find_entry(section.body, wanted)
        if entry is None or section_entries.is_all_placeholders(entry.text):
            found.append(Item(kind=wanted.name, text="", holds=False, evidence="the plan does not say"))
        elif wanted.name == ARTIFACT:
            found += [_artifact(piece, workspace, known, link) for piece in _pieces(entry.text)]
        elif wanted.name == PRIMARY:
            found.append(_metric(entry.text, known))
        elif wanted.name == STATISTICS:
            found.append(_statistics(entry.text, known))
        else:
            found.append(Item(kind=wanted.name, text=entry.text, holds=None, evidence="for a reader to check"))
    return tuple(found)


def _pieces(said: str) -> list[str]:
    """The artifacts of one entry: what commas and semicolons part, but not inside brackets."""
    found = []
    for part in (part for line in said.splitlines() for _, part in split_plain(MARKER.sub("", line, count=1), ";")):
        depth, start = 0, 0
        for index, letter in enumerate(part):
            depth += (letter in "([") - (letter in ")]")
            if letter == "," and depth <= 0:
                found.append(part[start:index])
                start = index + 1
        found.append(part[start:])
    return [piece.strip().removeprefix("and ").rstrip(".") for piece in found if piece.strip()]


def _artifact(piece: str, workspace: Workspace, known: Known, link: Callable[[str], Link]) -> Item:
    kind = ARTIFACT
    paths = [code for code in code_spans(piece) if "/" in code or re.search(r"\.\w{1,8}$", code)]
    if paths:
        links = tuple(link(path) for path in paths)
        missing = [found.path for found in links if found.href is None]
        words = "missing" if missing else "present"
        return Item(kind=kind, text=piece, holds=not missing, evidence=words, links=links)
    if re.search(r"manifest", piece, re.IGNORECASE):
        return Item(
            kind=kind,
            text=piece,
            holds=known.runs > 0,
            evidence=f"{known.runs} results, each read through its run's manifest",
        )
    rule = next((rule for rule in ARTIFACTS if rule[0].search(without_code(piece))), None)
    if rule is None:
        return Item(kind=kind, text=piece, holds=None, evidence="for a reader to check: it names no file")
    files = _files(workspace, *rule[1:])
    looked = " and ".join(f"{workspace.root}/{workspace.role(role).name}" for role in rule[1])
    if not files:
        return Item(kind=kind, text=piece, holds=False, evidence=f"missing: no such file in {looked}")
    shown = tuple(link(path) for path in files[:3])
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return Item(kind=kind, text=piece, holds=True, evidence=f"present{more}", links=shown)


def _files(workspace: Workspace, roles: Sequence[str], words: Sequence[str], ends: Sequence[str]) -> list[str]:
    """What people left in the folders of the first role that has any such file: a word of these in its name, an ending of these."""
    found = []
    for role in roles:
        for folder in _folders(workspace, role):
            for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
                name = path.name.lower()
                fits = (not words or any(word in name for word in words)) and (
                    not ends or name.endswith(tuple(f".{e}" for e in ends))
                )
                if fits and path.name not in OURS and path.is_file() and path.stat().st_size:
                    found.append(path.relative_to(workspace.workdir).as_posix())
        if found:
            break
    return list(dict.fromkeys(found))


def _folders(workspace: Workspace, role: str) -> list[Path]:
    if not workspace.per_experiment or not workspace.path.is_dir():
        return [workspace.role(role)]
    return sorted(workspace.role(role, child.name) for child in workspace.path.iterdir() if child.is_dir())


def _metric(said: str, known: Known) -> Item:
    named = [code for code in code_spans(said) if "/" in code or re.fullmatch(r"[\w@.-]+", code)]
    there = [name for name in named if name in known.metrics]
    if not named:
        return Item(kind=PRIMARY, text=said, holds=None, evidence="no metric is named in back-ticks")
    missing = [name for name in named if name not in there]
    words = f"no run reports {', '.join(missing)}" if missing else f"reported by runs: {', '.join(there)}"
    return Item(kind=PRIMARY, text=said, holds=not missing, evidence=words)


def _statistics(said: str, known: Known) -> Item:
    wanted = [int(number) for number in re.findall(r"(?<![\w.])(\d+)\s+(?:seeds?|repeats?|for)\b", said)]
    if not wanted or not known.seeds:
        words = "for a reader to check" if known.seeds else "no results yet"
        return Item(kind=STATISTICS, text=said, holds=None if known.seeds else False, evidence=words)
    few = sum(seeds < min(wanted) for seeds in known.seeds)
    words = (
        f"{few} of {len(known.seeds)} configurations have fewer than {min(wanted)} seeds"
        if few
        else "every configuration has its seeds"
    )
    return Item(kind=STATISTICS, text=said, holds=not few, evidence=words)
