"""An idea that was made on code that no longer stands -> the same change on the code that does: a three-way merge, file by file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.ideas.context import IdeaContext
from scaffold.ideas.study import IdeaRecord, IdeaStudy
from scaffold.ideas.tree import idea_commits, snapshot
from scaffold.scratch import scratch_directory

Entry = tuple[str, str]


class IdeaRebaseConflict(ScaffoldError):
    """The idea and the code that stands now change the same lines."""


def rebase_idea(place: IdeaContext, study: IdeaStudy, record: IdeaRecord) -> IdeaRecord:
    """The idea on the code that stands; its commit is pinned. Raises CannotRebase."""
    top, base, onto = place.top, study.ideas[record.base].commit, study.standing.commit
    sides = [idea_commits.tree_entries(top, commit, record.paths) for commit in (base, record.commit, onto)]
    entries = {path: _merge_entry(top, path, *(side.get(path) for side in sides)) for path in record.paths}
    with scratch_directory() as folder:
        env = {"GIT_INDEX_FILE": str(folder / "index")}
        rows = [
            f"{entry[0]} {entry[1]}\t{path}" if entry else f"0 {'0' * len(onto)}\t{path}"
            for path, entry in entries.items()
        ]
        stdin = b"".join(os.fsencode(row) + b"\0" for row in rows)
        for args, data in ((("read-tree", onto), None), (("update-index", "-z", "--index-info"), stdin)):
            answer = git.run_git_as_user(top, *args, env=env, stdin=data)
            if answer.status != 0:
                raise ScaffoldError(f"git {args[0]} failed in {top}: {answer.stderr.strip()}")
        tree = git.run_git_as_user(top, "write-tree", env=env).text
    message = git.run_git_checked(top, "log", "-1", "--format=%B", record.commit).text
    commit = snapshot.commit_tree(top, tree, onto, message)
    snapshot.pin_commit(top, study.name, record.number, record.commit, part=f"-on-{record.base}")
    snapshot.pin_commit(top, study.name, record.number, commit)
    note = f"made on idea {record.base}, merged onto idea {study.incumbent}, which was kept since"
    return replace(
        record, commit=commit, state=place.code_state(commit), base=study.incumbent, notes=(*record.notes, note)
    )


def _merge_entry(top: Path, path: str, base: Entry | None, idea: Entry | None, onto: Entry | None) -> Entry | None:
    if onto in (base, idea):
        return idea
    if idea == base:
        return onto
    if not (base and idea and onto) or {base[0], idea[0], onto[0]} & {"120000", "160000"}:
        raise IdeaRebaseConflict(f"{path} is changed by the idea, and otherwise by the code that stands now")
    texts = [_content(top, entry[1]) for entry in (onto, base, idea)]
    merged, has_conflicts = git.merge_texts(texts[0], texts[1], texts[2], labels=("standing", "base", "idea"))
    if has_conflicts:
        raise IdeaRebaseConflict(f"{path} is changed by the idea, and in the same lines by the code that stands now")
    answer = git.run_git_as_user(top, "hash-object", "-w", "--stdin", "--no-filters", stdin=merged)
    mode = idea[0] if idea[0] != base[0] else onto[0]
    return mode, answer.text


def _content(top: Path, name: str) -> bytes:
    return git.run_git_checked(top, "cat-file", "blob", name).stdout
