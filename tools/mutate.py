"""Break the code on purpose, a little at a time, and see whether its tests notice: python -m tools.mutate statistics

A mutant (`tools/mutants.py`) is killed where a test fails, and survives where none does: then a test is missing, or the code says
something twice, or the change changes nothing that one can see. What survives is printed, and the score of each file.

Every mutant lives in a forked process of its own, in memory: no file is touched. So processes that a test starts run the code as it
is, and only what tests call in their own process is judged. Not part of the gate: it takes minutes.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import gc
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from tools.mutants import Mutant, generate_mutants

ROOT = Path(__file__).parents[1]
RECORDER = "template/exp/{{ experiment_root }}/{{ role_dirs.scripts }}/_record_run"
STATISTICS = "tests/results/test_statistics.py tests/results/test_statistics_edges.py"
RESAMPLING = "tests/results/test_resampling.py tests/results/test_statistics.py"
COMPARE = "tests/results/test_verdicts.py tests/results/test_compare_edges.py tests/results/test_compare.py"
SLOW = "--deselect=tests/plan/test_keywords.py::test_a_long_line_is_checked_and_mended_in_linear_time"
PLAN = (
    "tests/plan/test_check.py tests/plan/test_required_tasks.py tests/plan/test_structure.py tests/plan/test_task_ids.py "
    "tests/plan/test_gates.py tests/plan/test_dependencies.py tests/plan/test_keywords_each.py "
    f"tests/plan/test_keywords.py {SLOW}"
)
RULES = "structure task_lines dependencies experiments required_tasks run_commands"
# what is broken (a file, or some functions of it), and the tests that should notice
TARGETS: dict[str, list[tuple[str, str, str]]] = {
    "statistics": [
        ("scaffold/results/stats/distributions.py", "", STATISTICS),
        ("scaffold/results/stats/summary.py", "", STATISTICS),
        ("scaffold/results/stats/hypothesis_tests.py", "", STATISTICS),
        ("scaffold/results/stats/power.py", "", STATISTICS),
        ("scaffold/results/stats/resampling.py", "", RESAMPLING),
        ("scaffold/results/stats/pair_test.py", "", "tests/results/test_pair_test.py tests/results/test_statistics.py"),
        ("scaffold/results/tables/text_format.py", "", COMPARE),
        ("scaffold/results/tables/verdicts.py", "", COMPARE),
        ("scaffold/results/tables/compare.py", "", COMPARE),
    ],
    "ideas": [
        ("scaffold/ideas/rule.py", "", "tests/ideas/test_rule.py"),
        ("scaffold/ideas/loop_state.py", "", "tests/ideas/test_rule.py"),
    ],
    "capacity": [("scaffold/backends/capacity.py", "", "tests/backends/test_capacity.py")],
    "names": [
        (f"{RECORDER}/values.py", "", "tests/runs/test_names_edges.py tests/runs/test_names.py"),
        (f"{RECORDER}/naming.py", "", "tests/runs/test_names_edges.py tests/runs/test_names.py"),
        (
            "scaffold/sweeps/spec/run_names.py",
            "",
            "tests/sweeps/test_run_names_edges.py tests/sweeps/test_run_names.py",
        ),
    ],
    "plan": [
        *((f"scaffold/plan/rules/{name}.py", "", PLAN) for name in RULES.split()),
        ("scaffold/plan/document/phrase_patterns.py", "", PLAN),
        ("scaffold/plan/document/markdown_lines.py", "", "tests/plan/test_check.py tests/plan/test_markdown_lines.py"),
    ],
}
QUIET = ("-x", "-qq", "-m", "not slow", "-p", "no:cacheprovider", "-n", "0")
PYTEST = (*QUIET, "-W", "ignore::pytest.PytestAssertRewriteWarning")


class MutatedFile:
    """A file that is broken, its tests, and how its mutants ended."""

    def __init__(self, file: str, only: str, tests: str) -> None:
        self.file, self.path, self.tests = file, (ROOT / file).resolve(), tests.split()
        self.tree = ast.parse(self.path.read_bytes())
        self.parts = [n for n in self.tree.body if not only or getattr(n, "name", "") in only.split()]
        self.ends: Counter[str] = Counter()

    def mutants(self, *, in_function: bool) -> Iterator[Mutant]:
        """Those in bodies of functions, or those that act on import."""
        return (m for part in self.parts for m in generate_mutants(part, part.lineno) if m.in_function == in_function)

    def code(self) -> CodeType:
        """The file as its tree is now."""
        return compile(ast.fix_missing_locations(self.tree), str(self.path), "exec", dont_inherit=True)

    def note(self, mutant: Mutant, end: str) -> None:
        """Count it, and print it unless it was killed."""
        self.ends[end] += 1
        if end != "killed":
            print(f"{end} {self.file}:{mutant.line}: {mutant.before}  ->  {mutant.after}", flush=True)


class MutationPlugin:
    """A pytest plugin: instead of running the tests once, run them for each mutant, on the modules that are there already."""

    def __init__(self, mutated_file: MutatedFile, cpu_s: int) -> None:
        self.mutated_file, self.cpu_s = mutated_file, cpu_s

    def pytest_runtestloop(self, session: Any) -> bool:
        """Called by pytest when every test is collected. What the session needs is made once, by the first of them."""
        ahead = [*session.items[1:], None]
        session.items[0].config.hook.pytest_runtest_protocol(item=session.items[0], nextitem=ahead[0])
        folders = session.config._tmp_path_factory
        base = str(folders.getbasetemp())
        gc.unfreeze()  # what the command line froze is not listed, and its functions would never be broken
        functions_of_all = [f for f in gc.get_objects() if isinstance(f, FunctionType)]
        functions = {f.__code__: f for f in functions_of_all if f.__code__.co_filename == str(self.mutated_file.path)}
        if not functions:
            raise LookupError(f"the tests loaded no function of {self.mutated_file.path}: none would be broken")
        gc.freeze()

        def test() -> int:
            folders._basetemp = Path(tempfile.mkdtemp(dir=base))
            mutated = {(c.co_name, c.co_firstlineno): c for c in _codes(self.mutated_file.code())}
            for code, function in functions.items():
                function.__code__ = mutated[code.co_name, code.co_firstlineno]
            for item, following in zip(session.items, ahead, strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if session.testsfailed:
                    return 1
            return 0

        for mutant in self.mutated_file.mutants(in_function=True):
            self.mutated_file.note(mutant, run_forked(test, self.cpu_s))
        return True


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def run_forked(test: Callable[[], int], cpu_s: int) -> str:
    """killed, survived or timeout, after `test` ran in a process of its own with a limit of processor time."""
    pid = os.fork()
    if not pid:
        os.setsid()
        gc.disable()
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
        signal.alarm(cpu_s * 20)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        code = 1
        try:
            code = int(test())
        finally:
            os._exit(code)
    status = os.waitpid(pid, 0)[1]
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # what the tests of a broken program left behind
    if os.WIFSIGNALED(status):
        return "timeout"
    return "killed" if os.WEXITSTATUS(status) else "survived"


def run_tests(mutated_file: MutatedFile, *plugins: MutationPlugin) -> int:
    """pytest's exit code, where whoever imports the file gets its tree."""
    import pytest

    as_it_is = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, name: str) -> CodeType | None:
        return mutated_file.code() if Path(self.path).resolve() == mutated_file.path else as_it_is(self, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]
    with tempfile.TemporaryDirectory() as folder:
        return pytest.main([*PYTEST, "-m", "", "-s", "--basetemp", f"{folder}/t", *mutated_file.tests], plugins=plugins)


