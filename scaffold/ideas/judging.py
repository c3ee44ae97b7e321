"""One idea from the working tree to its verdict: snapshot, memory, fences, runs, rule, and what it does to the tree.

What is decided is written down before anything is done about it, so that who is killed at any point and calls again with the same tree
goes on, and nothing happens twice.
"""

from __future__ import annotations

import subprocess  # noqa: TID251 - it runs the checks that the study names
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from scaffold import git
from scaffold.backends.interface import Warn
from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.ideas import closing, context, history, study_files, trial
from scaffold.ideas.context import IdeaContext
from scaffold.ideas.loop_state import Step
from scaffold.ideas.memory.similar import Resemblance, find_same_code, find_similar
from scaffold.ideas.study import IdeaRecord, IdeaStudy
from scaffold.ideas.tree import changes, fences, snapshot
from scaffold.runs import worktrees
from scaffold.sweeps.spec.sweep_paths import sweep_paths
from scaffold.workspace import Workspace

CHECK_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TryOptions:
    """What `scaffold try` was told beside the text."""

    text: str
    because: str | None = None
    task: str | None = None
    ref: str | None = None
    simpler: bool = False
    metric_changed: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TryResult:
    """What became of an idea: its record, the study then, whether it was known before, and ideas that are like it."""

    record: IdeaRecord
    study: IdeaStudy
    known: bool = False
    similar: tuple[Resemblance, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Trial:
    """The judging of ideas in one working tree."""

    place: IdeaContext
    name: str
    warn: Warn
    show: trial.Show
    say: Callable[[str], None]
    notes: list[str] = field(default_factory=list)

    @property
    def workspace(self) -> Workspace:
        """The workspace of the tree."""
        return self.place.workspace

    def try_idea(self, options: TryOptions) -> TryResult:
        """Judge the working tree, or a commit. Raises ScaffoldError where it cannot be judged, WrongUsage where nothing is changed."""
        record, study, known = self.register(options)
        if known and options.again:
            return self.again(record.number)
        if known:
            return TryResult(record=self._take_back(study, record), study=study, known=True)
        alike = find_similar(study, record.lines, record.constants, record.text, other_than=record.number)
        for each in alike[:3]:
            self.say(f"{each.how} as idea {each.record.number}, {each.record.status}: {each.record.text}")
        return replace(self.judge(record.number), similar=tuple(alike))

    def register(self, options: TryOptions) -> tuple[IdeaRecord, IdeaStudy, bool]:
        """The idea with its number, its code kept for good; the study; and whether the same code was judged before."""
        study = closing.finish_pending(self.place, study_files.read_study(self.workspace, self.name), self.say)
        if not study.is_started:
            raise ScaffoldError(
                f"the baseline of {study.name} is not over", hint=f"go on with it: scaffold ideas start {study.name}"
            )
        draft, tree = self._draft(study, options)
        record = next((r for r in study.ideas if r.state == draft.state and not r.is_closed), None)
        if record is None and (same := find_same_code(study, draft.state)) is not None:
            return same, study, True
        if record is None:
            hunks = changes.read_hunks(self.place.top, study.standing.commit, draft.commit)
            self._check_fences(study, draft, hunks, options)
            draft = replace(draft, lines=changes.line_prints(hunks), constants=changes.constant_prints(hunks))
            record = self._add(draft, tree)
            study = study_files.read_study(self.workspace, self.name)
        return record, study, False

    def compare(self, text: str) -> tuple[IdeaStudy, IdeaRecord | None, list[Resemblance]]:
        """What the working tree, or the words `text`, were before: the study, the idea of the same code, and those that are like it."""
        study = study_files.read_study(self.workspace, self.name)
        tree = snapshot.take_snapshot(self.place.top, study.standing.commit, self.place.rules(study))
        if not tree.paths:
            return study, None, find_similar(study, (), (), text)
        commit = snapshot.commit_tree(self.place.top, tree.tree, study.standing.commit, snapshot.idea_message(text, {}))
        hunks = changes.read_hunks(self.place.top, study.standing.commit, commit)
        lines, constants = changes.line_prints(hunks), changes.constant_prints(hunks)
        same = find_same_code(study, self.place.code_state(commit))
        return study, same, find_similar(study, lines, constants, text, other_than=same.number if same else None)

    def again(self, number: int) -> TryResult:
        """A new confirmation of an earlier idea, on new seeds, against the code that stands today."""
        study = study_files.read_study(self.workspace, self.name)
        old = study.idea(number)
        origin = study.idea(old.of) if old.of is not None else old
        if origin.number == study.incumbent or study.incumbent == old.number:
            raise ScaffoldError(
                f"idea {number} is the code that stands", hint="what it gained in all: scaffold ideas claim"
            )
        running = next((r for r in study.ideas if r.of == origin.number and not r.is_closed), None)
        if running is None:
            fresh = IdeaRecord(
                number=len(study.ideas),
                text=origin.text,
                commit=origin.commit,
                state=origin.state,
                base=study.incumbent,
                because=origin.because,
                of=origin.number,
                paths=origin.paths,
                lines=origin.lines,
                constants=origin.constants,
                started_at=context.timestamp(),
            )
            running = self._add(fresh, None, confirm=True)
        return self.judge(running.number)

    def _draft(self, study: IdeaStudy, options: TryOptions) -> tuple[IdeaRecord, snapshot.TreeSnapshot | None]:
        """The idea as it is in the tree, not yet written down. Raises WrongUsage where it changes nothing."""
        top, base = self.place.top, study.standing.commit
        rules = self.place.rules(study)
        tree = None
        trailers = {"Idea": options.text, "Because": options.because, "Task": options.task}
        if options.ref is None:
            tree = snapshot.take_snapshot(top, base, rules)
            self._check_stands(study, tree)
            paths, left, tree_id = tree.paths, tree.left, tree.tree
        else:
            commit = git.run_git(
                top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{options.ref}^{{commit}}"
            ).text
            if not commit:
                raise WrongUsage(f"there is no commit {options.ref}", hint="--from takes a branch, a tag or a commit")
            names = git.run_checked(top, "diff-tree", "-r", "--name-only", "--no-renames", "-z", base, commit).paths
            paths = tuple(path for path in names if not rules.is_uncounted(path))
            left, tree_id = (), git.run_checked(top, "rev-parse", f"{commit}^{{tree}}").text
        for text in snapshot.shown_left(left):
            self.say(text)
        if not paths:
            raise WrongUsage(
                "nothing is changed against the code that stands"
                + (f" (idea {study.incumbent})" if study.incumbent else ""),
                hint="edit the code, then call it again" + (f"; left out: {left[0]}" if left else ""),
            )
        commit = snapshot.commit_tree(top, tree_id, base, snapshot.idea_message(options.text, trailers))
        draft = IdeaRecord(
            number=len(study.ideas),
            text=" ".join(options.text.split()),
            commit=commit,
            state=self.place.code_state(commit),
            base=study.incumbent,
            because=options.because,
            task=options.task,
            paths=paths,
            left=left,
            simpler=options.simpler,
            tree=str(top) if options.ref is None else None,
            started_at=context.timestamp(),
        )
        return draft, tree

    def _take_back(self, study: IdeaStudy, record: IdeaRecord) -> IdeaRecord:
        """An idea that was judged before and is in the tree again: its verdict is done to the tree once more."""
        if not study.apply or record.status == "kept":
            return record
        pending = replace(record, application="pending", tree=str(self.place.top))
        study = study_files.change_study(self.workspace, self.name, lambda newest: newest.with_idea(pending))
        return closing.finish_pending(self.place, study, self.say).idea(record.number)

    def _check_stands(self, study: IdeaStudy, tree: snapshot.TreeSnapshot) -> None:
        """Raise ScaffoldError where the tree lacks the idea that stands: it would be judged as an idea that takes the other one back."""
        standing = study.standing
        if not standing.number or not set(standing.paths) <= set(tree.paths):
            return
        before = study.ideas[standing.base].commit
        pairs = git.run_checked(
            self.place.top,
            "diff-tree",
            "-r",
            "--name-only",
            "--no-renames",
            "-z",
            before,
            tree.tree,
            "--",
            *standing.paths,
        ).paths
        if not pairs:
            raise ScaffoldError(
                f"the tree lacks idea {standing.number}, which was kept and stands: {standing.text}",
                hint=f"bring it in first: scaffold ideas restore {standing.number}; then make the next change on top of it",
            )

    def _check_fences(
        self, study: IdeaStudy, draft: IdeaRecord, hunks: Sequence[changes.Hunk], options: TryOptions
    ) -> None:
        fences.check_paths(draft.paths, study.only, study.never)
        fences.check_seed(hunks)
        if not options.metric_changed:
            places = context.metric_places(self.workspace, study.metric)
            fences.check_metric(fences.metric_hunks(hunks, study.metric, places), study.metric)

    def _add(self, draft: IdeaRecord, tree: snapshot.TreeSnapshot | None, *, confirm: bool = False) -> IdeaRecord:
        """Give the idea its number, and keep its code for good."""
        top = self.place.top

        def add(study: IdeaStudy) -> IdeaStudy:
            record = replace(draft, number=len(study.ideas))
            snapshot.pin_commit(top, study.name, record.number, record.commit)
            if tree is not None and tree.staged is not None:
                staged = snapshot.commit_tree(top, tree.staged, record.commit, "what was staged beside the idea\n")
                snapshot.pin_commit(top, study.name, record.number, staged, part="-staged")
            event = {"event": "began", "idea": record.number, "confirm": confirm}
            return study.with_idea(record).with_event(event)

        return study_files.change_study(self.workspace, self.name, add).ideas[-1]

    def judge(self, number: int) -> TryResult:
        """Run what the rule asks for until it has a verdict, and act on it. Raises ScaffoldError."""
        study = study_files.read_study(self.workspace, self.name)
        if failure := self._failed_check(study, study.idea(number)):
            step = Step(kind="drop", why=failure)
            study = study_files.change_study(
                self.workspace, self.name, lambda newest: closing.with_verdict(self.place, newest, number, step)
            )
        else:
            at_once = trial.runs_at_once(self.workspace, study, warn=self.warn)
            sides = _Sides(self.workspace, self.warn)
            while True:
                study, step = self._ask(number, at_once)
                if study.idea(number).is_closed:
                    break
                self._run(study, number, step, sides, at_once)
        study = closing.finish_pending(self.place, study, self.say)
        self._tidy(study, number)
        return TryResult(record=study.idea(number), study=study)

    def _failed_check(self, study: IdeaStudy, record: IdeaRecord) -> str | None:
        """The first of the study's checks that fails on the tree; those of a commit that is not the tree are not run."""
        if record.tree != str(self.place.top):
            return None
        for command in study.checks:
            self.say(f"check: {command}")
            try:
                done = subprocess.run(
                    ["bash", "-c", command], cwd=self.place.top, capture_output=True, text=True, timeout=CHECK_S
                )
            except subprocess.TimeoutExpired:
                return f"the check `{command}` took longer than {CHECK_S:g} s"
            if done.returncode != 0:
                lines = (done.stdout + done.stderr).strip().splitlines()
                return f"the check `{command}` failed" + (f": {lines[-1][:200]}" if lines else "")
        return None

    def _ask(self, number: int, at_once: int) -> tuple[IdeaStudy, Step]:
        """The next step of an idea, written down where it is one to run; a verdict closes it at once, so that it is of the code that
        stands at that moment."""
        steps: list[Step] = [Step(kind="open")]

        def ask(study: IdeaStudy) -> IdeaStudy:
            study = closing.rebase_if_old(self.place, study, number, self.say)
            if study.idea(number).is_closed:
                return study
            state = history.replay(study)
            step = state.next_step(study, number, batch=at_once)
            steps.append(step)
            if step.kind != "run":
                pairs = len(state.ideas[number].pairs)
                return closing.with_verdict(self.place, study, number, step, pairs=pairs)
            return study if number in state.pending else study.with_event(history.asked_event(number, step))

        study = study_files.change_study(self.workspace, self.name, ask)
        return study, steps[-1]

    def _run(self, study: IdeaStudy, number: int, step: Step, sides: _Sides, at_once: int) -> None:
        record = study.idea(number)
        self.say(f"idea {number}: {step.why}: {_describe(step)}")
        results = trial.run_step(
            sides.side(study, study.standing),
            sides.side(study, record),
            step,
            at_once=at_once,
            crashes=_crashes(study, number),
            show=self.show,
        )
        for side in (*results.incumbent, *results.candidate):
            if side.value is None:
                self.say(f"{side.run}: {side.cause}")

        def add(newest: IdeaStudy) -> IdeaStudy:
            is_stale = newest.incumbent != study.incumbent or newest.idea(number).is_closed
            if is_stale or not history.is_pending(newest, number, step):
                return newest  # another idea was kept meanwhile, or somebody else judged this one and was quicker
            values = (
                [(r.seed, None if r.value is None else study.turned(r.value)) for r in side]
                for side in (results.incumbent, results.candidate)
            )
            causes = [r.cause for r in (*results.candidate, *results.incumbent) if r.value is None]
            old = newest.idea(number)
            notes = tuple(dict.fromkeys((*old.notes, *causes)))
            runs = old.runs + len(results.incumbent) + len(results.candidate)
            return newest.with_idea(replace(old, notes=notes, runs=runs)).with_event(history.ran_event(number, *values))

        study_files.change_study(self.workspace, self.name, add)

    def _tidy(self, study: IdeaStudy, number: int) -> None:
        """Take the worktree of code away that does not stand: it can be made again."""
        record = study.idea(number)
        if study.incumbent in (number, record.of):
            return
        name = trial.side_name(study.name, number if record.of is None else record.of)
        tree = sweep_paths(self.workspace, name).folder / f"code-{record.state[:12]}" / self.place.top.name
        if tree.is_dir():
            worktrees.remove_worktree(self.place.top, tree)


class _Sides:
    """The sides of a trial, each made once."""

    def __init__(self, workspace: Workspace, warn: Warn) -> None:
        self._workspace, self._warn = workspace, warn
        self._made: dict[int, trial.CodeSide] = {}

    def side(self, study: IdeaStudy, record: IdeaRecord) -> trial.CodeSide:
        """The side of an idea."""
        if record.number not in self._made:
            self._made[record.number] = trial.CodeSide(self._workspace, study, record, warn=self._warn)
        return self._made[record.number]


def _describe(step: Step) -> str:
    parts = []
    for name, seeds in (("incumbent", step.incumbent), ("idea", step.candidate)):
        if seeds:
            parts.append(f"{name} on {', '.join(map(str, seeds))}")
    return " and ".join(parts)


def _crashes(study: IdeaStudy, number: int) -> Mapping[str, Mapping[int, int]]:
    """How often each seed of each side gave nothing so far in this idea."""
    counts: dict[str, dict[int, int]] = {"incumbent": {}, "candidate": {}}
    for event in study.history:
        if event["event"] == "ran" and event["idea"] == number:
            for side, seeds in counts.items():
                for seed, value in event[side]:
                    seeds[seed] = seeds.get(seed, 0) + (value is None)
    return counts


def open_trial(
    workspace: Workspace, name: str | None, *, warn: Warn, show: trial.Show, say: Callable[[str], None]
) -> Trial:
    """What judges ideas of a study, the newest where none is named. Raises ScaffoldError where there is none."""
    if name is None:
        studies = study_files.read_all_studies(workspace)
        if not studies:
            raise no_study_error(workspace)
        name = studies[-1].name
    return Trial(place=context.open_context(workspace), name=name, warn=warn, show=show, say=say)


def no_study_error(workspace: Workspace) -> ScaffoldError:
    """What to say where nothing was started: the line that starts it, as detection knows it."""
    command = " ".join(context.baseline_command(workspace)) or "python train.py"
    metric = str(workspace.answers.get("primary_metric") or "")
    words = "" if metric else " --metric val_loss --minimize"
    return ScaffoldError("no study of ideas is open", hint=f"start one: scaffold ideas start{words} -- {command}")
