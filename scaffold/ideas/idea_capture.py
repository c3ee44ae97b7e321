"""The working tree, or a commit -> an idea that is not written down yet: its code as a commit object, what it changes, and its fences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from scaffold import git
from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.ideas import context
from scaffold.ideas.context import IdeaContext
from scaffold.ideas.memory.similar import Resemblance, find_same_code, find_similar_ideas
from scaffold.ideas.study import IdeaRecord, IdeaStudy
from scaffold.ideas.tree import changes, forbidden_changes, snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaTryOptions:
    """What `scaffold try` was told beside the text."""

    text: str
    because: str | None = None
    task: str | None = None
    ref: str | None = None
    simpler: bool = False
    metric_changed: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaDraft:
    """An idea before it has its number: `staged` is the tree of what is staged beside it, None where nothing is."""

    record: IdeaRecord
    staged: str | None = None


def draft_idea(place: IdeaContext, study: IdeaStudy, options: IdeaTryOptions, say: Callable[[str], None]) -> IdeaDraft:
    """The idea as it is in the tree, or in the commit that the options name. Raises WrongUsage where it changes nothing, ScaffoldError
    where the tree lacks the code that stands."""
    top, base = place.top, study.standing.commit
    if options.ref is None:
        tree = snapshot.take_snapshot(top, base, place.rules(study))
        _check_stands(place, study, tree)
    else:
        tree = _read_commit(place, study, options.ref)
    for text in snapshot.describe_files_outside_idea(tree.left):
        say(text)
    if not tree.paths:
        raise WrongUsage(
            "nothing is changed against the code that stands"
            + (f" (idea {study.incumbent})" if study.incumbent else ""),
            hint="edit the code, then call it again" + (f"; left out: {tree.left[0]}" if tree.left else ""),
        )
    trailers = {"Idea": options.text, "Because": options.because, "Task": options.task}
    commit = snapshot.commit_tree(top, tree.tree, base, snapshot.idea_message(options.text, trailers))
    record = IdeaRecord(
        number=len(study.ideas),
        text=" ".join(options.text.split()),
        commit=commit,
        state=place.code_state(commit),
        base=study.incumbent,
        because=options.because,
        task=options.task,
        paths=tree.paths,
        left=tree.left,
        simpler=options.simpler,
        tree=str(top) if options.ref is None else None,
        started_at=context.format_current_time(),
    )
    return IdeaDraft(record=record, staged=tree.staged)


def _read_commit(place: IdeaContext, study: IdeaStudy, ref: str) -> snapshot.TreeSnapshot:
    """What a commit changes against the code that stands. Raises WrongUsage where there is no such commit."""
    top, rules = place.top, place.rules(study)
    commit = git.run_git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").text
    if not commit:
        raise WrongUsage(f"there is no commit {ref}", hint="--from takes a branch, a tag or a commit")
    options = ("-r", "--name-only", "--no-renames", "-z")
    names = git.run_git_checked(top, "diff-tree", *options, study.standing.commit, commit).paths
    tree = git.run_git_checked(top, "rev-parse", f"{commit}^{{tree}}").text
    paths = tuple(path for path in names if not rules.is_uncounted(path))
    return snapshot.TreeSnapshot(tree=tree, paths=paths, left=(), staged=None)


def _check_stands(place: IdeaContext, study: IdeaStudy, tree: snapshot.TreeSnapshot) -> None:
    """Raise ScaffoldError where the tree lacks the idea that stands: it would be judged as an idea that takes the other one back."""
    standing = study.standing
    if not standing.number or not set(standing.paths) <= set(tree.paths):
        return
    before = study.ideas[standing.base].commit
    options = ("-r", "--name-only", "--no-renames", "-z")
    paths = git.run_git_checked(place.top, "diff-tree", *options, before, tree.tree, "--", *standing.paths).paths
    if not paths:
        raise ScaffoldError(
            f"the tree lacks idea {standing.number}, which was kept and stands: {standing.text}",
            hint=f"bring it in first: scaffold ideas restore {standing.number}; then make the next change on top of it",
        )


def validate_idea_draft(place: IdeaContext, study: IdeaStudy, draft: IdeaDraft, *, metric_changed: bool) -> IdeaDraft:
    """The draft with what near-same changes are known by. Raises ScaffoldError where it changes what the study's ideas may not change."""
    record = draft.record
    forbidden_changes.refuse_forbidden_paths(record.paths, study.only, study.never)
    hunks = changes.read_hunks(place.top, study.standing.commit, record.commit)
    forbidden_changes.refuse_seed_only_changes(hunks)
    if not metric_changed:
        places = context.find_metric_print_places(place.workspace, study.metric)
        functions = context.evaluation_functions(place.workspace, study.command, study.metric)
        forbidden_changes.refuse_metric_changes(
            forbidden_changes.metric_hunks(hunks, study.metric, places, functions, study.never), study.metric
        )
    lines, constants = changes.fingerprint_changed_lines(hunks), changes.fingerprint_without_numbers(hunks)
    return replace(draft, record=replace(record, lines=lines, constants=constants))


def compare_tree_to_ideas(
    place: IdeaContext, study: IdeaStudy, text: str
) -> tuple[IdeaRecord | None, list[Resemblance]]:
    """The idea of the same code as the working tree's, and those that the tree, or the words `text`, are like."""
    base = study.standing.commit
    tree = snapshot.take_snapshot(place.top, base, place.rules(study))
    if not tree.paths:
        return None, find_similar_ideas(study, (), (), text)
    commit = snapshot.commit_tree(place.top, tree.tree, base, snapshot.idea_message(text, {}))
    hunks = changes.read_hunks(place.top, base, commit)
    lines, constants = changes.fingerprint_changed_lines(hunks), changes.fingerprint_without_numbers(hunks)
    same = find_same_code(study, place.code_state(commit))
    return same, find_similar_ideas(study, lines, constants, text, other_than=same.number if same else None)
