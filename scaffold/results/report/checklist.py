"""The plan's analytics contract and its deliverables -> a checklist: what is there, what is missing, what only a reader can tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scaffold.plan.document.markdown_inline import code_spans, split_plain_markdown, without_code
from scaffold.plan.document.markdown_lines import MARKER
from scaffold.plan.document.model import Plan
from scaffold.plan.rules import labelled_entries
from scaffold.plan.rules.structure import CONTRACT
from scaffold.results.report.links import PageLinks
from scaffold.results.report.model import AnalyticsContractEntry
from scaffold.results.tables.model import ResultTable
from scaffold.workspace import Workspace

TITLE = "Shared Metrics and Analytics Contract"
PRIMARY, STATISTICS, ARTIFACT = "Primary metrics", "Statistical checks", "Required artifacts"
FOR_A_READER = "for a reader to check"
PICTURES = ("png", "svg", "pdf", "jpg")
TEXTS = ("md", "txt", "html", "ipynb", "csv", "json")
TABLES = ("csv", "tsv", "md", "parquet", "tex")
# files that the workspace writes itself are nobody's answer to the contract
OWN_FILES = frozenset({"README.md", "report.html", "report.md"})


class ExpectedArtifact(NamedTuple):
    """What an artifact is called, and which files count as one: roles to look in, words in the name, endings (empty: any)."""

    pattern: re.Pattern[str]
    roles: tuple[str, ...]
    words: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()


def _rule(pattern: str, roles: tuple[str, ...], words: tuple[str, ...], endings: tuple[str, ...]) -> ExpectedArtifact:
    return ExpectedArtifact(re.compile(pattern, re.IGNORECASE), roles, words, endings)


WRITTEN, COMPUTED = ("analysis", "results"), ("results", "analysis")
# the first that fits decides: `learning curve plots` are curves before they are plots
ARTIFACT_RULES = (
    _rule(r"learning curve|training curve|loss curve|\bcurves?\b", WRITTEN, ("curve",), PICTURES),
    _rule(r"error analysis|failure analysis|worst case", WRITTEN, ("error", "failure"), TEXTS),
    _rule(r"ablation", COMPUTED, ("ablat",), ()),
    _rule(r"plots?\b|figures?\b|charts?\b", WRITTEN, (), PICTURES),
    _rule(r"tables?\b|\bcsv\b", COMPUTED, (), TABLES),
    _rule(r"report\b|summary\b", WRITTEN, ("report", "summary"), ()),
)


def build_analytics_checklist(
    plan: Plan, workspace: Workspace, table: ResultTable, links: PageLinks
) -> tuple[AnalyticsContractEntry, ...]:
    """Every entry of the contract, one artifact a line; empty where the plan has no such section."""
    section = plan.find_section(TITLE)
    if section is None:
        return ()
    items: list[AnalyticsContractEntry] = []
    for expected in CONTRACT:
        kind = expected.name
        entry = labelled_entries.find_section_entry(section.body, expected)
        if entry is None or labelled_entries.is_all_placeholders(entry.text):
            items.append(AnalyticsContractEntry(kind=kind, text="", holds=False, evidence="the plan does not say"))
        elif kind == ARTIFACT:
            items += [_artifact_item(name, workspace, table, links) for name in _artifact_names(entry.text)]
        elif kind == PRIMARY:
            items.append(_metric_item(entry.text, table))
        elif kind == STATISTICS:
            items.append(_statistics_item(entry.text, table))
        else:
            items.append(AnalyticsContractEntry(kind=kind, text=entry.text, holds=None, evidence=FOR_A_READER))
    return tuple(items)


def _artifact_names(text: str) -> list[str]:
    """The artifacts of one entry: what commas and semicolons part, but not inside brackets."""
    names = []
    for part in (
        part for line in text.splitlines() for _, part in split_plain_markdown(MARKER.sub("", line, count=1), ";")
    ):
        depth, start = 0, 0
        for index, letter in enumerate(part):
            depth += (letter in "([") - (letter in ")]")
            if letter == "," and depth <= 0:
                names.append(part[start:index])
                start = index + 1
        names.append(part[start:])
    return [name.strip().removeprefix("and ").rstrip(".") for name in names if name.strip()]


def _artifact_item(name: str, workspace: Workspace, table: ResultTable, links: PageLinks) -> AnalyticsContractEntry:
    def item(holds: bool | None, evidence: str, paths: Sequence[str] = ()) -> AnalyticsContractEntry:
        file_links = tuple(links.link_to(path) for path in paths)
        return AnalyticsContractEntry(kind=ARTIFACT, text=name, holds=holds, evidence=evidence, links=file_links)

    paths = [code for code in code_spans(name) if "/" in code or re.search(r"\.\w{1,8}$", code)]
    if paths:
        complete = all(links.exists(path) for path in paths)
        return item(complete, "present" if complete else "missing", paths)
    if re.search(r"manifest", name, re.IGNORECASE):
        runs = sum(len(row.runs) for row in table.rows)
        return item(runs > 0, f"{runs} results, each read through its run's manifest")
    rule = next((rule for rule in ARTIFACT_RULES if rule.pattern.search(without_code(name))), None)
    if rule is None:
        return item(None, f"{FOR_A_READER}: it names no file")
    files = _matching_files(workspace, rule)
    if not files:
        folders = " and ".join(f"{workspace.root}/{workspace.role_folder(role).name}" for role in rule.roles)
        return item(False, f"missing: no such file in {folders}")
    return item(True, "present" + (f" and {len(files) - 3} more" if len(files) > 3 else ""), files[:3])


def _matching_files(workspace: Workspace, rule: ExpectedArtifact) -> list[str]:
    """What people left in the folders of the first role that has any such file."""
    files = []
    for role in rule.roles:
        for folder in _role_folders(workspace, role):
            for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
                name = path.name.lower()
                named = not rule.words or any(word in name for word in rule.words)
                ends = not rule.endings or name.endswith(tuple(f".{ending}" for ending in rule.endings))
                if named and ends and path.name not in OWN_FILES and path.is_file() and path.stat().st_size:
                    files.append(path.relative_to(workspace.workdir).as_posix())
        if files:
            break
    return list(dict.fromkeys(files))


def _role_folders(workspace: Workspace, role: str) -> list[Path]:
    if not workspace.per_experiment or not workspace.path.is_dir():
        return [workspace.role_folder(role)]
    return sorted(workspace.role_folder(role, child.name) for child in workspace.path.iterdir() if child.is_dir())


def _metric_item(text: str, table: ResultTable) -> AnalyticsContractEntry:
    named = [code for code in code_spans(text) if "/" in code or re.fullmatch(r"[\w@.-]+", code)]
    if not named:
        return AnalyticsContractEntry(kind=PRIMARY, text=text, holds=None, evidence="no metric is named in back-ticks")
    missing = [name for name in named if name not in table.metrics]
    evidence = f"no run reports {', '.join(missing)}" if missing else f"reported by runs: {', '.join(named)}"
    return AnalyticsContractEntry(kind=PRIMARY, text=text, holds=not missing, evidence=evidence)


def _statistics_item(text: str, table: ResultTable) -> AnalyticsContractEntry:
    seeds = [len(row.runs) for row in table.rows]
    numbers = [int(number) for number in re.findall(r"(?<![\w.])(\d+)\s+(?:seeds?|repeats?|for)\b", text)]
    if not seeds:
        return AnalyticsContractEntry(kind=STATISTICS, text=text, holds=False, evidence="no results yet")
    if not numbers:
        return AnalyticsContractEntry(kind=STATISTICS, text=text, holds=None, evidence=FOR_A_READER)
    short = sum(number < min(numbers) for number in seeds)
    fewer = f"{short} of {len(seeds)} configurations have fewer than {min(numbers)} seeds"
    evidence = fewer if short else "every configuration has its seeds"
    return AnalyticsContractEntry(kind=STATISTICS, text=text, holds=not short, evidence=evidence)
