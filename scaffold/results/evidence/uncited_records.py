"""Records in the second home that are old and that no text of the workspace stands on: what `runs gc` takes away.

A text cites a run by its name, or by a number that the run backs. What the working tree has is the user's, and stays.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import git
from scaffold.results.evidence import backing, numbers_in_prose
from scaffold.runs import manifests, pin_refs, records, records_home

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace

TEXT_ENDINGS = (".md", ".txt", ".csv", ".tsv", ".json", ".tex", ".html", ".yml", ".yaml")
LARGEST_TEXT_BYTES = 1 << 20
REFS = ("refs/heads/", "refs/remotes/", "refs/tags/")
RUN_NAME = "[A-Za-z0-9][A-Za-z0-9._=,+@-]*-[0-9a-f]{8}"
# where what a manifest refers to lies
FILE_FOLDERS = ("patches", "configs", "environments", "stdin")
# what may name a commit: manifests, ledgers, sweep files
RECORD_ENDINGS = (".json", ".jsonl", ".yml", ".yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class UncitedRecords:
    """What may go: `runs` with their manifests in the second home, and `files` (patches, configs, package lists) that no other record
    there names, and `pins`, commits that are pinned for these runs alone. `cited` is how many old records stay because something cites
    them."""

    runs: tuple[tuple[Run, Path], ...]
    files: tuple[Path, ...]
    pins: tuple[str, ...]
    cited: int


def find_uncited_records(workspace: Workspace, *, before: str, keep_cited: bool) -> UncitedRecords:
    """Attempts in the second home that ended, or were lost, and began before a time (RFC 3339); with `keep_cited` those only that no text
    of the workspace cites. Changes nothing."""
    folders = records_home.list_existing_record_homes(workspace)
    copies = {
        Path(inside).name.removesuffix(".json"): folder / inside
        for folder in folders
        for inside in records_home.list_record_home_files(folder)
        if records_home.is_manifest(inside)
    }
    runs = records.read_records(workspace).runs
    old = [r for r in runs if r.label in copies and r.started_at < before and r.status != "running"]
    cited = _cited_labels(workspace, runs) if keep_cited and old else frozenset()
    leaving = [(run, copies[run.label]) for run in old if run.label not in cited]
    staying = set(copies.values()) - {path for _, path in leaving}
    return UncitedRecords(
        runs=tuple(leaving),
        files=tuple(_unreferenced_files(folders, staying)) if leaving else (),
        pins=_unneeded_pins(workspace, [path for _, path in leaving]) if leaving else (),
        cited=len(old) - len(leaving),
    )


def delete_uncited_records(workspace: Workspace, uncited: UncitedRecords) -> None:
    """Take them from the second home, and give up their pins. Raises OSError where that cannot be done, ScaffoldError where git refuses."""
    for path in (*(path for _, path in uncited.runs), *uncited.files):
        path.unlink(missing_ok=True)
    top = git.toplevel(workspace.workdir)
    if uncited.pins and top is not None:
        pin_refs.unpin_commits(top, uncited.pins)


def _cited_labels(workspace: Workspace, runs: Sequence[Run]) -> frozenset[str]:
    """The attempts that some text of the workspace names, on this branch or another, or whose numbers it quotes on this one."""
    index = backing.build_backing_index(workspace)
    texts: list[str] = []
    cited: set[str] = set()
    for path in _list_texts(workspace):
        with contextlib.suppress(OSError):
            text = path.read_text(encoding="utf-8", errors="replace")
            texts.append(text)
            for claimed in numbers_in_prose.find_claimed_numbers(text):
                cited |= {label for match in index.find(claimed) for label in match.number.runs}
    whole = "\n".join([*texts, *_names_on_branches(workspace)])
    return frozenset(cited | {run.label for run in runs if run.name in whole or (run.uuid and run.uuid in whole)})


def _names_on_branches(workspace: Workspace) -> list[str]:
    """The run names in the plan, results and analyses of all branches and tags; of numbers only this working tree's are looked up."""
    refs = git.run_git(workspace.workdir, "for-each-ref", "--format=%(refname)", *REFS).text.split()
    roles = ("results", "analysis")
    folders = [workspace.role_folder(role, "*" if workspace.per_experiment else None) for role in roles]
    patterns = [f":(glob){folder.relative_to(workspace.workdir).as_posix()}/**" for folder in folders]
    plan = f":(literal){workspace.tasks.relative_to(workspace.workdir).as_posix()}"
    options = ("-h", "-o", "-I", "-E", "-e", RUN_NAME)
    return (
        git.run_git(workspace.workdir, "grep", *options, *refs, "--", plan, *patterns).text.splitlines() if refs else []
    )


def _list_texts(workspace: Workspace) -> Iterator[Path]:
    """The plan, and the texts among results and analyses."""
    yield workspace.tasks
    experiments = [p.name for p in workspace.path.iterdir() if p.is_dir()] if workspace.per_experiment else [None]
    for experiment in experiments:
        for role in ("results", "analysis"):
            for path in sorted(workspace.role_folder(role, experiment).rglob("*")):
                if path.suffix in TEXT_ENDINGS and path.is_file() and path.stat().st_size <= LARGEST_TEXT_BYTES:
                    yield path


def _unreferenced_files(folders: list[Path], staying: set[Path]) -> Iterator[Path]:
    """The copies of patches, configs and package lists that no manifest which stays names, and no sweep file."""
    named: set[str] = set()
    sweeps = [path for folder in folders for path in folder.rglob("sweeps/*.yml")]
    sweep_texts = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in sweeps)
    for path in staying:
        try:
            named |= {Path(text).name for text in _named_files(manifests.read_manifest(path))}
        except ValueError:
            return  # what that one names is not known
    for folder in folders:
        for inside in records_home.list_record_home_files(folder):
            path = folder / inside
            if path.parent.name in FILE_FOLDERS and path.name not in named and path.name not in sweep_texts:
                yield path


def _unneeded_pins(workspace: Workspace, leaving: list[Path]) -> tuple[str, ...]:
    """The commits that are pinned for records that leave, and that no other record of the repository names, of whatever workspace."""
    top = git.toplevel(workspace.workdir)
    if top is None:
        return ()
    pinned = {pin for ref in pin_refs.list_pin_refs(top) for pin in ref.pins}
    candidates = pinned & {commit for path in leaving for commit in _pinned_commits(path)}
    home = records_home.list_record_home_folders(workspace)[0].parent
    for folder in (home, *records.manifest_directories(workspace)):
        for path in folder.rglob("*"):
            if candidates and path not in leaving and path.suffix in RECORD_ENDINGS and path.is_file():
                text = path.read_text(encoding="utf-8", errors="replace")
                candidates -= {commit for commit in candidates if commit in text}
    return tuple(sorted(candidates))


def _pinned_commits(path: Path) -> Iterator[str]:
    with contextlib.suppress(KeyError, TypeError, ValueError):
        yield str(manifests.read_manifest(path)["git"]["pin"]["commit"])


def _named_files(manifest: dict[str, Any]) -> Iterator[str]:
    with contextlib.suppress(KeyError, TypeError):
        yield from manifest["paths"]["configs"]
        yield manifest["paths"].get("stdin") or ""
        yield manifest["environment"]["packages"] or ""
        yield (manifest["git"] or {}).get("patch") or ""
