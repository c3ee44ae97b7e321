"""Which code states are one and the same for a run: those whose difference cannot reach it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scaffold.runs import recorder
from scaffold.runs.model import STDIN_SCRIPT, Run

# what tells runs of one code state apart in what can reach them: the code state, and how they are started
RunCode = tuple[str | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeEquivalenceClasses:
    """What is known of the code of runs.

    `states` has, for a code state and a form of command, what stands for all code that is the same for that command; where nothing is
    said a code state stands for itself. `files` are, for what stands for it, the files that can reach a run (path -> content's id),
    missing where the code is no longer to be had. `names` are what code states are called by, where that is more than a commit.
    """

    states: Mapping[RunCode, str] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def label(self, run: Run) -> str:
        """What a run's code is called: by the name of the idea that it is, else by its commit."""
        return self.names.get(run.code or "") or code_label(run)

    def state_of(self, run: Run) -> str | None:
        """What stands for a run's code, and for the scripts that it ran besides, a line each; None where nothing is known of it (it ran
        outside git)."""
        state = self.states.get((run.code, run.form), run.code)
        return "\n".join([state or "", *run.scripts]) if run.scripts else state

    def is_same(self, a: Run, b: Run) -> bool:
        """Whether two runs, perhaps of different commands, ran the same code, as far as it could reach them."""
        scripts_a, scripts_b = _script_digests(a.scripts), _script_digests(b.scripts)
        # what came on standard input is the command itself, and two commands have two
        common = (scripts_a.keys() & scripts_b.keys()) - {STDIN_SCRIPT}
        if any(scripts_a[path] != scripts_b[path] for path in common):
            return False
        state_a, state_b = (self.states.get((run.code, run.form), run.code) for run in (a, b))
        files = self.files.get(state_a or "")
        return a.code == b.code or state_a == state_b or (files is not None and files == self.files.get(state_b or ""))

    def differing_files(self, states: Iterable[str | None]) -> tuple[str, ...] | None:
        """The files that are not the same in all of these states, sorted; None where the code of one is no longer to be had."""
        parts = [(state or "").split("\n") for state in states]
        same_code = len({code for code, *_ in parts}) == 1
        all_files = [{} if same_code else self.files.get(code) for code, *_ in parts]
        readable = [
            {**files, **_script_digests(scripts)}
            for files, (_, *scripts) in zip(all_files, parts, strict=True)
            if files is not None
        ]
        if len(readable) < len(all_files):
            return None
        paths = {path for files in readable for path in files}
        return tuple(sorted(path for path in paths if len({files.get(path) for files in readable}) > 1))


def _script_digests(scripts: Iterable[str]) -> dict[str, str]:
    return {path: digest for path, _, digest in (line.rpartition(" ") for line in scripts)}


def code_label(run: Run) -> str:
    """A code state as one names it: the commit's first digits, and the state's own where it was not committed, or ran what no commit
    need have."""
    commit = (run.commit or "no commit")[:7] if run.commit else "uncommitted"
    if run.scripts:
        return f"{commit}+{recorder.lean_imports.sha256(f'{run.code} {run.scripts}'.encode()).hexdigest()[:4]}"
    return f"{commit}+{(run.code or '')[:4]}" if run.dirty or not run.commit else commit