def judge_file(mutated_file: MutatedFile) -> None:
    """Run its tests with every mutant of a file; print what survives and the score."""
    began, used_before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    if run_forked(lambda: run_tests(mutated_file), 300) != "survived":
        sys.exit(f"{mutated_file.file}: its tests fail as it is: {' '.join(mutated_file.tests)}")
    cpu_s = int(2 * (resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used_before)) + 3
    for mutant in mutated_file.mutants(in_function=False):
        mutated_file.note(mutant, run_forked(lambda: run_tests(mutated_file), cpu_s))
    run_tests(mutated_file, MutationPlugin(mutated_file, cpu_s))
    score = ", ".join(f"{mutated_file.ends[end]} {end}" for end in ("killed", "survived", "timeout"))
    print(
        f"{mutated_file.file}: {mutated_file.ends.total()} mutants, {score}, {time.monotonic() - began:.0f} s",
        flush=True,
    )


def main() -> None:
    """Try every mutant of a target."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--file", default="", help="only files whose path holds this")
    options = parser.parse_args()
    os.chdir(ROOT)
    import hypothesis

    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutants", derandomize=True, database=None, deadline=None, phases=phases)
    hypothesis.settings.load_profile("mutants")
    for target in TARGETS[options.target]:
        if options.file in target[0]:
            pid = os.fork()  # what one file's tests have imported is not there for the next
            if not pid:
                judge_file(MutatedFile(*target))
                os._exit(0)
            if os.waitpid(pid, 0)[1]:
                sys.exit(1)


if __name__ == "__main__":
    main()
