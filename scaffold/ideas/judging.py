"""One idea from the working tree to its verdict: snapshot, memory, fences, runs, rule, and what it does to the tree.

What is decided is written down before anything is done about it, so that who is killed at any point and calls again with the same tree
goes on, and nothing happens twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from scaffold.backends.interface import Warn
from scaffold.errors import ScaffoldError
from scaffold.ideas import context, idea_capture, replay, study_files, trial_runs, verdict_application
from scaffold.ideas.context import IdeaContext
from scaffold.ideas.idea_capture import IdeaDraft, IdeaTryOptions
from scaffold.ideas.loop_state import JudgingStep
from scaffold.ideas.memory.similar import Resemblance, find_same_code, find_similar_ideas
from scaffold.ideas.study import IdeaRecord, IdeaStudy
from scaffold.ideas.tree import check_commands, snapshot
from scaffold.ideas.wording import list_ideas_in_incumbent
from scaffold.runs import worktrees
from scaffold.sweeps.spec.sweep_paths import launched_sweep_paths
from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaTryResult:
    """What became of an idea: its record, the study then, whether its code was judged before, and ideas that are like it."""

    record: IdeaRecord
    study: IdeaStudy
    judged_before: bool = False
    similar: tuple[Resemblance, ...] = ()


@dataclass(slots=True)
class IdeaJudge:
    """The judging of ideas in one working tree."""

    place: IdeaContext
    name: str
    warn: Warn
    show: trial_runs.Show
    say: Callable[[str], None]

    @property
    def workspace(self) -> Workspace:
        """The workspace of the tree."""
        return self.place.workspace

    def try_idea(self, options: IdeaTryOptions) -> IdeaTryResult:
        """Judge the working tree, or a commit. Raises ScaffoldError where it cannot be judged, WrongUsage where nothing is changed."""
        record, study, judged_before = self.register(options)
        if judged_before and options.again:
            return self.again(record.number)
        if judged_before:
            return IdeaTryResult(record=self._take_back(study, record), study=study, judged_before=True)
        alike = find_similar_ideas(study, record.lines, record.constants, record.text, other_than=record.number)
        for each in alike[:3]:
            self.say(f"{each.how} as idea {each.record.number}, {each.record.status}: {each.record.text}")
        return replace(self.judge(record.number), similar=tuple(alike))

    def study_margin(self) -> float:
        """By how much worse a simpler idea may be."""
        return study_files.read_idea_study(self.workspace, self.name).margin

    def register(self, options: IdeaTryOptions) -> tuple[IdeaRecord, IdeaStudy, bool]:
        """The idea with its number, its code kept for good; the study; and whether the same code was judged before."""
        study = verdict_application.apply_pending_verdicts(
            self.place, study_files.read_idea_study(self.workspace, self.name), self.say
        )
        if not study.is_started:
            raise ScaffoldError(
                f"the baseline of {study.name} is not over", hint=f"go on with it: scaffold ideas start {study.name}"
            )
        draft = idea_capture.draft_idea(self.place, study, options, self.say)
        state = draft.record.state
        record = next((r for r in study.ideas if r.state == state and not r.is_closed), None)
        if record is None and (same := find_same_code(study, state)) is not None:
            return same, study, True
        if record is None:
            study = self._add(
                idea_capture.validate_idea_draft(self.place, study, draft, metric_changed=options.metric_changed)
            )
            record = study.ideas[-1]
        return record, study, False

    def again(self, number: int) -> IdeaTryResult:
        """A new confirmation of an earlier idea, on new seeds: its change on top of the code that stands today, against that code. One that
        has no verdict yet goes on. Raises ScaffoldError for an idea that the code which stands is made of."""
        study = study_files.read_idea_study(self.workspace, self.name)
        old = study.idea(number)
        if not old.is_closed:
            return self.judge(number, is_checked=True)
        origin = study.idea_with_code(number if old.of is None else old.of)
        if {origin.number, old.number} & {each.number for each in list_ideas_in_incumbent(study)}:
            raise ScaffoldError(
                f"the code that stands has idea {number} in it", hint="what was gained in all: scaffold ideas claim"
            )
        running = next((r for r in study.ideas if r.of == origin.number and not r.is_closed), None)
        if running is None:
            fresh = IdeaRecord(
                number=len(study.ideas),
                text=origin.text,
                commit=origin.commit,
                state=origin.state,
                base=origin.base,
                because=origin.because,
                simpler=origin.simpler,
                of=origin.number,
                paths=origin.paths,
                lines=origin.lines,
                constants=origin.constants,
                started_at=context.format_current_time(),
            )
            running = self._add(IdeaDraft(record=fresh), confirm=True).ideas[-1]
        return self.judge(running.number)

    def _take_back(self, study: IdeaStudy, record: IdeaRecord) -> IdeaRecord:
        """An idea that was judged before and is in the tree again: its verdict is done to the tree once more."""
        if not study.apply or record.status == "kept":
            return record
        pending = replace(record, application="pending", tree=str(self.place.top))
        study = study_files.change_idea_study(self.workspace, self.name, lambda newest: newest.with_idea(pending))
        return verdict_application.apply_pending_verdicts(self.place, study, self.say).idea(record.number)

    def _add(self, draft: IdeaDraft, *, confirm: bool = False) -> IdeaStudy:
        """Give the idea its number, the study's last, and keep its code for good."""
        top = self.place.top

        def add(study: IdeaStudy) -> IdeaStudy:
            record = replace(draft.record, number=len(study.ideas))
            snapshot.pin_commit(top, study.name, record.number, record.commit)
            if draft.staged is not None:
                staged = snapshot.commit_tree(top, draft.staged, record.commit, "what was staged beside the idea\n")
                snapshot.pin_commit(top, study.name, record.number, staged, part="-staged")
            event = {"event": "began", "idea": record.number, "confirm": confirm}
            return study.with_idea(record).with_event(event)

        return study_files.change_idea_study(self.workspace, self.name, add)

    def judge(self, number: int, *, is_checked: bool = False) -> IdeaTryResult:
        """Run what the rule asks for until it has a verdict, and act on it; the study's checks first, unless they were run. Raises
        ScaffoldError."""
        if not is_checked and (dropped := self.drop_if_check_fails(number)):
            return dropped
        study = study_files.read_idea_study(self.workspace, self.name)
        at_once = trial_runs.await_run_capacity(self.workspace, study, warn=self.warn)
        sides = trial_runs.IdeaTrialSides(self.workspace, study, warn=self.warn)
        while True:
            study, step = self._ask(number, at_once)
            if study.idea(number).is_closed:
                return self._conclude(study, number)
            self._run(study, number, step, sides, at_once)

    def drop_if_check_fails(self, number: int) -> IdeaTryResult | None:
        """Run the study's checks on the tree of an idea, and drop it at the first that fails; None: all succeeded, or the idea is that of
        a commit and not in the tree."""
        study = study_files.read_idea_study(self.workspace, self.name)
        is_in_tree = study.idea(number).tree == str(self.place.top)
        failure = check_commands.run_checks_until_failure(self.place.top, study.checks if is_in_tree else (), self.say)
        if failure is None:
            return None
        step = JudgingStep(kind="drop", why=failure)
        study = study_files.change_idea_study(
            self.workspace,
            self.name,
            lambda newest: verdict_application.close_idea_with_verdict(self.place, newest, number, step),
        )
        return self._conclude(study, number)

    def _conclude(self, study: IdeaStudy, number: int) -> IdeaTryResult:
        """Do what a verdict asks for."""
        study = verdict_application.apply_pending_verdicts(self.place, study, self.say)
        self._tidy(study, number)
        return IdeaTryResult(record=study.idea(number), study=study)

    def _ask(self, number: int, at_once: int) -> tuple[IdeaStudy, JudgingStep]:
        """The next step of an idea, written down where it is one to run; a verdict closes it at once, so that it is of the code that
        stands at that moment."""
        steps: list[JudgingStep] = [JudgingStep(kind="open")]

        def ask(study: IdeaStudy) -> IdeaStudy:
            study = verdict_application.rebase_stale_idea(self.place, study, number, self.say)
            if study.idea(number).is_closed:
                return study
            state = replay.replay_study_history(study)
            step = state.next_step(study, number, batch=at_once)
            steps.append(step)
            if step.kind != "run":
                pairs = len(state.ideas[number].pairs)
                return verdict_application.close_idea_with_verdict(self.place, study, number, step, pairs=pairs)
            return (
                study if number in state.pending else study.with_event(replay.make_step_requested_event(number, step))
            )

        study = study_files.change_idea_study(self.workspace, self.name, ask)
        return study, steps[-1]

    def _run(
        self, study: IdeaStudy, number: int, step: JudgingStep, sides: trial_runs.IdeaTrialSides, at_once: int
    ) -> None:
        record = study.idea(number)
        self.say(f"idea {number}: {step.why}: {_describe(step)}")
        results = trial_runs.run_judging_step(
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
            if is_stale or not replay.is_step_pending(newest, number, step):
                return newest  # another idea was kept meanwhile, or somebody else judged this one and was quicker
            values = (
                [(r.seed, None if r.value is None else study.turned(r.value)) for r in side]
                for side in (results.incumbent, results.candidate)
            )
            causes = [r.cause for r in (*results.candidate, *results.incumbent) if r.value is None]
            old = newest.idea(number)
            notes = tuple(dict.fromkeys((*old.notes, *causes)))
            runs = old.runs + len(results.incumbent) + len(results.candidate)
            return newest.with_idea(replace(old, notes=notes, runs=runs)).with_event(
                replay.make_ran_event(number, *values)
            )

        study_files.change_idea_study(self.workspace, self.name, add)

    def _tidy(self, study: IdeaStudy, number: int) -> None:
        """Take the worktree of code away that does not stand: it can be made again."""
        record = study.idea(number)
        if study.incumbent in (number, record.of):
            return
        name = trial_runs.idea_sweep_name(study, record)
        tree = launched_sweep_paths(self.workspace, name).folder / f"code-{record.state[:12]}" / self.place.top.name
        if tree.is_dir():
            worktrees.remove_worktree(self.place.top, tree)


def _describe(step: JudgingStep) -> str:
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


def open_idea_judge(
    workspace: Workspace, name: str | None, *, warn: Warn, show: trial_runs.Show, say: Callable[[str], None]
) -> IdeaJudge:
    """What judges ideas of a study, the newest where none is named. Raises ScaffoldError where there is none."""
    chosen = name or context.find_idea_study(workspace, None).name
    return IdeaJudge(place=context.open_idea_context(workspace), name=chosen, warn=warn, show=show, say=say)
