"""Who made it: CITATION.cff and the authors of commits, without addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold import git, path_containment, structured_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person's name, and the URL of an ORCID where one is stated."""

    name: str
    orcid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """What CITATION.cff says of a repository: its title, its licence (SPDX), its authors. Empty where there is none."""

    title: str = ""
    license: str = ""
    authors: tuple[Person, ...] = ()


def read_citation(top: Path) -> Citation:
    """The CITATION.cff (version 1.2) in `top`; one that cannot be read says nothing."""
    import yaml

    try:
        content = structured_text.parse_yaml(
            path_containment.join_contained_path(top, "CITATION.cff").read_text(encoding="utf-8")
        )
    except (OSError, ValueError, yaml.YAMLError):
        return Citation()
    if not isinstance(content, dict):
        return Citation()
    entries, spdx = content.get("authors"), content.get("license")
    authors = [_person(entry) for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return Citation(
        title=str(content.get("title") or ""),
        license=spdx if isinstance(spdx, str) else "",
        authors=tuple(person for person in authors if person.name),
    )


def _person(entry: Mapping[str, Any]) -> Person:
    parts = (entry.get(key) for key in ("given-names", "name-particle", "family-names", "name-suffix"))
    name = " ".join(str(part) for part in parts if part) or str(entry.get("name") or entry.get("alias") or "")
    orcid = str(entry.get("orcid") or "")
    return Person(name=name, orcid=orcid if orcid.startswith("https://orcid.org/") else None)


def commit_authors(directory: Path, commits: Iterable[str]) -> dict[str, str]:
    """The author's name of each commit that the repository has, by commit; all in one call of git."""
    hashes = "".join(f"{commit}\n" for commit in sorted(set(commits)))
    if not hashes:
        return {}
    log = git.run_git(
        directory,
        *("log", "--no-walk=unsorted", "--ignore-missing", "--no-show-signature", "--format=%H%x00%an", "--stdin"),
        stdin=hashes.encode(),
    )
    rows = (line.partition("\0") for line in log.text.splitlines())
    return {commit: name for commit, separator, name in rows if separator and name}
