"""Which code states are one and the same for a run: those whose difference cannot reach it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scaffold.runs.model import Run

# what tells runs of one code state apart in what can reach them: the code state, and how they are started
RunCode = tuple[str | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeEquivalence:
    """What is known of the code of runs.

    `states` has, for a code state and a form of command, what stands for all code that is the same for that command; where nothing is
    said a code state stands for itself. `files` are, for what stands for it, the files that can reach a run (path -> content's id),
    missing where the code is no longer to be had.
    """

    states: Mapping[RunCode, str] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def state_of(self, run: Run) -> str | None:
        """What stands for a run's code; None where it is not known (it ran outside git)."""
        return self.states.get((run.code, run.form), run.code)

    def is_same(self, a: Run, b: Run) -> bool:
        """Whether two runs, perhaps of different commands, ran the same code, as far as it could reach them."""
        state_a, state_b = self.state_of(a), self.state_of(b)
        files = self.files.get(state_a or "")
        return a.code == b.code or state_a == state_b or (files is not None and files == self.files.get(state_b or ""))

    def differing_files(self, states: Iterable[str | None]) -> tuple[str, ...] | None:
        """The files that are not the same in all of these states, sorted; None where the code of one is no longer to be had."""
        all_files = [self.files.get(state or "") for state in states]
        readable = [files for files in all_files if files is not None]
        if len(readable) < len(all_files):
            return None
        paths = {path for files in readable for path in files}
        return tuple(sorted(path for path in paths if len({files.get(path) for files in readable}) > 1))


def code_label(run: Run) -> str:
    """A code state as one names it: the commit's first digits, and the state's own where it was not committed."""
    commit = (run.commit or "no commit")[:7] if run.commit else "uncommitted"
    return f"{commit}+{(run.code or '')[:4]}" if run.dirty or not run.commit else commit
